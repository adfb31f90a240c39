"""Significant children: whose end ends their supervisor, and what becomes of it then."""

from __future__ import annotations

import pytest

from ordersys.supervision import (
    ChildCrashed,
    ChildReady,
    ChildSpec,
    ChildStarting,
    ChildStopped,
    Intensity,
    State,
    SupervisorCrashed,
    SupervisorDraining,
    SupervisorFailed,
    SupervisorSpec,
    SupervisorStarting,
    SupervisorStopped,
)
from tests.supervision.lab import NO_JITTER, NO_JITTER_WAIT, Boom, Lab
from tests.supervision.services import Fail, FailThenHappy, Happy, SlowDrain, SlowStart, Task

pytestmark = pytest.mark.anyio

KEY = {"restart": "transient", "significant": True}
ANY, ALL = "any_significant", "all_significant"


async def start(context: object) -> None: ...


def role(role_id: str, *children, **options) -> SupervisorSpec:
    options = {"backoff": NO_JITTER, "wait_backoff": NO_JITTER_WAIT, **options}
    return SupervisorSpec(id=role_id, children=children, **options)


async def test_any_significant_end_ends_the_root_in_reverse_order() -> None:
    key, other, slow = Task(), Task(), SlowDrain(2)
    async with Lab(
        Happy().spec("first"),
        key.spec("key", **KEY),
        other.spec("other", **KEY),
        slow.spec("slow"),
        auto_shutdown=ANY,
    ) as lab:
        slow.sleep = lab.clock.sleep
        other.finish = lab.supervisor._over  # Ends by nothing but the drain.
        key.finish.set()
        await lab.until(SupervisorDraining, "root")
        await lab.over()
        assert lab.of(SupervisorDraining)[0].reason == "key is done"
        assert lab.order(ChildStopped) == ["key", "slow", "other", "first"]
        assert slow.finished == 1
        assert not lab.of(ChildCrashed)
        assert lab.state("root") is State.STOPPED


async def test_all_significant_waits_for_the_last_of_them() -> None:
    one, two, plain = Task(), Task(), Task()
    async with Lab(
        one.spec("one", **KEY),
        two.spec("two", **KEY),
        plain.spec("plain", restart="transient"),
        Happy().spec("happy"),
        auto_shutdown=ALL,
    ) as lab:
        plain.finish.set()
        one.finish.set()
        await lab.advance(1000)
        assert lab.supervisor.ready()
        two.finish.set()
        await lab.over()
        assert lab.state("happy") is State.STOPPED


async def test_the_end_of_one_that_is_not_significant_ends_nothing() -> None:
    plain, key = Task(), Task()
    async with Lab(
        plain.spec("plain", restart="transient"), key.spec("key", **KEY), auto_shutdown=ANY
    ) as lab:
        plain.finish.set()
        await lab.until(ChildStopped, "plain")
        await lab.advance(100)
        assert lab.supervisor.ready()
        assert key.alive == 1
        key.finish.set()
        await lab.over()


async def test_one_that_is_started_later_is_waited_for_as_well() -> None:
    first, slow, last = Task(at_once=True), SlowStart(), Task()
    async with Lab(
        first.spec("first", **KEY), slow.spec("slow"), last.spec("last", **KEY), auto_shutdown=ALL
    ) as lab:
        assert lab.state("first") is State.STOPPED
        slow.go.set()
        await lab.until(ChildReady, "last")
        last.finish.set()
        await lab.over()


async def test_an_end_at_its_start_starts_nobody_after_it() -> None:
    after = Happy()
    async with Lab(ChildSpec(id="key", start=start, **KEY), after.spec("after"), auto_shutdown=ANY) as lab:
        await lab.over()
        assert after.runs == 0


async def test_a_significant_transient_child_that_fails_is_restarted_and_ends_nothing() -> None:
    key = FailThenHappy(2, Boom)
    async with Lab(key.spec("key", **KEY), auto_shutdown=ANY) as lab:
        await lab.until(ChildReady, "key")
        await lab.advance(100)
        assert lab.supervisor.ready()


async def test_one_backing_off_is_still_waited_for() -> None:
    flaky, task = FailThenHappy(1, Boom), Task()
    async with Lab(flaky.spec("flaky", **KEY), task.spec("task", **KEY), auto_shutdown=ALL) as lab:
        task.finish.set()
        await lab.until(ChildStopped, "task")
        assert lab.state("flaky") is State.BACKING_OFF
        await lab.until(ChildReady, "flaky")
        assert lab.supervisor.ready()


async def test_the_end_of_a_significant_temporary_child_counts_however_it_ended() -> None:
    key = {"restart": "temporary", "significant": True}
    async with Lab(Fail(Boom, ready_first=True).spec("key", **key), auto_shutdown=ANY) as lab:
        await lab.over()
        assert lab.of(ChildCrashed, "key")
        assert lab.state("root") is State.STOPPED


async def test_an_end_that_was_asked_for_or_a_siblings_does_not_count() -> None:
    key, crashing = Happy(), Happy()
    async with Lab(
        crashing.spec("crashing"), key.spec("key", **KEY), auto_shutdown=ANY, strategy="rest_for_one"
    ) as lab:
        lab.supervisor.stop("key")
        await lab.advance(100)
        lab.supervisor.start("key")
        await lab.until(ChildReady, "key", 2)
        lab.supervisor.crash("crashing", Boom())
        await lab.until(ChildReady, "key", 3)
        lab.supervisor.restart("key", "by hand")
        await lab.until(ChildReady, "key", 4)
        await lab.advance(100)
        assert lab.supervisor.ready()


