"""Random trees, random failures and orders: the supervisor does what the model of OTP's rules does.

Compared after every step: who runs, how often each was started, the order of all starts and ends, every
state, every retry's time, and what is spent of every intensity. The seed is printed at the end of the test
session; ``SUPERVISION_SEED=N`` repeats it.
"""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ordersys.supervision import SupervisionFailed, Supervisor, SupervisorSpec
from tests.conftest import SEED
from tests.supervision.lab import Away, Lab
from tests.supervision.model import Boss, Model, Mood
from tests.supervision.puppets import Puppet, bind, trees

QUIET_TURNS = 10  # Iterations of the loop in which nothing happened.


class Machine(RuleBasedStateMachine):
    """Pulls the strings of the puppets of one tree, and of the model."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.trace: list[tuple[str, str]] = []
        self.puppets: dict[str, Puppet] = {}
        self.drained = False

    def plant_tree(self, spec: SupervisorSpec) -> None:
        spec = bind(spec, "", self.puppets, self.trace)
        self.lab = Lab()
        clock = self.lab.clock
        self.lab.supervisor = Supervisor(
            spec, waits_on=(Away,), on_fact=self.lab._hear, clock=clock, rng=random.Random(0)
        )
        self.task = self.loop.create_task(self.lab.supervisor.run())
        self.model = Model(spec, clock.now())
        self.settle()

    def settle(self) -> None:
        self.loop.run_until_complete(self._settle())

    async def _settle(self) -> None:
        quiet = 0
        while quiet < QUIET_TURNS:
            before = (len(self.trace), len(self.lab.facts))
            await asyncio.sleep(0)
            quiet = quiet + 1 if before == (len(self.trace), len(self.lab.facts)) else 0

    async def _pass(self, seconds: float) -> None:
        clock = self.lab.clock
        end = clock.now() + seconds
        while (due := clock.next_due()) is not None and due <= end:
            clock.fire_next()
            await self._settle()
        clock.move_to(end)

    # -- what may happen -------------------------------------------------------------------------------

    def alive(self) -> bool:
        return hasattr(self, "model") and not self.model.over

    @precondition(alive)
    @rule(which=st.integers(0, 99), how=st.sampled_from(["bad", "bad", "bad", "quits", "away"]))
    def ends(self, which: int, how: Mood) -> None:
        """A child that runs ends by itself."""
        running = [puppet for puppet in self.model.puppets() if puppet.running]
        if not running:
            return
        puppet = running[which % len(running)]
        self.puppets[puppet.path].end(how)
        puppet.ends(how)
        self.settle()

    @precondition(alive)
    @rule(which=st.integers(0, 99), mood=st.sampled_from(["bad", "bad", "away", "quits", "good"]))
    def changes_mood(self, which: int, mood: Mood) -> None:
        """From now on a child does this at each of its starts."""
        puppet = self.model.puppets()[which % len(self.puppets)]
        puppet.mood = self.puppets[puppet.path].mood = mood

    @rule(seconds=st.sampled_from([0.2, 0.6, 1.1, 5.3, 12.7, 33.1]))
    def time_passes(self, seconds: float) -> None:
        """When it is over, too: nothing may start then."""
        self.loop.run_until_complete(self._pass(seconds))
        self.model.pass_time(seconds)

    @precondition(alive)
    @rule(which=st.integers(0, 99), order=st.sampled_from(["stop", "start", "restart"]))
    def order(self, which: int, order: str) -> None:
        """Somebody gives an order to a child or a supervisor."""
        paths = list(self.model.lines)
        path = paths[which % len(paths)]
        if (order, path) == ("stop", "root"):
            return  # A drain.
        getattr(self.lab.supervisor, order)(path, *(["by hand"] if order == "restart" else []))
        getattr(self.model, f"order_{order}")(path)
        self.settle()

    @precondition(alive)
    @rule(really=st.sampled_from([False, False, False, True]))
    def drain(self, really: bool) -> None:
        """Rarely, for nothing happens after it."""
        if not really:
            return
        self.lab.supervisor.drain()
        self.model.root.stop()
        self.settle()

    # -- what must hold --------------------------------------------------------------------------------

    @invariant()
    def never_two_live_instances(self) -> None:
        assert all(puppet.alive_max <= 1 for puppet in self.puppets.values())

    @invariant()
    def starts_and_ends_come_in_the_same_order(self) -> None:
        if self.puppets:
            assert self.trace == self.model.trace

    @invariant()
    def every_node_is_in_the_same_state(self) -> None:
        if not self.puppets or self.model.failed:
            return
        for seen in self.lab.supervisor.snapshot().walk():
            node = self.model.lines[seen.path][-1]
            state = self.lab.supervisor._line(seen.path)[-1].state
            assert state is node.state, (seen.path, state, node.state, chr(10).join(self.lab.story()[-12:]))
            due = self.model.due.get(seen.path)
            assert seen.next_retry_in_s == (due and max(0.0, due[0] - self.model.now)), seen.path
            if isinstance(node, Boss):
                window = node.spec.intensity.within_s
                spent = [at for at in node.spent if self.model.now - at <= window]
                assert seen.restarts_in_window == len(spent), seen.path

    @invariant()
    def it_is_over_when_the_model_is(self) -> None:
        if not self.puppets:
            return
        assert self.task.done() == self.model.over
        if self.model.over:
            assert not any(puppet.alive for puppet in self.puppets.values())
            assert isinstance(self.task.exception(), SupervisionFailed if self.model.failed else type(None))

    def teardown(self) -> None:
        if self.puppets and not self.task.done():
            self.lab.supervisor.drain()
            self.settle()
            assert self.task.done()
        self.loop.close()


SETTINGS = {
    "flat": (trees(0, ["never"]), 380),
    "nested": (trees(2, ["never"]), 380),
    "significant": (trees(1, ["any_significant", "all_significant"]), 260),
}


@pytest.mark.timeout(900)  # A failure is made small before it is shown, which takes a while.
@pytest.mark.parametrize("name", SETTINGS)
def test_the_supervisor_does_what_the_model_does(name) -> None:
    specs, examples = SETTINGS[name]

    @seed(SEED)
    class OneMachine(Machine):
        @initialize(spec=specs)
        def plant(self, spec: SupervisorSpec) -> None:
            """Start a tree, and its model."""
            self.plant_tree(spec)

    run_state_machine_as_test(
        OneMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=12,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
