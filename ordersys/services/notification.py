"""Notification: one row and one log line for every transition of an order; never an email address in them.

Outside, if configured: a mail to the customer when the order is final (who ordered wants the answer, not the
steps), and a webhook for every transition (who integrates wants all of them).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime

import msgspec

from ordersys.contract.errors import UnknownOrder
from ordersys.contract.events import OrderStatusChanged, encode
from ordersys.contract.order import OrderStatus
from ordersys.contract.service import (
    Bounds,
    Context,
    Mail,
    OrderFacts,
    Outcome,
    Outside,
    Projection,
    Service,
    Subscription,
)
from ordersys.contract.topics import (
    NOTIFICATION_DLQ,
    NOTIFICATION_GROUP,
    NOTIFICATION_MAIL_GROUP,
    NOTIFICATION_WEBHOOK_GROUP,
    ORDER_STATUS_CHANGED,
)

MAIL, WEBHOOK = "mail", "webhook"

SendMail = Callable[[Mail], Awaitable[None]]
"""Hands a mail to a mail server."""
PostEvent = Callable[[bytes, str], Awaitable[None]]
"""Posts a body with an id to the webhook's endpoint."""

Opened = Callable[[], AbstractAsyncContextManager[object]]
DEFAULT_BOUNDS = Bounds()

_TEXTS = {
    OrderStatus.CONFIRMED: (
        "is confirmed",
        "Your order is confirmed: it is paid for, and its goods are reserved.",
    ),
    OrderStatus.CANCELLED: (
        "is cancelled",
        "Your order is cancelled: its payment failed, or its goods are out of stock.",
    ),
}


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


def is_final(event: OrderStatusChanged, _context: Context) -> bool:
    """Whether the order will not change any more."""
    return event.current_state in _TEXTS


def mail_of(event: OrderStatusChanged, key: str, order: OrderFacts) -> Mail:
    """What the customer is told of a final order."""
    title, sentence = _TEXTS[OrderStatus(event.current_state)]
    whole, cents = divmod(order.amount_cents, 100)
    text = (
        f"{sentence}\n\n"
        f"Order:    {event.order_id}\n"
        f"Item:     {order.item_sku}\n"
        f"Quantity: {order.quantity}\n"
        f"Amount:   {whole}.{cents:02}\n"
    )
    subject = f"Your order {event.order_id[:8]} {title}"
    return Mail(order.customer_email, subject, text, event.occurred_at_utc, key)


def by_mail(send: SendMail, bounds: Bounds = DEFAULT_BOUNDS) -> Subscription:
    """Final states, to the customer."""

    async def perform(event: OrderStatusChanged, key: str, order: OrderFacts | None) -> Outcome:
        if order is None:
            raise UnknownOrder(f"there is no order {event.order_id}")
        await send(mail_of(event, key, order))
        return "delivered"

    form = Outside(channel=MAIL, perform=perform, wants=is_final, needs_order=True, bounds=bounds)
    return Subscription(ORDER_STATUS_CHANGED, NOTIFICATION_MAIL_GROUP, form)


def by_webhook(post: PostEvent, opened: Opened, bounds: Bounds = DEFAULT_BOUNDS) -> Subscription:
    """Every transition, as the event's JSON; ``opened`` keeps connections for as long as it runs."""

    async def perform(event: OrderStatusChanged, key: str, _order: OrderFacts | None) -> Outcome:
        await post(encode(event), key)
        return "delivered"

    form = Outside(channel=WEBHOOK, perform=perform, wants=lambda *_: True, bounds=bounds, opened=opened)
    return Subscription(ORDER_STATUS_CHANGED, NOTIFICATION_WEBHOOK_GROUP, form)


def service(*channels: Subscription) -> Service:
    """The declaration, with the channels that are on. The rows' natural key is (order_id, order_version)."""
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
            *channels,
        ),
    )
