"""Lists, counts and waiting, as Postgres answers them."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from itertools import combinations, count
from typing import Any

import anyio
import pytest

from ordersys.adapters.analytics import AnalyticsReader
from ordersys.adapters.order_lists import STATUSES, Filters, Position
from ordersys.adapters.orders import Order, OrderReader
from ordersys.adapters.postgres import Database
from ordersys.adapters.reading import ReadSessions
from ordersys.adapters.timeline import TimelineReader
from ordersys.api.waiting import TooManyWaiting, Waiting
from ordersys.contract.errors import DependencyUnavailable
from tests.driving import running
from tests.integration.flow import AT, new_ids, rows
from tests.stack import Environment

pytestmark = pytest.mark.anyio

HOST = "127.0.0.1"

_INSERT = """
insert into orders (id, customer_email, item_sku, quantity, amount_cents, status, correlation_id,
                    created_at_utc, updated_at_utc)
select id, email, sku, 1, 1, status, '', at, at
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
     as row (id, email, sku, status, at)
"""
_MOVE = "update orders set status = $2, order_version = order_version + 1 where id = any($1::uuid[])"


@asynccontextmanager
async def reading(environment: Environment, **bounds: Any) -> AsyncIterator[OrderReader]:
    sessions = ReadSessions(environment.database, **bounds)
    try:
        yield OrderReader(sessions)
    finally:
        sessions.close()


async def made(environment: Environment, number: int = 60) -> list[Order]:
    """Orders of every status, of three SKUs and two customers, some of them of one instant; newest first."""
    await rows(environment, "delete from orders")
    order_ids = new_ids(number)
    columns = [
        order_ids,
        [("Ada@Example.com", "bob@example.com")[index % 2] for index in range(number)],
        [f"SKU-{index % 3}" for index in range(number)],
        [STATUSES[index * 7 % 4] for index in range(number)],
        [AT + timedelta(seconds=index // 4) for index in range(number)],
    ]
    await rows(environment, _INSERT, *columns)
    async with reading(environment) as reader:
        found = [await reader.get(order_id) for order_id in order_ids]
    orders = [order for order in found if order is not None]
    return sorted(orders, key=lambda order: (order.created_at_utc, order.id), reverse=True)


def fits(order: Order, filters: Filters) -> bool:
    """What a filter says, in Python."""
    return (
        (not filters.statuses or order.status in filters.statuses)
        and filters.sku in (None, order.item_sku)
        and (filters.email is None or filters.email.lower() == order.customer_email.lower())
        and (filters.created_from is None or order.created_at_utc >= filters.created_from)
        and (filters.created_to is None or order.created_at_utc < filters.created_to)
    )


def all_filters() -> list[Filters]:
    """Every combination of filters, each with the statuses in every number."""
    parts = [
        {"sku": "SKU-1"},
        {"email": "ADA@example.COM"},
        {"created_from": AT + timedelta(seconds=3)},
        {"created_to": AT + timedelta(seconds=12)},
    ]
    chosen = [some for n in range(5) for some in combinations(parts, n)]
    others = [dict(pair for part in some for pair in part.items()) for some in chosen]
    statuses = [some for n in range(5) for some in combinations(STATUSES, n)]
    return [
        Filters(statuses=statuses[index % len(statuses)], **other)
        for other, index in zip(others * len(statuses), count())
    ]


async def paged(reader: OrderReader, limit: int, filters: Filters) -> list[Order]:
    found: list[Order] = []
    after: Position | None = None
    while page := await reader.page(limit, after, filters):
        assert len(page) <= limit
        found += page
        after = Position(page[-1].created_at_utc, page[-1].id)
    return found


async def test_every_list_is_what_its_filters_say_page_by_page(environment: Environment) -> None:
    orders = await made(environment)
    async with reading(environment) as reader:
        for filters in all_filters():
            expected = [order for order in orders if fits(order, filters)]
            assert await paged(reader, 7, filters) == expected, filters


async def test_statuses_and_counts_follow_every_change_of_an_order(environment: Environment) -> None:
    orders = await made(environment)
    by_id = {order.id: order.status for order in orders}
    async with reading(environment) as reader:

        async def check() -> None:
            expected = Counter(by_id.values())
            assert await reader.counts() == {status: expected[status] for status in STATUSES}
            for status in STATUSES:
                listed = await reader.page(500, None, Filters(statuses=(status,)))
                assert {order.id for order in listed} == {id_ for id_, st in by_id.items() if st == status}

        async def move(some: Sequence[str], status: str) -> None:
            await rows(environment, _MOVE, some, status)
            by_id.update(dict.fromkeys(some, status))

        await check()
        await move([id_ for id_, status in by_id.items() if status == "NEW"], "PROCESSING")
        await check()
        await move([*by_id][:1], "CANCELLED")
        await move([*by_id][1:30], "CONFIRMED")
        await move([*by_id][1:30], "CONFIRMED")
        await check()
        gone = [*by_id][20:40]
        await rows(environment, "delete from orders where id = any($1::uuid[])", gone)
        for id_ in gone:
            del by_id[id_]
        await check()


async def change_and_fail(environment: Environment) -> None:
    async with environment.database.session() as session, session.transaction():
        await session.execute("update orders set status = 'CANCELLED'")
        raise ZeroDivisionError


async def test_a_rolled_back_change_is_not_counted(environment: Environment) -> None:
    await made(environment)
    async with reading(environment) as reader:
        before = await reader.counts()
        with pytest.raises(ZeroDivisionError):
            await change_and_fail(environment)
        assert await reader.counts() == before


async def test_no_text_of_a_filter_is_more_than_text(environment: Environment) -> None:
    await made(environment, 4)
    async with reading(environment) as reader:
        for text in ("' or true --", "%", "{conditions}", "$1", "\\", "ä\u2028", "place.id"):
            assert await reader.page(5, None, Filters(sku=text)) == []
            assert await reader.page(5, None, Filters(email=text)) == []


async def test_whoever_waits_is_answered_once_the_order_is_final_with_one_question_for_all(
    environment: Environment,
) -> None:
    orders = [order for order in await made(environment) if order.status == "PROCESSING"]
    asked: list[int] = []
    first = anyio.Event()
    async with reading(environment) as reader:

        async def find_final(order_ids: Sequence[str]) -> dict[str, Order]:
            asked.append(len(order_ids))
            first.set()
            return await reader.find_final(order_ids)

        waiting = Waiting(find_final, every_s=0.02)
        async with running(waiting.run):
            answers: dict[str, Order | None] = {}

            async def wait(order_id: str) -> None:
                answers[order_id] = await waiting.final(order_id, 10)

            async with anyio.create_task_group() as group:
                for order in orders:
                    group.start_soon(wait, order.id)
                await first.wait()
                assert asked == [len(orders)]
                await rows(environment, _MOVE, [order.id for order in orders], "CONFIRMED")
        assert {order_id: answer and answer.status for order_id, answer in answers.items()} == {
            order.id: "CONFIRMED" for order in orders
        }


async def test_waiting_ends_with_an_outage_a_timeout_and_a_drain(environment: Environment) -> None:
    (order, *_) = await made(environment, 4)
    async with reading(environment, read_timeout_s=0.3) as reader:
        waiting = Waiting(reader.find_final, every_s=0.02, waiting_max=2)
        assert await waiting.final(order.id, 10) is None, "nobody asks yet"
        async with running(waiting.run) as driver, anyio.create_task_group() as group:
            await anyio.wait_all_tasks_blocked()
            pending = next(each for each in await made(environment) if each.status == "NEW").id
            assert await waiting.final(pending, 0.05) is None
            async with environment.database.session() as session, session.transaction():
                await session.execute("lock table orders in access exclusive mode")
                with pytest.raises(DependencyUnavailable):
                    await waiting.final(pending, 10)
            answers: list[Order | None] = []

            async def wait() -> None:
                answers.append(await waiting.final(pending, 60))

            group.start_soon(wait)
            group.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            with pytest.raises(TooManyWaiting):
                await waiting.final(pending, 10)
            driver.drain()
            assert await driver.ends() is None
        assert answers == [None, None]


async def test_a_database_that_says_nothing_is_an_outage_within_two_seconds() -> None:
    nobody = new_ids(1)[0]
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        # Connections are made, and nobody ever takes one up.
        listener.listen(64)
        dsn = f"postgresql://a:b@{HOST}:{listener.getsockname()[1]}/c"
        sessions = ReadSessions(Database(dsn=dsn))
        orders, waiting = OrderReader(sessions), Waiting(OrderReader(sessions).find_final)
        questions: list[Callable[[], Awaitable[object]]] = [
            orders.counts,
            partial(orders.get, nobody),
            partial(orders.page, 5, None, Filters(statuses=("NEW",), sku="x")),
            partial(TimelineReader(sessions).facts, nobody),
            partial(AnalyticsReader(sessions).summary, 60),
            partial(waiting.final, nobody, 30),
        ]
        refused: list[float] = []

        async def ask(question: Callable[[], Awaitable[object]]) -> None:
            began = anyio.current_time()
            with pytest.raises(DependencyUnavailable):
                await question()
            refused.append(anyio.current_time() - began)

        async with running(waiting.run):
            await anyio.wait_all_tasks_blocked()
            async with anyio.create_task_group() as askers:
                for question in questions * 3:
                    askers.start_soon(ask, question)
        sessions.close()
    assert len(refused) == 3 * len(questions)
    assert max(refused) < 2
