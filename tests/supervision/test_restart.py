"""What becomes of a child that ends."""

from __future__ import annotations

import asyncio

import anyio
import pytest

from ordersys.supervision import (
    Backoff,
    ChildCrashed,
    ChildReady,
    ChildSpec,
    ChildStarting,
    ChildStopped,
    Intensity,
    StartTimeout,
    State,
    SupervisionFailed,
    SupervisorGaveUp,
    UnexpectedEnd,
)
from tests.supervision.lab import Boom, Lab
from tests.supervision.services import Fail, FailThenHappy, Hang, Happy, IgnoreCancel, SlowStart, Task

pytestmark = pytest.mark.anyio


async def test_a_crashed_child_is_started_again_after_its_back_off() -> None:
    flaky = FailThenHappy(2, Boom)
    async with Lab(flaky.spec("flaky")) as lab:
        crash = await lab.until(ChildCrashed, "flaky")
        assert lab.state("flaky") is State.BACKING_OFF
        assert crash.restart_in_s == 1.0
        assert isinstance(crash.error, Boom)
        assert "raise self.error()" in crash.traceback
        again = await lab.until(ChildStarting, "flaky", 2)
        assert again.at - crash.at == pytest.approx(1.0)
        await lab.until(ChildReady, "flaky")
        assert [fact.restart_in_s for fact in lab.of(ChildCrashed)] == [1.0, 2.0]
        assert lab.see("flaky").restarts == 2
        assert lab.supervisor.ready()


async def test_a_crash_leaves_the_siblings_alone() -> None:
    sibling, flaky = Happy(), FailThenHappy(3, Boom)
    async with Lab(sibling.spec("sibling"), flaky.spec("flaky")) as lab:
        await lab.until(ChildReady, "flaky")
        assert (sibling.runs, sibling.alive) == (1, 1)


async def test_a_group_in_a_child_that_fails_does_not_reach_its_siblings() -> None:
    async def nested(context: object) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep_forever)
            raise Boom

    sibling = Happy()
    async with Lab(sibling.spec("sibling"), ChildSpec(id="nested", start=nested)) as lab:
        crash = await lab.until(ChildCrashed, "nested")
        assert isinstance(crash.error, ExceptionGroup)
        assert "Boom" in lab.see("nested").last_error.text
        assert sibling.alive == 1


async def test_a_permanent_child_that_returns_is_restarted_and_spends_a_restart() -> None:
    task = Task(at_once=True)
    async with Lab(task.spec("task"), intensity=Intensity(max_restarts=2, within_s=100)) as lab:
        crash = await lab.until(ChildCrashed, "task")
        assert isinstance(crash.error, UnexpectedEnd)
        assert lab.see("task").restarts_in_window == 1
        with pytest.raises(SupervisionFailed):
            await lab.over()


async def test_a_transient_child_is_done_when_it_returns_and_counts_as_ready() -> None:
    task = Task()
    async with Lab(task.spec("task", restart="transient"), Happy().spec("happy")) as lab:
        task.finish.set()
        await lab.until(ChildStopped, "task")
        await lab.advance(1000)
        assert (task.runs, lab.state("task"), lab.state("root")) == (1, State.STOPPED, State.READY)
        assert lab.supervisor.ready()


async def test_a_transient_child_that_fails_is_restarted() -> None:
    async with Lab(FailThenHappy(1, Boom).spec("flaky", restart="transient")) as lab:
        await lab.until(ChildReady, "flaky")


async def test_a_temporary_child_that_fails_is_never_restarted_and_spends_nothing() -> None:
    fail = Fail(Boom)
    async with Lab(fail.spec("fail", restart="temporary"), Happy().spec("happy")) as lab:
        crash = await lab.until(ChildCrashed, "fail")
        assert crash.restart_in_s is None
        await lab.advance(1000)
        assert (fail.runs, lab.state("fail")) == (1, State.STOPPED)
        assert lab.see("root").restarts_in_window == 0
        assert lab.supervisor.ready()


async def test_more_failures_than_the_intensity_allows_end_the_root() -> None:
    sibling, fail = Happy(), Fail(Boom)
    async with Lab(
        sibling.spec("sibling"), fail.spec("fail"), intensity=Intensity(max_restarts=3, within_s=60)
    ) as lab:
        with pytest.raises(SupervisionFailed, match=r"root gave up.*3 times within 60 s.*Boom") as failure:
            await lab.over()
        assert fail.runs == 4
        assert isinstance(failure.value.__cause__, Boom)
        assert isinstance(lab.of(SupervisorGaveUp)[0].error, Boom)
        assert lab.see("fail").state is State.FAILED
        assert [child.path for child in failure.value.snapshot.children] == ["sibling", "fail"]
        assert lab.order(ChildStopped) == ["sibling"]
        assert sibling.alive == 0


