"""Supervisors of supervisors: who gives up, who takes whom along, and who is tried again."""

from __future__ import annotations

import pytest

from ordersys.supervision import (
    Backoff,
    ChildCrashed,
    ChildReady,
    ChildStarting,
    ChildStopped,
    Intensity,
    State,
    SupervisionFailed,
    SupervisorCrashed,
    SupervisorFailed,
    SupervisorGaveUp,
    SupervisorSpec,
    SupervisorStarting,
    SupervisorStopped,
)
from tests.supervision.lab import NO_JITTER, NO_JITTER_WAIT, Boom, Lab
from tests.supervision.services import Fail, FailThenHappy, Happy, IgnoreCancel, SlowDrain, SlowStart

pytestmark = pytest.mark.anyio

ONE = Intensity(max_restarts=1, within_s=60)
NONE = Intensity(max_restarts=0)


def role(role_id: str, *children, **options) -> SupervisorSpec:
    options = {"backoff": NO_JITTER, "wait_backoff": NO_JITTER_WAIT, **options}
    return SupervisorSpec(id=role_id, children=children, **options)


async def test_a_role_marked_failed_fails_alone_and_is_tried_again_at_the_cap() -> None:
    sibling, fellow, fail = Happy(), Happy(), Fail(Boom)
    flapping = role(
        "flapping", fellow.spec("fellow"), fail.spec("fail"), on_give_up="mark_failed", intensity=ONE
    )
    async with Lab(flapping, role("steady", sibling.spec("a")), intensity=NONE) as lab:
        failed = await lab.until(SupervisorFailed, "flapping")
        assert failed.retry_in_s == 30
        assert (fail.runs, fellow.alive) == (2, 0)
        assert lab.state("flapping") is State.FAILED
        assert lab.state("root") is State.FAILED
        assert lab.see("flapping").next_retry_in_s == pytest.approx(30)
        assert (sibling.runs, sibling.alive, lab.see("steady").ready) == (1, 1, True)
        assert not lab.supervisor.ready()
        again = await lab.until(SupervisorStarting, "flapping", 2)
        assert again.at - failed.at == pytest.approx(30)
        await lab.until(SupervisorFailed, "flapping", 3)
        assert sibling.runs == 1


async def test_a_failed_role_that_works_again_is_ready_again() -> None:
    async with Lab(
        role("r", FailThenHappy(2, Boom).spec("a"), on_give_up="mark_failed", intensity=ONE)
    ) as lab:
        await lab.until(SupervisorFailed, "r")
        await lab.until(ChildReady, "r/a")
        await lab.settle()
        assert lab.supervisor.ready()


async def test_a_retry_of_a_failed_role_is_on_probation_while_its_restarts_are_spent() -> None:
    fail = Fail(Boom)
    spec = role(
        "r", fail.spec("a"), on_give_up="mark_failed", intensity=Intensity(max_restarts=3, within_s=60)
    )
    async with Lab(spec) as lab:
        await lab.until(SupervisorFailed, "r")
        runs = fail.runs
        await lab.until(SupervisorFailed, "r", 2)
        assert fail.runs == runs + 1


async def test_giving_up_escalates_to_a_restart_of_the_whole_role() -> None:
    fellow, flaky = Happy(), FailThenHappy(3, Boom)
    async with Lab(role("r", fellow.spec("fellow"), flaky.spec("flaky"), intensity=ONE)) as lab:
        crashed = await lab.until(SupervisorCrashed, "r")
        assert crashed.restart_in_s == 1.0
        assert lab.state("r") is State.BACKING_OFF
        await lab.until(ChildReady, "r/flaky")
        assert flaky.runs == 4
        assert (fellow.runs, fellow.alive) == (2, 1)
        assert lab.see("r").restarts == 1
        assert lab.see("root").restarts_in_window == 1


async def test_escalation_goes_up_until_the_root_gives_up() -> None:
    steady = Happy()
    inner = role("inner", Fail(Boom).spec("fail"), intensity=NONE)
    outer = role("outer", inner, intensity=NONE)
    async with Lab(steady.spec("steady"), outer, intensity=NONE) as lab:
        with pytest.raises(SupervisionFailed) as failure:
            await lab.over()
        assert lab.order(SupervisorGaveUp) == ["outer/inner", "outer", "root"]
        assert isinstance(failure.value.__cause__, Boom)
        assert steady.alive == 0
        assert lab.state("root") is State.FAILED


