"""Progress, not liveness: who has work pending and does none is restarted, unless its dependency is away."""

from __future__ import annotations

import asyncio

import pytest

from ordersys.supervision import (
    ChildCrashed,
    ChildReady,
    ChildStarting,
    ChildWaiting,
    Intensity,
    Silent,
    State,
    SupervisionFailed,
)
from tests.supervision.lab import Away, Boom, Lab
from tests.supervision.services import Dependency, Happy, IgnoreCancel, SlowDrain, Waiting

pytestmark = pytest.mark.anyio

NO_RESTARTS = Intensity(max_restarts=0)


async def test_a_child_that_does_nothing_while_work_is_pending_is_restarted_at_its_limit() -> None:
    child = Happy()
    async with Lab(child.spec("child", max_silence_s=20)) as lab:
        began = lab.clock.now()
        child.context.beat(pending=3)
        crash = await lab.until(ChildCrashed, "child")
        assert crash.at - began == pytest.approx(20)
        assert isinstance(crash.error, Silent)
        assert crash.reason == "silent"
        assert "20 s" in str(crash.error)
        assert "3 is pending" in str(crash.error)
        assert (await lab.until(ChildStarting, "child", 2)).reason == "silent"
        assert lab.see("child").restarts_in_window == 1
        assert "Silent" in lab.see("child").last_error.text


async def test_silence_spends_the_intensity() -> None:
    class NeverWorks(Happy):
        async def serve(self, context) -> None:
            context.beat(pending=1)
            await super().serve(context)

    child = NeverWorks()
    async with Lab(
        child.spec("child", max_silence_s=5), intensity=Intensity(max_restarts=2, within_s=60)
    ) as lab:
        with pytest.raises(SupervisionFailed) as failure:
            await lab.over()
        assert isinstance(failure.value.__cause__, Silent)
        assert child.runs == 3


async def test_who_has_nothing_to_do_may_be_silent_for_ever() -> None:
    child = Happy()
    async with Lab(child.spec("child", max_silence_s=5)) as lab:
        await lab.advance(1000)
        child.context.beat()
        await lab.advance(1000)
        child.context.beat(done=1, pending=1)
        child.context.beat(done=1)
        await lab.advance(1000)
        assert child.runs == 1


async def test_without_a_limit_nobody_is_restarted_for_silence() -> None:
    child = Happy()
    async with Lab(child.spec("child")) as lab:
        child.context.beat(pending=1)
        await lab.advance(100_000)
        assert child.runs == 1


async def test_reports_without_work_done_are_no_progress() -> None:
    child = Happy()
    async with Lab(child.spec("child", max_silence_s=5)) as lab:
        for _ in range(4):
            child.context.beat(pending=7)
            await lab.advance(1.2)
        assert child.runs == 1
        assert lab.see("child").silent_for_s == pytest.approx(4.8)
        child.context.beat(pending=7)
        await lab.advance(0.2)
        assert lab.of(ChildCrashed)


async def test_work_done_starts_the_count_anew() -> None:
    child = Happy()
    async with Lab(child.spec("child", max_silence_s=5)) as lab:
        for _ in range(50):
            child.context.beat(done=1, pending=7)
            await lab.advance(4.9)
        assert child.runs == 1
        began = lab.clock.now() - 4.9
        crash = await lab.until(ChildCrashed, "child")
        assert crash.at - began == pytest.approx(5)


async def test_work_that_arrives_late_is_counted_from_its_arrival() -> None:
    child = Happy()
    async with Lab(child.spec("child", max_silence_s=5)) as lab:
        await lab.advance(8)
        child.context.beat(pending=1)
        began = lab.clock.now()
        assert lab.see("child").silent_for_s == 0
        crash = await lab.until(ChildCrashed, "child")
        assert crash.at - began == pytest.approx(5)


async def test_silence_counts_from_ready_and_not_while_waiting_or_draining() -> None:
    waiting, slow = Waiting(), SlowDrain(100)
    async with Lab(
        waiting.spec("waiting", max_silence_s=5),
        slow.spec("slow", max_silence_s=5, drain_timeout_s=200),
    ) as lab:
        slow.sleep = lab.clock.sleep
        waiting.context.beat(pending=1)
        await lab.advance(100)
        assert not lab.of(ChildCrashed)
        waiting.back.set()
        await lab.until(ChildReady, "waiting")
        await lab.advance(4.9)
        waiting.gone.set()
        await lab.until(ChildWaiting, "waiting", 2)
        await lab.advance(100)
        slow.context.beat(pending=1)
        lab.supervisor.drain()
        await lab.over()
        assert not lab.of(ChildCrashed)
        assert slow.finished == 1


async def test_silence_of_one_that_ignores_its_cancellation_is_counted_once() -> None:
    child = IgnoreCancel()
    async with Lab(child.spec("child", max_silence_s=5, cancel_timeout_s=20)) as lab:
        child.context.beat(pending=1)
        await lab.until(ChildCrashed, "child")
        await lab.until(ChildReady, "child", 2)
        assert lab.see("child").restarts_in_window == 1
        child.release.set()


# -- with a probe --------------------------------------------------------------------------------------


