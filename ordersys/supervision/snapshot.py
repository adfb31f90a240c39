"""The tree as it stands: plain values, safe to keep and to serialise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ordersys.supervision.errors import ErrorReport
from ordersys.supervision.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSnapshot:
    """One node. Times in seconds; None where it does not apply.

    :ivar ready: what readiness counts: READY, or done and not to be restarted.
    :ivar since_s: time in the present state.
    :ivar uptime_s: time since the present run began.
    :ivar pid: the process it runs in.
    :ivar lag_s: the worst lag, lately, of the event loop of a child in a process of its own.
    :ivar restarts: starts after a crash or by request; retries of WAITING not counted.
    :ivar restarts_in_window: what it has spent of its supervisor's intensity; for a supervisor, what is
        spent of its own, of ``restarts_max`` in ``window_s``.
    :ivar held: stopped by request, until it is started by request.
    :ivar isolation: whether it runs as a task beside the others or in a process of its own.
    :ivar next_retry_in_s: time until it is started again.
    :ivar beat_age_s: time since its last progress report, ``done`` and ``pending`` being what it reported.
    :ivar silent_for_s: time since it has last done anything, while work is pending.
    :ivar note: what it last said of itself: why it waits, or what it is ready for.
    :ivar orphans: runs left behind that are still alive.
    """

    id: str
    path: str
    kind: Literal["child", "supervisor"]
    state: State
    ready: bool
    since_s: float
    uptime_s: float | None = None
    pid: int | None = None
    lag_s: float | None = None
    restarts: int = 0
    restarts_in_window: int = 0
    restarts_max: int | None = None
    window_s: float | None = None
    held: bool = False
    isolation: Literal["task", "process"] = "task"
    last_error: ErrorReport | None = None
    next_retry_in_s: float | None = None
    beat_age_s: float | None = None
    silent_for_s: float | None = None
    done: int = 0
    pending: int = 0
    note: str = ""
    orphans: int = 0
    children: tuple[NodeSnapshot, ...] = ()

    def walk(self) -> Iterator[NodeSnapshot]:
        """This node and every node below, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()