async def test_failures_slower_than_the_intensity_are_restarted_for_ever() -> None:
    fail = Fail(Boom)
    slow = Backoff(first_s=30, factor=1, cap_s=30, jitter="none")
    async with Lab(fail.spec("fail", backoff=slow), intensity=Intensity(max_restarts=2, within_s=59)) as lab:
        await lab.until(ChildStarting, "fail", 50)
        assert not lab.of(SupervisorGaveUp)


async def test_the_budget_is_one_for_all_children_of_a_supervisor() -> None:
    one, two = Fail(Boom), Fail(Boom)
    async with Lab(one.spec("one"), two.spec("two"), intensity=Intensity(max_restarts=4, within_s=60)) as lab:
        with pytest.raises(SupervisionFailed):
            await lab.over()
        assert one.runs + two.runs == 2 + 4


async def test_a_child_long_ready_backs_off_from_the_first_delay_again() -> None:
    child = Happy()
    async with Lab(child.spec("child")) as lab:
        for ready_s in (1, 1, 61):
            await lab.until(ChildReady, "child", child.runs or 1)
            await lab.advance(ready_s)
            lab.supervisor.crash("child", Boom())
            await lab.until(ChildStarting, "child", child.runs + 1)
        assert [fact.restart_in_s for fact in lab.of(ChildCrashed)] == [1.0, 2.0, 1.0]


async def test_a_start_that_says_nothing_in_time_is_a_failure() -> None:
    hang = Hang()
    async with Lab(hang.spec("hang", start_timeout_s=7)) as lab:
        crash = await lab.until(ChildCrashed, "hang")
        assert isinstance(crash.error, StartTimeout)
        assert crash.at - lab.of(ChildStarting, "hang")[0].at == pytest.approx(7)
        await lab.until(ChildStarting, "hang", 2)
        assert (hang.runs, hang.alive) == (2, 1)


async def test_a_start_within_its_time_is_not_cut_off_later() -> None:
    slow = SlowStart()
    async with Lab(slow.spec("slow", start_timeout_s=7)) as lab:
        await lab.advance(6)
        slow.go.set()
        await lab.advance(1000)
        assert (slow.runs, lab.state("slow")) == (1, State.READY)


async def test_each_run_has_a_context_of_its_own() -> None:
    child = Happy()
    async with Lab(child.spec("child")) as lab:
        first = child.context
        lab.supervisor.crash("child", Boom())
        await lab.until(ChildStarting, "child", 2)
        await lab.settle()
        assert child.context is not first
        ready = len(lab.of(ChildReady))
        first.ready("a voice from the past")
        first.waiting("a voice from the past")
        assert (len(lab.of(ChildReady)), lab.state("child")) == (ready, State.READY)


async def test_a_child_cancelled_by_somebody_else_has_crashed() -> None:
    async def cancels_itself(context: object) -> None:
        asyncio.current_task().cancel()
        await anyio.sleep_forever()

    async with Lab(ChildSpec(id="odd", start=cancels_itself)) as lab:
        crash = await lab.until(ChildCrashed, "odd")
        assert isinstance(crash.error, UnexpectedEnd)


async def test_a_start_function_that_is_not_async_at_all_is_a_crash() -> None:
    def refuses(context: object) -> None:
        raise Boom

    async with Lab(ChildSpec(id="odd", start=refuses)) as lab:
        crash = await lab.until(ChildCrashed, "odd")
        assert isinstance(crash.error, Boom)


async def test_an_injected_fault_counts_as_the_childs_own() -> None:
    child = Happy()
    async with Lab(child.spec("child"), Happy().spec("sibling")) as lab:
        lab.supervisor.crash("child", Boom("injected"))
        crash = await lab.until(ChildCrashed, "child")
        assert str(crash.error) == "injected"
        assert lab.see("child").restarts_in_window == 1
        assert lab.order(ChildCrashed) == ["child"]
        await lab.until(ChildReady, "child", 2)


async def test_a_child_that_ignores_its_fault_is_replaced_and_not_ready_meanwhile() -> None:
    child = IgnoreCancel()
    async with Lab(child.spec("child", cancel_timeout_s=4)) as lab:
        lab.supervisor.crash("child", Boom())
        await lab.settle()
        assert not lab.supervisor.ready()
        crash = await lab.until(ChildCrashed, "child")
        assert isinstance(crash.error, Boom)
        await lab.until(ChildReady, "child", 2)
        assert (child.alive, lab.see("child").orphans) == (2, 1)
        child.release.set()


async def test_a_swallowed_cancellation_is_repeated_at_half_time() -> None:
    child = IgnoreCancel(times=1)
    async with Lab(child.spec("child", cancel_timeout_s=4)) as lab:
        began = lab.clock.now()
        lab.supervisor.crash("child", Boom())
        crash = await lab.until(ChildCrashed, "child")
        assert crash.at - began == pytest.approx(2)
        assert not lab.supervisor.orphans
