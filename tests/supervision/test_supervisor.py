"""The whole: run, wait_started, drain, facts, snapshots, and that its own surroundings cannot hurt it."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
from itertools import pairwise

import anyio
import pytest

from ordersys.supervision import (
    Backoff,
    ChildContext,
    ChildCrashed,
    ChildReady,
    ChildSpec,
    Fact,
    StartInterrupted,
    State,
    Supervisor,
    SupervisorSpec,
    UnexpectedEnd,
)
from ordersys.supervision.errors import LINE_MAX_CHARS, TRACEBACK_MAX_CHARS
from ordersys.supervision.states import TRANSITIONS
from tests.supervision.lab import Away, Boom, Lab
from tests.supervision.services import (
    Fail,
    FailThenHappy,
    Happy,
    IgnoreCancel,
    IgnoreDrain,
    SlowStart,
    Waiting,
)

pytestmark = pytest.mark.anyio


# -- run, wait_started, drain --------------------------------------------------------------------------


async def test_wait_started_returns_when_each_was_ready_or_waiting_once() -> None:
    slow = SlowStart()
    async with Lab(Fail(Away).spec("away"), slow.spec("slow"), Waiting().spec("waiting")) as lab:
        waiter = asyncio.create_task(lab.supervisor.wait_started())
        await lab.settle()
        assert not waiter.done()
        slow.go.set()
        await lab.settle()
        assert waiter.done()
        waiter.result()


async def test_wait_started_waits_for_one_that_keeps_crashing() -> None:
    async with Lab(FailThenHappy(2, Boom).spec("flaky")) as lab:
        waiter = asyncio.create_task(lab.supervisor.wait_started())
        await lab.until(ChildCrashed, "flaky", 2)
        assert not waiter.done()
        await lab.until(ChildReady, "flaky")
        await lab.settle()
        waiter.result()


async def test_wait_started_does_not_outlive_the_run() -> None:
    async with Lab(Happy().spec("happy"), SlowStart().spec("slow")) as lab:
        waiter = asyncio.create_task(lab.supervisor.wait_started())
        lab.supervisor.drain()
        await lab.over()
        with pytest.raises(StartInterrupted, match="slow"):
            await waiter


async def test_a_child_held_before_its_first_start_is_not_waited_for() -> None:
    slow, held = SlowStart(), Happy()
    async with Lab(slow.spec("slow"), held.spec("held")) as lab:
        lab.supervisor.stop("held")
        await lab.settle()
        slow.go.set()
        await lab.settle()
        await lab.supervisor.wait_started()
        assert (held.runs, lab.state("held"), lab.state("slow")) == (0, State.STOPPED, State.READY)


async def test_a_drain_before_the_run_starts_nothing() -> None:
    child = Happy()
    lab = Lab(child.spec("child"))
    lab.supervisor.drain()
    async with lab:
        await lab.over()
    assert child.runs == 0


async def test_a_cancelled_run_takes_its_children_with_it() -> None:
    children = [IgnoreDrain(), Happy()]
    lab = Lab(children[0].spec("a"), children[1].spec("b"))
    async with anyio.create_task_group() as group:
        group.start_soon(lab.supervisor.run)
        await lab.settle()
        group.cancel_scope.cancel()
    assert [child.alive for child in children] == [0, 0]
    assert lab.state("root") is State.STOPPED


async def test_an_empty_tree_runs_until_it_is_drained() -> None:
    async with Lab() as lab:
        assert lab.supervisor.ready()
        lab.supervisor.drain()
        await lab.over()


async def test_a_child_with_the_roots_id_is_refused() -> None:
    with pytest.raises(ValueError, match="same id"):
        Lab(Happy().spec("root"))


async def test_it_works_by_the_real_clock() -> None:
    facts: list[Fact] = []
    child = FailThenHappy(1, Boom)
    spec = child.spec("child", backoff=Backoff(first_s=0.01, jitter="none"))
    supervisor = Supervisor(SupervisorSpec(id="root", children=(spec,)), on_fact=facts.append)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(supervisor.run)
            await supervisor.wait_started()
            supervisor.drain()
    assert child.runs == 2
    assert [fact.at for fact in facts] == sorted(fact.at for fact in facts)


# -- isolation -----------------------------------------------------------------------------------------


async def test_no_error_is_left_for_the_event_loop_to_complain_of() -> None:
    class Clumsy(Happy):
        async def serve(self, context: ChildContext) -> None:
            try:
                await super().serve(context)
            finally:
                raise Away  # Not what it was doomed with.

    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: complaints.append(what))
    async with Lab(Clumsy().spec("clumsy"), Fail(Boom).spec("fail")) as lab:
        lab.supervisor.crash("clumsy", Boom())
        await lab.until(ChildCrashed, "clumsy")
        await lab.advance(10)
    gc.collect()
    assert not complaints


async def test_context_variables_of_one_child_do_not_reach_another() -> None:
    request = contextvars.ContextVar("request", default="none")
    request.set("of the program")
    seen: list[str] = []

    async def leaky(context: ChildContext) -> None:
        request.set("of the first child")
        context.ready()  # Starts the next child from within this one's call.
        await context.wait_draining()

    async def curious(context: ChildContext) -> None:
        seen.append(request.get())
        context.ready()
        await context.wait_draining()

    lab = Lab(ChildSpec(id="leaky", start=leaky), ChildSpec(id="curious", start=curious))
    async with lab:
        await lab.until(ChildReady, "curious")
    assert seen == ["of the program"]


async def test_a_cancelled_scope_around_ready_does_not_reach_the_next_child() -> None:
    sibling = Happy()

    async def first(context: ChildContext) -> None:
        with anyio.CancelScope() as scope:
            context.ready()
            scope.cancel()
            await anyio.sleep_forever()
        await context.wait_draining()

    async with Lab(ChildSpec(id="first", start=first), sibling.spec("sibling")) as lab:
        await lab.settle()
        assert lab.supervisor.ready()


async def test_a_child_may_clean_up_with_awaits_when_cancelled() -> None:
    cleaned: list[int] = []

    async def careful(context: ChildContext) -> None:
        context.ready()
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(anyio.sleep_forever)
                await anyio.sleep_forever()
        finally:
            for step in range(5):
                await asyncio.sleep(0)
                cleaned.append(step)

    async with Lab(ChildSpec(id="careful", start=careful, drain_timeout_s=1)) as lab:
        lab.supervisor.drain()
        await lab.over()
    assert cleaned == [0, 1, 2, 3, 4]


async def test_a_subscriber_that_raises_is_logged_and_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def bad(fact: Fact) -> None:
        raise Boom("subscriber")

    flaky = FailThenHappy(1, Boom)
    lab = Lab(flaky.spec("flaky"))
    lab.listeners.append(bad)
    with caplog.at_level(logging.ERROR, logger="ordersys.supervision"):
        async with lab:
            await lab.until(ChildReady, "flaky")
            assert lab.supervisor.ready()
    assert "a subscriber failed on ChildReady" in caplog.text


async def test_a_defect_of_the_supervisor_ends_the_run_with_it(monkeypatch, caplog) -> None:
    child = Happy()
    async with Lab(child.spec("child"), Happy().spec("other")) as lab:
        monkeypatch.setattr("ordersys.supervision.child.ChildNode.run_ended", None)
        with caplog.at_level(logging.ERROR, logger="ordersys.supervision"):
            lab.supervisor.crash("child", Boom())
            with pytest.raises(TypeError):
                await lab.over()
        await lab.settle()
        assert child.alive == 0
        assert "the supervisor itself failed" in caplog.text


# -- facts and snapshots -------------------------------------------------------------------------------


AFTER = {
    "ChildStarting": State.STARTING,
    "ChildReady": State.READY,
    "ChildWaiting": State.WAITING,
    "ChildDraining": State.DRAINING,
    "ChildStopped": State.STOPPED,
    "SupervisorStarting": State.STARTING,
    "SupervisorStarted": State.READY,
    "SupervisorDraining": State.DRAINING,
    "SupervisorStopped": State.STOPPED,
    "SupervisorCrashed": State.BACKING_OFF,
    "SupervisorFailed": State.FAILED,
}


async def test_there_is_one_fact_per_transition_and_their_states_are_a_walk_through_the_table() -> None:
    role = SupervisorSpec(id="role", children=(Fail(Boom).spec("fail"), Fail(Away).spec("away")))
    async with Lab(role, Waiting().spec("waiting"), FailThenHappy(2, Boom).spec("flaky")) as lab:
        await lab.advance(300)
    for node in lab.supervisor.snapshot().walk():
        walk = [State.STOPPED]
        for fact in lab.facts:
            if fact.path == node.path and type(fact).__name__ in AFTER:
                walk.append(AFTER[type(fact).__name__])
            elif fact.path == node.path and isinstance(fact, ChildCrashed):
                walk.append(State.FAILED if fact.restart_in_s is None else State.BACKING_OFF)
        assert len(walk) > 3
        for before, after in pairwise(walk):
            assert before is not after
            assert after in TRANSITIONS[before].values()
        assert walk[-1] is node.state


async def test_a_snapshot_tells_what_a_child_is_doing() -> None:
    child = Happy()
    async with Lab(SupervisorSpec(id="role", children=(child.spec("child"),))) as lab:
        assert child.context.id == "role/child"
        child.context.beat(done=3, pending=7)
        child.context.beat(done=4, pending=5)
        await lab.advance(12)
        seen = lab.see("role/child")
        assert (seen.id, seen.path, seen.kind) == ("child", "role/child", "child")
        assert (seen.done, seen.pending, seen.note) == (7, 5, "serving")
        assert seen.beat_age_s == pytest.approx(12)
        assert seen.since_s == seen.uptime_s == pytest.approx(12)
        assert seen.last_error is None
        assert [node.path for node in lab.supervisor.snapshot().walk()] == ["root", "role", "role/child"]


async def test_a_snapshot_keeps_the_last_error_as_bounded_text() -> None:
    def deep(levels: int = 300) -> BaseException:
        if levels:
            return deep(levels - 1)
        raise Boom("x" * 100_000)

    async with Lab(Fail(deep).spec("child"), Happy().spec("happy")) as lab:
        error = lab.see("child").last_error
        assert error.text.startswith("Boom: xxx")
        assert len(error.traceback) == TRACEBACK_MAX_CHARS
        assert "in deep" in error.traceback
        assert len(error.text) == LINE_MAX_CHARS
        assert lab.see("root").last_error == error


async def test_an_error_that_cannot_be_printed_is_still_a_crash() -> None:
    class Unprintable(Exception):
        def __str__(self) -> str:
            raise ValueError

    async with Lab(Fail(Unprintable).spec("child"), Happy().spec("happy")) as lab:
        crash = await lab.until(ChildCrashed, "child")
        assert isinstance(crash.error, Unprintable)
        assert "Unprintable" in lab.see("child").last_error.text


async def test_the_same_seed_gives_the_same_history() -> None:
    histories = []
    for _ in range(2):
        lab = Lab(Fail(Boom).spec("a", backoff=Backoff()), seed=3)
        async with lab:
            await lab.until(ChildCrashed, "a", 4)
        histories.append([(fact.at, type(fact)) for fact in lab.facts])
    assert histories[0] == histories[1]


async def test_an_orphan_of_an_earlier_run_says_nothing_for_the_present_one() -> None:
    child = IgnoreCancel()
    async with Lab(child.spec("child")) as lab:
        orphan = child.context
        lab.supervisor.crash("child", Boom())
        await lab.until(ChildReady, "child", 2)
        orphan.waiting("from the past")
        orphan.beat(done=1000)
        assert lab.state("child") is State.READY
        assert lab.see("child").done == 0
        child.release.set()
        await lab.until(ChildCrashed, "child", 2)
        assert isinstance(lab.of(ChildCrashed)[1].error, UnexpectedEnd)
