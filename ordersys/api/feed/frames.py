"""Frames of ``text/event-stream`` (WHATWG HTML, 9.2), and the changes that are told in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from ordersys.contract.events import OrderCreated, OrderStatusChanged

PING = b": ping\n\n"

encode = msgspec.json.Encoder().encode
_created = msgspec.json.Decoder(OrderCreated).decode
_changed = msgspec.json.Decoder(OrderStatusChanged).decode


class FeedOrder(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order as it was accepted."""

    id: str
    customer_email: str
    item_sku: str
    quantity: int
    amount_cents: int
    status: str = "NEW"
    order_version: int = 0
    created_at_utc: datetime


class Created(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="created"):
    """An order was accepted."""

    order: FeedOrder


class Changed(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="changed"):
    """An order went from one state to the next; ``order_version`` counts its transitions."""

    id: str
    previous_state: str
    current_state: str
    order_version: int
    at: datetime


class Changes(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What happened in a moment. With ``omitted`` not 0 there was more: lists have to be read again."""

    changes: Sequence[Created | Changed]
    omitted: int = 0


class Hello(msgspec.Struct, frozen=True, gc=False):
    """The first event of every stream."""

    server_time: datetime


class Reset(msgspec.Struct, frozen=True, gc=False):
    """What the client has cannot be brought up to date: everything has to be read again."""

    reason: str


def created(value: bytes) -> Created:
    """The change told by a record of ``order.created``.

    :raises msgspec.DecodeError: it is not one.
    """
    event = _created(value)
    return Created(
        order=FeedOrder(
            id=event.order_id,
            customer_email=event.customer_email,
            item_sku=event.item_sku,
            quantity=event.quantity,
            amount_cents=event.amount_cents,
            created_at_utc=event.occurred_at_utc,
        )
    )


def changed(value: bytes) -> Changed:
    """The change told by a record of ``order.status.changed``.

    :raises msgspec.DecodeError: it is not one.
    """
    event = _changed(value)
    return Changed(
        id=event.order_id,
        previous_state=event.previous_state,
        current_state=event.current_state,
        order_version=event.order_version,
        at=event.occurred_at_utc,
    )


def frame(event: str, data: msgspec.Struct, *, id: object = None, retry_ms: int | None = None) -> bytes:
    """One event with ``data`` as JSON, which has no line breaks. ``id``: what a client comes back with.

    ``retry_ms``: how long a client waits before it comes back.
    """
    lines = [f"event: {event}\n".encode(), b"data: ", encode(data), b"\n\n"]
    if id is not None:
        lines.insert(0, f"id: {id}\n".encode())
    if retry_ms is not None:
        lines.insert(0, f"retry: {retry_ms}\n".encode())
    return b"".join(lines)
