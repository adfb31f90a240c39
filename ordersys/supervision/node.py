"""What a child and a supervisor have in common as nodes of the tree.

Nodes are reactors, as OTP's gen_statem: each method is a plain function that runs to its end, moves the
state by the table, emits one fact, sets a timer. No node awaits anything, so no node can be stuck; whoever
wants something later sets a timer on the kernel's clock. Orders go down (start, stop, kill), news goes up
(:class:`Parent`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Protocol

from ordersys.supervision.clock import Timer
from ordersys.supervision.facts import Fact
from ordersys.supervision.kernel import Kernel
from ordersys.supervision.snapshot import NodeSnapshot
from ordersys.supervision.spec import ChildSpec, SupervisorSpec
from ordersys.supervision.states import Event, State, next_state

WITH_ITS_SUPERVISOR = "start"
REQUESTED = "request"


class Parent(Protocol):
    """What a node tells the supervisor above."""

    def moved(self) -> None:
        """A child's state changed."""

    def may_restart(self, node: Node, /) -> bool:
        """It failed: take a restart from the budget, if one is left."""

    def crashed(self, node: Node, /) -> None:
        """It is backing off after a failure."""

    def restart_due(self, node: Node, /) -> None:
        """Its back-off is over."""

    def spent(self, node: Node, error: BaseException, /) -> None:
        """It failed and no restart is left."""

    def done(self, node: Node, /) -> None:
        """It ended by itself and is not started again."""

    def restarts_in_window(self, node: Node, /) -> int:
        """What it has spent of the budget."""


class Node(ABC):
    """A child or a supervisor.

    :ivar held: stopped by request, until it is started by request: nothing else starts it.
    :ivar significant: its end, by itself, may end the supervisor above.
    :ivar start_reason: why it will be started next, if it is: what its starting fact says.
    """

    def __init__(self, kernel: Kernel, spec: ChildSpec | SupervisorSpec, path: str, parent: Parent) -> None:
        self.id = spec.id
        self.path = path
        self.significant = spec.significant
        self.restartable = spec.restart != "temporary"  # For a sibling's sake, too.
        self.state = State.STOPPED
        self.held = False
        self.start_reason = WITH_ITS_SUPERVISOR
        self.restarts = 0
        self._kernel = kernel
        self._parent = parent
        self._since = kernel.now()
        self._draining_since = self._since
        self._start_after_stop = False
        self._timer: Timer | None = None
        self._retry_at: float | None = None

    @property
    def released(self) -> bool:
        """Whether the next in the start order may start: whatever came of the start, it is known.

        While one that gave up drains, it is not: it may take its supervisor along.
        """
        return self.state not in (State.STARTING, State.DRAINING)

    @property
    def at_rest(self) -> bool:
        """Whether it is down and stays down."""
        return self.state in (State.STOPPED, State.FAILED) and self._timer is None

    @property
    def idle(self) -> bool:
        """Whether nothing runs and no retry is planned: it is started only if somebody else does."""
        return not self.running and self._timer is None

    @property
    @abstractmethod
    def running(self) -> bool:
        """Whether it has to be stopped before it can be started."""

    @property
    @abstractmethod
    def ready(self) -> bool:
        """Whether it counts as ready."""

    @abstractmethod
    def unsettled(self) -> Iterator[str]:
        """Paths of the children, it or those below, not yet ready or waiting once; those held aside."""

    @abstractmethod
    def start(self) -> None:
        """Begin; only when not running."""

    @abstractmethod
    def stop(self, reason: str, *, then_start: bool = False) -> None:
        """Drain, then rest, or start anew. Harmless when draining or at rest; the last call's wish counts."""

    @abstractmethod
    def kill(self, reason: str) -> None:
        """Cancel at once, then rest."""

    @abstractmethod
    def snapshot(self) -> NodeSnapshot:
        """This node and those below as they stand."""

    def restart(self, reason: str) -> None:
        """Stop, if need be, and start anew. Spends no restart: it was asked for."""
        self.restarts += 1
        self.start_reason = REQUESTED
        if self.running:
            self.stop(reason, then_start=True)
        else:
            self.start()

    def _move(self, event: Event, fact: Callable[..., Fact], **said: object) -> None:
        """Go where ``event`` leads and emit ``fact``. The caller tells the parent once all is in place."""
        after = next_state(self.state, event)
        now = self._kernel.now()
        if after is not self.state:
            self.state = after
            self._since = now
            if after is State.DRAINING:
                self._draining_since = now
            self._kernel.emit(fact(path=self.path, at=now, **said))

    def _take_start_reason(self) -> str:
        reason, self.start_reason = self.start_reason, WITH_ITS_SUPERVISOR
        return reason

    def _wish(self, *, then_start: bool) -> None:
        """Note what is wanted of it once it rests; the last wish counts."""
        self._start_after_stop = then_start
        self.start_reason = REQUESTED if then_start else WITH_ITS_SUPERVISOR

    def _rested(self) -> None:
        """Nothing runs any more: start again if that was asked for, and tell the parent."""
        if self._start_after_stop:
            self._start_after_stop = False
            self.start()
        self._parent.moved()

    def _arm(self, delay_s: float, callback: Callable[[], None], *, retry: bool = False) -> None:
        def due() -> None:
            self._timer = None
            self._retry_at = None
            callback()

        self._disarm()
        self._timer = self._kernel.after(delay_s, due)
        self._retry_at = self._kernel.now() + delay_s if retry else None

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self._retry_at = None

    def _since_s(self) -> float:
        return self._kernel.now() - self._since

    def _drain_s(self) -> float:
        return self._kernel.now() - self._draining_since if self.state is State.DRAINING else 0.0

    def _next_retry_in_s(self) -> float | None:
        return None if self._retry_at is None else max(0.0, self._retry_at - self._kernel.now())
