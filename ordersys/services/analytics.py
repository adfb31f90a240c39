"""Analytics: counts every order once when it is created and once when it is final."""

from __future__ import annotations

from datetime import datetime

import msgspec

from ordersys.contract import topics
from ordersys.contract.events import OrderCreated, OrderStatusChanged
from ordersys.contract.order import FINAL
from ordersys.contract.service import Context, Projection, Service, Subscription


class Created(msgspec.Struct, frozen=True, gc=False):
    """An order's first count: the minute in which it was created (UTC), and what was ordered.

    ``partition``, ``offset`` and ``written_ms`` say where and when its ``order.created`` was written.
    """

    order_id: str
    created_minute: datetime
    item_sku: str
    quantity: int
    amount_cents: int
    partition: int
    offset: int
    written_ms: int | None


class Finalised(msgspec.Struct, frozen=True, gc=False):
    """An order's second count: the minute in which it became final (UTC), and how."""

    order_id: str
    final_minute: datetime
    final_state: str


def on_created(event: OrderCreated, context: Context) -> Created:
    """The count of a created order."""
    return Created(
        event.order_id,
        event.occurred_at_utc.replace(second=0, microsecond=0),
        event.item_sku,
        event.quantity,
        event.amount_cents,
        context.partition,
        context.offset,
        context.written_ms,
    )


def on_status_changed(event: OrderStatusChanged, _context: Context) -> Finalised | None:
    """The count of a final order; other transitions are not counted."""
    if event.current_state not in FINAL:
        return None
    minute = event.occurred_at_utc.replace(second=0, microsecond=0)
    return Finalised(event.order_id, minute, event.current_state)


def service() -> Service:
    """The declaration. The natural key of both counts is the order."""
    created = Projection(on_created, "analytics_created", ("order_id",))
    finalised = Projection(on_status_changed, "analytics_final", ("order_id",))
    return Service(
        name="analytics",
        source="analytics-service",
        dead_letters=topics.ANALYTICS_DLQ,
        subscriptions=(
            Subscription(topics.ORDER_CREATED, topics.ANALYTICS_GROUP, created),
            Subscription(topics.ORDER_STATUS_CHANGED, topics.ANALYTICS_STATUS_GROUP, finalised),
        ),
    )