async def test_giving_up_drains_the_others_in_reverse_before_it_escalates() -> None:
    slow = {name: SlowDrain(2) for name in "ab"}
    fail = Fail(Boom)
    async with Lab(
        slow["a"].spec("a"), slow["b"].spec("b"), fail.spec("fail"), intensity=ONE, on_give_up="escalate"
    ) as lab:
        for each in slow.values():
            each.sleep = lab.clock.sleep
        with pytest.raises(SupervisionFailed):
            await lab.over()
        assert lab.order(ChildStopped) == ["b", "a"]
        assert [each.finished for each in slow.values()] == [1, 1]


async def test_one_that_fails_while_its_supervisor_gives_up_changes_nothing() -> None:
    slow, other, fail = SlowDrain(5), Happy(), Fail(Boom)
    spec = role(
        "r",
        other.spec("other"),
        slow.spec("slow"),
        fail.spec("fail"),
        on_give_up="mark_failed",
        intensity=ONE,
    )
    async with Lab(spec) as lab:
        slow.sleep = lab.clock.sleep
        await lab.until(SupervisorGaveUp, "r")
        lab.supervisor.crash("r/other", Boom())
        await lab.until(SupervisorFailed, "r")
        assert len(lab.of(SupervisorGaveUp)) == 1
        assert lab.state("r/other") is State.STOPPED
        assert other.runs == 1


async def test_a_back_off_that_falls_due_while_giving_up_starts_nothing() -> None:
    slow, early, fail = SlowDrain(9), FailThenHappy(1, Boom), Fail(Boom)
    spec = role(
        "r",
        early.spec("early", backoff=Backoff(first_s=3, cap_s=3, jitter="none")),
        slow.spec("slow"),
        fail.spec("fail"),
        on_give_up="mark_failed",
        intensity=Intensity(max_restarts=2, within_s=60),
    )
    async with Lab(spec) as lab:
        slow.sleep = lab.clock.sleep
        await lab.until(SupervisorFailed, "r")
        assert early.runs == 1


async def test_a_drain_while_a_role_is_failed_or_backing_off_ends_at_once() -> None:
    failed = role("failed", Fail(Boom).spec("a"), on_give_up="mark_failed", intensity=NONE)
    backing_off = role("backing_off", Fail(Boom).spec("a"), intensity=NONE)
    async with Lab(failed, backing_off) as lab:
        assert lab.state("failed") is State.FAILED
        assert lab.state("backing_off") is State.BACKING_OFF
        now = lab.clock.now()
        lab.supervisor.drain()
        await lab.over()
        assert lab.clock.now() == now
        assert lab.clock.next_due() is None
        assert (
            lab.order(SupervisorStopped) == ["failed", "backing_off", "root"]
            or lab.state("root") == "stopped"
        )


async def test_an_orphan_does_not_keep_its_supervisor_from_giving_up() -> None:
    stubborn, fail = IgnoreCancel(), Fail(Boom)
    async with Lab(stubborn.spec("stubborn"), fail.spec("fail"), intensity=NONE) as lab:
        with pytest.raises(SupervisionFailed) as failure:
            await lab.over()
        assert [child.orphans for child in failure.value.snapshot.children] == [1, 0]
        stubborn.release.set()


# -- strategies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("strategy", "runs"),
    [("one_for_one", [1, 2, 1]), ("one_for_all", [2, 2, 2]), ("rest_for_one", [1, 2, 2])],
)
async def test_the_strategy_says_who_is_restarted_with_the_one_that_failed(strategy, runs) -> None:
    children = [Happy(), Happy(), Happy()]
    specs = [child.spec(name) for child, name in zip(children, "abc", strict=True)]
    async with Lab(*specs, strategy=strategy) as lab:
        lab.supervisor.crash("b", Boom())
        await lab.until(ChildReady, "b", 2)
        await lab.settle()
        assert [child.runs for child in children] == runs
        assert [child.alive for child in children] == [1, 1, 1]
        assert lab.order(ChildStarting) == [
            "a",
            "b",
            "c",
            *(n for n, r in zip("abc", runs, strict=True) if r == 2),
        ]
        assert lab.supervisor.ready()
        assert lab.see("root").restarts_in_window == 1


