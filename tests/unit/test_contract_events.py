"""The wire: field names to the letter, round trips, what is ignored and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from uuid import UUID, uuid5

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersys.contract import ids
from ordersys.contract.errors import Undecodable
from ordersys.contract.events import (
    Event,
    InventoryResult,
    OrderCreated,
    OrderStatusChanged,
    PaymentResult,
    encode,
)
from ordersys.contract.topics import GROUPS, TOPICS, partition_of
from ordersys.runtime import steps

ENVELOPE = {
    "event_id",
    "event_type",
    "event_version",
    "occurred_at_utc",
    "correlation_id",
    "order_id",
    "source_service",
}
FIELDS = {
    OrderCreated: {"customer_email", "item_sku", "quantity", "amount_cents", "initial_status"},
    PaymentResult: {"payment_status", "reason"},
    InventoryResult: {"inventory_status", "reserved_quantity", "reason"},
    OrderStatusChanged: {"previous_state", "current_state", "order_version"},
}
AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def created(**changes: object) -> OrderCreated:
    fields = {
        "event_id": "e1",
        "event_type": "order.created",
        "event_version": "v1",
        "occurred_at_utc": AT,
        "correlation_id": "c1",
        "order_id": "o1",
        "source_service": "order-api",
        "customer_email": "a@example.com",
        "item_sku": "SKU",
        "quantity": 1,
        "amount_cents": 100,
        "initial_status": "NEW",
    }
    return OrderCreated(**(fields | changes))


@pytest.mark.parametrize("event_type", list(FIELDS))
def test_field_names_are_those_of_the_contract(event_type: type[Event]) -> None:
    assert set(event_type.__struct_fields__) == ENVELOPE | FIELDS[event_type]


def test_reason_is_absent_when_empty() -> None:
    wire = json.loads(encode(PaymentResult.to(created(), "PROCESSED", at=AT)))
    assert set(wire) == ENVELOPE | {"payment_status"}
    assert wire["event_id"] == str(uuid5(ids.NAMESPACE, "payment-service:e1"))
    assert wire["source_service"] == "payment-service"
    wire = json.loads(encode(PaymentResult.to(created(), "FAILED", at=AT, reason="why")))
    assert wire["reason"] == "why"


times = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))
text = st.text(min_size=1, max_size=40)


@given(
    st.builds(
        created,
        event_id=text,
        order_id=text,
        correlation_id=st.text(max_size=40),
        occurred_at_utc=times,
        customer_email=text,
        item_sku=text,
        quantity=st.integers(1, 2**31 - 1),
        amount_cents=st.integers(1, 2**63 - 1),
    )
)
def test_an_event_survives_its_round_trip(event: OrderCreated) -> None:
    assert msgspec.json.decode(encode(event), type=OrderCreated) == event


def test_unknown_fields_are_ignored() -> None:
    wire = json.loads(encode(created())) | {"added_by_a_newer_writer": [1, 2]}
    assert msgspec.json.decode(json.dumps(wire), type=OrderCreated) == created()


def test_times_to_nanoseconds_and_of_other_zones_are_read() -> None:
    wire = json.loads(encode(created())) | {"occurred_at_utc": "2026-01-02T05:04:05.678901234+02:00"}
    event = msgspec.json.decode(json.dumps(wire), type=OrderCreated)
    assert event.occurred_at_utc == AT.astimezone(timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    "change",
    [
        {"event_version": "v2"},
        {"event_id": ""},
        {"order_id": None},
        {"occurred_at_utc": "2026-01-02T03:04:05"},
        {"quantity": 0},
        {"quantity": "1"},
        {"amount_cents": 2**63},
        {"amount_cents": 1.5},
    ],
)
def test_what_the_contract_does_not_allow_is_refused(change: dict[str, object]) -> None:
    wire = json.loads(encode(created())) | change
    with pytest.raises(msgspec.ValidationError, match=next(iter(change))):
        msgspec.json.decode(json.dumps(wire), type=OrderCreated)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_with_a_typed_error(value: bytes) -> None:
    (item,) = steps.decode([SimpleNamespace(key=None, value=value)], msgspec.json.Decoder(OrderCreated))
    assert isinstance(item.event, OrderCreated) or isinstance(item.error, Undecodable)


@given(st.text())
def test_ids_are_uuid5_of_the_fixed_namespace(name: str) -> None:
    try:
        expected = str(uuid5(ids.NAMESPACE, name))
    except UnicodeEncodeError:
        with pytest.raises(UnicodeEncodeError):
            ids.deterministic_id(name)
    else:
        assert ids.deterministic_id(name) == expected


def test_ids_never_change() -> None:
    assert UUID("6c1d2f58-4d0e-5a0b-9a43-1f4c6f1d7b2e") == ids.NAMESPACE
    assert ids.created_event_id("o") != ids.status_event_id("o", 1) != ids.status_event_id("o", 2)


def test_the_partition_of_a_key_is_that_of_librdkafka_consistent() -> None:
    # CRC32 of "123456789" is the check value of the algorithm: 0xCBF43926.
    assert partition_of(b"123456789", 1000) == 0xCBF43926 % 1000
    assert partition_of(None, 6) == 0


def test_topics_and_groups_have_the_names_of_the_contract() -> None:
    assert {topic.env: topic.default for topic in TOPICS} == {
        "TOPIC_ORDER_CREATED": "order.created",
        "TOPIC_PAYMENT_RESULT": "payment.result",
        "TOPIC_INVENTORY_RESULT": "inventory.result",
        "TOPIC_ORDER_STATUS_CHANGED": "order.status.changed",
        "TOPIC_PAYMENT_DLQ": "payment.result.dlq",
        "TOPIC_INVENTORY_DLQ": "inventory.result.dlq",
        "TOPIC_ORCHESTRATOR_DLQ": "orchestrator.dlq",
        "TOPIC_NOTIFICATION_DLQ": "notification.dlq",
        "TOPIC_ANALYTICS_DLQ": "analytics.dlq",
    }
    assert {group.env: group.default for group in GROUPS} == {
        "PAYMENT_CONSUMER_GROUP": "payment-service-v1",
        "INVENTORY_CONSUMER_GROUP": "inventory-service-v1",
        "ANALYTICS_CONSUMER_GROUP": "analytics-service-v1",
        "ORCHESTRATOR_PAYMENT_GROUP": "orchestrator-payment-v1",
        "ORCHESTRATOR_INVENTORY_GROUP": "orchestrator-inventory-v1",
        "NOTIFICATION_CONSUMER_GROUP": "notification-service-v1",
        "NOTIFICATION_MAIL_CONSUMER_GROUP": "notification-mail-v1",
        "NOTIFICATION_WEBHOOK_CONSUMER_GROUP": "notification-webhook-v1",
        "ANALYTICS_STATUS_CONSUMER_GROUP": "analytics-status-v1",
    }


def test_a_transition_is_the_same_however_its_cause_spells_the_order() -> None:
    order_id = "0191f0c4-7d2c-7c3a-9d59-2b1f1f1f1f1f"
    lower = OrderStatusChanged.by(created(order_id=order_id), "NEW", "PROCESSING", 1, at=AT)
    upper = OrderStatusChanged.by(created(order_id=order_id.upper()), "NEW", "PROCESSING", 1, at=AT)
    assert (upper.event_id, upper.order_id) == (lower.event_id, lower.order_id)
