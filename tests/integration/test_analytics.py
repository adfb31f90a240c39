"""The rollups of analytics: every order counted once, whatever is delivered again and by whom."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import anyio
import pytest

from ordersys.adapters import projections
from ordersys.adapters.analytics import AnalyticsReader, Summary
from ordersys.adapters.reading import ReadSessions
from ordersys.contract.errors import Conflict
from ordersys.contract.events import OrderCreated, OrderStatusChanged
from ordersys.contract.service import Context
from ordersys.contract.topics import ORDER_CREATED, ORDER_STATUS_CHANGED
from ordersys.services import analytics
from tests.driving import running, wait_until
from tests.integration.flow import (
    AT,
    message,
    new_ids,
    order_created,
    part,
    payment_result,
    rows,
    topic_of,
    write,
)
from tests.stack import Environment

pytestmark = pytest.mark.anyio

CONTEXT = Context(AT, "t", 0, 0, 1_700_000_000_123)


@pytest.fixture
async def clean(environment: Environment) -> Environment:
    """The module's environment, with nothing counted."""
    tables = "analytics_orders, analytics_minutes, analytics_skus, analytics_sku_hours"
    await rows(environment, f"truncate {tables}")
    return environment


async def rollups(environment: Environment) -> tuple[dict[tuple[Any, str], tuple[int, int]], list[Any]]:
    minutes = await rows(environment, "select minute, state, orders, amount_cents from analytics_minutes")
    skus = await rows(
        environment,
        "select item_sku, sum(orders)::int, sum(quantity)::int, sum(amount_cents)::text from analytics_skus "
        "group by item_sku order by item_sku",
    )
    hours = await rows(
        environment,
        "select item_sku, sum(orders)::int, sum(quantity)::int, sum(amount_cents)::text "
        "from analytics_sku_hours group by item_sku order by item_sku",
    )
    assert hours == skus
    return {(row[0], row[1]): (row[2], int(row[3])) for row in minutes}, [tuple(row) for row in skus]


def changed(order_id: str, state: str = "CONFIRMED", version: int = 2, **at: Any) -> OrderStatusChanged:
    return OrderStatusChanged.by(
        payment_result(order_id), "PROCESSING", state, version, at=AT + timedelta(**at)
    )


def counted_created(events: Sequence[OrderCreated]) -> list[Any]:
    return [analytics.on_created(event, CONTEXT) for event in events]


async def store(environment: Environment, into: str, counted: Sequence[Any]) -> int:
    async with environment.database.session() as session, session.transaction():
        return len(await projections.store(session, into, counted))


