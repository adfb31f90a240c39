"""Notification: one row and one log line for every transition of an order. Never an email address."""

from __future__ import annotations

from datetime import datetime

import msgspec

from ordersys.contract.events import OrderStatusChanged
from ordersys.contract.service import Context, Projection, Service, Subscription
from ordersys.contract.topics import NOTIFICATION_DLQ, NOTIFICATION_GROUP, ORDER_STATUS_CHANGED


class Notification(msgspec.Struct, frozen=True, gc=False):
    """A row of ``notifications``, in the order of its statement's parameters."""

    order_id: str
    order_version: int
    previous_state: str
    current_state: str
    correlation_id: str
    event_id: str
    notified_at_utc: datetime
    occurred_at_utc: datetime
    partition: int
    offset: int


def project(event: OrderStatusChanged, context: Context) -> Notification:
    """The row of one transition."""
    return Notification(
        event.order_id,
        event.order_version,
        event.previous_state,
        event.current_state,
        event.correlation_id,
        event.event_id,
        context.now,
        event.occurred_at_utc,
        context.partition,
        context.offset,
    )


def service() -> Service:
    """The declaration. The natural key is (order_id, order_version)."""
    return Service(
        name="notification",
        source="notification-service",
        dead_letters=NOTIFICATION_DLQ,
        subscriptions=(
            Subscription(
                ORDER_STATUS_CHANGED,
                NOTIFICATION_GROUP,
                Projection(
                    project, "notifications", ("order_id", "order_version"), notice="order status changed"
                ),
            ),
        ),
    )
