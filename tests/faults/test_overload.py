"""POSTs far beyond what the database takes: refused in time, never a growing queue, memory bounded."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import anyio
import httpx
import psutil
import pytest

from tests.acceptance.shop import Shop, process
from tests.stack import Environment

pytestmark = pytest.mark.anyio

CLIENTS = 80
SECONDS = 5.0
GROWTH_BYTES_MAX = 200 * 2**20


async def test_overload_is_answered_503_and_what_was_accepted_becomes_final(
    environment: Environment, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    shop = Shop(environment.settings)
    shop.http = httpx.AsyncClient(
        base_url=str(shop.http.base_url), timeout=30, limits=httpx.Limits(max_connections=CLIENTS)
    )
    settings = {"INTAKE_QUEUE_MAX": "20", "INTAKE_BATCH_MAX": "1"}  # a database that takes one at a time
    with process(environment.environ, tmp_path / "supervisor.log", **settings) as running:
        async with shop.http:
            await shop.ready(60)
            memory = psutil.Process(running.pid).memory_info().rss
            answers: Counter[int] = Counter()
            slowest_s = 0.0
            until = time.monotonic() + SECONDS

            async def client() -> None:
                nonlocal slowest_s
                while time.monotonic() < until:
                    began = time.monotonic()
                    answer = await shop.post()
                    slowest_s = max(slowest_s, time.monotonic() - began)
                    answers[answer.status_code] += 1
                    if answer.status_code == 503:
                        assert int(answer.headers["Retry-After"]) >= 1
                        assert answer.json()["error"]

            async with anyio.create_task_group() as group:
                for _ in range(CLIENTS):
                    group.start_soon(client)
            grown = psutil.Process(running.pid).memory_info().rss - memory
            record_property("answers", dict(answers))
            record_property("slowest_s", round(slowest_s, 2))
            record_property("grown_mib", round(grown / 2**20))
            grown_mib = round(grown / 2**20)
            sys.stdout.write(f"{dict(answers)}, slowest {slowest_s:.2f} s, grown by {grown_mib} MiB\n")
            assert set(answers) == {201, 503}
            assert slowest_s < 20  # ten times what is promised
            assert grown < GROWTH_BYTES_MAX
            await shop.exactly_once(90)
