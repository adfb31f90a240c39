"""Parking on real servers: a bad event blocks nobody but its key, waits its turn, and comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from ordersys.adapters import parked
from ordersys.adapters.kafka import Message
from ordersys.contract.errors import Conflict, Rejected
from ordersys.contract.events import Event, OrderCreated, OrderStatusChanged, PaymentResult, encode
from ordersys.contract.service import Context, Service, Stateful, Stateless
from ordersys.contract.topics import PAYMENT_RESULT, partition_of
from ordersys.runtime.facts import BatchRunAgain, EventParked, PartitionsAssigned
from ordersys.runtime.parking import RetryPolicy
from ordersys.runtime.relay import Relay
from ordersys.services import analytics, notification, orchestrator, payment
from tests.driving import Facts, running, wait_until
from tests.integration.flow import (
    AT,
    LIMITS,
    NEVER,
    QUICK,
    Part,
    Read,
    message,
    new_ids,
    new_orders,
    order_created,
    part,
    payment_result,
    read,
    rows,
    topic_of,
    write,
)
from tests.stack import Environment

pytestmark = pytest.mark.anyio


class Moody:
    """A payment service that fails for the events named in ``fails``."""

    def __init__(self, fails: set[str], error: Callable[[str], Exception] = ValueError) -> None:
        self.fails = fails
        self.error = error
        self.attempts = 0

    def service(self) -> Service:
        declared = payment.service()
        (subscription,) = declared.subscriptions
        stateless = Stateless(self._decide, PAYMENT_RESULT)
        return replace(declared, subscriptions=(replace(subscription, form=stateless),))

    def _decide(self, order: OrderCreated, context: Context) -> PaymentResult:
        if order.event_id in self.fails:
            self.attempts += 1
            raise self.error(f"not {order.event_id}")
        return payment.decide(order, context)


async def answered(environment: Environment) -> dict[str, list[str]]:
    """Correlation ids of payment's answers, in order, by key."""
    found: dict[str, list[str]] = {}
    for record in await read(environment, topic_of(environment, PAYMENT_RESULT)):
        found.setdefault((record.key or b"").decode(), []).append(record.event["correlation_id"])
    return found


def events(key: str, count: int) -> list[OrderCreated]:
    """``count`` events of one key, each with an id that is its correlation id too."""
    names = [f"{key}/{number}" for number in range(1, count + 1)]
    return [order_created(key, event_id=name, correlation_id=name) for name in names]


async def dead_letters(of: Part) -> list[Read]:
    """The records of the dead letter topic, once a relay has carried there what the outbox has."""
    environment = of.environment
    relay = Relay(database=environment.database, broker=environment.broker, on_fact=Facts())
    async with running(relay.run) as driver:
        driver.drain()  # it empties the outbox first
        assert await driver.ends() is None
    return await read(environment, of.dead_letters)


async def write_to(of: Part, placed: list[tuple[int, Event]]) -> None:
    """Write events to partitions, as a writer with another partitioner would."""
    producer = AIOKafkaProducer(bootstrap_servers=of.environment.broker.brokers)
    await producer.start()
    try:
        for partition, event in placed:
            await producer.send_and_wait(
                of.topic, encode(event), key=event.order_id.encode(), partition=partition
            )
    finally:
        await producer.stop()


async def request(of: Part, action: str) -> int:
    async with of.environment.database.session() as session:
        return await parked.request(session, action, of.group, None)


async def states(of: Part) -> list[tuple[int, str]]:
    """Offset and state of what is parked, in the order of parking."""
    return [(row.offset, row.state) for row in await of.parked()]


async def reaches(of: Part, expected: list[tuple[int, str]]) -> None:
    async def so() -> bool:
        return await states(of) == expected

    await wait_until(so, f"parked rows are {expected}")


# -- what fails -----------------------------------------------------------------------------------------