async def test_a_permanent_role_that_ends_by_itself_is_started_again_and_spends_a_restart() -> None:
    key, fellow, sibling = Task(), Happy(), Happy()
    async with Lab(
        role("r", fellow.spec("fellow"), key.spec("key", **KEY), auto_shutdown=ANY), sibling.spec("sibling")
    ) as lab:
        key.finish.set()
        crashed = await lab.until(SupervisorCrashed, "r")
        assert crashed.restart_in_s == 1.0
        key.finish.clear()
        again = await lab.until(SupervisorStarting, "r", 2)
        assert again.reason == "unexpected_end"
        await lab.until(ChildReady, "r/key", 2)
        assert (fellow.runs, sibling.runs) == (2, 1)
        assert lab.see("root").restarts_in_window == 1


@pytest.mark.parametrize("restart", ["transient", "temporary"])
async def test_a_role_that_is_not_permanent_and_ends_by_itself_is_done(restart) -> None:
    key, fellow, sibling = Task(), Happy(), Happy()
    spec = role("r", fellow.spec("fellow"), key.spec("key", **KEY), auto_shutdown=ANY, restart=restart)
    async with Lab(spec, sibling.spec("sibling")) as lab:
        key.finish.set()
        await lab.until(SupervisorStopped, "r")
        await lab.advance(1000)
        assert (key.runs, fellow.alive, sibling.alive) == (1, 0, 1)
        assert lab.supervisor.ready()
        assert lab.state("root") is State.READY
        lab.supervisor.start("r")
        await lab.until(ChildReady, "r/fellow", 2)


async def test_a_significant_role_ends_the_supervisor_above_in_turn() -> None:
    key, other = Task(), Happy()
    inner = role("inner", key.spec("key", **KEY), auto_shutdown=ALL, **KEY)
    async with Lab(inner, other.spec("other"), auto_shutdown=ALL) as lab:
        key.finish.set()
        await lab.over()
        assert lab.order(ChildStopped) == ["inner/key", "other"]


@pytest.mark.parametrize(("restart", "runs"), [("transient", 4), ("temporary", 2)])
async def test_a_role_that_gives_up_is_tried_again_unless_it_is_temporary(restart, runs) -> None:
    fail, sibling = Fail(Boom), Happy()
    spec = role("r", fail.spec("fail"), restart=restart, intensity=Intensity(max_restarts=1))
    async with Lab(spec, sibling.spec("sibling"), intensity=Intensity(max_restarts=100)) as lab:
        await lab.pass_until(lambda: fail.runs >= runs, "the runs")
        if restart == "transient":
            assert lab.of(SupervisorStarting, "r")[1].reason == "gave_up"
        else:
            await lab.advance(1000)
            assert fail.runs == runs
            assert not lab.of(SupervisorFailed)
            assert lab.supervisor.ready()


async def test_a_drain_during_an_auto_shutdown_wins() -> None:
    key, slow = Task(), SlowDrain(5)
    spec = role("r", slow.spec("slow"), key.spec("key", **KEY), auto_shutdown=ANY)
    async with Lab(spec) as lab:
        slow.sleep = lab.clock.sleep
        key.finish.set()
        await lab.advance(1)
        lab.supervisor.drain()
        await lab.over()
        assert (key.runs, slow.runs, slow.finished) == (1, 1, 1)
        assert not lab.of(SupervisorCrashed)


@pytest.mark.parametrize(
    "make",
    [
        lambda: ChildSpec(id="a", start=start, significant=True),
        lambda: SupervisorSpec(id="r", children=(), significant=True),
        lambda: SupervisorSpec(id="r", children=(), auto_shutdown=ANY),
        lambda: SupervisorSpec(id="r", children=(ChildSpec(id="a", start=start),), auto_shutdown=ALL),
        lambda: SupervisorSpec(id="r", children=(ChildSpec(id="a", start=start, **KEY),)),
        lambda: ChildSpec(id="a", start=start, probe=start),
        lambda: ChildSpec(id="a", start=start, max_silence_s=0),
    ],
)
def test_what_could_never_come_to_pass_is_refused(make) -> None:
    with pytest.raises(ValueError, match="must"):
        make()


async def test_every_start_says_why() -> None:
    flaky, fellow = Happy(), Happy()
    async with Lab(flaky.spec("flaky"), fellow.spec("fellow"), strategy="rest_for_one") as lab:
        await lab.until(ChildReady, "fellow")
        lab.supervisor.restart("fellow", "by hand")
        await lab.until(ChildReady, "fellow", 2)
        lab.supervisor.stop("fellow")
        await lab.settle()
        lab.supervisor.start("fellow")
        await lab.settle()
        lab.supervisor.crash("flaky", Boom())
        await lab.until(ChildReady, "fellow", 4)
        assert [fact.reason for fact in lab.of(ChildStarting, "flaky")] == ["start", "error"]
        assert [fact.reason for fact in lab.of(ChildStarting, "fellow")] == [
            "start",
            "request",
            "request",
            "sibling",
        ]
