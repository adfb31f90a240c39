"""Children start in order, each released by the one before; they stop in reverse, one after the other."""

from __future__ import annotations

import pytest

from ordersys.supervision import (
    ChildDraining,
    ChildOrphaned,
    ChildReady,
    ChildStarting,
    ChildStopped,
    Intensity,
    State,
    SupervisorDraining,
    SupervisorFailed,
    SupervisorSpec,
    SupervisorStarted,
    SupervisorStopped,
)
from tests.supervision.lab import Away, Boom, Lab
from tests.supervision.services import (
    Fail,
    Hang,
    Happy,
    IgnoreCancel,
    IgnoreDrain,
    SlowDrain,
    SlowStart,
    Task,
)

pytestmark = pytest.mark.anyio


async def test_a_child_starts_when_the_one_before_is_ready() -> None:
    slow, after = SlowStart(), Happy()
    async with Lab(slow.spec("slow"), after.spec("after")) as lab:
        assert lab.order(ChildStarting) == ["slow"]
        assert lab.state("root") is State.STARTING
        slow.go.set()
        await lab.until(ChildReady, "after")
        await lab.until(SupervisorStarted, "root")
        assert lab.supervisor.ready()


@pytest.mark.parametrize(
    "before",
    [Fail(Away), Fail(Boom), Task(at_once=True)],
    ids=["waiting", "backing off", "done"],
)
async def test_a_child_that_cannot_work_does_not_block_those_after_it(before) -> None:
    async with Lab(before.spec("before", restart="transient"), Happy().spec("after")) as lab:
        await lab.settle()
        assert lab.see("after").ready


async def test_a_child_that_hangs_at_its_start_blocks_the_next_until_its_time_is_over() -> None:
    async with Lab(Hang().spec("hang", start_timeout_s=7), Happy().spec("after")) as lab:
        await lab.advance(6.9)
        assert not lab.of(ChildStarting, "after")
        await lab.advance(0.2)
        assert lab.see("after").ready


async def test_a_supervisor_is_started_when_all_its_children_are() -> None:
    slow = SlowStart()
    role = SupervisorSpec(id="role", children=(Happy().spec("a"), slow.spec("b")))
    async with Lab(role, Happy().spec("after")) as lab:
        assert lab.order(ChildStarting) == ["role/a", "role/b"]
        slow.go.set()
        await lab.until(ChildReady, "after")


async def test_children_stop_in_reverse_order_each_after_the_next_has_stopped() -> None:
    children = {name: SlowDrain(2) for name in "abc"}
    async with Lab(*(child.spec(name) for name, child in children.items())) as lab:
        for child in children.values():
            child.sleep = lab.clock.sleep
        began = lab.clock.now()
        lab.supervisor.drain()
        await lab.settle()
        assert lab.order(ChildDraining) == ["c"]
        await lab.over()
        assert lab.order(ChildStopped) == ["c", "b", "a"]
        assert [fact.drain_s for fact in lab.of(ChildStopped)] == pytest.approx([2, 2, 2])
        assert lab.clock.now() - began == pytest.approx(6)
        assert all(child.finished == 1 for child in children.values())
        assert lab.state("root") is State.STOPPED


async def test_roles_drain_in_reverse_order_each_with_all_its_children() -> None:
    roles = [
        SupervisorSpec(id=role, children=(Happy().spec("a"), Happy().spec("b"))) for role in ("api", "relay")
    ]
    async with Lab(*roles) as lab:
        lab.supervisor.drain()
        await lab.over()
        assert lab.order(ChildStopped) == ["relay/b", "relay/a", "api/b", "api/a"]
        assert lab.order(SupervisorDraining) == ["root", "relay", "api"]
        assert lab.order(SupervisorStopped) == ["relay", "api", "root"]


async def test_those_not_yet_started_are_not_started_by_a_drain() -> None:
    slow = SlowStart()
    async with Lab(slow.spec("slow", drain_timeout_s=3), Happy().spec("after")) as lab:
        lab.supervisor.drain()
        await lab.over()
        assert lab.order(ChildStarting) == ["slow"]


async def test_who_does_not_return_in_its_drain_time_is_cancelled() -> None:
    deaf = IgnoreDrain()
    async with Lab(deaf.spec("deaf", drain_timeout_s=3)) as lab:
        lab.supervisor.drain()
        await lab.over()
        stopped = lab.of(ChildStopped, "deaf")[0]
        assert stopped.cancelled
        assert stopped.error is None
        assert stopped.drain_s == pytest.approx(3)
        assert deaf.alive == 0


async def test_who_returns_in_its_drain_time_is_not_cancelled() -> None:
    slow = SlowDrain(2.9)
    async with Lab(slow.spec("slow", drain_timeout_s=3)) as lab:
        slow.sleep = lab.clock.sleep
        lab.supervisor.drain()
        await lab.over()
        assert slow.finished == 1
        assert not lab.of(ChildStopped, "slow")[0].cancelled


