"""A child in a process of its own keeps all the rules, and is killed where a task would be left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import anyio
import pytest

from ordersys.supervision import (
    Backoff,
    ChildCrashed,
    ChildReady,
    ChildSpec,
    ChildStarting,
    ChildStopped,
    ChildWaiting,
    Intensity,
    MessagesLost,
    ProcessEnded,
    ProcessStart,
    ProcessStarted,
    StartTimeout,
    State,
)
from tests.supervision.lab import Boom
from tests.supervision.live import PATIENCE_S, Live
from tests.supervision.services import Happy
from tests.supervision.test_program import running
from tests.supervision.workers import Unreadable

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Each test takes a process or two: one loop will do, save where the loop matters."""
    return "asyncio", {"use_uvloop": True}


def child(target: str, *args: object, block_timeout_s: float = 8.0, **options: object) -> ChildSpec:
    start = ProcessStart(f"tests.supervision.workers:{target}", args, block_timeout_s)
    options = {"backoff": Backoff(first_s=0.01, cap_s=0.01), "isolation": "process", **options}
    return ChildSpec(id=target, start=start, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": use}) for use in (True, False)])
async def test_it_is_ready_tells_and_drains_in_a_process_of_its_own() -> None:
    async with Live(child("happy", {"a": 1}, Boom), Happy().spec("task")) as live:
        ready = await live.until(ChildReady, 2)
        assert live.of(ChildReady)[0].note == "serving"
        assert ready.path == "task"
        await live.happens(lambda: len(live.told) == 2)
        assert live.told == [("happy", {"a": 1}), ("happy", Boom)]
        assert live.supervisor.ready()
        pid = live.see("happy").pid
        assert pid == live.of(ProcessStarted)[0].pid != os.getpid() == live.see("task").pid
        live.supervisor.drain()
        await live.task
        assert live.told[-1] == ("happy", "drained")
        stopped = live.of(ChildStopped)[-1]
        assert (stopped.path, stopped.cancelled, stopped.error) == ("happy", False, None)
        ended = live.of(ProcessEnded)[0]
        assert (ended.pid, ended.code, ended.killed) == (pid, 0, False)
        assert live.see("happy").pid is None


async def test_what_it_raises_is_a_crash_with_its_text_and_traceback() -> None:
    async with Live(child("fails")) as live:
        crash = await live.until(ChildCrashed)
        assert "Boom: over there" in str(crash.error)
        assert 'raise Boom("over there")' in crash.traceback
        assert crash.reason == "error"
        again = await live.until(ChildStarting, 2)
        assert again.reason == "error"
        await live.until(ProcessStarted, 2)
        assert live.of(ProcessStarted)[0].pid != live.of(ProcessStarted)[1].pid


async def test_an_outage_over_there_is_an_outage_and_spends_nothing() -> None:
    async with Live(child("away"), child("waits"), intensity=Intensity(max_restarts=0)) as live:
        await live.until(ChildWaiting, 2)
        reasons = {fact.path: fact for fact in live.of(ChildWaiting)}
        assert "Away: the broker; Away: the database" in reasons["away"].reason
        assert reasons["away"].retry_in_s is not None
        assert (reasons["waits"].reason, reasons["waits"].retry_in_s) == ("for the broker", None)
        assert not live.of(ChildCrashed)
        assert not live.supervisor.ready()


async def test_a_transient_child_that_returns_is_done() -> None:
    async with Live(child("returns", restart="transient"), Happy().spec("task")) as live:
        await live.until(ChildStopped)
        await live.happens(live.supervisor.ready)
        assert len(live.of(ChildStarting)) == 2


async def test_one_that_does_not_drain_is_cancelled() -> None:
    async with Live(child("deaf", drain_timeout_s=0.1)) as live:
        await live.until(ChildReady)
        live.supervisor.drain()
        await live.task
        assert live.of(ChildStopped)[0].cancelled
        assert live.told == [("deaf", "cancelled")]
        assert not live.of(ProcessEnded)[0].killed


async def test_one_that_ignores_its_cancellation_is_killed_and_no_orphan() -> None:
    async with Live(child("stubborn", drain_timeout_s=0.1, cancel_timeout_s=0.6)) as live:
        await live.until(ChildReady)
        began = time.monotonic()
        live.supervisor.drain()
        await live.task
        assert time.monotonic() - began < 10
        ended = live.of(ProcessEnded)[0]
        assert (ended.killed, ended.code) == (True, -signal.SIGKILL)
        assert live.of(ChildStopped)[0].cancelled


async def test_one_that_says_nothing_in_time_is_ended_and_tried_again() -> None:
    async with Live(child("hangs", start_timeout_s=1.5)) as live:
        crash = await live.until(ChildCrashed)
        assert isinstance(crash.error, StartTimeout)
        await live.until(ProcessStarted, 2)
        ended = live.of(ProcessEnded)[0]
        assert live.facts.index(ended) < live.facts.index(live.of(ProcessStarted)[1])


async def test_a_blocked_loop_over_there_is_shown_and_ended_and_hurts_nobody_here(capfd) -> None:
    async with Live(child("blocks", block_timeout_s=2), Happy().spec("task")) as live:
        crash = await live.until(ChildCrashed)
        assert crash.reason == "hung"
        assert "ended by its watchdog" in str(crash.error)
        assert live.see("task").state is State.READY
        await live.until(ProcessStarted, 2)
    shown = capfd.readouterr().err
    assert "blocked for" in shown
    assert "in blocks" in shown


async def test_one_that_gives_no_sign_of_life_is_killed() -> None:
    async with Live(child("stops", block_timeout_s=0.8)) as live:
        crash = await live.until(ChildCrashed)
        assert crash.reason == "hung"
        assert "no sign of life" in str(crash.error)
        assert live.of(ProcessEnded)[0].killed


@pytest.mark.parametrize("by", ["itself", "somebody"])
async def test_a_process_that_dies_is_a_crash(by) -> None:
    async with Live(child("exits" if by == "itself" else "happy")) as live:
        await live.until(ChildReady)
        if by == "somebody":
            os.kill(live.of(ProcessStarted)[0].pid, signal.SIGKILL)
        crash = await live.until(ChildCrashed)
        assert crash.reason == "died"
        assert ("with exit code 3" if by == "itself" else "by SIGKILL") in str(crash.error)
        await live.until(ChildReady, 2)


async def test_an_injected_fault_ends_the_process_and_counts_as_the_childs_own() -> None:
    async with Live(child("happy")) as live:
        await live.until(ChildReady)
        live.supervisor.crash("happy", Boom("injected"))
        crash = await live.until(ChildCrashed)
        assert str(crash.error) == "injected"
        await live.until(ChildReady, 2)


async def test_its_beats_are_heard_and_its_silence_noticed() -> None:
    async with Live(child("works", max_silence_s=1.5)) as live:
        crash = await live.until(ChildCrashed)
        assert crash.reason == "silent"
        assert "7 is pending" in str(crash.error)
        ready = await live.until(ChildReady, 2)
        assert ready.at > crash.at
        with anyio.fail_after(PATIENCE_S):
            while (seen := live.see("works")).done < 10:
                await asyncio.wait([asyncio.create_task(asyncio.sleep(0.02))])
        assert (seen.done, seen.pending) == (10, 7)
        assert seen.beat_age_s is not None
        assert seen.lag_s is not None


async def test_signals_to_the_whole_group_are_left_to_the_supervisor() -> None:
    async with Live(child("happy")) as live:
        await live.until(ChildReady)
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(live.of(ProcessStarted)[0].pid, number)
        live.supervisor.drain()
        await live.task
        assert live.told == [("happy", "drained")]
        assert live.of(ProcessEnded)[0].code == 0


async def test_more_messages_than_can_be_taken_are_dropped_and_counted() -> None:
    async with Live(child("floods")) as live:
        lost = await live.until(MessagesLost)
        await live.happens(lambda: len(live.told) + lost.count == 400)
        assert lost.count > 0
        assert live.see("floods").state is State.READY


async def test_a_message_that_cannot_be_read_is_logged_and_hurts_nobody(caplog) -> None:
    async with Live(child("happy", Unreadable(Boom), "and on")) as live:
        await live.happens(lambda: ("happy", "and on") in live.told)
        assert len(live.told) == 1
        assert "a message of happy could not be read" in caplog.text


async def test_what_cannot_be_imported_is_a_crash_that_says_so() -> None:
    async with Live(child("no_such_child")) as live:
        crash = await live.until(ChildCrashed)
        assert "no_such_child" in str(crash.error)


@pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": use}) for use in (True, False)])
async def test_the_same_start_runs_as_a_task_if_that_is_wanted() -> None:
    async with Live(child("happy", "hello", isolation="task")) as live:
        await live.happens(lambda: ("happy", "hello") in live.told)
        assert live.see("happy").pid == os.getpid()
        assert not live.of(ProcessStarted)


def test_a_worker_ends_with_its_parent_even_when_its_loop_is_blocked() -> None:
    with running("has_a_blocked_worker") as program:
        program.await_line("blocked")
        began = time.monotonic()
        program.process.kill()
        # The worker holds the other end of stdout, too: it is at its end when both processes are gone.
        assert program.process.stdout is not None
        program.process.stdout.read()
        assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    "make",
    [
        lambda: ProcessStart("no colon"),
        lambda: ProcessStart("a:b", block_timeout_s=0),
        lambda: ChildSpec(id="a", start=Happy(), isolation="process"),
    ],
)
def test_nonsense_is_refused(make) -> None:
    with pytest.raises(ValueError, match="must"):
        make()
