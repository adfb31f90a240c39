"""kill -9 of the whole process, under load, again and again: nothing lost, nothing twice.

CRASH_ROUNDS rounds (5; more by ``./run faults``). Customers repeat what was not answered with the same key,
as ours do, so what was answered in the end is known for every order.
"""

from __future__ import annotations

import os
import random
import subprocess
from collections import Counter
from pathlib import Path
from uuid import uuid4

import anyio
import anyio.to_thread
import httpx
import pytest

from tests.acceptance.shop import ORDER, Shop, process
from tests.integration.flow import read
from tests.stack import Environment

pytestmark = pytest.mark.anyio

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "5"))
CUSTOMERS = 4
UP_MAX_S = 1.5


async def test_kill_9_under_load_loses_nothing_and_repeats_nothing(
    environment: Environment, tmp_path: Path
) -> None:
    log = tmp_path / "supervisor.log"
    rng = random.Random(7)
    shop = Shop(environment.settings)
    settings = {"GUARD_DIR": str(tmp_path / "guard")}
    async with shop.http:
        async with anyio.create_task_group() as group:
            stop = anyio.Event()
            for _ in range(CUSTOMERS):
                group.start_soon(_buy, shop, stop)
            for _ in range(ROUNDS):
                with process(environment.environ, log, **settings) as running:
                    await shop.takes(20, 60)
                    # Anywhere: the moment of a crash is not ours to choose.
                    await anyio.sleep(rng.uniform(0, UP_MAX_S))
                    await _kill(running)
            with process(environment.environ, log, **settings):
                await shop.takes(20, 60)
                stop.set()
                await shop.exactly_once(90)
        await _each_transition_once(environment)


async def _buy(shop: Shop, stop: anyio.Event) -> None:
    """Post one order after the other, each until it is answered."""
    while not stop.is_set():
        key = {"Idempotency-Key": str(uuid4())}
        while not stop.is_set():
            try:
                answer = await shop.http.post("/orders", json=ORDER, headers=key, timeout=5)
            except httpx.TransportError:
                await anyio.sleep(0.05)
                continue
            if answer.status_code == 201:
                shop.accepted.append(answer.json()["id"])
                break
            assert answer.status_code in (503, 504)
            await anyio.sleep(0.05)
        await anyio.sleep(0.01)


async def _kill(running: subprocess.Popen[bytes]) -> None:
    running.kill()
    await anyio.to_thread.run_sync(running.wait)


async def _each_transition_once(environment: Environment) -> None:
    """The log may hold an event twice, with the same id; each effect has happened once, in order."""
    records = await read(environment, environment.name("TOPIC_ORDER_STATUS_CHANGED"))
    by_id: dict[str, set[tuple[str, int]]] = {}
    for record in records:
        event = record.event
        by_id.setdefault(event["event_id"], set()).add((event["order_id"], event["order_version"]))
    assert all(len(said) == 1 for said in by_id.values())
    transitions = Counter(next(iter(said)) for said in by_id.values())
    assert set(transitions.values()) == {1}
    async with environment.database.session() as session:
        notified = await session.fetch("select event_id, order_id::text, order_version from notifications")
    assert {row[0]: (row[1], row[2]) for row in notified} == {
        event_id: next(iter(said)) for event_id, said in by_id.items()
    }
