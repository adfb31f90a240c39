"""Orders from outside: restart, stop, start, and what is refused."""

from __future__ import annotations

import threading

import pytest

from ordersys.supervision import (
    ChildDraining,
    ChildReady,
    ChildStarting,
    ChildStopped,
    Intensity,
    NotRunning,
    State,
    SupervisorFailed,
    SupervisorSpec,
    UnknownPath,
)
from tests.supervision.lab import Away, Boom, Lab
from tests.supervision.services import Fail, Happy, SlowDrain

pytestmark = pytest.mark.anyio


async def test_a_restart_by_request_drains_first_and_spends_nothing() -> None:
    slow = SlowDrain(2)
    async with Lab(slow.spec("slow"), intensity=Intensity(max_restarts=0)) as lab:
        slow.sleep = lab.clock.sleep
        lab.supervisor.restart("slow", "its lag does not move")
        await lab.until(ChildReady, "slow", 2)
        assert lab.of(ChildDraining)[0].reason == "its lag does not move"
        assert slow.finished == 1
        assert (lab.see("slow").restarts, lab.see("slow").restarts_in_window) == (1, 0)


async def test_a_restart_of_a_role_restarts_all_of_it_and_nothing_else() -> None:
    one, two, other = Happy(), Happy(), Happy()
    role = SupervisorSpec(id="role", children=(one.spec("one"), two.spec("two")))
    async with Lab(role, other.spec("other")) as lab:
        lab.supervisor.restart("role", "by hand")
        await lab.until(ChildReady, "role/two", 2)
        assert (one.runs, two.runs, other.runs) == (2, 2, 1)
        assert lab.order(ChildStopped) == ["role/two", "role/one"]
        assert lab.see("role").restarts == 1


async def test_a_restart_of_the_root_restarts_everything() -> None:
    child = Happy()
    async with Lab(child.spec("child")) as lab:
        lab.supervisor.restart("root", "by hand")
        await lab.until(ChildReady, "child", 2)
        assert lab.supervisor.ready()


async def test_a_restart_need_not_wait_for_a_back_off_or_retry() -> None:
    crashing, away = Fail(Boom), Fail(Away)
    async with Lab(crashing.spec("crashing"), away.spec("away")) as lab:
        now = lab.clock.now()
        for path in ("crashing", "away"):
            lab.supervisor.restart(path, "now")
            again = await lab.until(ChildStarting, path, 2)
            assert again.at == now


async def test_a_failed_role_is_started_by_request_with_its_budget_unspent() -> None:
    fail = Fail(Boom)
    role = SupervisorSpec(
        id="role",
        children=(fail.spec("fail"),),
        on_give_up="mark_failed",
        intensity=Intensity(max_restarts=2),
    )
    async with Lab(role) as lab:
        await lab.until(SupervisorFailed, "role")
        runs = fail.runs
        lab.supervisor.start("role/fail")
        await lab.until(SupervisorFailed, "role", 2)
        assert fail.runs == runs + 3


async def test_a_stopped_child_rests_until_it_is_started() -> None:
    child, sibling = Happy(), Happy()
    async with Lab(child.spec("child"), sibling.spec("sibling")) as lab:
        lab.supervisor.stop("child")
        await lab.advance(1000)
        assert (lab.state("child"), child.alive, sibling.alive) == (State.STOPPED, 0, 1)
        assert not lab.supervisor.ready()
        lab.supervisor.start("child")
        await lab.until(ChildReady, "child", 2)
        assert lab.supervisor.ready()


async def test_a_stop_calls_off_the_back_off() -> None:
    fail = Fail(Boom)
    async with Lab(fail.spec("fail"), Happy().spec("happy")) as lab:
        lab.supervisor.stop("fail")
        await lab.advance(1000)
        assert (fail.runs, lab.state("fail")) == (1, State.STOPPED)


