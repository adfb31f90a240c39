"""A blocked loop is shown and ended; what only looks like one is left alone."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ordersys.supervision import LoopBlocked, Watchdog

ROOT = Path(__file__).parents[2]


def run(name: str) -> subprocess.CompletedProcess[str]:
    """Run one of programs.py to its end."""
    command = [sys.executable, "-m", "tests.supervision.programs", name]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


def test_a_blocked_loop_is_shown_and_then_ended_with_its_process() -> None:
    began = time.monotonic()
    end = run("block_for_long")
    assert end.returncode == 70
    assert time.monotonic() - began < 20
    assert end.stderr.count("blocked for") == 2
    assert "ending the process at 1.2 s" in end.stderr
    assert "in block_for_long" in end.stderr
    assert "in <lambda>" in end.stderr
    assert not end.stdout


def test_a_loop_that_comes_back_is_shown_and_lives_on() -> None:
    end = run("block_for_a_moment")
    assert end.returncode == 0
    assert end.stderr.count("blocked for") == 1
    assert "in block_for_a_moment" in end.stderr
    assert "LoopBlocked(path='loop'" in end.stdout
    assert "survived; worst lag 0." in end.stdout


def test_c_code_that_keeps_the_interpreters_lock_is_shown_and_ended_too() -> None:
    end = run("block_in_c")
    assert end.returncode == -26  # SIGVTALRM
    assert "in block_in_c" in end.stderr


def test_a_stopped_process_has_not_blocked_its_loop() -> None:
    end = run("be_stopped")
    assert (end.returncode, end.stderr) == (0, "")
    assert "survived; worst lag 1.9 s" in end.stdout or "survived; worst lag 2." in end.stdout


@pytest.mark.parametrize("name", ["stand_at_a_breakpoint", "be_traced"])
def test_under_a_debugger_nothing_is_shown_or_ended(name) -> None:
    end = run(name)
    assert (end.returncode, end.stderr) == (0, "")
    assert "survived" in end.stdout


@pytest.mark.anyio
async def test_the_lag_is_measured() -> None:
    with Watchdog(tick_s=0.02) as watchdog:
        await asyncio.sleep(0.1)
        time.sleep(0.3)  # noqa: ASYNC251
        await asyncio.sleep(0.05)  # Its tick is overdue, and comes first.
        assert 0.2 < watchdog.lag_max_s < 3
        await asyncio.sleep(0.1)
        assert watchdog.lag_s < watchdog.lag_max_s


@pytest.mark.anyio
async def test_a_subscriber_hears_how_long_it_was_and_may_fail(caplog) -> None:
    facts = []

    def hear(fact) -> None:
        facts.append(fact)
        raise ZeroDivisionError

    with Watchdog(
        dump_after_s=0.1, exit_after_s=60, tick_s=0.02, on_fact=hear, stream=sys.__stderr__
    ) as watchdog:
        await asyncio.sleep(0.1)
        time.sleep(0.4)  # noqa: ASYNC251
        await asyncio.sleep(0.1)
        assert watchdog.lag_s < 0.3
    assert [type(fact) for fact in facts] == [LoopBlocked]
    assert 0.35 < facts[0].blocked_s < 3
    assert "a subscriber failed" in caplog.text


@pytest.mark.anyio
async def test_left_it_watches_no_more() -> None:
    with Watchdog(dump_after_s=0.1, exit_after_s=0.2, tick_s=0.02):
        await asyncio.sleep(0.05)
    time.sleep(0.5)  # noqa: ASYNC251 - the process lives on


def test_limits_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="must hold"):
        Watchdog(dump_after_s=3, exit_after_s=2)
