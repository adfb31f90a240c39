"""How soon is a crashed child back, and what do the others notice?

All roles in one process, orders posted at a steady rate; each child of each role is crashed ``--times``
times, by ``/admin``, the next time a second after it is ready again. Told for each: the time from the crash
to ready (from the log's own times), and the events a second of all other roles while it was being crashed, as
a share of what they handled when nobody was. Back-off is capped at a second, and no number of restarts is too
many.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import suppress
from datetime import datetime
from functools import partial
from statistics import median, quantiles
from typing import Any
from uuid import uuid4

import anyio
import httpx
import msgspec

from benchmarks import harness
from benchmarks.flow import wait_ready
from config.settings import load
from ordersys.api.admin.views import AdminTree, NodeView

TOKEN = uuid4().hex
BEARER = {"Authorization": f"Bearer {TOKEN}"}
ORDER = {"customer_email": "bench@example.com", "item_sku": "SKU-1", "quantity": 1, "amount_cents": 1999}
APART = ("probes", "control", "postgres", "kafka", "feed")
CALM_S = 20.0
HEALTHY_S = 1.0
CLIENTS = 20
BACK_TIMEOUT_S = 30.0
ENVIRON = {
    "ADMIN_TOKEN": TOKEN,
    "CHAOS_ENABLED": "1",
    "BACKOFF_CAP_S": "1",
    "RESTARTS_MAX": "10000",
    "LOG_LEVEL": "info",
}


def main(arguments: list[str]) -> int:
    """Crash every child; prints a line for each and one for all."""
    parser = argparse.ArgumentParser(prog="./run bench crashes", description=__doc__)
    parser.add_argument("--times", type=int, default=20, help="crashes of each child")
    parser.add_argument("--rate", type=float, default=100.0, help="orders posted a second")
    chosen = parser.parse_args(arguments)
    return anyio.run(partial(_main, chosen.times, chosen.rate))


async def _main(times: int, rate: float) -> int:
    log = harness.ROOT / ".ordersys" / "bench" / "crashes.log"
    async with harness.servers() as (brokers, dsn):
        environ = await harness.clean_environment(brokers, dsn, **ENVIRON)
        settings = load(environ)
        with harness.running([sys.executable, "supervisor.py"], environ, log) as process:
            wait_ready("crashes", settings["METRICS_PORT"], log, process)
            url = f"http://127.0.0.1:{settings['API_PORT']}"
            async with (
                httpx.AsyncClient(base_url=url, timeout=10) as http,
                anyio.create_task_group() as group,
            ):
                group.start_soon(_post_steadily, url, rate)
                await anyio.sleep(CALM_S / 4)  # so that what is measured is the steady state
                found = await _crash_all(http, f"http://127.0.0.1:{settings['METRICS_PORT']}", times)
                group.cancel_scope.cancel()
    back = _times_to_ready([json.loads(line) for line in log.read_bytes().splitlines() if line[:1] == b"{"])
    for path, share in found.items():
        each = back[path]
        print(f"{path:<36} back in {median(each):.2f} s, at most {max(each):.2f} s; others at {share:.0%}")
    everything = [seconds for path in found for seconds in back[path]]
    print(
        f"{len(everything)} crashes: back in {median(everything):.2f} s, "
        f"p99 {quantiles(everything, n=100)[98]:.2f} s, at most {max(everything):.2f} s; "
        f"others at {min(found.values()):.0%} or more"
    )
    return 0


async def _crash_all(http: httpx.AsyncClient, probes: str, times: int) -> dict[str, float]:
    """Share of the others' events a second that was left, by the path of the child that was crashed."""
    paths = [path for path in await _nodes(http) if "/" in path and path.split("/")[0] not in APART]
    found = {}
    calm = await _rates(http, probes, anyio.sleep, CALM_S)
    for path in paths:
        shaken = await _rates(http, probes, _crash, http, path, times)
        role = path.partition("/")[0]
        others = [service for service in calm if service != role]
        found[path] = sum(shaken[each] for each in others) / sum(calm[each] for each in others)
    return found


async def _crash(http: httpx.AsyncClient, path: str, times: int) -> None:
    for _ in range(times):
        before = (await _nodes(http))[path].restarts
        order = {"action": "crash", "path": path, "reason": "benchmark"}
        (await http.post("/admin/actions", headers=BEARER, json=order)).raise_for_status()
        with anyio.fail_after(BACK_TIMEOUT_S):
            while True:
                node = (await _nodes(http))[path]
                if node.restarts > before and node.state == "ready":
                    break
                await anyio.sleep(0.05)
        await anyio.sleep(HEALTHY_S)


async def _rates(http: httpx.AsyncClient, probes: str, what: Any, *arguments: Any) -> dict[str, float]:
    """Events handled a second by each service, while ``what`` goes on."""
    before, began = await _handled(http, probes), time.perf_counter()
    await what(*arguments)
    after, seconds = await _handled(http, probes), time.perf_counter() - began
    return {service: (after[service] - before.get(service, 0.0)) / seconds for service in after}


async def _handled(http: httpx.AsyncClient, probes: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for line in (await http.get(f"{probes}/metrics")).text.splitlines():
        if line.startswith("ordersys_events_total{") and 'outcome="handled"' in line:
            service = line.partition('service="')[2].partition('"')[0]
            found[service] = found.get(service, 0.0) + float(line.rsplit(" ", 1)[1])
    return found


async def _nodes(http: httpx.AsyncClient) -> dict[str, NodeView]:
    while True:
        # The API is one of those that are crashed.
        with suppress(httpx.TransportError):
            answer = await http.get("/admin/tree", headers=BEARER)
            answer.raise_for_status()
            (here,) = msgspec.json.decode(answer.content, type=AdminTree).processes
            return {node.path: node for node in here.tree.walk()}
        await anyio.sleep(0.02)


async def _post_steadily(url: str, rate: float) -> None:
    """``rate`` orders a second, each posted until it is accepted."""
    async with httpx.AsyncClient(base_url=url, timeout=10) as http:
        room = anyio.CapacityLimiter(CLIENTS)

        async def post() -> None:
            key = {"Idempotency-Key": str(uuid4())}
            async with room:
                while True:
                    with suppress(httpx.TransportError):
                        if (await http.post("/orders", json=ORDER, headers=key)).status_code == 201:
                            return
                    await anyio.sleep(0.05)

        async with anyio.create_task_group() as group:
            due = anyio.current_time()
            while True:
                group.start_soon(post)
                due += 1 / rate
                await anyio.sleep(max(0.0, due - anyio.current_time()))


def _times_to_ready(lines: list[dict[str, Any]]) -> dict[str, list[float]]:
    """Seconds from each crash to the next readiness, by path."""
    found: dict[str, list[float]] = {}
    crashed: dict[str, datetime] = {}
    for line in lines:
        if line.get("event") == "child crashed":
            crashed[line["child"]] = datetime.fromisoformat(line["timestamp"])
        elif line.get("event") == "child ready" and line["child"] in crashed:
            at = datetime.fromisoformat(line["timestamp"])
            found.setdefault(line["child"], []).append((at - crashed.pop(line["child"])).total_seconds())
    return found
