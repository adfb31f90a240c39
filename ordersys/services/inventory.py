"""Inventory: says to every order whether its quantity can be reserved."""

from __future__ import annotations

from functools import partial

from ordersys.contract.events import INVENTORY_SERVICE, InventoryResult, OrderCreated
from ordersys.contract.service import Context, Service, Stateless, Subscription
from ordersys.contract.topics import INVENTORY_DLQ, INVENTORY_GROUP, INVENTORY_RESULT, ORDER_CREATED

QUANTITY_MAX = 10
REASON = "quantity exceeds demo stock"


def decide(order: OrderCreated, context: Context, *, quantity_max: int = QUANTITY_MAX) -> InventoryResult:
    """RESERVED with the quantity, or FAILED with its reason when the quantity is above the stock."""
    if order.quantity > quantity_max:
        return InventoryResult.to(order, "FAILED", reserved_quantity=0, at=context.now, reason=REASON)
    return InventoryResult.to(order, "RESERVED", reserved_quantity=order.quantity, at=context.now)


def service(quantity_max: int = QUANTITY_MAX) -> Service:
    """The declaration, with its limit in pieces."""
    return Service(
        name="inventory",
        source=INVENTORY_SERVICE,
        dead_letters=INVENTORY_DLQ,
        subscriptions=(
            Subscription(
                ORDER_CREATED,
                INVENTORY_GROUP,
                Stateless(partial(decide, quantity_max=quantity_max), emits=INVENTORY_RESULT),
            ),
        ),
    )
