"""What the benchmarks share: servers, a clean database and topics, orders in the outbox, the finish line."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import anyio

from config.settings import Settings, load
from ordersys.adapters import migrations, outbox
from ordersys.adapters.kafka import Broker
from ordersys.adapters.outbox import OutboxRow
from ordersys.adapters.postgres import Database
from ordersys.contract import ids
from ordersys.contract.errors import DependencyUnavailable
from ordersys.contract.events import ORDER_API, OrderCreated, encode
from ordersys.contract.topics import GROUPS, TOPICS
from ordersys.devstack import DevStack
from ordersys.devstack.ports import free_port

ROOT = Path(__file__).parent.parent
FILL_BATCH = 2000
WAIT_S = 300.0
VISIBLE_WAIT_S = 30.0

_INSERT_ORDERS = """
insert into orders (id, customer_email, item_sku, quantity, amount_cents, correlation_id,
                    created_at_utc, updated_at_utc)
select id, 'bench@example.com', 'SKU-1', 1, 1999, id::text, now(), now() from unnest($1::uuid[]) as row (id)
"""
_PROGRESS = """
select (select count(*) from orders where status in ('CONFIRMED', 'CANCELLED')) as final,
       (select count(*) from notifications) as notified,
       (select count(*) from analytics_orders where final_minute is not null
                                                and created_minute is not null) as counted
"""


@asynccontextmanager
async def servers() -> AsyncIterator[tuple[str, str]]:
    """Brokers and DSN: those of the environment, else embedded ones in a directory of their own."""
    given = load()
    if given["KAFKA_BROKERS"] and given["POSTGRES_DSN"]:
        yield given["KAFKA_BROKERS"], given["POSTGRES_DSN"]
        return
    async with embedded_servers(ROOT / ".ordersys" / "bench") as stack:
        yield stack.addresses.kafka_brokers, stack.addresses.postgres_dsn


def embedded_servers(directory: Path) -> DevStack:
    """Embedded servers on free ports, with fresh data in ``directory``; not started yet."""
    return DevStack(
        directory,
        kafka_port=0,
        postgres_port=0,
        postgres_db="orders",
        postgres_user="orders",
        postgres_password="orders",
        fresh=True,
        progress=lambda line: print(line, file=sys.stderr),
    )


async def clean_environment(brokers: str, dsn: str, *, prefix: str = "bench", **extra: str) -> dict[str, str]:
    """A new database and new topics; the environment that names them.

    ``prefix`` and a random part begin the names of the database, the topics and the consumer groups.
    """
    run = f"{prefix}{uuid4().hex[:8]}"
    async with Database(dsn=dsn).session() as session:
        await session.execute(f"create database {run}")
    parts = urlsplit(dsn)
    metrics_port = free_port()
    environ = {
        "KAFKA_BROKERS": brokers,
        "POSTGRES_DSN": urlunsplit(parts._replace(path=f"/{run}")),
        "METRICS_PORT": str(metrics_port),
        "API_PORT": str(free_port(besides=(metrics_port,))),
        **{topic.env: f"{run}.{topic.default}" for topic in TOPICS},
        **{group.env: f"{run}.{group.default}" for group in GROUPS},
        **extra,
    }
    settings = load(environ)
    async with Database(dsn=environ["POSTGRES_DSN"]).session() as session:
        await migrations.apply(session, migrations.load(ROOT / "infra" / "postgres"))
    topics = {settings.name(topic.env): settings["PARTITIONS"] for topic in TOPICS}
    broker = Broker(brokers=brokers)
    await broker.create_topics(topics, keep=())
    await _until_visible(broker, topics)
    return environ


async def _until_visible(broker: Broker, topics: Mapping[str, int]) -> None:
    """The controller answers before the broker itself knows of new topics."""
    with anyio.fail_after(VISIBLE_WAIT_S):
        while True:
            try:
                return await broker.check_topics(topics)
            except DependencyUnavailable:
                await anyio.sleep(0.05)


async def fill(
    settings: Settings, orders: int, *, every: int = 0, extra: Callable[[], OutboxRow] | None = None
) -> None:
    """Put ``orders`` orders and their ``order.created`` rows into the database, all in one transaction.

    ``extra``: makes a row that goes in after ``every`` orders, too.
    """
    topic = settings.name("TOPIC_ORDER_CREATED")
    database = Database(dsn=settings["POSTGRES_DSN"], command_timeout_s=120)
    async with database.session() as session, session.transaction():
        for start in range(0, orders, FILL_BATCH):
            order_ids = [str(uuid4()) for _ in range(min(FILL_BATCH, orders - start))]
            await session.execute(_INSERT_ORDERS, order_ids)
            rows = [_row(topic, order_id) for order_id in order_ids]
            if extra is not None:
                for place in range(len(rows) // every * every, 0, -every):
                    rows.insert(place, extra())
            await outbox.insert(session, rows)


def _row(topic: str, order_id: str) -> OutboxRow:
    event = OrderCreated(
        event_id=ids.created_event_id(order_id),
        event_type="order.created",
        event_version="v1",
        occurred_at_utc=datetime.now(UTC),
        correlation_id=order_id,
        order_id=order_id,
        source_service=ORDER_API,
        customer_email="bench@example.com",
        item_sku="SKU-1",
        quantity=1,
        amount_cents=1999,
        initial_status="NEW",
    )
    headers = {
        "traceparent": f"00-{uuid4().hex}-{uuid4().hex[:16]}-01",
        "correlation_id": order_id,
        "event_id": event.event_id,
        "event_type": event.event_type,
    }
    return OutboxRow(topic, order_id.encode(), encode(event), outbox.header_text(headers))


async def finished(settings: Settings, orders: int, process: subprocess.Popen[bytes]) -> None:
    """Return when every order is final, notified of both transitions, and counted.

    :raises RuntimeError: the process ended, or the time is up.
    """
    deadline = time.monotonic() + WAIT_S
    async with Database(dsn=settings["POSTGRES_DSN"]).session() as session:
        while time.monotonic() < deadline:
            final, notified, counted = (await session.fetch(_PROGRESS))[0]
            if final == orders and notified == 2 * orders and counted == orders:
                return
            if process.poll() is not None:
                raise RuntimeError(f"the measured process ended with code {process.returncode}")
            await anyio.sleep(0.05)
    raise RuntimeError(f"not finished in {WAIT_S} s: {final} final, {notified} notified, {counted} counted")


@contextmanager
def running(command: list[str], environ: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours with its output in ``log``; ended at the end."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environ}, stdout=out, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
