"""Four ways in which the system this one descends from lost orders, each with the fault planted again.

Every check runs twice: as we are, and with the fault planted, where it has to fail, or it would not see it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from ordersys.adapters import outbox
from ordersys.adapters.kafka import Message, Publisher
from ordersys.adapters.orders import OrderWriter
from ordersys.adapters.postgres import Session
from ordersys.contract.errors import DependencyUnavailable
from ordersys.contract.topics import ORDER_CREATED, ORDER_STATUS_CHANGED
from ordersys.runtime import forms, steps
from ordersys.runtime.parking import Parking
from ordersys.runtime.relay import Relay
from ordersys.services import orchestrator, payment
from tests.driving import Facts, running, wait_until
from tests.integration.flow import (
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
from tests.integration.test_outbox import new_order
from tests.stack import Environment

pytestmark = pytest.mark.anyio

Check = Callable[[Environment, pytest.MonkeyPatch], Awaitable[None]]
Plant = Callable[[pytest.MonkeyPatch], None]
SEEN_S = 5.0


async def committed_and_not_published(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    """(a) An order is committed, and publishing its event fails once: the event is published later."""
    publish = Publisher.publish
    failures = [DependencyUnavailable("kafka", "injected")]

    async def fail_once(self: Publisher, messages: Sequence[Message]) -> None:
        if failures:
            raise failures.pop()
        await publish(self, messages)

    monkeypatch.setattr(Publisher, "publish", fail_once)
    topic = topic_of(environment, ORDER_CREATED)
    order_id = new_ids(1)[0]
    async with environment.database.session() as session:
        await OrderWriter(session, topic).insert([new_order(order_id)])
    relay = Relay(database=environment.database, broker=environment.broker, on_fact=Facts())
    async with running(relay.run) as first:
        assert isinstance(await first.ends(), DependencyUnavailable)
    again = Relay(database=environment.database, broker=environment.broker, on_fact=Facts())
    async with running(again.run):
        await _holds(environment, topic, order_id)


def plant_deleted_before_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    """The row goes when it is read, and not when Kafka has acknowledged it."""
    read_rows = outbox.read

    async def read_and_delete(session: Session, rows_max: int) -> tuple[list[int], list[Message]]:
        ids, messages = await read_rows(session, rows_max)
        await outbox.delete(session, ids)
        return ids, messages

    monkeypatch.setattr(outbox, "read", read_and_delete)


async def handler_fails_and_is_skipped(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    """(b) A handler fails at one event and the next one commits past it: the event is still to be handled."""
    broken, fine = new_ids(2)
    decide = payment.decide

    def fails_at_one(order: Any, *args: Any, **limits: Any) -> Any:
        if order.order_id == broken:
            raise ZeroDivisionError("injected")
        return decide(order, *args, **limits)

    monkeypatch.setattr(payment, "decide", fails_at_one)
    pay = part(environment, payment.service())
    events = [message(pay.topic, order_created(order_id), key=b"k") for order_id in (broken, fine)]
    await write(environment.broker, [events[0], events[1]._replace(key=fine.encode())])
    async with running(pay.pipeline().run):
        await pay.caught_up()
    assert [row.state for row in await pay.parked()] == ["retrying"]


def plant_errors_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is logged, and forgotten."""

    async def forget(self: Parking, *_: object) -> None:
        del self

    monkeypatch.setattr(Parking, "park", forget)


async def status_committed_and_its_event_lost(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(c) The process ends right after the new status is committed: its event is published all the same."""
    del monkeypatch
    topic = topic_of(environment, ORDER_STATUS_CHANGED)
    (order_id,) = await new_orders(environment, 1)
    orchestrate = part(environment, orchestrator.service())
    await write(environment.broker, [message(orchestrate.topic, payment_result(order_id))])
    async with running(orchestrate.pipeline().run) as driver:

        async def committed() -> bool:
            return bool(await rows(environment, "select from orders where status = 'PROCESSING'"))

        await wait_until(committed, "the status is committed")
        await driver.kill()
    relay = Relay(database=environment.database, broker=environment.broker, on_fact=Facts())
    async with running(relay.run):
        await _holds(environment, topic, order_id)


def plant_event_outside_the_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """The event is published after the commit; the process does not live to do it."""

    class Lost:
        async def insert(self, *_: object) -> None:
            pass

        def __getattr__(self, name: str) -> Any:
            return getattr(outbox, name)

    monkeypatch.setattr(forms, "outbox", Lost())


async def malformed_result_vanishes(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    """(d) A result that is no result is kept for a person to see, with its bytes."""
    del monkeypatch
    orchestrate = part(environment, orchestrator.service())
    broken = message(orchestrate.topic, payment_result(new_ids(1)[0]))._replace(
        value=b'{"payment_status": 7}'
    )
    await write(environment.broker, [broken])
    async with running(orchestrate.pipeline().run):
        await orchestrate.caught_up()
    assert [(row.state, row.value) for row in await orchestrate.parked()] == [("dead", broken.value)]


def plant_malformed_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be decoded is dropped."""
    decode = steps.decode
    monkeypatch.setattr(steps, "decode", lambda *args: [item for item in decode(*args) if item.error is None])


CHECKS: list[tuple[Check, Plant]] = [
    (committed_and_not_published, plant_deleted_before_acknowledged),
    (handler_fails_and_is_skipped, plant_errors_swallowed),
    (status_committed_and_its_event_lost, plant_event_outside_the_transaction),
    (malformed_result_vanishes, plant_malformed_dropped),
]


@pytest.mark.parametrize(("check", "plant"), CHECKS, ids=[check.__name__ for check, _ in CHECKS])
async def test_it_is_not_lost(
    fresh: Environment, monkeypatch: pytest.MonkeyPatch, check: Check, plant: Plant
) -> None:
    del plant
    await check(fresh, monkeypatch)


@pytest.mark.parametrize(("check", "plant"), CHECKS, ids=[plant.__name__ for _, plant in CHECKS])
async def test_the_check_sees_the_fault(
    fresh: Environment, monkeypatch: pytest.MonkeyPatch, check: Check, plant: Plant
) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        await check(fresh, monkeypatch)


async def _holds(environment: Environment, topic: str, order_id: str) -> None:
    async def found() -> bool:
        return any(record.key == order_id.encode() for record in await read(environment, topic))

    await wait_until(found, f"{topic} holds the event", SEEN_S)
