"""A running system and its customers: what the acceptance tests talk to."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import anyio.to_thread
import httpx
import msgspec

from config.settings import Settings, load
from ordersys.adapters.postgres import Database
from ordersys.api.admin.views import AdminTree, NodeView
from ordersys.runtime.logs import Lines
from supervisor import System
from tests.driving import wait_until

ROOT = Path(__file__).parents[2]
COMMAND_TIMEOUT_S = 60
TOKEN = "a-token-nobody-can-guess"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
ORDER = {"customer_email": "ada@example.com", "item_sku": "SKU-1", "quantity": 1, "amount_cents": 1999}

_TOTALS = """
select (select count(*) from orders) as orders,
       (select count(*) from orders where status in ('CONFIRMED', 'CANCELLED')) as final,
       (select sum(order_version) from orders)::int as transitions,
       (select count(*) from notifications) as notified,
       (select count(*) from analytics_orders where created_minute is not null) as counted,
       (select count(*) from analytics_orders where final_minute is not null) as finished,
       (select count(*) from parked_events) as parked,
       (select count(*) from outbox) as outbox
"""


@asynccontextmanager
async def system(environ: Mapping[str, str], **more: str) -> AsyncIterator[System]:
    """All roles in this process, started; drained at the end."""
    running = System(load({**environ, **more}), Lines())
    async with anyio.create_task_group() as group:
        group.start_soon(running.supervisor.run)
        with anyio.fail_after(60):
            await running.supervisor.wait_started()
        try:
            yield running
        finally:
            running.supervisor.drain()


async def command(environ: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """``ordersys`` with ``arguments``, in a process of its own; its result."""

    def work() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ordersys.cli", *arguments],
            cwd=ROOT,
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )

    return await anyio.to_thread.run_sync(work)


@contextmanager
def process(
    environ: Mapping[str, str], log: Path, *, program: Sequence[str] = ("supervisor.py",), **more: str
) -> Iterator[subprocess.Popen[bytes]]:
    """``python supervisor.py`` (or another ``program``) with this environment; terminated at the end."""
    with log.open("ab") as out:
        running = subprocess.Popen(
            [sys.executable, *program],
            cwd=ROOT,
            env={**os.environ, **environ, **more},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield running
    finally:
        if running.poll() is None:
            running.terminate()
            try:
                running.wait(30)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


class Shop:
    """A client of one system, by HTTP for orders and by SQL for what became of them."""

    def __init__(self, settings: Settings, metrics_port: int | None = None) -> None:
        """``metrics_port``: of the process whose readiness and metrics are asked for."""
        self._database = Database(dsn=settings["POSTGRES_DSN"])
        self._url = f"http://127.0.0.1:{settings['API_PORT']}"
        self._probes = f"http://127.0.0.1:{metrics_port or settings['METRICS_PORT']}"
        self.http = httpx.AsyncClient(base_url=self._url, timeout=10)
        self.accepted: list[str] = []

    async def post(self, **fields: Any) -> httpx.Response:
        """One order, with a key of its own; what is accepted is remembered."""
        answer = await self.http.post(
            "/orders", json={**ORDER, **fields}, headers={"Idempotency-Key": str(uuid4())}
        )
        if answer.status_code == 201:
            self.accepted.append(answer.json()["id"])
        return answer

    async def takes(self, more: int, deadline_s: float = 15.0) -> None:
        """Return when so many more orders have been accepted, by whoever posts them."""
        wanted = len(self.accepted) + more

        async def enough() -> bool:
            return len(self.accepted) >= wanted

        await wait_until(enough, "orders are being taken", deadline_s)

    async def nodes(self) -> dict[str, NodeView]:
        """Children and supervisors of all processes, by path; the API's ADMIN_TOKEN is ``TOKEN``."""
        answer = await self.http.get("/admin/tree", headers=BEARER)
        assert answer.status_code == 200, answer.text
        tree = msgspec.json.decode(answer.content, type=AdminTree)
        assert tree.complete
        return {node.path: node for process in tree.processes for node in process.tree.walk()}

    async def order(self, order_id: str) -> dict[str, Any]:
        """An order as it stands."""
        answer = await self.http.get(f"/orders/{order_id}")
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    async def final(self, order_id: str, deadline_s: float = 15.0) -> dict[str, Any]:
        """An order once it is final."""

        async def look() -> dict[str, Any] | None:
            order = await self.order(order_id)
            return order if order["status"] in ("CONFIRMED", "CANCELLED") else None

        found = await wait_until(look, f"order {order_id} is final", deadline_s)
        assert found is not None
        return found

    async def ready(self, deadline_s: float = 30.0, *, wanted: bool = True) -> None:
        """Return when ``/readyz`` says so, or says the opposite."""

        async def look() -> bool:
            try:
                answer = await self.http.get(f"{self._probes}/readyz")
            except httpx.TransportError:
                return False
            return (answer.status_code == 200) == wanted

        await wait_until(look, f"readiness is {wanted}", deadline_s)

    async def metric(self, name: str) -> float:
        """Sum of a metric's samples."""
        text = (await self.http.get(f"{self._probes}/metrics")).text
        return sum(
            float(line.rsplit(" ", 1)[1])
            for line in text.splitlines()
            if line.split("{")[0].split(" ")[0] == name
        )

    async def totals(self) -> dict[str, int]:
        """Counts of rows, by what they say."""
        async with self._database.session() as session:
            return dict((await session.fetch(_TOTALS))[0])

    async def settled(self, deadline_s: float = 30.0) -> dict[str, int]:
        """The totals, once every accepted order is final and every effect has happened."""

        async def look() -> dict[str, int] | None:
            totals = await self.totals()
            done = (
                totals["final"] == totals["orders"] >= len(self.accepted)
                and totals["notified"] >= totals["transitions"]
                and totals["finished"] >= totals["orders"]
                and totals["counted"] >= totals["orders"]
            )
            return totals if done else None

        found = await wait_until(look, f"all of {len(self.accepted)} accepted orders are settled", deadline_s)
        assert found is not None
        return found

    async def exactly_once(self, deadline_s: float = 30.0) -> None:
        """Every accepted order is there and final, each effect happened once, and nothing was parked."""
        totals = await self.settled(deadline_s)
        assert totals["notified"] == totals["transitions"]
        assert totals["counted"] == totals["finished"] == totals["orders"]
        assert totals["parked"] == 0
        async with self._database.session() as session:
            found = await session.fetch("select id::text from orders where id = any($1)", self.accepted)
        assert {row[0] for row in found} == set(self.accepted)


@asynccontextmanager
async def customers(shop: Shop, pause_s: float = 0.01) -> AsyncIterator[None]:
    """Orders posted one after the other beside the block, whatever each is answered."""
    async with anyio.create_task_group() as group:

        async def keep_posting() -> None:
            while True:
                try:
                    await shop.post()
                except httpx.TransportError:
                    # The server is being restarted; whether it took the order is not known.
                    await anyio.sleep(pause_s)
                await anyio.sleep(pause_s)

        for _ in range(4):
            group.start_soon(keep_posting)
        yield
        group.cancel_scope.cancel()