async def test_an_order_is_counted_once_however_often_it_is_delivered(fresh: Environment) -> None:
    order_ids = new_ids(6)
    events = [
        order_created(
            order_id,
            item_sku=f"SKU-{index % 2}",
            quantity=index + 1,
            amount_cents=100 * (index + 1),
            occurred_at_utc=AT + timedelta(minutes=index // 3),
        )
        for index, order_id in enumerate(order_ids)
    ]
    assert await store(fresh, "analytics_created", counted_created(events[:4])) == 4
    assert await store(fresh, "analytics_created", counted_created(events[2:])) == 2
    assert await store(fresh, "analytics_created", counted_created(events)) == 0
    twice = [events[0], order_created(order_ids[0].upper(), item_sku="other")]
    assert await store(fresh, "analytics_created", counted_created(twice)) == 0
    minutes, skus = await rollups(fresh)
    first = AT.replace(second=0, microsecond=0)
    assert minutes == {
        (first, "CREATED"): (3, 600),
        (first + timedelta(minutes=1), "CREATED"): (3, 1500),
    }
    assert skus == [("SKU-0", 3, 1 + 3 + 5, "900"), ("SKU-1", 3, 2 + 4 + 6, "1200")]


async def test_of_two_spellings_of_an_id_in_one_batch_the_first_counts(fresh: Environment) -> None:
    (order_id,) = new_ids(1)
    twice = [order_created(order_id, item_sku="first"), order_created(order_id.upper(), item_sku="second")]
    assert await store(fresh, "analytics_created", counted_created(twice)) == 1
    _, skus = await rollups(fresh)
    assert [row[:2] for row in skus] == [("first", 1)]


async def test_the_sums_hold_the_greatest_amounts_and_the_longest_names(fresh: Environment) -> None:
    events = [
        order_created(order_id, item_sku="x" * 500_000, quantity=2**31 - 1, amount_cents=2**63 - 1)
        for order_id in new_ids(3)
    ]
    assert await store(fresh, "analytics_created", counted_created(events)) == 3
    found = await rows(
        fresh, "select orders, quantity, amount_cents::text, length(item_sku) from analytics_skus"
    )
    assert [tuple(row) for row in found] == [(3, 3 * (2**31 - 1), str(3 * (2**63 - 1)), 200)]


async def test_the_final_state_is_counted_once_also_when_it_is_known_first(fresh: Environment) -> None:
    order_ids = new_ids(4)
    final = [
        analytics.on_status_changed(changed(order_id, state), CONTEXT)
        for order_id, state in zip(
            order_ids, ["CONFIRMED", "CONFIRMED", "CANCELLED", "CONFIRMED"], strict=True
        )
    ]
    assert await store(fresh, "analytics_final", final[:3]) == 3
    assert (
        await store(fresh, "analytics_created", counted_created([order_created(i) for i in order_ids])) == 4
    )
    assert await store(fresh, "analytics_final", final) == 1
    assert await store(fresh, "analytics_final", final) == 0
    minutes, _ = await rollups(fresh)
    minute = AT.replace(second=0, microsecond=0)
    assert minutes == {
        (minute, "CREATED"): (4, 4 * 1999),
        (minute, "CONFIRMED"): (3, 0),
        (minute, "CANCELLED"): (1, 0),
    }


async def store_and_fail(environment: Environment) -> None:
    batch = counted_created([order_created(new_ids(1)[0])])
    async with environment.database.session() as session, session.transaction():
        assert len(await projections.store(session, "analytics_created", batch)) == 1
        raise ZeroDivisionError


async def test_a_batch_that_is_rolled_back_has_counted_nothing(fresh: Environment) -> None:
    with pytest.raises(ZeroDivisionError):
        await store_and_fail(fresh)
    assert await rollups(fresh) == ({}, [])


async def test_batches_that_overlap_count_once_and_never_lock_each_other_out(fresh: Environment) -> None:
    chance = random.Random(7)
    order_ids = new_ids(120)
    created = [
        order_created(
            order_id,
            item_sku=f"SKU-{chance.randrange(8)}",
            occurred_at_utc=AT + timedelta(minutes=chance.randrange(5)),
        )
        for order_id in order_ids
    ]
    final = [changed(order_id, minutes=chance.randrange(5)) for order_id in order_ids]
    conflicts: list[Conflict] = []

    async def deliver(seed: int) -> None:
        mine = random.Random(seed)
        async with fresh.database.session() as session:
            for _ in range(12):
                some = mine.sample(range(len(order_ids)), 60)
                if seed % 2:
                    into, batch = "analytics_created", counted_created([created[n] for n in some])
                else:
                    into, batch = (
                        "analytics_final",
                        [analytics.on_status_changed(final[n], CONTEXT) for n in some],
                    )
                try:
                    async with session.transaction():
                        await projections.store(session, into, batch)
                except Conflict as conflict:
                    conflicts.append(conflict)

    async with anyio.create_task_group() as group:
        for seed in range(6):
            group.start_soon(deliver, seed)
    assert conflicts == []
    minutes, skus = await rollups(fresh)
    for state, column in (("CREATED", "created_minute"), ("CONFIRMED", "final_minute")):
        expected = await rows(
            fresh,
            f"select {column}, count(*) from analytics_orders where {column} is not null group by 1",
        )
        assert {at: n for (at, said), (n, _) in minutes.items() if said == state} == {
            row[0]: row[1] for row in expected
        }
    assert sum(row[1] for row in skus) == sum(
        n for (_, state), (n, _) in minutes.items() if state == "CREATED"
    )


async def test_a_group_that_begins_again_counts_nothing_twice(fresh: Environment) -> None:
    order_ids = new_ids(20)
    created_topic, changed_topic = topic_of(fresh, ORDER_CREATED), topic_of(fresh, ORDER_STATUS_CHANGED)
    events = [message(created_topic, order_created(order_id)) for order_id in order_ids]
    events += [message(changed_topic, changed(order_id, minutes=1)) for order_id in order_ids]
    await write(fresh.broker, [*events, *events[::3]])
    created, final = part(fresh, analytics.service(), 0), part(fresh, analytics.service(), 1)

    async def read_all() -> None:
        async with running(created.pipeline().run), running(final.pipeline().run):
            await created.caught_up()
            await final.caught_up()

    await read_all()
    minutes, skus = await rollups(fresh)
    minute = AT.replace(second=0, microsecond=0)
    assert minutes == {
        (minute, "CREATED"): (20, 20 * 1999),
        (minute + timedelta(minutes=1), "CONFIRMED"): (20, 0),
    }
    places = await rows(
        fresh,
        "select count(distinct (created_partition, created_offset)), count(written_at_utc) "
        "from analytics_orders",
    )
    assert tuple(places[0]) == (20, 20)
    for each in (created, final):
        await each.rewind()
    await write(fresh.broker, events[:5])
    await read_all()
    assert await rollups(fresh) == (minutes, skus)


@pytest.mark.parametrize("minutes", [1, 2, 59, 60, 61, 90, 125, 1440])
async def test_the_summary_is_of_exactly_the_last_minutes(clean: Environment, minutes: int) -> None:
    now = (await rows(clean, "select date_trunc('minute', now())"))[0][0]
    ages = sorted({0, 1, 29, 30, 58, 59, 60, 61, 89, 90, 91, 119, 120, 124, 125, 1439, 1440, 2000})
    events = [
        order_created(
            order_id,
            item_sku=f"SKU-{age % 3}",
            quantity=age + 1,
            amount_cents=2**62,
            occurred_at_utc=now - timedelta(minutes=age) + timedelta(seconds=7),
        )
        for order_id, age in zip(new_ids(len(ages)), ages, strict=True)
    ]
    await store(clean, "analytics_created", counted_created(events))
    sessions = ReadSessions(clean.database)
    summary = await AnalyticsReader(sessions).summary(minutes)
    sessions.close()
    # The minute may have ended since.
    passed = int((summary.per_minute[-1].minute - now).total_seconds() // 60)
    within = [age for age in ages if age < minutes - passed]
    assert summary.totals.created == len(within)
    assert summary.totals.amount_cents == str(len(within) * 2**62)
    assert len(summary.per_minute) == minutes
    expected = Counter(f"SKU-{age % 3}" for age in within)
    assert {sku.item_sku: sku.orders for sku in summary.top_skus} == expected
    assert sum(int(sku.quantity) for sku in summary.top_skus) == sum(age + 1 for age in within)
    assert [sku.orders for sku in summary.top_skus] == sorted(expected.values(), reverse=True)


async def test_whoever_asks_for_the_summary_at_once_is_answered_by_one_reading(clean: Environment) -> None:
    await store(clean, "analytics_created", counted_created([order_created(new_ids(1)[0])]))
    sessions = ReadSessions(clean.database)
    reader = AnalyticsReader(sessions, keep_s=0.05)
    answers: list[Summary] = []

    async def ask() -> None:
        answers.append(await reader.summary(60))

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(ask)
    assert len({id(answer) for answer in answers}) == 1

    async def another() -> bool:
        return (await reader.summary(60)) is not answers[0]

    await wait_until(another, "the summary is read again")
    sessions.close()
