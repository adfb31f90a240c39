"""The orchestrator through real topics: each effect once, committed before its offsets, in order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from ordersys.adapters import outbox, states
from ordersys.adapters.kafka import GroupConsumer
from ordersys.contract import topics
from ordersys.contract.errors import Conflict, DependencyUnavailable
from ordersys.contract.events import Event, InventoryResult, PaymentResult
from ordersys.contract.order import OrderState
from ordersys.contract.service import Context, Decision, Service, Stateful, Subscription
from ordersys.runtime.facts import BatchCommitted, BatchRunAgain, OrdersFinalised, PartitionsLost
from ordersys.services import orchestrator
from tests.driving import running
from tests.integration.flow import (
    AT,
    LIMITS,
    inventory_result,
    message,
    new_ids,
    new_orders,
    part,
    payment_result,
    rows,
    write,
)
from tests.stack import Environment

pytestmark = pytest.mark.anyio

PAYMENT, INVENTORY = 0, 1


class Killed(Exception):
    """What ends a run in the middle."""


async def killed(*_: object) -> Any:
    raise Killed


async def refused(*_: object) -> Any:
    raise DependencyUnavailable("postgres", "injected")


async def said(environment: Environment) -> dict[str, list[tuple[int, str, str]]]:
    """What the outbox says of each order, in order: version, from, to."""
    found: dict[str, list[tuple[int, str, str]]] = {}
    for (value,) in await rows(environment, "select value from outbox order by id"):
        event = msgspec.json.decode(value)
        found.setdefault(event["order_id"], []).append(
            (event["order_version"], event["previous_state"], event["current_state"])
        )
    return found


async def stands(environment: Environment, order_id: str) -> tuple[Any, ...]:
    (row,) = await rows(
        environment,
        "select status, order_version, payment_status, inventory_status from orders where id = $1",
        order_id,
    )
    return tuple(row)


PROCESSING = (1, "NEW", "PROCESSING")
CONFIRMED = (2, "PROCESSING", "CONFIRMED")


async def test_two_good_results_confirm_an_order(fresh: Environment) -> None:
    payments = part(fresh, orchestrator.service(), PAYMENT)
    stock = part(fresh, orchestrator.service(), INVENTORY)
    (order_id,) = await new_orders(fresh, 1)
    await write(fresh.broker, [message(payments.topic, payment_result(order_id, correlation_id="c"))])
    async with running(payments.pipeline().run):
        await payments.caught_up()
    assert await stands(fresh, order_id) == ("PROCESSING", 1, "PROCESSED", None)

    await write(fresh.broker, [message(stock.topic, inventory_result(order_id, correlation_id="c"))])
    async with running(stock.pipeline().run):
        await stock.caught_up()
    assert await stands(fresh, order_id) == ("CONFIRMED", 2, "PROCESSED", "RESERVED")
    assert await said(fresh) == {order_id: [PROCESSING, CONFIRMED]}
    (sent, *_) = await rows(fresh, "select topic, key, headers from outbox order by id")
    headers = msgspec.json.decode(sent["headers"])
    assert sent["topic"] == fresh.name("TOPIC_ORDER_STATUS_CHANGED")
    assert sent["key"] == order_id.encode()
    assert headers["correlation_id"] == "c"
    assert headers.keys() == {"traceparent", "correlation_id", "event_id", "event_type"}
    (timeline,) = await rows(
        fresh,
        "select payment_event_id, payment_at_utc, payment_offset, inventory_offset, payment_reason "
        "from orders",
    )
    assert tuple(timeline) == (payment_result(order_id).event_id, AT, 0, 0, None)


async def test_a_failure_cancels_and_what_comes_later_fills_its_column_alone(fresh: Environment) -> None:
    payments = part(fresh, orchestrator.service(), PAYMENT)
    stock = part(fresh, orchestrator.service(), INVENTORY)
    (order_id,) = await new_orders(fresh, 1)
    await write(fresh.broker, [message(payments.topic, payment_result(order_id, "FAILED", reason="no"))])
    async with running(payments.pipeline().run):
        await payments.caught_up()
    await write(fresh.broker, [message(stock.topic, inventory_result(order_id))])
    async with running(stock.pipeline().run):
        await stock.caught_up()
    assert await stands(fresh, order_id) == ("CANCELLED", 1, "FAILED", "RESERVED")
    assert await said(fresh) == {order_id: [(1, "NEW", "CANCELLED")]}
    assert [row[0] for row in await rows(fresh, "select payment_reason from orders")] == ["no"]


async def test_the_same_record_twice_has_one_effect(fresh: Environment) -> None:
    payments = part(fresh, orchestrator.service(), PAYMENT)
    (order_id,) = await new_orders(fresh, 1)
    result = message(payments.topic, payment_result(order_id))
    await write(fresh.broker, [result, result])
    async with running(payments.pipeline().run):
        await payments.caught_up()
        await write(fresh.broker, [result])
        await payments.caught_up()
    assert await said(fresh) == {order_id: [PROCESSING]}
    assert payments.outcomes() == {"handled": 1, "duplicate": 2}


async def test_the_first_result_of_a_kind_wins(fresh: Environment) -> None:
    payments = part(fresh, orchestrator.service(), PAYMENT)
    (order_id,) = await new_orders(fresh, 1)
    second = payment_result(order_id, "FAILED", event_id="another")
    for results in ([payment_result(order_id), second], [second]):
        await write(fresh.broker, [message(payments.topic, result) for result in results])
    async with running(payments.pipeline().run):
        await payments.caught_up()
    assert await stands(fresh, order_id) == ("PROCESSING", 1, "PROCESSED", None)
    assert await said(fresh) == {order_id: [PROCESSING]}


async def test_killed_between_the_two_commits_it_does_nothing_twice(
    fresh: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    payments = part(fresh, orchestrator.service(), PAYMENT)
    order_ids = await new_orders(fresh, 30)
    await write(fresh.broker, [message(payments.topic, payment_result(order_id)) for order_id in order_ids])
    with monkeypatch.context() as patch:
        patch.setattr(GroupConsumer, "commit", killed)
        async with running(payments.pipeline(limits=replace(LIMITS, batch_max=10)).run, fails=True) as driver:
            assert isinstance(await driver.ends(), Killed)
    assert len(await said(fresh)) == 10  # the database has committed
    assert await payments.committed() == {}
    async with running(payments.pipeline().run):
        await payments.caught_up()
    assert await said(fresh) == {order_id: [PROCESSING] for order_id in order_ids}
    assert payments.outcomes() == {"handled": 20, "duplicate": 10}


async def test_offsets_are_not_committed_when_the_database_is_not(
    fresh: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    payments = part(fresh, orchestrator.service(), PAYMENT)
    order_ids = await new_orders(fresh, 30)
    await write(fresh.broker, [message(payments.topic, payment_result(order_id)) for order_id in order_ids])
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "insert", refused)
        async with running(payments.pipeline().run, fails=True) as driver:
            assert isinstance(await driver.ends(), DependencyUnavailable)
    assert await payments.committed() == {}
    assert await rows(fresh, "select from processed_events") == []
    assert await rows(fresh, "select from parked_events") == []
    assert await stands(fresh, order_ids[0]) == ("NEW", 0, None, None)
    async with running(payments.pipeline().run):
        await payments.caught_up()
    assert await said(fresh) == {order_id: [PROCESSING] for order_id in order_ids}


async def test_a_commit_that_comes_too_late_leaves_the_work_done(
    fresh: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    payments = part(fresh, orchestrator.service(), PAYMENT)
    (order_id,) = await new_orders(fresh, 1)
    await write(fresh.broker, [message(payments.topic, payment_result(order_id))])

    async def another_owner(*_: object) -> bool:
        return False

    with monkeypatch.context() as patch:
        patch.setattr(GroupConsumer, "commit", another_owner)
        async with running(payments.pipeline().run) as driver:
            while not payments.facts.of(PartitionsLost):
                await driver.wait_beat()
    assert await payments.committed() == {}
    async with running(payments.pipeline().run):
        await payments.caught_up()
    assert await said(fresh) == {order_id: [PROCESSING]}
    assert payments.outcomes() == {"handled": 1, "duplicate": 1}


async def test_a_batch_that_meets_a_conflict_is_run_again(
    fresh: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    payments = part(fresh, orchestrator.service(), PAYMENT)
    order_ids = await new_orders(fresh, 5)
    await write(fresh.broker, [message(payments.topic, payment_result(order_id)) for order_id in order_ids])
    save, met = states.save, []

    async def deadlock_once(*args: Any) -> None:
        await save(*args)
        if not met:
            met.append(1)
            raise Conflict("deadlock detected")

    monkeypatch.setattr(states, "save", deadlock_once)
    async with running(payments.pipeline().run):
        await payments.caught_up()
    assert [fact.cause for fact in payments.facts.of(BatchRunAgain)] == ["deadlock detected"]
    assert await said(fresh) == {order_id: [PROCESSING] for order_id in order_ids}
    assert payments.outcomes() == {"handled": 5}


async def test_a_group_that_begins_again_changes_nothing(fresh: Environment) -> None:
    payments = part(fresh, orchestrator.service(), PAYMENT)
    order_ids = await new_orders(fresh, 30)
    await write(fresh.broker, [message(payments.topic, payment_result(order_id)) for order_id in order_ids])
    async with running(payments.pipeline().run):
        await payments.caught_up()
    before = await rows(fresh, "select * from orders order by id")
    await payments.rewind()
    async with running(payments.pipeline().run):
        await payments.caught_up()
    assert await rows(fresh, "select * from orders order by id") == before
    assert await said(fresh) == {order_id: [PROCESSING] for order_id in order_ids}
    assert payments.outcomes() == {"handled": 30, "duplicate": 30}


async def test_results_of_an_order_at_once_are_serialised(fresh: Environment) -> None:
    payments = part(fresh, orchestrator.service(), PAYMENT)
    stock = part(fresh, orchestrator.service(), INVENTORY)
    order_ids = await new_orders(fresh, 400)
    await write(fresh.broker, [message(payments.topic, payment_result(order_id)) for order_id in order_ids])
    await write(fresh.broker, [message(stock.topic, inventory_result(order_id)) for order_id in order_ids])
    async with running(payments.pipeline().run), running(stock.pipeline().run):
        await payments.caught_up()
        await stock.caught_up()
    assert await said(fresh) == {order_id: [PROCESSING, CONFIRMED] for order_id in order_ids}


class AnyResult(Event, frozen=True, kw_only=True, gc=False):
    """A result of either kind, as a topic could carry it that has both."""

    payment_status: str | None = None
    inventory_status: str | None = None


def on_any(state: OrderState, event: AnyResult, context: Context) -> Decision:
    fields = {name: getattr(event, name) for name in Event.__struct_fields__}
    if event.payment_status:
        payment = PaymentResult(**fields, payment_status=event.payment_status)
        return orchestrator.on_payment(state, payment, context)
    stock = InventoryResult(**fields, inventory_status=event.inventory_status, reserved_quantity=1)
    return orchestrator.on_inventory(state, stock, context)


@pytest.mark.parametrize("first", ["payment_status", "inventory_status"])
async def test_both_results_in_one_batch_are_folded_one_after_the_other(
    fresh: Environment, first: str
) -> None:
    service = Service(
        name="orchestrator",
        source="order-orchestrator",
        dead_letters=topics.ORCHESTRATOR_DLQ,
        subscriptions=(
            Subscription(
                topics.Topic("TOPIC_PAYMENT_RESULT", "", AnyResult),
                topics.ORCHESTRATOR_PAYMENT_GROUP,
                Stateful(on_any, topics.ORDER_STATUS_CHANGED),
            ),
        ),
    )
    both = part(fresh, service)
    (order_id,) = await new_orders(fresh, 1)
    common = {name: getattr(payment_result(order_id), name) for name in Event.__struct_fields__}
    results = [
        AnyResult(**(common | {"event_id": "p"}), payment_status="PROCESSED"),
        AnyResult(**(common | {"event_id": "i"}), inventory_status="RESERVED"),
    ]
    results.sort(key=lambda result: getattr(result, first) is None)
    await write(fresh.broker, [message(both.topic, result) for result in results])
    async with running(both.pipeline().run):
        await both.caught_up()
    assert len(both.facts.of(BatchCommitted)) == 1
    (finalised,) = both.facts.of(OrdersFinalised)
    assert [(status, len(took)) for status, took in finalised.seconds.items()] == [("CONFIRMED", 1)]
    assert await said(fresh) == {order_id: [PROCESSING, CONFIRMED]}
    assert await stands(fresh, order_id) == ("CONFIRMED", 2, "PROCESSED", "RESERVED")


async def test_a_result_that_comes_before_its_order_waits_for_it(fresh: Environment) -> None:
    payments = part(fresh, orchestrator.service(), PAYMENT)
    (order_id,) = new_ids(1)
    await write(fresh.broker, [message(payments.topic, payment_result(order_id))])
    async with running(payments.pipeline().run):
        await payments.caught_up()
        (parked,) = await payments.parked()
        assert (parked.state, parked.reason) == ("retrying", f"there is no order {order_id}")
        await new_orders(fresh, 1, [order_id])
        await payments.nothing_parked()
    assert await said(fresh) == {order_id: [PROCESSING]}
