"""Being supervised costs next to nothing. Measured is processor time: others use the machine, too."""

from __future__ import annotations

import asyncio
import time
import timeit

import pytest

from ordersys.supervision import ChildContext, MonotonicClock, Watchdog
from tests.supervision.live import Live
from tests.supervision.services import Happy

BEAT_S_MAX = 2e-6  # It takes a tenth of that.
IDLE_SHARE_MAX = 0.01


def test_a_beat_is_cheap() -> None:
    context = ChildContext("child", MonotonicClock().now, None)  # type: ignore[arg-type]
    times = timeit.repeat(
        lambda: context.beat(done=3, pending=7), number=5_000, repeat=30, timer=time.process_time
    )
    assert min(times) / 5_000 < BEAT_S_MAX


@pytest.mark.anyio
async def test_the_watchdog_and_idle_children_take_less_than_a_hundredth_of_a_core() -> None:
    children = [Happy().spec(f"child{number}", max_silence_s=30) for number in range(30)]
    async with Live(*children) as live:
        await live.supervisor.wait_started()
        with Watchdog():
            shares = []
            for _ in range(3):
                began, used = time.monotonic(), time.process_time()
                await asyncio.sleep(1)
                shares.append((time.process_time() - used) / (time.monotonic() - began))
    assert min(shares) < IDLE_SHARE_MAX
