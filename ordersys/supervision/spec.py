"""What is to be supervised, and how: plain values, checked when made. Names and rules are OTP's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from ordersys.supervision.context import ChildContext
from ordersys.supervision.policy import Backoff, Intensity

Start = Callable[[ChildContext], Awaitable[None]]
Probe = Callable[[], Awaitable[None]]
Restart = Literal["permanent", "transient", "temporary"]
Strategy = Literal["one_for_one", "one_for_all", "rest_for_one"]
AutoShutdown = Literal["never", "any_significant", "all_significant"]

TIME_LIMITS = ("start_timeout_s", "drain_timeout_s", "cancel_timeout_s", "max_silence_s", "probe_timeout_s")
WAIT_BACKOFF = Backoff(first_s=0.2, cap_s=5.0, reset_after_s=10.0)


@dataclass(frozen=True, slots=True)
class ProcessStart:
    """A start function by name, so that another process can call it: ``await function(ctx, *args)``.

    :ivar target: ``package.module:function``.
    :ivar args: picklable; a tuple.
    :ivar block_timeout_s: the worker's event loop blocked for longer: its stacks are written to stderr after
        a quarter of it, then the process is ended (:class:`Watchdog`), and the child has failed with
        :class:`ProcessHung`.
    :raises ValueError: the target does not look like one, or a time that is not positive.
    """

    target: str
    args: tuple[Any, ...] = ()
    block_timeout_s: float = 8.0

    def __post_init__(self) -> None:
        module, _, name = self.target.partition(":")
        if not (module and name):
            raise ValueError(f"a target must look like package.module:function, not {self.target!r}")
        if self.block_timeout_s <= 0:
            raise ValueError("block_timeout_s must be positive")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """One child. Times in seconds.

    :ivar start: runs the child until it is done or told to drain. Called anew for every run, so whatever
        it makes is fresh; it shares nothing with the run before. Or its name (:class:`ProcessStart`).
    :ivar isolation: ``task``: an asyncio task beside the others. ``process``: an OS process of its own, with
        an event loop and a core of its own; needs a :class:`ProcessStart`. The same rules hold, and it is
        killed where a task would be left behind.
    :ivar restart: ``permanent``: started again however it ended. ``transient``: unless it returned.
        ``temporary``: never, and its end does not count against readiness.
    :ivar significant: its end, by itself, may end the supervisor above (its ``auto_shutdown``). Not for
        permanent children, which do not end.
    :ivar start_timeout_s: to say ready or waiting; longer is a failure.
    :ivar drain_timeout_s: to return after it was told to drain; then it is cancelled.
    :ivar cancel_timeout_s: to end after it was cancelled; then it is left behind as an orphan. It is
        cancelled a second time after half of it, should the first have been swallowed.
    :ivar backoff: the delays between a failure and the next start.
    :ivar max_silence_s: how long it may report nothing done while work is pending (``ctx.beat``) before it
        counts as failed with :class:`Silent`; None: for ever. Counted while it is READY.
    :ivar probe: asked before a silent child is restarted: raises one of the supervisor's ``waits_on`` when
        what the child depends on is away. Then the child is WAITING and runs on; it is asked again, with
        the delays of ``wait_backoff``, until it passes.
    :ivar probe_timeout_s: a probe that takes longer has found its dependency away, too: a frozen server
        answers nobody.
    :raises ValueError: an empty id, one with a slash, a time that is not positive, a probe without
        ``max_silence_s``, a process without a :class:`ProcessStart`, or a significant permanent child.
    """

    id: str
    start: Start | ProcessStart
    isolation: Literal["task", "process"] = "task"
    restart: Restart = "permanent"
    significant: bool = False
    start_timeout_s: float = 30.0
    drain_timeout_s: float = 10.0
    cancel_timeout_s: float = 5.0
    backoff: Backoff = field(default_factory=Backoff)
    max_silence_s: float | None = None
    probe: Probe | None = None
    probe_timeout_s: float = 5.0

    def __post_init__(self) -> None:
        _check_id(self.id)
        _check_significance(self)
        for name in TIME_LIMITS:
            limit_s = getattr(self, name)
            if limit_s is not None and limit_s <= 0:
                raise ValueError(f"{name} of {self.id!r} must be positive")
        if self.isolation == "process" and not isinstance(self.start, ProcessStart):
            raise ValueError(f"{self.id!r} must have a ProcessStart to run in a process of its own")
        if self.probe is not None and self.max_silence_s is None:
            raise ValueError(f"{self.id!r} is never asked to probe: it must have max_silence_s, too")


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorSpec:
    """A supervisor: its children in start order, and what becomes of them when one fails.

    :ivar strategy: which children are restarted with one that failed: ``one_for_one`` it alone,
        ``one_for_all`` all, ``rest_for_one`` those after it in start order.
    :ivar intensity: how many restarts of all children together are too many.
    :ivar restart: for one that ended by itself, its ``auto_shutdown`` met: as for a child that returned.
        For one that gave up and escalates: as for a child that failed. The root is never started again.
    :ivar significant: as for a child.
    :ivar auto_shutdown: the supervisor ends by itself when a significant child of it has
        (``any_significant``), or the last of them (``all_significant``): it stops the others, and rests. A
        root's run is over.
    :ivar on_give_up: when they are spent, the supervisor stops its children; then ``escalate``: it counts
        as one crash of a child of the supervisor above, which starts it again or gives up in turn; or
        ``mark_failed``: it is FAILED, is tried again every ``backoff.cap_s``, and nobody else is concerned.
    :ivar backoff: the delays between an escalation and the next start of this supervisor.
    :ivar wait_backoff: the delays of its children between an outage met and the next attempt.
    :raises ValueError: an empty id, one with a slash, two children of one id, significant children that
        ``auto_shutdown`` knows nothing of, or none of those it waits for.
    """

    id: str
    children: tuple[ChildSpec | SupervisorSpec, ...]
    strategy: Strategy = "one_for_one"
    restart: Restart = "permanent"
    significant: bool = False
    auto_shutdown: AutoShutdown = "never"
    intensity: Intensity = field(default_factory=Intensity)
    on_give_up: Literal["escalate", "mark_failed"] = "escalate"
    backoff: Backoff = field(default_factory=Backoff)
    wait_backoff: Backoff = WAIT_BACKOFF

    def __post_init__(self) -> None:
        _check_id(self.id)
        ids = [child.id for child in self.children]
        if len(set(ids)) != len(ids):
            raise ValueError(f"two children of {self.id!r} have the same id: {ids}")
        _check_significance(self)
        if any(child.significant for child in self.children) != (self.auto_shutdown != "never"):
            raise ValueError(f"{self.id!r} must have significant children and auto_shutdown, or neither")


def _check_significance(spec: ChildSpec | SupervisorSpec) -> None:
    if spec.significant and spec.restart == "permanent":
        raise ValueError(f"{spec.id!r} must not be both significant and permanent: it never ends")


def _check_id(text: str) -> None:
    if not text or "/" in text:
        raise ValueError(f"an id is not empty and has no slash: {text!r}")
