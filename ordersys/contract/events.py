"""The events on the wire: JSON, UTF-8, field names exactly as here.

A service in another language that reads and writes these can take the place of one of ours. Unknown
fields are ignored when read. Times are RFC 3339; up to nanoseconds are accepted and kept to microseconds.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from ordersys.contract import ids

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Count = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
Cents = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]

PaymentStatus = Literal["PROCESSED", "FAILED"]
InventoryStatus = Literal["RESERVED", "FAILED"]

ORDER_API = "order-api"
PAYMENT_SERVICE = "payment-service"
INVENTORY_SERVICE = "inventory-service"
ORDER_ORCHESTRATOR = "order-orchestrator"


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What every event carries.

    ``event_id`` is deterministic in our own services and any string from others. ``correlation_id`` is
    the X-Correlation-ID of the request that made the order, else the order's id.
    """

    event_id: Id
    event_type: str
    event_version: Literal["v1"]
    occurred_at_utc: Instant
    correlation_id: str
    order_id: Id
    source_service: str


class OrderCreated(Event, frozen=True, kw_only=True, gc=False):
    """An order was accepted and committed. Written by the API through the outbox."""

    customer_email: str
    item_sku: str
    quantity: Count
    amount_cents: Cents
    initial_status: str


class PaymentResult(Event, frozen=True, kw_only=True, gc=False):
    """What payment says to an order. ``reason`` is absent on the wire when empty."""

    payment_status: PaymentStatus
    reason: str | msgspec.UnsetType = msgspec.UNSET

    @classmethod
    def to(
        cls,
        order: OrderCreated,
        status: PaymentStatus,
        *,
        at: datetime,
        reason: str | msgspec.UnsetType = msgspec.UNSET,
    ) -> PaymentResult:
        """The answer to ``order``, decided at ``at`` (UTC)."""
        return cls(
            event_id=ids.result_event_id(PAYMENT_SERVICE, order.event_id),
            event_type="payment.result",
            event_version="v1",
            occurred_at_utc=at,
            correlation_id=order.correlation_id,
            order_id=order.order_id,
            source_service=PAYMENT_SERVICE,
            payment_status=status,
            reason=reason,
        )


class InventoryResult(Event, frozen=True, kw_only=True, gc=False):
    """What inventory says to an order. ``reserved_quantity`` is 0 when it failed."""

    inventory_status: InventoryStatus
    reserved_quantity: Annotated[int, msgspec.Meta(ge=0)]
    reason: str | msgspec.UnsetType = msgspec.UNSET

    @classmethod
    def to(
        cls,
        order: OrderCreated,
        status: InventoryStatus,
        *,
        reserved_quantity: int,
        at: datetime,
        reason: str | msgspec.UnsetType = msgspec.UNSET,
    ) -> InventoryResult:
        """The answer to ``order``, decided at ``at`` (UTC)."""
        return cls(
            event_id=ids.result_event_id(INVENTORY_SERVICE, order.event_id),
            event_type="inventory.result",
            event_version="v1",
            occurred_at_utc=at,
            correlation_id=order.correlation_id,
            order_id=order.order_id,
            source_service=INVENTORY_SERVICE,
            inventory_status=status,
            reserved_quantity=reserved_quantity,
            reason=reason,
        )


class OrderStatusChanged(Event, frozen=True, kw_only=True, gc=False):
    """One transition of an order. ``order_version`` counts transitions, so a reader can ignore steps back."""

    previous_state: str
    current_state: str
    order_version: Annotated[int, msgspec.Meta(ge=1)]

    @classmethod
    def by(
        cls, cause: Event, previous_state: str, current_state: str, order_version: int, *, at: datetime
    ) -> OrderStatusChanged:
        """The transition number ``order_version`` that ``cause`` brought about at ``at`` (UTC).

        Another writer may spell the order's id in upper case: ids and keys are made of one spelling.
        """
        order_id = cause.order_id.lower()
        return cls(
            event_id=ids.status_event_id(order_id, order_version),
            event_type="order.status.changed",
            event_version="v1",
            occurred_at_utc=at,
            correlation_id=cause.correlation_id,
            order_id=order_id,
            source_service=ORDER_ORCHESTRATOR,
            previous_state=previous_state,
            current_state=current_state,
            order_version=order_version,
        )


encode = msgspec.json.Encoder().encode
"""Any event to its bytes on the wire."""
