"""A role that cannot be kept up fails alone, and comes back; roles in processes of their own."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import anyio
import psutil
import pytest

from ordersys.supervision import NodeSnapshot
from supervisor import System
from tests.acceptance import shop as shops
from tests.acceptance.shop import TOKEN, Shop, customers, process
from tests.driving import wait_until
from tests.stack import Environment

pytestmark = pytest.mark.anyio

CHILDREN = 10  # of all roles but the API


async def test_a_role_that_keeps_crashing_fails_alone(environment: Environment) -> None:
    async with shops.system(
        environment.environ, RESTARTS_MAX="1", BACKOFF_FIRST_S="0.01", BACKOFF_CAP_S="1"
    ) as system:
        shop = Shop(environment.settings)
        async with shop.http:
            await shop.ready()
            with anyio.fail_after(20):
                while not _failed(system, "payment"):
                    if any(n.path == "payment/order.created" and n.ready for n in _nodes(system)):
                        system.supervisor.crash("payment/order.created", RuntimeError("injected"))
                    await anyio.sleep(0.01)
            answer = await shop.post()
            assert answer.status_code == 201
            readiness = await shop.http.get(f"http://127.0.0.1:{environment.settings['METRICS_PORT']}/readyz")
            assert readiness.status_code == 503
            order = await shop.final(answer.json()["id"])  # the branch is tried again and comes back
            assert order["status"] == "CONFIRMED"


def _nodes(system: System) -> list[NodeSnapshot]:
    return list(system.supervisor.snapshot().walk())


def _failed(system: System, role: str) -> bool:
    return any(node.path == role and str(node.state) == "failed" for node in _nodes(system))


async def test_roles_in_processes_of_their_own_keep_every_promise(fresh: Environment, tmp_path: Path) -> None:
    log = tmp_path / "system.log"
    shop = Shop(fresh.settings)
    with process(
        fresh.environ, log, ISOLATION="process", ADMIN_TOKEN=TOKEN, BACKOFF_FIRST_S="0.05"
    ) as running:
        async with shop.http:
            await shop.ready(60)
            workers = await _workers(shop)
            assert len(set(workers.values())) == len(workers) == CHILDREN
            async with customers(shop):
                await shop.takes(50)
                for path in ("payment/order.created", "relay/outbox"):
                    os.kill(workers[path], signal.SIGKILL)
                await wait_until(lambda: _replaced(shop, workers), "the killed ones run again")
                await shop.takes(50)
            await shop.exactly_once()
            # One /metrics: what the workers did is counted in the main process.
            assert await shop.metric("ordersys_events_total") >= 4 * len(shop.accepted)
            assert await shop.metric("ordersys_outbox_published_rows_total") >= len(shop.accepted)
            workers = await _workers(shop)
        running.kill()
        running.wait()

        async def all_gone() -> bool:
            return not any(psutil.pid_exists(pid) for pid in workers.values())

        await wait_until(all_gone, "no worker outlives the main process")


async def _workers(shop: Shop) -> dict[str, int]:
    """Process by path, of the children that have one of their own."""
    nodes = (await shop.nodes()).values()
    return {node.path: node.pid for node in nodes if node.isolation == "process" and node.pid}


async def _replaced(shop: Shop, before: dict[str, int]) -> bool:
    now = await _workers(shop)
    killed = ("payment/order.created", "relay/outbox")
    return set(now) == set(before) and not any(now[path] == before[path] for path in killed)
