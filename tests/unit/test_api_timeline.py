"""An order's steps as they are made of what is known, whatever of it is missing, late or contradictory."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from ordersys.adapters.order_log import LoggedEvent
from ordersys.adapters.orders import Order
from ordersys.adapters.timeline import (
    NotifiedFacts,
    OrderFacts,
    ParkedFacts,
    ResultFacts,
    WaitingFacts,
    WrittenFacts,
)
from ordersys.api.timeline import timeline_routes
from ordersys.api.timeline_steps import Names, Timeline, timeline_of
from ordersys.contract import ids
from ordersys.contract.errors import DependencyUnavailable
from ordersys.contract.events import OrderStatusChanged, encode
from tests.unit.api_fakes import FakeStore, app_of, client_of
from tests.unit.test_contract_events import created

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
ID = "8e03978e-40d5-43e8-bc93-6894a57f9324"
NAMES = Names(
    order_created="here.created",
    payment_result="here.payment",
    inventory_result="here.inventory",
    order_status_changed="here.changed",
    services={
        "pay": "payment",
        "stock": "inventory",
        "orch-p": "orchestrator",
        "orch-i": "orchestrator",
        "note": "notification",
        "count": "analytics",
    },
)
NOTHING = ResultFacts(None, None, None, None, None, None)


def ms(number: float) -> datetime:
    return AT + timedelta(milliseconds=number)


def order_of(status: Any = "NEW", version: int = 0, **changes: Any) -> Order:
    made = Order(ID, "a@example.com", "SKU-1", 1, 1999, status, version, "c", None, None, AT, AT)
    return msgspec.structs.replace(made, **changes)


def facts_of(order: Order, **changes: Any) -> OrderFacts:
    made = OrderFacts(order, NOTHING, NOTHING, WrittenFacts(None, None, None), [], [], [])
    return msgspec.structs.replace(made, **changes)


def result(status: str, at_ms: float, reason: str | None = None) -> ResultFacts:
    return ResultFacts(status, reason, f"event of {status}", ms(at_ms), 1, 2**60)


def notified(version: int, before: str, after: str, at_ms: float) -> NotifiedFacts:
    return NotifiedFacts(version, before, after, f"e{version}", ms(at_ms), 2, version, ms(at_ms + 1))


def changed(version: int, before: str, after: str, at_ms: float) -> bytes:
    cause = created(order_id=ID)
    return encode(OrderStatusChanged.by(cause, before, after, version, at=ms(at_ms)))


def parked(group: str, topic: str, state: str, **changes: Any) -> ParkedFacts:
    return ParkedFacts(group, topic, 3, 7, b"", state, 2, "no luck")._replace(**changes)


def steps(timeline: Timeline) -> list[tuple[str, str, int | None]]:
    return [(step.step, step.state, step.order_version) for step in timeline.steps]


def made(facts: OrderFacts) -> Timeline:
    return timeline_of(facts, NAMES, ms(5000))


CONFIRMED = facts_of(
    order_of("CONFIRMED", 2, payment_status="PROCESSED", inventory_status="RESERVED", updated_at_utc=ms(9)),
    payment=result("PROCESSED", 3),
    inventory=result("RESERVED", 4),
    written=WrittenFacts(ms(1), 2, 41),
    notified=[
        notified(1, "NEW", "PROCESSING", 6),
        notified(2, "PROCESSING", "CONFIRMED", 9),
    ],
)


def test_an_order_that_has_gone_the_whole_way() -> None:
    timeline = made(CONFIRMED)
    assert (timeline.final, timeline.waiting_for) == (True, None)
    assert steps(timeline) == [
        ("accepted", "done", None),
        ("published", "done", None),
        ("payment", "done", None),
        ("inventory", "done", None),
        ("transition", "done", 1),
        ("notified", "done", 1),
        ("transition", "done", 2),
        ("notified", "done", 2),
    ]
    assert [step.since_previous_ms for step in timeline.steps] == [None, 1, 2, 1, 2, 1, 2, 1]
    published, payment, first = timeline.steps[1], timeline.steps[2], timeline.steps[4]
    assert (published.topic, published.partition, published.offset) == ("here.created", 2, "41")
    assert published.event_id == ids.created_event_id(ID)
    assert (payment.offset, payment.status) == (str(2**60), "PROCESSED")
    assert (first.status, first.event_id, first.at) == ("NEW→PROCESSING", "e1", ms(6))


def test_a_new_order_waits_for_the_relay_first() -> None:
    waiting = [WaitingFacts("here.created", b"{}", "{}", ms(0))]
    timeline = made(facts_of(order_of(), waiting=waiting))
    assert steps(timeline) == [
        ("accepted", "done", None),
        ("published", "waiting", None),
        ("payment", "waiting", None),
        ("inventory", "waiting", None),
        ("transition", "waiting", 1),
        ("notified", "waiting", 1),
    ]
    assert timeline.waiting_for == (
        "The relay has not published here.created yet; it has been in the outbox for 5 s."
    )
    assert all(step.at is None for step in timeline.steps[1:])


def test_a_published_order_waits_for_who_has_not_answered() -> None:
    order = order_of("PROCESSING", 1, inventory_status="RESERVED", updated_at_utc=ms(8))
    timeline = made(facts_of(order, inventory=result("RESERVED", 5)))
    assert timeline.waiting_for == "Payment has not answered here.created yet."
    assert steps(timeline)[-4:] == [
        ("payment", "waiting", None),
        ("notified", "waiting", 1),
        ("transition", "waiting", 2),
        ("notified", "waiting", 2),
    ]
    (transition,) = [step for step in timeline.steps if step.step == "transition" and step.state == "done"]
    assert (transition.status, transition.at) == ("NEW→PROCESSING", ms(8))
    assert transition.event_id == ids.status_event_id(ID, 1)


def test_a_cancelled_order_may_still_be_answered() -> None:
    order = order_of("CANCELLED", 1, payment_status="FAILED", updated_at_utc=ms(7))
    timeline = made(
        facts_of(
            order,
            payment=result("FAILED", 5, "amount exceeds demo limit"),
            notified=[notified(1, "NEW", "CANCELLED", 7)],
        )
    )
    (payment,) = [step for step in timeline.steps if step.step == "payment"]
    assert (payment.state, payment.reason) == ("failed", "amount exceeds demo limit")
    assert timeline.final
    assert timeline.waiting_for == (
        "Inventory has not answered here.created yet. The order is final, whatever it says."
    )
    assert steps(timeline)[-1] == ("inventory", "waiting", None)


def test_the_time_of_a_transition_is_not_that_of_a_later_result() -> None:
    order = order_of(
        "CANCELLED", 1, payment_status="FAILED", inventory_status="RESERVED", updated_at_utc=ms(900)
    )
    late = facts_of(order, payment=result("FAILED", 5), inventory=result("RESERVED", 800))
    (transition,) = [step for step in made(late).steps if step.step == "transition"]
    assert transition.at is None
    waiting = [WaitingFacts("here.changed", changed(1, "NEW", "CANCELLED", 6), "{}", ms(6))]
    timeline = made(msgspec.structs.replace(late, waiting=waiting))
    (transition,) = [step for step in timeline.steps if step.step == "transition"]
    assert transition.at == ms(6)
    assert timeline.waiting_for == "The relay has not published here.changed, version 1, yet."


@pytest.mark.parametrize(
    ("state", "step_state", "reason", "sentence"),
    [
        ("retrying", "waiting", "parked (retrying, 2 attempts): no luck", "will be tried again"),
        ("held", "waiting", "parked (held, 2 attempts): no luck", "will be tried again"),
        ("dead", "failed", "dead after 2 attempts: no luck", "A person has to redrive or discard"),
        ("discarded", "failed", "discarded by a person: no luck", "It will not come"),
    ],
)
def test_a_parked_event_is_told_at_the_step_it_stops(
    state: str, step_state: str, reason: str, sentence: str
) -> None:
    timeline = made(facts_of(order_of(), parked=[parked("pay", "here.created", state)]))
    (payment,) = [step for step in timeline.steps if step.step == "payment"]
    assert (payment.state, payment.reason, payment.at) == (step_state, reason, None)
    assert (payment.topic, payment.partition, payment.offset) == ("here.created", 3, "7")
    assert timeline.waiting_for is not None
    assert timeline.waiting_for.startswith("Payment: ")
    assert sentence in timeline.waiting_for
    inventory = next(step for step in timeline.steps if step.step == "inventory")
    assert (inventory.state, inventory.reason) == ("waiting", None)


def test_a_result_that_the_orchestrator_has_parked_stops_the_transition() -> None:
    stuck = parked("orch-p", "here.payment", "dead")
    order = order_of("PROCESSING", 1, inventory_status="RESERVED", updated_at_utc=ms(8))
    timeline = made(
        facts_of(
            order,
            inventory=result("RESERVED", 5),
            notified=[notified(1, "NEW", "PROCESSING", 8)],
            parked=[stuck],
        )
    )
    payment = next(step for step in timeline.steps if step.step == "payment")
    assert (payment.state, payment.status, payment.offset) == ("done", None, "7")
    transition = next(step for step in timeline.steps if step.order_version == 2)
    assert (transition.state, transition.reason) == ("failed", "dead after 2 attempts: no luck")
    assert timeline.waiting_for is not None
    assert timeline.waiting_for.startswith("Orchestrator: A person has to")


def test_a_parked_notification_stops_its_own_version_only() -> None:
    facts = msgspec.structs.replace(
        CONFIRMED,
        notified=CONFIRMED.notified[:1],
        parked=[
            parked("note", "here.changed", "retrying", value=changed(2, "PROCESSING", "CONFIRMED", 9)),
            parked("count", "here.created", "dead"),
        ],
    )
    timeline = made(facts)
    assert steps(timeline)[-1] == ("notified", "waiting", 2)
    assert timeline.steps[-1].reason == "parked (retrying, 2 attempts): no luck"
    assert [step.reason for step in timeline.steps[:-1]] == [None] * 7


def test_clocks_that_disagree_do_not_change_what_causes_what() -> None:
    order = order_of("CONFIRMED", 2, payment_status="PROCESSED", inventory_status="RESERVED")
    timeline = made(
        facts_of(
            order,
            payment=result("PROCESSED", -500),
            inventory=result("RESERVED", 700),
            written=WrittenFacts(ms(-0.9), 1, 1),
            notified=[
                notified(1, "NEW", "PROCESSING", 20),
                notified(2, "PROCESSING", "CONFIRMED", 10),
            ],
        )
    )
    names = [step.step for step in timeline.steps]
    assert names[:2] == ["accepted", "published"]
    assert [step.order_version for step in timeline.steps if step.step == "transition"] == [1, 2]
    for version in (1, 2):
        own = [step.step for step in timeline.steps if step.order_version == version]
        assert own == ["transition", "notified"]
    assert all(step.since_previous_ms is None or step.since_previous_ms >= 0 for step in timeline.steps)


def test_versions_that_another_orchestrator_counts_otherwise_are_shown_as_they_are() -> None:
    timeline = made(facts_of(order_of("CONFIRMED", 3, updated_at_utc=ms(5))))
    transitions = [step.status for step in timeline.steps if step.step == "transition"]
    assert transitions == ["NEW→PROCESSING", "PROCESSING→CONFIRMED", "?→?"]


# -- the routes -----------------------------------------------------------------------------------------


class Facts:
    def __init__(self, facts: OrderFacts) -> None:
        self._facts = facts

    async def facts(self, order_id: str) -> OrderFacts | None:
        return self._facts if order_id == ID else None


class Log:
    def __init__(self, answer: Any) -> None:
        self._answer = answer

    async def events(self, facts: OrderFacts) -> list[LoggedEvent]:
        if isinstance(self._answer, Exception):
            raise self._answer
        return list(self._answer)


async def ask(path: str, facts: OrderFacts, log: Log | None) -> Any:
    nothing: Any = None
    routes = timeline_routes(reader=Facts(facts), log=log, names=NAMES, clock=lambda: ms(1))
    app = app_of(nothing, FakeStore(), [], more_routes=routes)
    async with client_of(app) as client:
        answer = await client.get(path)
    return answer.json() | {"status_code": answer.status_code}


@pytest.mark.anyio
async def test_raw_events_are_the_logs_and_then_the_outboxs_byte_for_byte() -> None:
    value = b'{"event_id":"e","event_type":"t","amount_cents":9223372036854775807,"more":[1.0]}'
    facts = facts_of(order_of(), waiting=[WaitingFacts("here.created", value, '{"event_id":"h"}', AT)])
    logged = LoggedEvent("here.payment", 1, "5", "p", "payment.result", {}, "no JSON")
    body = await ask(f"/orders/{ID}/events", facts, Log([logged]))
    first, second = body["events"]
    assert (first["topic"], first["offset"], first["value"]) == ("here.payment", "5", "no JSON")
    assert (second["partition"], second["offset"], second["event_id"]) == (None, None, "h")
    assert second["event_type"] == "t"
    assert second["value"] == json.loads(value)
    assert body["note"] is None


@pytest.mark.anyio
async def test_without_kafka_the_outbox_is_what_there_is() -> None:
    facts = facts_of(order_of(), waiting=[WaitingFacts("here.created", b"\xff", "{}", AT)])
    away = Log(DependencyUnavailable("kafka", "secret"))
    for log in (None, away):
        body = await ask(f"/orders/{ID}/events", facts, log)
        assert [event["value"] for event in body["events"]] == ["\ufffd"]
        assert "only what waits in the outbox" in body["note"]
        assert "secret" not in body["note"]


@pytest.mark.anyio
async def test_an_unknown_order_is_a_404() -> None:
    for name in (uuid4(), "x", "%00"):
        for path in ("timeline", "events"):
            assert (await ask(f"/orders/{name}/{path}", CONFIRMED, None))["status_code"] == 404
    assert (await ask(f"/orders/{ID.upper()}/timeline", CONFIRMED, None))["final"] is True
