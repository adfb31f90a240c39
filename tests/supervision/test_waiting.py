"""An outage is not a failure: who waits spends nothing, is not ready, and comes back."""

from __future__ import annotations

import pytest

from ordersys.supervision import (
    ChildCrashed,
    ChildReady,
    ChildStarting,
    ChildStopped,
    ChildWaiting,
    Intensity,
    State,
)
from tests.supervision.lab import Away, Boom, Lab
from tests.supervision.services import Fail, FailThenHappy, Hang, Happy, Waiting

pytestmark = pytest.mark.anyio

NO_RESTARTS = Intensity(max_restarts=0)


async def test_an_outage_is_retried_with_the_waiting_back_off_and_spends_nothing() -> None:
    child = FailThenHappy(6, lambda: Away("the database"))
    async with Lab(child.spec("child"), intensity=NO_RESTARTS) as lab:
        await lab.until(ChildReady, "child")
        assert [fact.retry_in_s for fact in lab.of(ChildWaiting)] == [0.5, 1, 2, 4, 4, 4]
        assert "Away: the database" in lab.of(ChildWaiting)[0].reason
        assert not lab.of(ChildCrashed)
        assert lab.see("child").restarts == 0


async def test_a_waiting_child_is_not_ready_and_says_why_and_when() -> None:
    async with Lab(Fail(lambda: Away("the database")).spec("child"), Happy().spec("happy")) as lab:
        seen = lab.see("child")
        assert (seen.state, seen.ready, lab.supervisor.ready()) == (State.WAITING, False, False)
        assert seen.next_retry_in_s == pytest.approx(0.5)
        assert "the database" in seen.note
        assert lab.state("root") is State.WAITING


async def test_a_group_of_nothing_but_outages_is_an_outage() -> None:
    def nested() -> BaseException:
        return ExceptionGroup("a", [Away("1"), ExceptionGroup("b", [Away("2")])])

    async with Lab(Fail(nested).spec("child"), intensity=NO_RESTARTS) as lab:
        waiting = await lab.until(ChildWaiting, "child", 3)
        assert "1" in waiting.reason
        assert "2" in waiting.reason


async def test_a_group_with_one_real_failure_is_a_failure() -> None:
    async with Lab(Fail(lambda: ExceptionGroup("a", [Away(), Boom()])).spec("child")) as lab:
        await lab.until(ChildCrashed, "child")
        assert not lab.of(ChildWaiting)


async def test_a_running_child_goes_waiting_and_ready_without_a_restart() -> None:
    child = Waiting()
    async with Lab(child.spec("child", start_timeout_s=5), intensity=NO_RESTARTS) as lab:
        waiting = await lab.until(ChildWaiting, "child")
        assert (waiting.reason, waiting.retry_in_s) == ("broker is away", None)
        await lab.advance(1000)
        assert lab.state("child") is State.WAITING
        for times in (1, 2):
            child.back.set()
            await lab.until(ChildReady, "child", times)
            assert lab.supervisor.ready()
            child.gone.set()
            await lab.until(ChildWaiting, "child", times + 1)
            assert not lab.supervisor.ready()
        assert child.runs == 1


async def test_saying_the_same_again_is_no_fact_but_renews_the_note() -> None:
    child = Happy()
    async with Lab(child.spec("child")) as lab:
        child.context.ready("3 partitions")
        child.context.ready("4 partitions")
        assert len(lab.of(ChildReady)) == 1
        assert lab.see("child").note == "4 partitions"


async def test_a_child_waiting_for_its_retry_stops_at_once() -> None:
    child = Fail(Away)
    async with Lab(child.spec("child"), Happy().spec("happy")) as lab:
        runs = child.runs
        lab.supervisor.drain()
        await lab.over()
        assert lab.of(ChildStopped, "child")[0].drain_s == 0
        assert child.runs == runs
        assert lab.clock.next_due() is None


async def test_the_waiting_back_off_starts_anew_only_after_a_while_ready() -> None:
    child = Fail(Away, ready_first=True)
    async with Lab(child.spec("child")) as lab:
        await lab.until(ChildWaiting, "child", 4)
        assert [fact.retry_in_s for fact in lab.of(ChildWaiting)] == [0.5, 1, 2, 4]


async def test_an_outage_after_long_readiness_is_retried_soon() -> None:
    child = FailThenHappy(4, Away)
    async with Lab(child.spec("child")) as lab:
        await lab.until(ChildReady, "child")
        await lab.advance(11)
        lab.supervisor.crash("child", Away())
        waiting = await lab.until(ChildWaiting, "child", 5)
        assert waiting.retry_in_s == 0.5


async def test_a_temporary_child_is_not_retried_after_an_outage_either() -> None:
    child = Fail(Away)
    async with Lab(child.spec("child", restart="temporary"), Happy().spec("happy")) as lab:
        await lab.until(ChildCrashed, "child")
        await lab.advance(100)
        assert child.runs == 1


async def test_an_attempt_that_hangs_after_an_outage_is_still_bounded() -> None:
    class AwayThenHang(Hang):
        async def serve(self, context) -> None:
            if self.runs == 1:
                raise Away
            await super().serve(context)

    async with Lab(AwayThenHang().spec("child", start_timeout_s=5)) as lab:
        await lab.until(ChildStarting, "child", 2)
        await lab.until(ChildCrashed, "child")
