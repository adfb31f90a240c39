"""Kafka or Postgres frozen or cut off under load: an outage to sit out, and not a failure.

OUTAGE_S seconds (5; 20 and 60 by ``./run faults``). That they are killed is in the acceptance tests.
"""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import anyio
import httpx
import psutil
import pytest

from tests.acceptance.shop import Shop, process
from tests.driving import wait_until
from tests.faults.proxy import Proxy
from tests.stack import Environment, Servers

pytestmark = pytest.mark.anyio

OUTAGE_S = float(os.environ.get("OUTAGE_S", "5"))
RECOVERY_S = 90.0


@pytest.fixture(scope="module")
def servers(mortal_servers: Servers) -> Servers:
    return mortal_servers


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """A server and its children stopped where they stand (SIGSTOP)."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    for each in family:
        each.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for each in family:
            if each.is_running():
                each.send_signal(signal.SIGCONT)


@asynccontextmanager
async def posting(shop: Shop) -> AsyncIterator[list[int]]:
    """Customers beside the block; the statuses they were answered."""
    statuses: list[int] = []
    async with anyio.create_task_group() as group:

        async def keep_posting() -> None:
            while True:
                try:
                    statuses.append((await shop.post()).status_code)
                except httpx.TransportError as error:
                    raise AssertionError("the API has to answer, whatever is away") from error
                await anyio.sleep(0.02)

        for _ in range(3):
            group.start_soon(keep_posting)
        yield statuses
        group.cancel_scope.cancel()


async def _answered(statuses: list[int], count: int) -> None:
    async def enough() -> bool:
        return statuses.count(201) >= count

    await wait_until(enough, "orders are being taken", 60)


async def _sat_out(shop: Shop) -> None:
    """All is well again by itself: every order final, each effect once, nothing parked, no restart spent."""
    await shop.ready(RECOVERY_S)
    await shop.exactly_once(RECOVERY_S)
    assert await shop.metric("ordersys_child_crashes_total") == 0
    assert await shop.metric("ordersys_child_restarts_in_window") == 0


@pytest.mark.timeout(400)
async def test_kafka_frozen(servers: Servers, environment: Environment, tmp_path: Path) -> None:
    assert servers.stack is not None, "this test freezes the embedded Kafka"
    shop = Shop(environment.settings)
    with process(environment.environ, tmp_path / "supervisor.log", WATCHDOG_EXIT_S="0"):
        async with shop.http:
            await shop.ready(60)
            async with posting(shop) as statuses:
                await _answered(statuses, 50)
                with frozen(servers.stack.pids["kafka"]):
                    before = len(statuses)
                    await anyio.sleep(OUTAGE_S)
                    assert set(statuses[before:]) == {201}  # the API needs Postgres alone
                await _answered(statuses, statuses.count(201) + 20)
            await _sat_out(shop)


@pytest.mark.timeout(400)
async def test_postgres_frozen(servers: Servers, environment: Environment, tmp_path: Path) -> None:
    assert servers.stack is not None, "this test freezes the embedded Postgres"
    shop = Shop(environment.settings)
    with process(environment.environ, tmp_path / "supervisor.log", WATCHDOG_EXIT_S="0"):
        async with shop.http:
            await shop.ready(60)
            async with posting(shop) as statuses:
                await _answered(statuses, 50)
                with frozen(servers.stack.pids["postgres"]):
                    await anyio.sleep(OUTAGE_S)
                await _answered(statuses, statuses.count(201) + 20)
            assert set(statuses) <= {201, 503, 504}
            await _sat_out(shop)


@pytest.mark.timeout(400)
async def test_postgres_cut_off(environment: Environment, tmp_path: Path) -> None:
    parts = urlsplit(environment.settings["POSTGRES_DSN"])
    assert parts.hostname is not None
    assert parts.port is not None
    shop = Shop(environment.settings)
    async with Proxy(parts.hostname, parts.port).running() as proxy, shop.http:
        login = parts.netloc.rpartition("@")[0]
        dsn = urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{proxy.port}"))
        log = tmp_path / "supervisor.log"
        with process(environment.environ, log, POSTGRES_DSN=dsn, WATCHDOG_EXIT_S="0"):
            await shop.ready(60)
            async with posting(shop) as statuses:
                await _answered(statuses, 50)
                proxy.cut()
                await shop.ready(60, wanted=False)  # noticed, though nobody was told
                await anyio.sleep(OUTAGE_S)
                proxy.mend()
                await _answered(statuses, statuses.count(201) + 20)
            assert set(statuses) <= {201, 503, 504}
            await _sat_out(shop)


@pytest.mark.timeout(400)
async def test_a_process_that_stands_still_is_replaced(environment: Environment, tmp_path: Path) -> None:
    """A member of a group is stopped in its tracks: its partitions go to another, and nothing is lost."""
    shop = Shop(environment.settings)
    stuck = {**environment.environ, "METRICS_PORT": str(environment.settings["METRICS_PORT"] + 1)}
    settings = {"STALL_S": "5", "WATCHDOG_EXIT_S": "0"}
    with process(environment.environ, tmp_path / "supervisor.log", **settings):
        async with shop.http:
            await shop.ready(60)
            with process(stuck, tmp_path / "stuck.log", ROLES="payment", WATCHDOG_EXIT_S="0") as other:
                other_shop = Shop(environment.settings, metrics_port=environment.settings["METRICS_PORT"] + 1)
                async with other_shop.http:
                    await other_shop.ready(60)
                async with posting(shop) as statuses:
                    await _answered(statuses, 50)
                    other.send_signal(signal.SIGSTOP)
                    await _answered(statuses, statuses.count(201) + 50)
                # Its partitions go to the other member when its session is over; then all is consumed.
                await shop.exactly_once(RECOVERY_S)
                other.send_signal(signal.SIGCONT)
            await shop.ready(60)
            await shop.exactly_once(RECOVERY_S)
