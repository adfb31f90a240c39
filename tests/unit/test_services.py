"""The decisions of the services: plain functions, plain asserts."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from ordersys.contract import ids
from ordersys.contract.events import PaymentResult, encode
from ordersys.contract.order import OrderState, OrderStatus
from ordersys.contract.service import Context, Service
from ordersys.services import analytics, inventory, notification, orchestrator, payment
from tests.unit.test_contract_events import created

NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
CONTEXT = Context(NOW, "t", 3, 42)


@pytest.mark.parametrize(("cents", "status"), [(1, "PROCESSED"), (100_000, "PROCESSED"), (100_001, "FAILED")])
def test_payment_fails_above_the_limit(cents: int, status: str) -> None:
    result = payment.decide(created(amount_cents=cents), CONTEXT)
    assert result.payment_status == status
    assert result.occurred_at_utc == NOW
    assert json.loads(encode(result)).get("reason") == (
        "amount exceeds demo limit" if status == "FAILED" else None
    )


@pytest.mark.parametrize(("quantity", "status", "reserved"), [(10, "RESERVED", 10), (11, "FAILED", 0)])
def test_inventory_fails_above_the_stock(quantity: int, status: str, reserved: int) -> None:
    result = inventory.decide(created(quantity=quantity), CONTEXT)
    assert (result.inventory_status, result.reserved_quantity) == (status, reserved)
    assert json.loads(encode(result)).get("reason") == (
        "quantity exceeds demo stock" if status == "FAILED" else None
    )


def test_limits_are_settings() -> None:
    decide = payment.service(5).subscriptions[0].form.decide
    assert decide(created(amount_cents=6), CONTEXT).payment_status == "FAILED"
    decide = inventory.service(1).subscriptions[0].form.decide
    assert decide(created(quantity=2), CONTEXT).inventory_status == "FAILED"


def test_the_same_event_is_always_answered_with_the_same_id() -> None:
    first = payment.decide(created(), CONTEXT)
    again = payment.decide(created(), CONTEXT._replace(now=datetime(2027, 1, 1, tzinfo=UTC), offset=7))
    assert first.event_id == again.event_id == ids.result_event_id("payment-service", "e1")
    assert first.event_id != inventory.decide(created(), CONTEXT).event_id


def test_the_orchestrator_says_each_transition() -> None:
    state = OrderState("o1", OrderStatus.NEW, 0)
    decision = orchestrator.on_payment(state, PaymentResult.to(created(), "PROCESSED", at=NOW), CONTEXT)
    (event,) = decision.events
    assert (event.previous_state, event.current_state, event.order_version) == ("NEW", "PROCESSING", 1)
    assert event.event_id == ids.status_event_id("o1", 1)
    assert (event.correlation_id, event.source_service) == ("c1", "order-orchestrator")
    result = decision.result
    assert result is not None
    assert (result.partition, result.offset, result.reason) == (3, 42, None)


def test_the_orchestrator_says_nothing_when_nothing_changes() -> None:
    state = OrderState("o1", OrderStatus.CANCELLED, 1, None, "FAILED")
    decision = orchestrator.on_payment(state, PaymentResult.to(created(), "PROCESSED", at=NOW), CONTEXT)
    assert decision.events == ()
    assert decision.result is not None
    again = orchestrator.on_payment(
        decision.state, PaymentResult.to(created(), "FAILED", at=NOW, reason="x"), CONTEXT
    )
    assert (again.state, again.result, again.events) == (decision.state, None, ())


def test_notifications_hold_no_email_address() -> None:
    assert "customer_email" not in notification.Notification.__struct_fields__


def test_analytics_counts_creation_and_the_final_state_by_the_minute() -> None:
    counted = analytics.on_created(created(occurred_at_utc=NOW), CONTEXT)
    assert counted.created_minute == datetime(2026, 5, 6, 7, 8, tzinfo=UTC)
    state = OrderState("o1", OrderStatus.PROCESSING, 1, None, "RESERVED")
    result = PaymentResult.to(created(), "PROCESSED", at=NOW)
    (event,) = orchestrator.on_payment(state, result, CONTEXT).events
    final = analytics.on_status_changed(event, CONTEXT)
    assert final is not None
    assert final.final_state == "CONFIRMED"
    (event,) = orchestrator.on_payment(OrderState("o1", OrderStatus.NEW, 0), result, CONTEXT).events
    assert analytics.on_status_changed(event, CONTEXT) is None


@pytest.mark.parametrize("module", [payment, inventory, orchestrator, notification, analytics])
def test_one_stem_names_a_service_everywhere(module) -> None:
    service: Service = module.service()
    assert module.__name__.rsplit(".", 1)[-1] == service.name
    assert service.dead_letters.env == f"TOPIC_{service.name.upper()}_DLQ"
    for subscription in service.subscriptions:
        assert service.name.upper() in subscription.group.env
        assert subscription.topic.event is not None
