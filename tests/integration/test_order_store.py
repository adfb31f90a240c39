"""The API's orders on a real Postgres: taken many at a time, each once, and read page by page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import anyio
import pytest

from ordersys.adapters.order_lists import Position
from ordersys.adapters.orders import NewOrder, Order, OrderReader, order_writer
from ordersys.adapters.reading import ReadSessions
from ordersys.contract.errors import CommitOutcomeUnknown, DependencyUnavailable, RowBlamed
from ordersys.contract.topics import ORDER_CREATED
from tests.driving import wait_until
from tests.integration.flow import AT, new_ids, rows, topic_of
from tests.stack import Environment

pytestmark = pytest.mark.anyio


def new_order(order_id: str, **changes: Any) -> NewOrder:
    fields = {
        "id": order_id,
        "customer_email": "a@example.com",
        "item_sku": "SKU-1",
        "quantity": 2,
        "amount_cents": 1999,
        "correlation_id": "c",
        "traceparent": "00-t-s-01",
        "created_at_utc": AT,
    }
    return NewOrder(**(fields | changes))


@pytest.fixture
async def clean(environment: Environment) -> Environment:
    await rows(environment, "truncate orders, outbox")
    return environment


def writer(environment: Environment) -> Any:
    return order_writer(environment.database, topic_of(environment, ORDER_CREATED))


async def announced(environment: Environment) -> list[str]:
    """Orders with an outbox row."""
    return sorted(row[0].decode() for row in await rows(environment, "select key from outbox"))


async def test_many_orders_are_taken_in_one_statement(clean: Environment) -> None:
    order_ids = sorted(new_ids(50))
    async with writer(clean) as orders:
        assert await orders.insert([new_order(order_id) for order_id in order_ids]) == set(order_ids)
        found = await orders.get_many([order_ids[0], *new_ids(1)])
    assert found == {
        order_ids[0]: Order(
            id=order_ids[0],
            customer_email="a@example.com",
            item_sku="SKU-1",
            quantity=2,
            amount_cents=1999,
            status="NEW",
            order_version=0,
            correlation_id="c",
            payment_status=None,
            inventory_status=None,
            created_at_utc=AT,
            updated_at_utc=AT,
        )
    }
    assert await announced(clean) == order_ids


async def test_an_id_that_is_taken_stays_as_it_is(clean: Environment) -> None:
    old, new = new_ids(2)
    async with writer(clean) as orders:
        assert await orders.insert([new_order(old)]) == {old}
        taken = await orders.insert(
            [
                new_order(old, amount_cents=1),
                new_order(new, item_sku="first"),
                new_order(new, item_sku="second"),
            ]
        )
        assert taken == {new}
        found = await orders.get_many([old, new])
    assert (found[old].amount_cents, found[new].item_sku) == (1999, "first")
    assert await announced(clean) == sorted([old, new])


async def test_two_writers_at_once_take_each_order_once(clean: Environment) -> None:
    order_ids = new_ids(2000)
    taken: list[str] = []

    async def take(ids: list[str]) -> None:
        async with writer(clean) as orders:
            taken.extend(await orders.insert([new_order(order_id) for order_id in ids]))

    # In opposite orders: writers that lock in the order given would block each other for good.
    async with anyio.create_task_group() as group:
        group.start_soon(take, order_ids)
        group.start_soon(take, order_ids[::-1])
    assert sorted(taken) == sorted(order_ids)
    assert await announced(clean) == sorted(order_ids)


@pytest.mark.parametrize(
    "changes",
    [
        {"customer_email": "nul \0"},
        {"quantity": 0},
        {"quantity": 2**31},
        {"amount_cents": 2**63},
        {"item_sku": "x" * 1_000_000},
        {"id": "no UUID"},
    ],
    ids=["text", "check", "integer", "bigint", "outbox value", "id"],
)
async def test_a_value_that_is_refused_takes_nothing_with_it(
    clean: Environment, changes: dict[str, Any]
) -> None:
    good, bad = new_ids(2)
    async with writer(clean) as orders:
        with pytest.raises(RowBlamed):
            await orders.insert([new_order(good), new_order(**({"order_id": bad} | _id(changes)))])
        assert await orders.insert([new_order(good)]) == {good}
    assert await announced(clean) == [good]


def _id(changes: dict[str, Any]) -> dict[str, Any]:
    return {("order_id" if name == "id" else name): value for name, value in changes.items()}


async def test_pages_go_from_the_newest_to_the_oldest_and_miss_nothing(clean: Environment) -> None:
    # Several at one instant: the id breaks the tie.
    made = [
        new_order(order_id, created_at_utc=AT + timedelta(seconds=n // 3))
        for n, order_id in enumerate(new_ids(20))
    ]
    async with writer(clean) as orders:
        await orders.insert(made)
    expected = [
        each.id for each in sorted(made, key=lambda each: (each.created_at_utc, each.id), reverse=True)
    ]
    reader = OrderReader(sessions := ReadSessions(clean.database))
    try:
        found: list[Order] = []
        after: Position | None = None
        while page := await reader.page(6, after):
            assert len(page) <= 6
            found += page
            after = Position(page[-1].created_at_utc, page[-1].id)
            # What comes in the meantime is newer, and not on the pages that follow.
            async with writer(clean) as orders:
                await orders.insert([new_order(new_ids(1)[0], created_at_utc=AT + timedelta(days=1))])
        assert [each.id for each in found] == expected
        assert await reader.get(expected[0]) == found[0]
        assert await reader.get(new_ids(1)[0]) is None
    finally:
        sessions.close()


async def test_readers_share_a_few_connections(clean: Environment) -> None:
    async with writer(clean) as orders:
        await orders.insert([new_order(order_id) for order_id in new_ids(5)])
    reader = OrderReader(sessions := ReadSessions(clean.database, connections_max=2))
    sql = (
        "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    )
    try:
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(reader.page, 5)
        assert (await rows(clean, sql))[0][0] == 2
    finally:
        sessions.close()

    async def gone() -> bool:
        return (await rows(clean, sql))[0][0] == 0

    await wait_until(gone, "the connections are closed")


async def test_a_reader_waits_no_longer_than_it_may(clean: Environment) -> None:
    reader = OrderReader(sessions := ReadSessions(clean.database, read_timeout_s=0.2))
    try:
        async with clean.database.session() as session, session.transaction():
            await session.execute("lock table orders in access exclusive mode")
            with pytest.raises(DependencyUnavailable):
                await reader.page(5)
        assert await reader.page(5) == []
    finally:
        sessions.close()


async def test_a_commit_without_an_answer_is_an_unknown_outcome(clean: Environment) -> None:
    (order_id,) = new_ids(1)
    blocked = (
        "select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    )
    outcome: list[BaseException] = []

    async def insert() -> None:
        async with writer(clean) as orders:
            try:
                await orders.insert([new_order(order_id)])
            except DependencyUnavailable as error:
                outcome.append(error)
            with pytest.raises(DependencyUnavailable, match="connection was lost"):
                await orders.insert([new_order(order_id)])

    async with clean.database.session() as session, session.transaction():
        await session.execute("lock table orders in access exclusive mode")
        async with anyio.create_task_group() as group:
            group.start_soon(insert)

            async def waiting() -> Any:
                return await rows(clean, blocked)

            ((pid,),) = await wait_until(waiting, "the insert waits for the lock")
            await rows(clean, "select pg_terminate_backend($1)", pid)
    assert [type(error) for error in outcome] == [CommitOutcomeUnknown]