async def test_who_ignores_its_cancellation_is_left_behind_and_named() -> None:
    stubborn, first = IgnoreCancel(), Happy()
    async with Lab(
        first.spec("first"), stubborn.spec("stubborn", drain_timeout_s=3, cancel_timeout_s=4)
    ) as lab:
        began = lab.clock.now()
        lab.supervisor.drain()
        await lab.over()
        assert lab.clock.now() - began == pytest.approx(7)
        orphaned = lab.of(ChildOrphaned)[0]
        assert (orphaned.path, orphaned.after_s) == ("stubborn", pytest.approx(4))
        assert lab.supervisor.orphans == {"stubborn": 1}
        assert lab.see("stubborn").orphans == 1
        assert lab.order(ChildStopped) == ["stubborn", "first"]
        stubborn.release.set()
        await lab.settle()
        assert not lab.supervisor.orphans
        assert lab.story()[-1] == "OrphanEnded stubborn"


async def test_an_error_while_draining_is_told_and_restarts_nothing() -> None:
    class Clumsy(Happy):
        async def serve(self, context) -> None:
            await super().serve(context)
            raise Boom

    child = Clumsy()
    async with Lab(child.spec("child")) as lab:
        lab.supervisor.drain()
        await lab.over()
        assert isinstance(lab.of(ChildStopped)[0].error, Boom)
        assert "Boom" in lab.see("child").last_error.text
        assert child.runs == 1


async def test_one_that_fails_while_its_siblings_drain_is_not_restarted() -> None:
    first, slow = Happy(), SlowDrain(5)
    async with Lab(first.spec("first"), slow.spec("slow")) as lab:
        slow.sleep = lab.clock.sleep
        lab.supervisor.drain()
        await lab.settle()
        lab.supervisor.crash("first", Boom())
        await lab.settle()
        assert lab.state("first") is State.STOPPED
        await lab.over()
        assert first.runs == 1


async def test_what_a_draining_child_says_does_not_make_it_ready() -> None:
    slow = SlowDrain(5)
    async with Lab(slow.spec("slow")) as lab:
        slow.sleep = lab.clock.sleep
        lab.supervisor.drain()
        await lab.settle()
        slow.context.ready()
        slow.context.waiting("for nothing")
        assert lab.state("slow") is State.DRAINING


async def test_a_second_drain_cancels_all_at_once() -> None:
    children = {name: IgnoreDrain() for name in "abc"}
    role = SupervisorSpec(id="role", children=tuple(child.spec(name) for name, child in children.items()))
    async with Lab(role) as lab:
        began = lab.clock.now()
        lab.supervisor.drain()
        await lab.settle()
        lab.supervisor.drain()
        lab.supervisor.drain()
        await lab.over()
        assert lab.clock.now() == began
        assert not any(child.alive for child in children.values())


async def test_a_second_drain_waits_for_the_stubborn_side_by_side() -> None:
    children = [IgnoreCancel() for _ in range(3)]
    async with Lab(*(child.spec(f"c{i}", cancel_timeout_s=4) for i, child in enumerate(children))) as lab:
        began = lab.clock.now()
        lab.supervisor.drain()
        lab.supervisor.drain()
        await lab.over()
        assert lab.clock.now() - began == pytest.approx(4)
        for child in children:
            child.release.set()


async def test_while_one_gives_up_the_next_is_not_started_yet() -> None:
    slow, after = SlowDrain(5), Happy()
    role = SupervisorSpec(
        id="role",
        children=(slow.spec("slow"), Fail(Boom).spec("fail")),
        intensity=Intensity(max_restarts=0),
        on_give_up="mark_failed",
    )
    lab = Lab(role, after.spec("after"))
    slow.sleep = lab.clock.sleep
    async with lab:
        assert lab.state("role") is State.DRAINING
        assert after.runs == 0
        failed = await lab.until(SupervisorFailed, "role")
        ready = await lab.until(ChildReady, "after")
        assert ready.at == failed.at


async def test_a_group_that_goes_down_during_the_start_does_not_hold_the_start_up() -> None:
    first, fail = Happy(), Fail(Boom)
    role = SupervisorSpec(
        id="role", children=(first.spec("first"), fail.spec("fail")), strategy="one_for_all"
    )
    async with Lab(role, Happy().spec("after")) as lab:
        assert (first.runs, first.alive) == (1, 0)
        assert lab.state("role/fail") is State.BACKING_OFF
        await lab.until(SupervisorStarted, "role")
        assert fail.runs == 1
        assert lab.see("after").ready


async def test_a_leader_started_by_request_is_waited_for_by_its_group() -> None:
    leader, after = SlowStart(), Happy()
    async with Lab(leader.spec("leader"), after.spec("after"), strategy="one_for_all") as lab:
        leader.go.set()
        await lab.until(ChildReady, "after")
        leader.go.clear()
        lab.supervisor.crash("leader", Boom())
        await lab.settle()
        lab.supervisor.start("leader")
        await lab.settle()
        assert (leader.runs, after.alive) == (2, 0)
        leader.go.set()
        await lab.until(ChildReady, "after", 2)
