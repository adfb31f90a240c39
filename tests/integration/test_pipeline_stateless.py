"""Services without state through real topics: every event is answered, and answered the same again."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from ordersys.adapters.kafka import GroupConsumer, Message, Publisher
from ordersys.contract import ids
from ordersys.contract.errors import DependencyUnavailable
from ordersys.contract.events import encode
from ordersys.contract.topics import INVENTORY_RESULT, PAYMENT_RESULT, partition_of
from ordersys.services import inventory, payment
from tests.driving import running
from tests.integration.flow import by_key, message, new_ids, order_created, part, read, topic_of, write
from tests.stack import Environment

pytestmark = pytest.mark.anyio


class Killed(Exception):
    """What ends a run in the middle."""


async def killed(*_: object) -> Any:
    raise Killed


async def refused(*_: object) -> Any:
    raise DependencyUnavailable("kafka", "injected")


async def test_every_order_is_answered_by_payment_and_by_inventory(fresh: Environment) -> None:
    pay, stock = part(fresh, payment.service(1000)), part(fresh, inventory.service(10))
    order_ids = new_ids(50)
    cheap, dear = order_ids[:49], order_ids[49]
    trace = f"00-{uuid4().hex}-"
    headers = [("traceparent", f"{trace}0123456789abcdef-01".encode())]
    orders = [order_created(order_id, amount_cents=1000, quantity=10) for order_id in cheap]
    orders.append(order_created(dear, amount_cents=1001, quantity=11, correlation_id="c"))
    async with running(pay.pipeline().run) as paying, running(stock.pipeline().run):
        await paying.wait_ready()
        await write(fresh.broker, [message(pay.topic, order, headers=headers) for order in orders])
        await pay.caught_up()
        await stock.caught_up()

    paid = {record.event["order_id"]: record for record in await read(fresh, topic_of(fresh, PAYMENT_RESULT))}
    assert {order_id: paid[order_id].event["payment_status"] for order_id in order_ids} == {
        **dict.fromkeys(cheap, "PROCESSED"),
        dear: "FAILED",
    }
    event_id = ids.result_event_id("payment-service", ids.created_event_id(dear))
    assert paid[dear].event["event_id"] == event_id
    assert paid[dear].key == dear.encode()
    assert paid[dear].headers.pop("traceparent").startswith(trace)
    assert paid[dear].headers == {
        "correlation_id": "c",
        "event_id": event_id,
        "event_type": "payment.result",
    }
    reserved = await read(fresh, topic_of(fresh, INVENTORY_RESULT))
    assert {record.event["order_id"]: record.event["reserved_quantity"] for record in reserved} == {
        **dict.fromkeys(cheap, 10),
        dear: 0,
    }
    assert pay.outcomes() == stock.outcomes() == {"handled": 50}


async def test_answers_of_a_key_keep_its_order(fresh: Environment) -> None:
    pay = part(fresh, payment.service())
    keys = [f"k{number}" for number in range(4)]
    orders = [order_created(key, event_id=f"{key}/{count}") for count in range(30) for key in keys]
    await write(fresh.broker, [message(pay.topic, order) for order in orders])
    async with running(pay.pipeline().run):
        await pay.caught_up()
    answers = by_key(await read(fresh, topic_of(fresh, PAYMENT_RESULT)))
    assert {key: [record.event["event_id"] for record in records] for key, records in answers.items()} == {
        key.encode(): [ids.result_event_id("payment-service", f"{key}/{count}") for count in range(30)]
        for key in keys
    }


async def test_a_record_delivered_again_gets_the_same_answer(fresh: Environment) -> None:
    pay = part(fresh, payment.service())
    order = order_created(new_ids(1)[0])
    await write(fresh.broker, [message(pay.topic, order), message(pay.topic, order)])
    async with running(pay.pipeline().run):
        await pay.caught_up()
    first, second = await read(fresh, topic_of(fresh, PAYMENT_RESULT))
    assert first.event["event_id"] == second.event["event_id"]


async def test_the_partition_of_an_answer_is_the_key_s(fresh: Environment) -> None:
    pay = part(fresh, payment.service())
    order_ids = new_ids(10)
    # Another writer's partitioner and keys: nothing of it shows in the answers.
    records = [Message(pay.topic, b"another", encode(order_created(order_id)), []) for order_id in order_ids]
    await write(fresh.broker, records)
    async with running(pay.pipeline().run):
        await pay.caught_up()
    answers = await read(fresh, topic_of(fresh, PAYMENT_RESULT))
    assert {(record.key, record.partition) for record in answers} == {
        (order_id.encode(), partition_of(order_id.encode(), fresh.partitions)) for order_id in order_ids
    }


async def test_offsets_wait_for_the_acknowledgement(
    fresh: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    pay = part(fresh, payment.service())
    orders = [order_created(order_id) for order_id in new_ids(20)]
    await write(fresh.broker, [message(pay.topic, order) for order in orders])
    with monkeypatch.context() as patch:
        patch.setattr(Publisher, "publish", refused)
        async with running(pay.pipeline().run, fails=True) as driver:
            assert isinstance(await driver.ends(), DependencyUnavailable)
    assert await pay.committed() == {}
    assert pay.outcomes() == {}
    async with running(pay.pipeline().run):
        await pay.caught_up()
    answers = await read(fresh, topic_of(fresh, PAYMENT_RESULT))
    assert sorted(record.event["order_id"] for record in answers) == sorted(o.order_id for o in orders)


async def test_killed_before_its_offsets_it_answers_again_with_the_same_ids(
    fresh: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    pay = part(fresh, payment.service())
    orders = [order_created(order_id) for order_id in new_ids(20)]
    await write(fresh.broker, [message(pay.topic, order) for order in orders])
    with monkeypatch.context() as patch:
        patch.setattr(GroupConsumer, "commit", killed)
        async with running(pay.pipeline().run, fails=True) as driver:
            assert isinstance(await driver.ends(), Killed)
    once = await read(fresh, topic_of(fresh, PAYMENT_RESULT))
    async with running(pay.pipeline().run):
        await pay.caught_up()
    answers = await read(fresh, topic_of(fresh, PAYMENT_RESULT))
    expected = {ids.result_event_id("payment-service", order.event_id) for order in orders}
    assert len(answers) == len(once) + 20
    assert {record.event["event_id"] for record in answers} == expected


async def test_a_drain_finishes_and_commits_the_batch_in_hand(fresh: Environment) -> None:
    pay = part(fresh, payment.service())
    await write(fresh.broker, [message(pay.topic, order_created(order_id)) for order_id in new_ids(300)])
    async with running(pay.pipeline().run) as driver:
        while not pay.facts:
            await driver.wait_beat()
        driver.drain()
        assert await driver.ends() is None
    handled = pay.outcomes()["handled"]
    assert sum((await pay.committed()).values()) == handled
    assert len(await read(fresh, topic_of(fresh, PAYMENT_RESULT))) == handled
