"""A supervisor as a node: what its children's failures mean to it, and its own to the supervisor above."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from ordersys.supervision.child import ChildNode
from ordersys.supervision.errors import UnexpectedEnd, reason_of
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
from ordersys.supervision.order import Halt, StartOrder
from ordersys.supervision.policy import Budget, Delays
from ordersys.supervision.snapshot import NodeSnapshot
from ordersys.supervision.spec import ChildSpec, SupervisorSpec
from ordersys.supervision.states import WORST_FIRST, Event, State


class Branch(Node):
    """A supervisor and its children."""

    def __init__(
        self, kernel: Kernel, spec: SupervisorSpec, path: str, parent: Parent, *, is_root: bool = False
    ) -> None:
        super().__init__(kernel, spec, path, parent)
        self._spec = spec
        prefix = "" if is_root else f"{path}/"
        self.children = tuple(self._node(child, f"{prefix}{child.id}") for child in spec.children)
        self._is_root = is_root  # Nobody starts it again, whatever its spec says.
        self._budget = Budget(spec.intensity)
        self._delays = Delays(spec.backoff, kernel.rng)
        self._began_at: float | None = None
        self._done = False
        self._order = StartOrder(self.children, spec.strategy, self._up)

    def _node(self, spec: ChildSpec | SupervisorSpec, path: str) -> Node:
        if isinstance(spec, SupervisorSpec):
            return Branch(self._kernel, spec, path, self)
        return ChildNode(self._kernel, spec, path, self, self._spec.wait_backoff)

    # -- as a node: orders from above ------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether any of its children may have a run."""
        return self.state in (State.STARTING, State.READY, State.DRAINING)

    @property
    def ready(self) -> bool:
        """Whether all of its children are; or it is done, where being done is no failure."""
        if self.state is State.READY:
            return all(child.ready for child in self.children)
        return self.state is State.STOPPED and self._done

    def unsettled(self) -> Iterator[str]:
        """The children below that have not been ready or waiting yet."""
        if not (self.held or self._done):
            for child in self.children:
                yield from child.unsettled()

    def start(self) -> None:
        """Start all children in order, with a budget unspent."""
        self._budget.clear()
        self._start()

    def stop(self, reason: str, *, then_start: bool = False) -> None:
        """Drain all children in reverse order."""
        self._wish(then_start=then_start)
        if not self.running:
            self._disarm()
            if self.state is not State.STOPPED:
                self._stopped()
        else:
            if self.state is not State.DRAINING:
                self._move(Event.DRAIN, SupervisorDraining, reason=reason)
                self._parent.moved()
            self._order.down(Halt(nodes=self.children, reason=reason, then=self._stopped))

    def kill(self, reason: str) -> None:
        """Cancel all children at once."""
        self.stop(reason)
        if self._order.going_down:
            self._order.down(Halt(nodes=self.children, reason=reason, then=self._stopped, at_once=True))

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
            held=self.held,
            since_s=self._since_s(),
            uptime_s=None if began_at is None else self._kernel.now() - began_at,
            restarts=self.restarts,
            restarts_in_window=self._budget.count(self._kernel.now()),
            restarts_max=self._spec.intensity.max_restarts,
            window_s=self._spec.intensity.within_s,
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
        self._order.advance()
        self._parent.moved()

    def may_restart(self, node: Node) -> bool:
        """Take a restart for ``node`` from the budget, if one is left.

        While draining, whoever fails is about to be stopped: nothing is taken, nothing given up.
        """
        return self.state is State.DRAINING or self._budget.spend(self._kernel.now(), node.id)

    def crashed(self, node: Node) -> None:
        """A child is backing off."""
        self._order.crashed(node)
        self.moved()

    def restart_due(self, node: Node) -> None:
        """A child's back-off is over."""
        self._order.due(node)

    def done(self, node: Node) -> None:
        """A child ended by itself: if that ends this supervisor, stop the others first."""
        if self.state in (State.STARTING, State.READY) and node.significant and self._all_said(node):
            reason = f"{node.path} is done"
            self._move(Event.DRAIN, SupervisorDraining, reason=reason)
            self._order.down(Halt(nodes=self.children, reason=reason, then=self._shut_down))
            self._parent.moved()

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
        self._order.down(Halt(nodes=self.children, reason=reason, then=partial(self._given_up, error)))
        self._parent.moved()

    def restarts_in_window(self, node: Node) -> int:
        """What ``node`` has spent of the budget."""
        return self._budget.count(self._kernel.now(), node.id)

    # -- its own steps ---------------------------------------------------------------------------------

    def _start(self) -> None:
        self._disarm()
        self._began_at = self._kernel.now()
        self._done = False
        self._move(Event.START, SupervisorStarting, reason=self._take_start_reason())
        self._order.up(self.children)
        self._order.advance()
        self._parent.moved()

    def _up(self) -> None:
        if self.state is State.STARTING:
            self._move(Event.JOIN, SupervisorStarted)
            self._parent.moved()

    def _given_up(self, error: BaseException) -> None:
        if self._spec.on_give_up == "mark_failed":
            # The budget stays spent: until its window has passed, one failure more is giving up again.
            delay_s = self._spec.backoff.cap_s
            self._move(Event.GIVE_UP, SupervisorFailed, retry_in_s=delay_s)
            self._arm(delay_s, self._retry_failed, retry=True)
            self._parent.moved()
        elif self._spec.restart == "temporary" and not self._is_root:
            self._end_by_itself()
        else:
            self._fail(error)

    def _shut_down(self) -> None:
        if self._spec.restart == "permanent" and not self._is_root:
            self._fail(UnexpectedEnd(f"{self.path} is permanent, and its significant children are done"))
        else:
            self._end_by_itself()

    def _fail(self, error: BaseException) -> None:
        """Count as a crash of a child of the supervisor above."""
        if self._parent.may_restart(self):
            ready_for_s = self._draining_since - (self._began_at or self._draining_since)
            delay_s = self._delays.next(ready_for_s=ready_for_s)
            self.start_reason = reason_of(error) if isinstance(error, UnexpectedEnd) else "gave_up"
            self._move(Event.CRASH, SupervisorCrashed, restart_in_s=delay_s)
            self._arm(delay_s, self._retry, retry=True)
            self._parent.crashed(self)
        else:
            self._move(Event.GIVE_UP, SupervisorFailed, retry_in_s=None)
            self._parent.spent(self, error)

    def _end_by_itself(self) -> None:
        self._done = True
        self._move(Event.END, SupervisorStopped, drain_s=self._drain_s())
        self._parent.done(self)
        self._rested()

    def _all_said(self, node: Node) -> bool:
        """Whether ``node``, significant and done, leaves none that ``auto_shutdown`` waits for."""
        if self._spec.auto_shutdown == "any_significant":
            return True
        fellows = (child for child in self.children if child.significant and child is not node)
        return all(child.at_rest and not self._order.awaits(child) for child in fellows)

    def _retry_failed(self) -> None:
        self.restarts += 1
        self.start_reason = "gave_up"
        self._start()

    def _retry(self) -> None:
        self.restarts += 1
        self._parent.restart_due(self)

    def _stopped(self) -> None:
        if self._spec.restart == "temporary" and not self.held:
            self._done = True  # Nobody starts it again, so nobody may wait for it.
        self._move(Event.END, SupervisorStopped, drain_s=self._drain_s())
        self._rested()

    def _shown(self, children: Sequence[NodeSnapshot]) -> State:
        """Its own state; when that is READY, the worst of its children's, those done aside."""
        if self.state is not State.READY:
            return self.state
        states = {child.state for child in children if not (child.ready and child.state is State.STOPPED)}
        return next((state for state in WORST_FIRST if state in states), State.READY)