async def test_the_last_order_counts() -> None:
    slow = SlowDrain(2)
    async with Lab(slow.spec("slow")) as lab:
        slow.sleep = lab.clock.sleep
        lab.supervisor.restart("slow", "first thought")
        lab.supervisor.stop("slow")
        await lab.advance(100)
        assert (slow.runs, lab.state("slow")) == (1, State.STOPPED)
        lab.supervisor.start("slow")
        await lab.settle()
        lab.supervisor.stop("slow")
        lab.supervisor.restart("slow", "second thought")
        await lab.advance(100)
        assert (slow.runs, lab.state("slow")) == (3, State.READY)


async def test_starting_what_runs_changes_nothing() -> None:
    child = Happy()
    async with Lab(child.spec("child")) as lab:
        lab.supervisor.start("child")
        lab.supervisor.start("root")
        await lab.settle()
        assert child.runs == 1


async def test_a_held_role_is_started_with_the_child_that_is_asked_for() -> None:
    one, two = Happy(), Happy()
    role = SupervisorSpec(id="role", children=(one.spec("one"), two.spec("two")))
    async with Lab(role, Happy().spec("other")) as lab:
        lab.supervisor.stop("role")
        await lab.settle()
        assert lab.state("role") is State.STOPPED
        lab.supervisor.start("role/two")
        await lab.until(ChildReady, "role/two", 2)
        assert lab.supervisor.ready()


async def test_stopping_the_root_is_a_drain() -> None:
    async with Lab(Happy().spec("child")) as lab:
        lab.supervisor.stop("root")
        await lab.over()


async def test_orders_during_a_drain_change_nothing() -> None:
    slow, first = SlowDrain(5), Happy()
    async with Lab(first.spec("first"), slow.spec("slow")) as lab:
        slow.sleep = lab.clock.sleep
        lab.supervisor.drain()
        lab.supervisor.restart("slow", "too late")
        lab.supervisor.restart("first", "too late")
        lab.supervisor.start("first")
        lab.supervisor.stop("first")
        await lab.over()
        assert (slow.runs, first.runs) == (1, 1)


async def test_an_unknown_path_is_a_typed_error_that_names_the_known() -> None:
    async with Lab(Happy().spec("child")) as lab:
        for order in (
            lambda: lab.supervisor.restart("chlid", ""),
            lambda: lab.supervisor.stop("chlid"),
            lambda: lab.supervisor.start("chlid"),
            lambda: lab.supervisor.crash("chlid", Boom()),
            lambda: lab.supervisor.crash("root", Boom()),
        ):
            with pytest.raises(UnknownPath, match=r"there are: .*child"):
                order()
            with pytest.raises(KeyError):
                order()


async def test_orders_before_and_after_the_run_are_refused() -> None:
    lab = Lab(Happy().spec("child"))
    with pytest.raises(NotRunning):
        lab.supervisor.restart("child", "")
    async with lab:
        lab.supervisor.drain()
        await lab.over()
        with pytest.raises(NotRunning):
            lab.supervisor.start("child")
        with pytest.raises(NotRunning):
            await lab.supervisor.run()
        lab.supervisor.drain()


async def test_a_child_without_a_run_cannot_be_crashed() -> None:
    async with Lab(Fail(Boom).spec("fail"), Happy().spec("happy")) as lab:
        with pytest.raises(NotRunning, match="backing_off"):
            lab.supervisor.crash("fail", Boom())


async def test_orders_may_come_from_another_thread_or_from_a_subscriber() -> None:
    child = Happy()
    async with Lab(child.spec("child"), Happy().spec("other")) as lab:
        thread = threading.Thread(target=lab.supervisor.restart, args=("child", "from a thread"))
        thread.start()
        thread.join()
        await lab.until(ChildReady, "child", 2)

        def restart_when_ready(fact) -> None:
            if isinstance(fact, ChildReady) and child.runs == 3:
                lab.supervisor.restart("child", "from a subscriber")

        lab.listeners.append(restart_when_ready)
        lab.supervisor.restart("child", "by hand")
        await lab.until(ChildReady, "child", 4)
