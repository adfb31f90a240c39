"""A blocked event loop: all stacks are shown, the process ends, the outer restarter brings it back.

BLOCK_ROUNDS rounds (1; more by ``./run faults``), each a loop blocked for ten seconds under load.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from ordersys.supervision.program import EXIT_BROKEN
from tests.acceptance.shop import BEARER, TOKEN, Shop, customers, process
from tests.stack import Environment

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(900)]

ROUNDS = int(os.environ.get("BLOCK_ROUNDS", "1"))
EXIT_S = 3.0
# Blocked for ten seconds, it must not have come through to the end of them; ten times as generous as it is.
ENDED_DEADLINE_S = 9.0


async def test_a_blocked_loop_is_shown_ended_and_comes_back(fresh: Environment, tmp_path: Path) -> None:
    log = tmp_path / "supervisor.log"
    shop = Shop(fresh.settings)
    more = {"ADMIN_TOKEN": TOKEN, "CHAOS_ENABLED": "1", "WATCHDOG_EXIT_S": str(EXIT_S)}
    async with shop.http:
        for number in range(1, ROUNDS + 1):
            with process(fresh.environ, log, **more) as running:
                await shop.ready(60)
                async with customers(shop):
                    await shop.takes(20)
                    answer = await shop.http.post(
                        "/admin/actions",
                        headers=BEARER,
                        json={"action": "block", "path": "payment/order.created"},
                    )
                    assert answer.status_code == 200
                    began = time.monotonic()
                    code = await anyio.to_thread.run_sync(running.wait, 60)
                assert code == EXIT_BROKEN
                assert time.monotonic() - began < ENDED_DEADLINE_S
            said = log.read_text("utf-8", "replace")
            # Where it stands, and which task that is.
            assert said.count("_block_loop") >= number
            assert said.count("blocked") >= number
        with process(fresh.environ, log, **more):
            await shop.ready(60)
            await shop.exactly_once(60)
