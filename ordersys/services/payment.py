"""Payment: says to every order whether its amount can be charged."""

from __future__ import annotations

from functools import partial

from ordersys.contract.events import PAYMENT_SERVICE, OrderCreated, PaymentResult
from ordersys.contract.service import Context, Service, Stateless, Subscription
from ordersys.contract.topics import ORDER_CREATED, PAYMENT_DLQ, PAYMENT_GROUP, PAYMENT_RESULT

AMOUNT_CENTS_MAX = 100_000
REASON = "amount exceeds demo limit"


def decide(
    order: OrderCreated, context: Context, *, amount_cents_max: int = AMOUNT_CENTS_MAX
) -> PaymentResult:
    """PROCESSED, or FAILED with its reason when the amount is above the limit."""
    if order.amount_cents > amount_cents_max:
        return PaymentResult.to(order, "FAILED", at=context.now, reason=REASON)
    return PaymentResult.to(order, "PROCESSED", at=context.now)


def service(amount_cents_max: int = AMOUNT_CENTS_MAX) -> Service:
    """The declaration, with its limit in cents."""
    return Service(
        name="payment",
        source=PAYMENT_SERVICE,
        dead_letters=PAYMENT_DLQ,
        subscriptions=(
            Subscription(
                ORDER_CREATED,
                PAYMENT_GROUP,
                Stateless(partial(decide, amount_cents_max=amount_cents_max), emits=PAYMENT_RESULT),
            ),
        ),
    )