async def test_what_cannot_be_read_is_a_dead_letter_at_once(fresh: Environment) -> None:
    pay = part(fresh, payment.service())
    headers = [("traceparent", b"00-t-s-01"), ("correlation_id", b"c"), ("long", b"x" * 5000)]
    await write(
        fresh.broker,
        [Message(pay.topic, b"a", b"{not json", headers), *(message(pay.topic, e) for e in events("b", 2))],
    )
    async with running(pay.pipeline(policy=NEVER).run):
        await pay.caught_up()
    (row,) = await pay.parked()
    assert (row.key, row.value, row.state, row.attempts) == (b"a", b"{not json", "dead", 1)
    assert row.exception == "ordersys.contract.errors.Undecodable"
    assert await answered(fresh) == {"b": ["b/1", "b/2"]}

    (letter,) = await dead_letters(pay)
    assert (letter.key, letter.value) == (b"a", b"{not json")
    assert letter.headers.pop("first_failed_at")
    assert letter.headers == {
        "traceparent": "00-t-s-01",
        "correlation_id": "c",
        "long": "x" * 2048,
        "origin_topic": pay.topic,
        "origin_partition": str(row.partition),
        "origin_offset": str(row.offset),
        "service": "payment-service",
        "reason": row.reason,
        "exception": "ordersys.contract.errors.Undecodable",
        "attempts": "1",
    }
    (fact,) = pay.facts.of(EventParked)
    assert (fact.state, fact.offset, fact.correlation_id) == ("dead", row.offset, "c")


async def test_what_the_service_rejects_is_a_dead_letter_at_once(fresh: Environment) -> None:
    moody = Moody({"a/1"}, Rejected)
    pay = part(fresh, moody.service())
    await write(fresh.broker, [message(pay.topic, event) for event in events("a", 1)])
    async with running(pay.pipeline().run):
        await pay.caught_up()
    assert await states(pay) == [(0, "dead")]
    assert moody.attempts == 1


async def test_a_failing_event_parks_alone_and_holds_its_key_until_it_succeeds(fresh: Environment) -> None:
    moody = Moody({"a/2"})
    pay = part(fresh, moody.service())
    mixed = [event for pair in zip(events("a", 4), events("b", 4), strict=True) for event in pair]
    await write(fresh.broker, [message(pay.topic, event) for event in mixed[:6]])
    async with running(pay.pipeline(policy=replace(NEVER, first_s=0.3, cap_s=0.3)).run):
        await pay.caught_up()
        await write(fresh.broker, [message(pay.topic, event) for event in mixed[6:]])
        await pay.caught_up()
        assert [row.state for row in await pay.parked()] == ["retrying", "held", "held"]
        assert await answered(fresh) == {"a": ["a/1"], "b": ["b/1", "b/2", "b/3", "b/4"]}
        moody.fails.clear()
        await pay.nothing_parked()
        await write(fresh.broker, [message(pay.topic, event) for event in events("a", 5)[4:]])
        await pay.caught_up()
    assert (await answered(fresh))["a"] == ["a/1", "a/2", "a/3", "a/4", "a/5"]
    assert await pay.parked() == []


async def test_attempts_end_with_a_dead_letter_and_its_key_stays_held(fresh: Environment) -> None:
    moody = Moody({"a/1"})
    pay = part(fresh, moody.service())
    await write(fresh.broker, [message(pay.topic, event) for event in [*events("a", 2), *events("b", 1)]])
    async with running(pay.pipeline(policy=RetryPolicy(attempts_max=3, first_s=0.01, factor=1.0)).run):
        await pay.caught_up()

        async def dead() -> bool:
            return [row.state for row in await pay.parked()] == ["dead", "held"]

        await wait_until(dead, "the first is dead, the second held")
    assert moody.attempts == 3
    (row, _) = await pay.parked()
    assert (row.attempts, row.reason, row.exception) == (3, "not a/1", "builtins.ValueError")
    (letter,) = await dead_letters(pay)
    assert letter.value == encode(events("a", 1)[0])
    assert letter.headers["attempts"] == "3"
    assert await answered(fresh) == {"b": ["b/1"]}


async def test_parked_by_a_service_with_state_an_event_commits_with_the_good_ones(fresh: Environment) -> None:
    good, bad = await new_orders(fresh, 2)

    def on_payment(state: Any, event: Any, context: Context) -> Any:
        if event.order_id == bad:
            raise ValueError("no")
        return orchestrator.on_payment(state, event, context)

    declared = orchestrator.service()
    subscription, _ = declared.subscriptions
    form = Stateful(on_payment, subscription.form.emits)  # type: ignore[union-attr]
    payments = part(fresh, replace(declared, subscriptions=(replace(subscription, form=form),)))
    results = [payment_result(bad), payment_result(good), payment_result(bad, event_id="later")]
    await write(fresh.broker, [message(payments.topic, result) for result in results])
    async with running(payments.pipeline(policy=NEVER).run):
        await payments.caught_up()
    assert [row.state for row in await payments.parked()] == ["retrying", "held"]
    claimed = await rows(fresh, "select event_id from processed_events")
    assert [row[0] for row in claimed] == [payment_result(good).event_id]
    statuses = dict(await rows(fresh, "select id::text, status from orders"))
    assert statuses == {good: "PROCESSING", bad: "NEW"}

    # The defect is mended, and a new owner takes over: the head, then what was held behind it.
    payments = part(fresh, orchestrator.service())
    await rows(fresh, "update parked_events set next_attempt_at = now()")
    async with running(payments.pipeline().run):
        await payments.nothing_parked()
    (order,) = await rows(fresh, "select status, payment_event_id from orders where id = $1", bad)
    assert tuple(order) == ("PROCESSING", payment_result(bad).event_id)


