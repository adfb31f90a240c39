"""How long do lists, counts and the analytics summary take with many orders?

Fills a database with orders of every status (few of them open, some of those old), and asks for each kind of
list again and again, one after the other, over one connection. ``--explain`` prints the plans too.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import quantiles
from typing import Any

import anyio

from benchmarks import harness
from ordersys.adapters.analytics import AnalyticsReader
from ordersys.adapters.order_lists import STATUSES, Filters, Position, page_statement
from ordersys.adapters.orders import OrderReader
from ordersys.adapters.postgres import Database
from ordersys.adapters.reading import ReadSessions

LIMIT = 101
SPAN_H = 24
_ORDERS = """
insert into orders (id, customer_email, item_sku, quantity, amount_cents, status, order_version,
                    correlation_id, payment_status, inventory_status, created_at_utc, updated_at_utc)
select gen_random_uuid(), 'customer' || i % 50000 || '@example.com',
       case when i % 3 = 0 then 'SKU-POPULAR' else 'SKU-' || i % 1000 end, 1 + i % 9, 1999,
       case when i % 50000 = 0 then 'PROCESSING' when i % 70000 = 0 then 'NEW'
            when i % 10 = 0 then 'CANCELLED' else 'CONFIRMED' end,
       2, 'c' || i, 'PROCESSED', 'RESERVED',
       now() - ($1 - i) * interval '1 second' * ($2 * 3600.0 / $1), now()
from generate_series(1, $1::int) as i
"""
_ANALYTICS = """
with counted as (
    insert into analytics_skus (minute, item_sku, orders, quantity, amount_cents)
    select date_trunc('minute', created_at_utc), item_sku, count(*), sum(quantity), sum(amount_cents)
    from orders group by 1, 2 order by 1, 2
), by_hour as (
    insert into analytics_sku_hours (hour, item_sku, orders, quantity, amount_cents)
    select date_trunc('hour', created_at_utc, 'UTC'), item_sku, count(*), sum(quantity), sum(amount_cents)
    from orders group by 1, 2 order by 1, 2
)
insert into analytics_minutes (minute, state, orders, amount_cents)
select date_trunc('minute', created_at_utc), case status when 'CANCELLED' then status else 'CONFIRMED' end,
       count(*), 0
from orders group by 1, 2
union all
select date_trunc('minute', created_at_utc), 'CREATED', count(*), sum(amount_cents) from orders group by 1
"""


def main(arguments: list[str]) -> int:
    """Prints a line per kind of list: the median and the 99th percentile, in ms."""
    parser = argparse.ArgumentParser(prog="./run bench lists", description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000, help="orders in the database")
    parser.add_argument("--times", type=int, default=300, help="how often each list is asked for")
    parser.add_argument("--explain", action="store_true", help="print the plan of each list")
    chosen = parser.parse_args(arguments)
    return anyio.run(_main, chosen.orders, chosen.times, chosen.explain)


async def _main(orders: int, times: int, explain: bool) -> int:
    async with harness.servers() as (brokers, dsn):
        environ = await harness.clean_environment(brokers, dsn)
        database = Database(dsn=environ["POSTGRES_DSN"], command_timeout_s=600)
        await _fill(database, orders)
        sessions = ReadSessions(database, connections_max=1, read_timeout_s=30)
        try:
            for name, ask in _questions(sessions).items():
                await _measure(name, ask, times)
            if explain:
                await _explain(sessions)
        finally:
            sessions.close()
    return 0


async def _fill(database: Database, orders: int) -> None:
    started = time.perf_counter()
    async with database.session() as session:
        await session.execute(_ORDERS, orders, SPAN_H)
        await session.execute(_ANALYTICS)
        await session.execute("vacuum analyze")
        await session.execute("checkpoint")
    print(f"{orders:,} orders of {SPAN_H} hours in {time.perf_counter() - started:.0f} s", flush=True)


def _lists() -> dict[str, tuple[Filters, Position | None]]:
    ago = partial(lambda hours: datetime.now(UTC) - timedelta(hours=hours))
    nobody = "00000000-0000-0000-0000-000000000000"
    deep = Position(ago(SPAN_H / 2), nobody)
    return {
        "newest": (Filters(), None),
        "from the middle on": (Filters(), deep),
        "status NEW (few, some old)": (Filters(statuses=("NEW",)), None),
        "status CANCELLED": (Filters(statuses=("CANCELLED",)), None),
        "status CONFIRMED from the middle on": (Filters(statuses=("CONFIRMED",)), deep),
        "statuses NEW, PROCESSING": (Filters(statuses=("NEW", "PROCESSING")), None),
        "statuses NEW, CONFIRMED, CANCELLED": (Filters(statuses=("NEW", "CONFIRMED", "CANCELLED")), None),
        "SKU": (Filters(sku="SKU-77"), None),
        "SKU of a third of all": (Filters(sku="SKU-POPULAR"), None),
        "SKU that is not there": (Filters(sku="SKU-NONE"), None),
        "address": (Filters(email="CUSTOMER77@example.com"), None),
        "hour in the middle": (Filters(created_from=ago(13), created_to=ago(12)), None),
        "SKU and status CANCELLED": (Filters(sku="SKU-70", statuses=("CANCELLED",)), None),
        "popular SKU and status NEW": (Filters(sku="SKU-POPULAR", statuses=("NEW",)), None),
        "popular SKU and statuses NEW, PROCESSING": (
            Filters(sku="SKU-POPULAR", statuses=("NEW", "PROCESSING")),
            None,
        ),
        "address and status CONFIRMED": (
            Filters(email="customer77@example.com", statuses=("CONFIRMED",)),
            None,
        ),
        "SKU and address": (Filters(sku="SKU-77", email="customer77@example.com"), None),
        "all of them": (
            Filters(
                statuses=("CONFIRMED",),
                sku="SKU-POPULAR",
                email="customer3@example.com",
                created_from=ago(20),
                created_to=ago(1),
            ),
            None,
        ),
    }


def _questions(sessions: ReadSessions) -> dict[str, Callable[[], Awaitable[Any]]]:
    reader, analytics = OrderReader(sessions), AnalyticsReader(sessions, keep_s=0)
    questions: dict[str, Callable[[], Awaitable[Any]]] = {
        name: partial(reader.page, LIMIT, after, filters) for name, (filters, after) in _lists().items()
    }
    questions["counts"] = reader.counts
    questions["summary of an hour"] = partial(analytics.summary, 60)
    questions["summary of a day"] = partial(analytics.summary, 1440)
    return questions


async def _measure(name: str, ask: Callable[[], Awaitable[Any]], times: int) -> None:
    answer = await ask()
    took = []
    for _ in range(times):
        started = time.perf_counter()
        await ask()
        took.append((time.perf_counter() - started) * 1000)
    cuts = quantiles(took, n=100)
    size = f"{len(answer)} rows" if isinstance(answer, list) else ""
    print(f"{name:<42} p50 {cuts[49]:6.2f} ms  p99 {cuts[98]:6.2f} ms  {size}", flush=True)
    if name == "counts":
        assert set(answer) == set(STATUSES)


async def _explain(sessions: ReadSessions) -> None:
    for name, (filters, after) in _lists().items():
        sql, parameters = page_statement(LIMIT, filters, after)
        async with sessions.session() as session:
            plan = await session.fetch(f"explain (analyze, costs off, buffers off) {sql}", *parameters)
        print(f"\n{name}", *(f"  {row[0]}" for row in plan), sep="\n")
