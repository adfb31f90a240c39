"""Orchestrator: folds the two results of an order into its status, and says each transition."""

from __future__ import annotations

from ordersys.contract import topics
from ordersys.contract.events import ORDER_ORCHESTRATOR, InventoryResult, OrderStatusChanged, PaymentResult
from ordersys.contract.order import OrderState, Result, with_inventory, with_payment
from ordersys.contract.service import Context, Decision, Service, Stateful, Subscription

Answer = PaymentResult | InventoryResult


def on_payment(state: OrderState, event: PaymentResult, context: Context) -> Decision:
    """The order after payment's answer."""
    result = _result(event.payment_status, event, context)
    return _decision(state, with_payment(state, result), event, context)


def on_inventory(state: OrderState, event: InventoryResult, context: Context) -> Decision:
    """The order after inventory's answer."""
    result = _result(event.inventory_status, event, context)
    return _decision(state, with_inventory(state, result), event, context)


def _result(status: str, event: Answer, context: Context) -> Result:
    return Result(
        status=status,
        reason=event.reason or None,
        event_id=event.event_id,
        at=event.occurred_at_utc,
        partition=context.partition,
        offset=context.offset,
    )


def _decision(before: OrderState, after: OrderState, cause: Answer, context: Context) -> Decision:
    if after.version == before.version:
        return Decision(after)
    return Decision(
        after, (OrderStatusChanged.by(cause, before.status, after.status, after.version, at=context.now),)
    )


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
