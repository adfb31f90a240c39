"""Orchestrator: folds the two results of an order into its status, and says each transition."""

from __future__ import annotations

from typing import Literal

from ordersys.contract import topics
from ordersys.contract.events import ORDER_ORCHESTRATOR, InventoryResult, OrderStatusChanged, PaymentResult
from ordersys.contract.order import OrderState, Result, with_result
from ordersys.contract.service import Context, Decision, Service, Stateful, Subscription

Answer = PaymentResult | InventoryResult


def on_payment(state: OrderState, event: PaymentResult, context: Context) -> Decision:
    """The order after payment's answer."""
    return _decide(state, event, _result("payment", event.payment_status, event, context), context)


def on_inventory(state: OrderState, event: InventoryResult, context: Context) -> Decision:
    """The order after inventory's answer."""
    return _decide(state, event, _result("inventory", event.inventory_status, event, context), context)


def _result(kind: Literal["payment", "inventory"], status: str, event: Answer, context: Context) -> Result:
    reason = event.reason or None
    at = event.occurred_at_utc
    return Result(kind, status, reason, event.event_id, at, context.partition, context.offset)


def _decide(before: OrderState, event: Answer, result: Result, context: Context) -> Decision:
    after = with_result(before, result)
    if after is before:
        return Decision(before)
    if after.version == before.version:
        return Decision(after, result)
    changed = OrderStatusChanged.by(event, before.status, after.status, after.version, at=context.now)
    return Decision(after, result, (changed,))


def service() -> Service:
    """The declaration: two subscriptions, serialised by the order's row lock."""
    emits = topics.ORDER_STATUS_CHANGED
    payments, inventory = topics.ORCHESTRATOR_PAYMENT_GROUP, topics.ORCHESTRATOR_INVENTORY_GROUP
    return Service(
        name="orchestrator",
        source=ORDER_ORCHESTRATOR,
        dead_letters=topics.ORCHESTRATOR_DLQ,
        subscriptions=(
            Subscription(topics.PAYMENT_RESULT, payments, Stateful(on_payment, emits)),
            Subscription(topics.INVENTORY_RESULT, inventory, Stateful(on_inventory, emits)),
        ),
    )
