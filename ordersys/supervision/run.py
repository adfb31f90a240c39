"""One run of a child: a task, from its creation to its end, or to the moment it is left behind.

Each run is a plain asyncio task, not a member of a task group: a group cancels all members for the error
of one, and waits for ever for a member that ignores its cancellation. Inside its task a child is free to
use anyio's groups and scopes.

Cancellation is asyncio's own, delivered once, and once more at half time: clean-up that awaits is not
interrupted again and again, as a cancelled anyio scope would do, and a run left behind does not spin.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ordersys.supervision.clock import Timer
from ordersys.supervision.context import ChildContext
from ordersys.supervision.errors import UnexpectedEnd
from ordersys.supervision.facts import ChildOrphaned
from ordersys.supervision.kernel import Kernel
from ordersys.supervision.process import run_process
from ordersys.supervision.spec import ChildSpec, ProcessStart
from ordersys.supervision.wire import resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run ended. ``error``: what it raised, or was doomed with; ``cancelled``: it was cancelled."""

    error: BaseException | None
    cancelled: bool


class Owner(Protocol):
    """Who is told of a run. ``run_ended`` comes exactly once, within the run's bounds, orphan or not."""

    def run_ready(self, note: str) -> None:
        """It said ready."""

    def run_waiting(self, reason: str) -> None:
        """It said waiting."""

    def run_ended(self, ending: Ending) -> None:
        """It ended, or was left behind."""


class Run:
    """One call of a child's start function."""

    def __init__(self, kernel: Kernel, spec: ChildSpec, path: str, owner: Owner) -> None:
        self.path = path
        self.context = ChildContext(path, kernel.now, self)
        if spec.isolation == "task":
            self.context.pid = os.getpid()
        self.began_at = kernel.now()
        self.ready_at: float | None = None
        self.leaving = False  # It was told to go; what it says of itself no longer counts.
        self._kernel = kernel
        self._spec = spec
        self._owner = owner
        self._doom: BaseException | None = None
        self._cancelled_at: float | None = None
        self._over = False
        self._timer: Timer | None = None
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._body(), name=path, context=kernel.context.copy())
        self._task.add_done_callback(lambda _: kernel.guard(self._done)())

    @property
    def ready_for_s(self) -> float:
        """How long it has been since it first said ready; 0 when it never did."""
        return 0.0 if self.ready_at is None else self._kernel.now() - self.ready_at

    def drain(self) -> None:
        """Tell it to finish; cancel it when ``drain_timeout_s`` is over."""
        if not self.leaving:
            self.leaving = True
            self._timer = self._kernel.after(self._spec.drain_timeout_s, self.cancel)
            self.context.signal_draining()

    def doom(self, error: BaseException) -> None:
        """End it with ``error`` as if it had raised it.

        The child itself sees a cancellation: any other error, thrown in at whatever it awaits, would break
        the task groups it is in.
        """
        if self._cancelled_at is None:
            self._doom = error
            self.cancel()

    def cancel(self) -> None:
        """Cancel it now; leave it behind when ``cancel_timeout_s`` is over."""
        if self._over or self._cancelled_at is not None:
            return
        self.leaving = True
        self._cancelled_at = self._kernel.now()
        self._set_timer(self._spec.cancel_timeout_s / 2, self._cancel_again)
        self._task.cancel()

    def said_ready(self, note: str) -> None:
        """The child said ready."""
        if not (self.leaving or self._over):
            if self.ready_at is None:
                self.ready_at = self._kernel.now()
            self._owner.run_ready(note)

    def said_waiting(self, reason: str) -> None:
        """The child said waiting."""
        if not (self.leaving or self._over):
            self._owner.run_waiting(reason)

    def told(self, message: object) -> None:
        """The child has a message for the application; it may have, to its very end."""
        self._kernel.hand_on(self.path, message)

    async def _body(self) -> None:
        start = self._spec.start
        if not isinstance(start, ProcessStart):
            await start(self.context)
        elif self._spec.isolation == "process":
            await run_process(self._kernel, self.context, start)
        else:
            await resolve(start.target)(self.context, *start.args)

    def _cancel_again(self) -> None:
        self._set_timer(self._spec.cancel_timeout_s / 2, self._abandon)
        self._task.cancel()

    def _abandon(self) -> None:
        self._kernel.adopt_orphan(self._task, self.path)
        now = self._kernel.now()
        began_at = now if self._cancelled_at is None else self._cancelled_at
        self._kernel.emit(ChildOrphaned(path=self.path, at=now, after_s=now - began_at))
        self._end(self._doom)

    def _done(self) -> None:
        if self._over:
            return
        error: BaseException | None = None
        if not self._task.cancelled():
            error = self._task.exception()
        elif self._cancelled_at is None:
            error = UnexpectedEnd(f"{self.path} was cancelled, and not by its supervisor")
        self._end(self._doom or error)

    def _end(self, error: BaseException | None) -> None:
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        self._owner.run_ended(Ending(error=error, cancelled=self._cancelled_at is not None))

    def _set_timer(self, delay_s: float, callback: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._kernel.after(delay_s, callback)