async def test_those_restarted_together_all_rest_before_any_starts() -> None:
    slow, crashing = SlowDrain(5), Happy()
    async with Lab(slow.spec("slow"), crashing.spec("b"), strategy="one_for_all") as lab:
        slow.sleep = lab.clock.sleep
        lab.supervisor.crash("b", Boom())
        await lab.until(ChildStarting, "b", 2)
        assert lab.order(ChildStopped) == ["slow"]
        assert lab.story().index("ChildStopped slow") < lab.story().index("ChildCrashed b") + 3
        assert lab.of(ChildStarting, "slow")[1].at - lab.of(ChildCrashed)[0].at == pytest.approx(5)


async def test_two_that_fail_together_are_restarted_once_each() -> None:
    children = [Happy(), Happy(), Happy()]
    specs = [child.spec(name) for child, name in zip(children, "abc", strict=True)]
    async with Lab(*specs, strategy="one_for_all") as lab:
        lab.supervisor.crash("a", Boom())
        lab.supervisor.crash("c", Boom())
        await lab.advance(100)
        assert [child.runs for child in children] == [2, 2, 2]
        assert lab.supervisor.ready()


async def test_one_that_fails_while_its_group_goes_down_does_not_save_the_others() -> None:
    first, second, slow = Happy(), Happy(), SlowDrain(5)
    specs = [first.spec("first"), second.spec("second"), slow.spec("slow")]
    async with Lab(*specs, strategy="rest_for_one") as lab:
        slow.sleep = lab.clock.sleep
        lab.supervisor.crash("first", Boom())
        await lab.advance(0.1)
        lab.supervisor.crash("second", Boom())
        await lab.advance(100)
        assert [each.runs for each in (first, second, slow)] == [2, 2, 2]
        assert lab.supervisor.ready()


async def test_a_failure_ahead_of_its_turn_does_not_make_the_start_order_forget_anybody() -> None:
    slow, between, early, last = SlowStart(), Happy(), Happy(), Happy()
    specs = [slow.spec("slow"), between.spec("between"), early.spec("early"), last.spec("last")]
    async with Lab(*specs, strategy="rest_for_one") as lab:
        lab.supervisor.start("early")
        await lab.until(ChildReady, "early")
        lab.supervisor.crash("early", Boom())
        await lab.settle()
        slow.go.set()
        await lab.advance(100)
        assert lab.supervisor.ready()
        assert between.alive == 1


@pytest.mark.parametrize("order", ["stop", "start", "restart"])
async def test_an_order_to_the_one_backing_off_does_not_leave_its_group_down(order) -> None:
    first, crashing, last = Happy(), Happy(), Happy()
    specs = [first.spec("first"), crashing.spec("crashing"), last.spec("last")]
    async with Lab(*specs, strategy="one_for_all") as lab:
        lab.supervisor.crash("crashing", Boom())
        await lab.settle()
        assert (first.alive, last.alive) == (0, 0)
        orders = {"stop": lab.supervisor.stop, "start": lab.supervisor.start}
        orders.get(order, lambda path: lab.supervisor.restart(path, "now"))("crashing")
        await lab.settle()
        assert (first.alive, crashing.alive, last.alive) == (1, int(order != "stop"), 1)
        await lab.advance(100)
        assert (first.runs, last.runs) == (2, 2)


async def test_a_group_restart_leaves_the_temporary_and_the_held_alone() -> None:
    temporary, held, crashing = Happy(), Happy(), Happy()
    async with Lab(
        temporary.spec("temporary", restart="temporary"),
        held.spec("held"),
        crashing.spec("crashing"),
        strategy="one_for_all",
    ) as lab:
        lab.supervisor.stop("held")
        await lab.settle()
        lab.supervisor.crash("crashing", Boom())
        await lab.until(ChildReady, "crashing", 2)
        await lab.advance(100)
        assert (temporary.runs, held.runs, crashing.runs) == (1, 1, 2)
        lab.supervisor.start("held")
        await lab.settle()
        assert lab.supervisor.ready()


async def test_a_drain_during_a_group_restart_wins() -> None:
    slow, crashing = SlowDrain(5), Happy()
    async with Lab(slow.spec("slow"), crashing.spec("b"), strategy="one_for_all") as lab:
        slow.sleep = lab.clock.sleep
        lab.supervisor.crash("b", Boom())
        await lab.advance(2)
        lab.supervisor.drain()
        await lab.over()
        assert (slow.runs, crashing.runs, slow.finished) == (1, 1, 1)
