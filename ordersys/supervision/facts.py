"""What supervision reports: one frozen fact per transition of a node, and per orphan. Durations in seconds.

``path`` names the node (``payment/pipeline``; the root bears its own id) and ``at`` is the clock's
monotonic time. Subscribers turn facts into log lines and metrics; nobody is asked anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ordersys.supervision.errors import reason_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that happened to the node ``path`` at the monotonic time ``at``."""

    path: str
    at: float


OnFact = Callable[[Fact], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildStarting(Fact):
    """A run begins; ``attempt`` counts the runs of this child from 1.

    ``reason`` is one of a closed set. ``start``: with its supervisor. After a failure: ``error`` (it raised
    one), ``silent``, ``start_timeout``, ``unexpected_end``, ``died``, ``hung``. ``outage``: what it waited
    for may be back. ``sibling``: restarted with one that failed. ``request``: somebody asked for it.
    """

    attempt: int
    reason: str = "start"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildReady(Fact):
    """It can work, ``after_s`` after its run began."""

    note: str
    after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildWaiting(Fact):
    """What it depends on is away. ``retry_in_s`` is None while its run goes on and waits by itself."""

    reason: str
    retry_in_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildCrashed(Fact):
    """Its run failed. ``restart_in_s`` is None when it is not started again (temporary, or given up)."""

    error: BaseException
    traceback: str
    restart_in_s: float | None

    @property
    def reason(self) -> str:
        """What kind of failure, in a word: as in :class:`ChildStarting`."""
        return reason_of(self.error)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildDraining(Fact):
    """It was told to stop and is finishing what it has in hand."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildStopped(Fact):
    """It has no run any more and none is planned.

    ``drain_s``: from the signal to the end. ``cancelled``: it overstayed its drain time. ``error``: what
    it raised while draining.
    """

    drain_s: float
    cancelled: bool
    error: BaseException | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildOrphaned(Fact):
    """It ignored its cancellation for ``after_s`` and was left behind: a Python task cannot be killed."""

    after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanEnded(Fact):
    """A run left behind has ended after all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStarted(Fact):
    """The process of a child was started; the child begins when it has imported what it needs."""

    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEnded(Fact):
    """The process of a child is gone. ``code``: its exit code, ``-n`` for signal ``n``."""

    pid: int
    code: int | None
    killed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesLost(Fact):
    """A child's process told more than was taken, and dropped ``count`` messages (``ctx.tell``)."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorStarting(Fact):
    """Its children are started, in order.

    ``reason`` is that of :class:`ChildStarting`; or ``gave_up``: it had, and is tried again.
    """

    reason: str = "start"


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorStarted(Fact):
    """Each of its children was ready, waiting or backing off once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorGaveUp(Fact):
    """Its children failed more than ``max_restarts`` times in ``within_s``. ``error`` is the last. Its
    children are stopped next."""

    error: BaseException
    max_restarts: int
    within_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorDraining(Fact):
    """Its children are stopped, in reverse order."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorStopped(Fact):
    """None of its children has a run any more; ``drain_s`` since the first was told to stop."""

    drain_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorCrashed(Fact):
    """It gave up, and the supervisor above starts it again."""

    restart_in_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorFailed(Fact):
    """It gave up for now (tried again in ``retry_in_s``) or, with None, took the supervisor above with it."""

    retry_in_s: float | None