async def test_an_attempt_that_meets_a_conflict_is_made_again(
    fresh: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    payments = part(fresh, orchestrator.service())
    (order_id,) = new_ids(1)
    await write(fresh.broker, [message(payments.topic, payment_result(order_id))])
    async with running(payments.pipeline(policy=NEVER).run):
        await payments.caught_up()
    await new_orders(fresh, 1, [order_id])
    await rows(fresh, "update parked_events set next_attempt_at = now()")
    release, met = parked.release, []

    async def deadlock_once(*args: Any) -> None:
        await release(*args)
        if not met:
            met.append(1)
            raise Conflict("deadlock detected")

    monkeypatch.setattr(parked, "release", deadlock_once)
    async with running(payments.pipeline(policy=NEVER).run):
        await payments.nothing_parked()
    assert [fact.cause for fact in payments.facts.of(BatchRunAgain)] == ["deadlock detected"]
    (order,) = await rows(fresh, "select status, order_version from orders")
    assert tuple(order) == ("PROCESSING", 1)


# -- what a person asks for -----------------------------------------------------------------------------


async def test_a_dead_letter_is_redriven_on_request(fresh: Environment) -> None:
    moody = Moody({"a/1"}, Rejected)
    pay = part(fresh, moody.service())
    await write(fresh.broker, [message(pay.topic, event) for event in events("a", 3)])
    async with running(pay.pipeline().run):
        await pay.caught_up()
        assert await states(pay) == [(0, "dead"), (1, "held"), (2, "held")]
        assert await request(pay, "redrive") == 1

        async def tried() -> bool:
            return moody.attempts == 2

        await wait_until(tried, "the redrive is tried")
        await reaches(pay, [(0, "dead"), (1, "held"), (2, "held")])
        moody.fails.clear()
        assert await request(pay, "redrive") == 1
        await reaches(pay, [(0, "redriven")])
    assert await answered(fresh) == {"a": ["a/1", "a/2", "a/3"]}
    assert len(await dead_letters(pay)) == 1  # a failed redrive is no second dead letter


async def test_a_dead_letter_is_discarded_on_request_and_frees_its_key(fresh: Environment) -> None:
    moody = Moody({"a/1"}, Rejected)
    pay = part(fresh, moody.service())
    await write(fresh.broker, [message(pay.topic, event) for event in events("a", 3)])
    async with running(pay.pipeline().run):
        await pay.caught_up()
        assert await request(pay, "discard") == 1
        await reaches(pay, [(0, "discarded")])
        await write(fresh.broker, [message(pay.topic, event) for event in events("a", 4)[3:]])
        await pay.caught_up()
    assert await answered(fresh) == {"a": ["a/2", "a/3", "a/4"]}


# -- who owns it ----------------------------------------------------------------------------------------


async def test_the_next_owner_knows_what_is_parked(fresh: Environment) -> None:
    moody = Moody({"a/1"})
    pay = part(fresh, moody.service())
    await write(fresh.broker, [message(pay.topic, event) for event in events("a", 1)])
    async with running(pay.pipeline(policy=NEVER).run):
        await pay.caught_up()
    await write(fresh.broker, [message(pay.topic, event) for event in [*events("a", 2)[1:], *events("b", 1)]])
    async with running(pay.pipeline(policy=NEVER).run):
        await pay.caught_up()
    assert [fact.parked_keys for fact in pay.facts.of(PartitionsAssigned)] == [0, 1]
    assert [row.state for row in await pay.parked()] == ["retrying", "held"]
    assert await answered(fresh) == {"b": ["b/1"]}


async def test_a_member_that_inherits_a_partition_knows_what_is_parked_in_it(fresh: Environment) -> None:
    moody = Moody({"a/1"})
    members = [part(fresh, moody.service()) for _ in range(2)]
    broker = replace(fresh.broker, session_timeout_ms=6000)  # a heartbeat every 1.5 s
    # Long enough for a fetch to begin before a rebalance and to end after it.
    limits = replace(LIMITS, fetch_wait_ms=3000)
    first, second = (member.pipeline(policy=NEVER, limits=limits, broker=broker) for member in members)
    async with running(first.run) as one, running(second.run) as two:

        async def shared() -> bool:
            return all(member.assigned() for member in members)

        await wait_until(shared, "the two share the partitions")
        await write(fresh.broker, [message(members[0].topic, event) for event in events("a", 1)])
        await members[0].caught_up()
        place = partition_of(b"a", fresh.partitions)
        owner, heir = members if place in members[0].assigned() else reversed(members)
        leaving = one if owner is members[0] else two
        leaving.drain()
        assert await leaving.ends() is None
        # Before the other one has it: the first batch it takes from there has this event.
        await write(fresh.broker, [message(owner.topic, event) for event in events("a", 2)[1:]])
        await heir.caught_up()
    assert [row.state for row in await owner.parked()] == ["retrying", "held"]
    assert await answered(fresh) == {}


async def test_a_parked_record_delivered_again_stays_as_it_is(fresh: Environment) -> None:
    moody = Moody({"a/1"})
    pay = part(fresh, moody.service())
    await write(fresh.broker, [message(pay.topic, event) for event in events("a", 2)])
    async with running(pay.pipeline(policy=NEVER).run):
        await pay.caught_up()
    before = await pay.parked()
    await pay.rewind()
    async with running(pay.pipeline(policy=NEVER).run):
        await pay.caught_up()
        assert await pay.parked() == before
        moody.fails.clear()
        await rows(fresh, "update parked_events set next_attempt_at = now()")
        await pay.nothing_parked()
    assert await answered(fresh) == {"a": ["a/1", "a/2"]}


async def test_waiting_for_an_event_of_its_key_in_another_partition_is_no_attempt(
    fresh: Environment,
) -> None:
    moody = Moody({"a/1", "a/2"})
    pay = part(fresh, moody.service())
    await write_to(pay, list(enumerate(events("a", 2))))
    async with running(pay.pipeline(policy=replace(QUICK, attempts_max=4)).run):
        await pay.caught_up()

        async def first_is_dead() -> bool:
            return "dead" in [row.state for row in await pay.parked()]

        await wait_until(first_is_dead, "the first is dead after all its attempts")
    assert sorted((row.state, row.attempts) for row in await pay.parked()) == [("dead", 4), ("held", 0)]


# -- what no event may do: block its partition ----------------------------------------------------------


async def test_without_a_key_an_event_holds_nobody(fresh: Environment) -> None:
    moody = Moody({"a/1"})
    pay = part(fresh, moody.service())
    unreadable = [Message(pay.topic, None, None, []), Message(pay.topic, None, b"", [])]
    keyless = [Message(pay.topic, None, encode(event), []) for event in [*events("a", 2), *events("b", 1)]]
    await write(fresh.broker, [*unreadable, *keyless])
    async with running(pay.pipeline(policy=NEVER).run):
        await pay.caught_up()
        # The key of a record without one is its order's id: the second of the order is held.
        assert [(row.key, row.state) for row in await pay.parked()] == [
            (None, "dead"),
            (None, "dead"),
            (b"a", "retrying"),
            (b"a", "held"),
        ]
        assert (await pay.parked())[0].reason == "the value is null"
        assert await request(pay, "discard") == 2
        moody.fails.clear()
        await rows(fresh, "update parked_events set next_attempt_at = now()")
        await pay.nothing_parked()
    assert await answered(fresh) == {"a": ["a/1", "a/2"], "b": ["b/1"]}


@pytest.mark.parametrize(
    "changes",
    [
        {"order_id": "no UUID"},
        {"event_id": "nul \0"},
        {"reason": "nul \0"},
    ],
    ids=["order_id", "event_id", "reason"],
)
async def test_a_value_the_database_refuses_parks_its_event_alone(
    fresh: Environment, changes: dict[str, Any]
) -> None:
    payments = part(fresh, orchestrator.service())
    order_ids = await new_orders(fresh, 9)
    results = [message(payments.topic, payment_result(order_id), key=b"k") for order_id in order_ids]
    bad = payment_result(order_ids[4])
    results[4] = message(payments.topic, msgspec.structs.replace(bad, **changes), key=b"bad")
    await write(fresh.broker, results)
    async with running(payments.pipeline(policy=RetryPolicy(attempts_max=2, first_s=0.01)).run):
        await payments.caught_up()

        async def dead() -> bool:
            return [row.state for row in await payments.parked()] == ["dead"]

        await wait_until(dead, "it is a dead letter after its second attempt")
    (row,) = await payments.parked()
    assert (row.key, row.attempts, row.exception) == (b"bad", 2, "ordersys.contract.errors.RowBlamed")
    assert {fact.offset for fact in payments.facts.of(EventParked)} == {row.offset}
    assert {fact.partition for fact in payments.facts.of(EventParked)} == {row.partition}
    (letter,) = await dead_letters(payments)
    assert letter.value == row.value
    moved = await rows(fresh, "select id::text from orders where status = 'PROCESSING'")
    assert {row[0] for row in moved} == set(order_ids) - {order_ids[4]}


BIG = "x" * 1_200_000
EARLY = "0001-01-01T00:00:00+14:00"  # before the year 1, in UTC
RECORDS: dict[str, tuple[bytes | None, bytes | None, list[tuple[str, Any]]]] = {
    "null": (b"k0", None, []),
    "not UTF-8": (b"k1", b'{"event_id":"\xff"}', []),
    "nested": (b"k2", b"[" * 100_000, []),
    "another type": (b"k3", b'"text"', []),
    "big and unreadable": (b"k4", BIG.encode(), []),
    "empty key": (b"", b"{", []),
    "key of NUL": (b"\0", b"{", []),
    "null header": (b"k5", b"{", [("traceparent", None), ("event_id", None)]),
    "header not UTF-8": (b"k6", b"{", [("traceparent", b"\xff"), ("\0", b"\0")]),
}


CHANGES: dict[bytes, dict[str, object]] = {
    b"early": {"occurred_at_utc": EARLY},
    b"late": {"occurred_at_utc": "9999-12-31T23:59:59-14:00"},
    b"correlation": {"correlation_id": "\0"},
    b"too long": {"correlation_id": BIG},
    b"event": {"event_id": "\0"},
    b"order": {"order_id": "\0"},
    b"long": {"order_id": "x" * 200},
    b"version": {"order_version": 2**63},
    b"texts": {"reason": "\0", "previous_state": "\0", "current_state": "CONFIRMED"},
    b"good": {},
}
ODD_HEADERS: list[tuple[str, Any]] = [("traceparent", None), ("correlation_id", b"\xff"), ("x", None)]


async def odd_records(of: Part) -> list[Message]:
    """Records of all kinds of badness, and a good event at the end; each of an order of its own."""
    event = of.service.subscriptions[of.number].topic.event
    make: dict[Any, Callable[[str], Event]] = {
        OrderCreated: order_created,
        PaymentResult: payment_result,
        OrderStatusChanged: lambda order_id: OrderStatusChanged.by(
            payment_result(order_id), "PROCESSING", "CONFIRMED", 2, at=AT
        ),
    }
    odd = [Message(of.topic, key, value, headers) for key, value, headers in RECORDS.values()]
    order_ids = await new_orders(of.environment, len(CHANGES))
    for order_id, (key, change) in zip(order_ids, CHANGES.items(), strict=True):
        fields = msgspec.to_builtins(make[event](order_id))
        odd.append(Message(of.topic, key, msgspec.json.encode(fields | change), ODD_HEADERS))
    return odd


SERVICES = {
    "payment": (payment.service(), 0),
    "orchestrator": (orchestrator.service(), 0),
    "notification": (notification.service(), 0),
    "analytics created": (analytics.service(), 0),
    "analytics final": (analytics.service(), 1),
}


@pytest.mark.parametrize("name", SERVICES)
async def test_no_record_stops_a_partition(fresh: Environment, name: str) -> None:
    of = part(fresh, *SERVICES[name])
    odd = await odd_records(of)
    await write(fresh.broker, odd)
    async with running(of.pipeline(policy=RetryPolicy(attempts_max=2, first_s=0.01)).run):
        await of.caught_up(30)

        async def settled() -> bool:
            return all(row.state == "dead" for row in await of.parked())

        await wait_until(settled, "every attempt has been made", 30)
    keys = [row.key for row in await of.parked()]
    assert of.outcomes()["handled"] + len(keys) == len(odd)
    assert len(keys) >= len(RECORDS)
    good = msgspec.json.decode(odd[-1].value or b"")["order_id"]
    assert good not in {fact.order_id for fact in of.facts.of(EventParked)}  # whatever headers it has
    # Who answers says the correlation id again, and one of that size cannot be sent.
    assert (b"too long" in keys) == (name in ("payment", "orchestrator"))
    assert len(await dead_letters(of)) == len(keys)