async def test_a_silent_child_whose_dependency_is_away_waits_and_is_not_restarted() -> None:
    child, broker = Happy(), Dependency(Away("the broker"))
    async with Lab(child.spec("child", max_silence_s=5, probe=broker.probe), intensity=NO_RESTARTS) as lab:
        child.context.beat(pending=2)
        waiting = await lab.until(ChildWaiting, "child")
        assert "the broker" in waiting.reason
        assert waiting.retry_in_s is None
        await lab.advance(1000)
        assert (child.runs, lab.state("child"), lab.supervisor.ready()) == (1, State.WAITING, False)
        assert broker.asked > 100


async def test_the_probe_is_asked_with_the_waiting_back_off_until_it_passes() -> None:
    child, broker = Happy(), Dependency(Away("the broker"))
    async with Lab(child.spec("child", max_silence_s=5, probe=broker.probe), intensity=NO_RESTARTS) as lab:
        began = lab.clock.now()
        child.context.beat(pending=2)
        await lab.pass_until(lambda: broker.asked == 4, "the fourth probe")
        assert lab.clock.now() - began == pytest.approx(5 + 0.5 + 1 + 2)
        broker.error = None
        ready = await lab.until(ChildReady, "child", 2)
        assert ready.at - began == pytest.approx(5 + 0.5 + 1 + 2 + 4)
        assert lab.supervisor.ready()
        assert child.runs == 1


async def test_back_again_it_has_its_time_anew_and_is_restarted_when_silent_still() -> None:
    child, broker = Happy(), Dependency(Away())
    async with Lab(child.spec("child", max_silence_s=5, probe=broker.probe)) as lab:
        child.context.beat(pending=2)
        await lab.until(ChildWaiting, "child")
        broker.error = None
        ready = await lab.until(ChildReady, "child", 2)
        crash = await lab.until(ChildCrashed, "child")
        assert crash.at - ready.at == pytest.approx(5)
        assert crash.reason == "silent"


async def test_a_silent_child_whose_dependency_answers_is_restarted() -> None:
    child, broker = Happy(), Dependency(None)
    async with Lab(child.spec("child", max_silence_s=5, probe=broker.probe)) as lab:
        child.context.beat(pending=2)
        crash = await lab.until(ChildCrashed, "child")
        assert (broker.asked, crash.reason, crash.error.__cause__) == (1, "silent", None)


async def test_a_probe_that_fails_otherwise_is_no_outage_and_is_told() -> None:
    child, broker = Happy(), Dependency(Boom("a bug in the probe"))
    async with Lab(child.spec("child", max_silence_s=5, probe=broker.probe)) as lab:
        child.context.beat(pending=2)
        crash = await lab.until(ChildCrashed, "child")
        assert isinstance(crash.error, Silent)
        assert isinstance(crash.error.__cause__, Boom)


async def test_a_probe_that_is_not_answered_has_found_an_outage() -> None:
    child, broker = Happy(), Dependency(None)
    broker.answers.clear()
    async with Lab(
        child.spec("child", max_silence_s=5, probe=broker.probe, probe_timeout_s=3), intensity=NO_RESTARTS
    ) as lab:
        began = lab.clock.now()
        child.context.beat(pending=2)
        waiting = await lab.until(ChildWaiting, "child")
        assert waiting.at - began == pytest.approx(5 + 3)
        assert "had no answer" in waiting.reason
        await lab.advance(100)
        assert lab.state("child") is State.WAITING
        broker.answers.set()
        await lab.until(ChildReady, "child", 2)


async def test_work_done_while_waiting_ends_the_wait_without_a_probe() -> None:
    child, broker = Happy(), Dependency(Away())
    async with Lab(child.spec("child", max_silence_s=5, probe=broker.probe)) as lab:
        child.context.beat(pending=2)
        await lab.until(ChildWaiting, "child")
        child.context.beat(done=1, pending=1)
        await lab.until(ChildReady, "child", 2)
        assert broker.asked == 1


@pytest.mark.parametrize("say", ["ready", "waiting"])
async def test_what_the_child_says_itself_counts_more_than_a_probe(say) -> None:
    child, broker = Happy(), Dependency(Away())
    async with Lab(child.spec("child", max_silence_s=5, probe=broker.probe)) as lab:
        child.context.beat(pending=2)
        await lab.until(ChildWaiting, "child")
        getattr(child.context, say)("I know")
        assert lab.state("child") is (State.READY if say == "ready" else State.WAITING)
        assert lab.see("child").note == "I know"
        asked = broker.asked
        await lab.advance(4.9)
        assert broker.asked == asked
        assert child.runs == 1


async def test_a_drain_ends_the_probe() -> None:
    child, broker = Happy(), Dependency(None)
    broker.answers.clear()
    async with Lab(child.spec("child", max_silence_s=5, probe=broker.probe)) as lab:
        child.context.beat(pending=2)
        await lab.pass_until(lambda: broker.asked == 1, "a probe")
        lab.supervisor.drain()
        await lab.over()
        await lab.settle()
        assert not lab.of(ChildWaiting)
        assert not lab.of(ChildCrashed)
        assert lab.clock.next_due() is None
        assert [task for task in asyncio.all_tasks() if task.get_name().startswith("probe")] == []
