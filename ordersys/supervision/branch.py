"""A supervisor as a node: its children up in order, down in reverse, and what a failure of one means to all.

It is either going *up* (children still to be started, then READY) or going *down* (a :class:`_Halt`: some
children are stopped one after the other, and then something is done). ``_advance`` takes the next step of
whichever it is, and is called after everything that happens to a child.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from ordersys.supervision.child import ChildNode
from ordersys.supervision.facts import (
    SupervisorCrashed,
    SupervisorDraining,
    SupervisorFailed,
    SupervisorGaveUp,
    SupervisorStarted,
    SupervisorStarting,
    SupervisorStopped,
)
from ordersys.supervision.kernel import Kernel
from ordersys.supervision.node import Node, Parent
from ordersys.supervision.policy import Budget, Delays
from ordersys.supervision.snapshot import NodeSnapshot
from ordersys.supervision.spec import ChildSpec, SupervisorSpec
from ordersys.supervision.states import WORST_FIRST, Event, State


@dataclass(kw_only=True)
class _Halt:
    """Children going down. ``at_once``: cancelled together instead of drained one after the other."""

    nodes: Sequence[Node]
    reason: str
    then: Callable[[], None]
    at_once: bool = False


class Branch(Node):
    """A supervisor and its children."""

    def __init__(self, kernel: Kernel, spec: SupervisorSpec, path: str, prefix: str, parent: Parent) -> None:
        super().__init__(kernel, spec.id, path, parent)
        self._spec = spec
        self.children = tuple(self._node(child, f"{prefix}{child.id}") for child in spec.children)
        self._budget = Budget(spec.intensity)
        self._delays = Delays(spec.backoff, kernel.rng)
        self._began_at: float | None = None
        self._to_start: deque[Node] = deque()
        self._begun: Node | None = None
        self._leader: Node | None = None  # Backing off, its fellows stopped until it starts.
        self._halt: _Halt | None = None
        self._advancing = False
        self._again = False

    def _node(self, spec: ChildSpec | SupervisorSpec, path: str) -> Node:
        if isinstance(spec, SupervisorSpec):
            return Branch(self._kernel, spec, path, f"{path}/", self)
        return ChildNode(self._kernel, spec, path, self, self._spec.wait_backoff)

    # -- as a node: orders from above ------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether any of its children may have a run."""
        return self.state in (State.STARTING, State.READY, State.DRAINING)

    @property
    def ready(self) -> bool:
        """Whether all of its children are."""
        return self.state is State.READY and all(child.ready for child in self.children)

    def unsettled(self) -> Iterator[str]:
        """The children below that have not been ready or waiting yet."""
        if not self.held:
            for child in self.children:
                yield from child.unsettled()

    def start(self) -> None:
        """Start all children in order, with a budget unspent."""
        self._budget.clear()
        self._start()

    def stop(self, reason: str, *, then_start: bool = False) -> None:
        """Drain all children in reverse order."""
        self._start_after_stop = then_start
        if not self.running:
            self._disarm()
            if self.state is not State.STOPPED:
                self._stopped()
        else:
            if self.state is not State.DRAINING:
                self._move(Event.DRAIN, SupervisorDraining, reason=reason)
                self._parent.moved()
            self._go_down(_Halt(nodes=self.children, reason=reason, then=self._stopped))

    def kill(self, reason: str) -> None:
        """Cancel all children at once."""
        self.stop(reason)
        if self._halt is not None:
            self._go_down(_Halt(nodes=self.children, reason=reason, then=self._stopped, at_once=True))

    def snapshot(self) -> NodeSnapshot:
        """This supervisor and its children as they stand."""
        children = tuple(child.snapshot() for child in self.children)
        began_at = self._began_at if self.running else None
        return NodeSnapshot(
            id=self.id,
            path=self.path,
            kind="supervisor",
            state=self._shown(children),
            ready=self.ready,
            since_s=self._since_s(),
            uptime_s=None if began_at is None else self._kernel.now() - began_at,
            restarts=self.restarts,
            restarts_in_window=self._budget.count(self._kernel.now()),
            next_retry_in_s=self._next_retry_in_s(),
            last_error=max(
                (child.last_error for child in children if child.last_error is not None),
                key=lambda report: report.at,
                default=None,
            ),
            orphans=sum(child.orphans for child in children),
            children=children,
        )

    # -- as a parent: news from below ------------------------------------------------------------------

    def moved(self) -> None:
        """A child's state changed."""
        self._advance()
        self._parent.moved()

    def may_restart(self, node: Node) -> bool:
        """Take a restart for ``node`` from the budget, if one is left.

        While draining, whoever fails is about to be stopped: nothing is taken, nothing given up.
        """
        return self.state is State.DRAINING or self._budget.spend(self._kernel.now(), node.id)

    def crashed(self, node: Node) -> None:
        """A child is backing off: stop those that are to be restarted with it.

        One that fails while its group is going down anyway just goes down with it.
        """
        fellows = self._fellows(node)
        if fellows and (self._halt is None or node not in self._halt.nodes):
            # The halt is over when the fellows rest; they start when the child's back-off is over, too.
            self._go_down(_Halt(nodes=fellows, reason=f"restarted with {node.path}", then=lambda: None))
            self._leader = node
        self.moved()

    def restart_due(self, node: Node) -> None:
        """A child's back-off is over: start it, and those restarted with it."""
        if not self._fellows(node):
            node.start()
        elif self._halt is not None:  # Some fellow is still draining.
            self._halt.then = partial(self.restart_due, node)
        else:
            self._go_up([node, *(fellow for fellow in self._fellows(node) if fellow.restartable)])
            self._advance()

    def spent(self, node: Node, error: BaseException) -> None:
        """A child failed and no restart is left: stop the others, then escalate or be FAILED."""
        self._kernel.emit(
            SupervisorGaveUp(
                path=self.path,
                at=self._kernel.now(),
                error=error,
                max_restarts=self._spec.intensity.max_restarts,
                within_s=self._spec.intensity.within_s,
            )
        )
        reason = f"gave up on {node.path}"
        self._move(Event.DRAIN, SupervisorDraining, reason=reason)
        self._go_down(_Halt(nodes=self.children, reason=reason, then=partial(self._given_up, error)))
        self._parent.moved()

    def restarts_in_window(self, node: Node) -> int:
        """What ``node`` has spent of the budget."""
        return self._budget.count(self._kernel.now(), node.id)

    # -- its own steps ---------------------------------------------------------------------------------

    def _start(self) -> None:
        self._disarm()
        self._began_at = self._kernel.now()
        self._move(Event.START, SupervisorStarting)
        self._go_up(self.children)
        self._advance()
        self._parent.moved()

    def _go_up(self, nodes: Sequence[Node]) -> None:
        """Have these started in order, with what is still to be started from before."""
        wanted = {*self._to_start, *nodes}
        self._leader = None
        self._begun = None
        self._to_start = deque(node for node in self.children if node in wanted)

    def _go_down(self, halt: _Halt) -> None:
        """Have these stopped, and the rest of the start order wait for it."""
        self._leader = None
        self._to_start = deque(node for node in self._to_start if node not in halt.nodes)
        self._halt = halt
        self._advance()

    def _advance(self) -> None:
        """Take steps until one changes nothing. Called from within a step, it only notes it."""
        self._again = True
        if self._advancing:
            return
        self._advancing = True
        try:
            while self._again:
                self._again = False
                if self._halt is not None:
                    self._step_down(self._halt)
                else:
                    self._step_up()
        finally:
            self._advancing = False

    def _step_up(self) -> None:
        if self._leader is not None and self._leader.state is not State.BACKING_OFF:
            # Stopped or started by request before its back-off was over: its fellows wait no longer.
            self._go_up([fellow for fellow in self._fellows(self._leader) if fellow.restartable])
        while self._to_start:
            node = self._to_start[0]
            if node is not self._begun:
                self._begun = node
                if node.idle and not node.held:
                    node.start()
            if self._halt is not None or not node.released:
                return
            self._to_start.popleft()
        if self.state is State.STARTING:
            self._move(Event.JOIN, SupervisorStarted)
            self._parent.moved()

    def _step_down(self, halt: _Halt) -> None:
        for node in halt.nodes:
            if not (node.running or node.at_rest):
                node.stop(halt.reason)  # Or its retry could fall due before its turn.
        for node in reversed(halt.nodes):
            if not node.at_rest:
                (node.kill if halt.at_once else node.stop)(halt.reason)
            if not node.at_rest and not halt.at_once:
                return
        if self._halt is halt and all(node.at_rest for node in halt.nodes):
            self._halt = None
            halt.then()

    def _given_up(self, error: BaseException) -> None:
        if self._spec.on_give_up == "mark_failed":
            # The budget stays spent: until its window has passed, one failure more is giving up again.
            delay_s = self._spec.backoff.cap_s
            self._move(Event.GIVE_UP, SupervisorFailed, retry_in_s=delay_s)
            self._arm(delay_s, self._retry_failed, retry=True)
            self._parent.moved()
        elif self._parent.may_restart(self):
            ready_for_s = self._draining_since - (self._began_at or self._draining_since)
            delay_s = self._delays.next(ready_for_s=ready_for_s)
            self._move(Event.CRASH, SupervisorCrashed, restart_in_s=delay_s)
            self._arm(delay_s, self._retry, retry=True)
            self._parent.crashed(self)
        else:
            self._move(Event.GIVE_UP, SupervisorFailed, retry_in_s=None)
            self._parent.spent(self, error)

    def _retry_failed(self) -> None:
        self.restarts += 1
        self._start()

    def _retry(self) -> None:
        self.restarts += 1
        self._parent.restart_due(self)

    def _stopped(self) -> None:
        self._move(Event.END, SupervisorStopped, drain_s=self._drain_s())
        self._rested()

    def _fellows(self, node: Node) -> Sequence[Node]:
        """The children that are restarted with ``node``."""
        if self._spec.strategy == "one_for_one":
            return ()
        if self._spec.strategy == "one_for_all":
            return tuple(each for each in self.children if each is not node)
        return self.children[self.children.index(node) + 1 :]

    def _shown(self, children: Sequence[NodeSnapshot]) -> State:
        """Its own state; when that is READY, the worst of its children's, those done aside."""
        if self.state is not State.READY:
            return self.state
        states = {child.state for child in children if not (child.ready and child.state is State.STOPPED)}
        return next((state for state in WORST_FIRST if state in states), State.READY)
