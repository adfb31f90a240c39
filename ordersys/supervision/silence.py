"""Progress, not liveness: notices a child that has work pending and does none of it.

A beat costs nothing but two numbers kept by the child's context. There is one timer per run, set for the
earliest moment at which the silence could have lasted ``max_silence_s``.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from ordersys.supervision.clock import Timer
from ordersys.supervision.context import ChildContext
from ordersys.supervision.errors import Silent, describe
from ordersys.supervision.kernel import Kernel
from ordersys.supervision.policy import Delays
from ordersys.supervision.spec import ChildSpec

ROUNDING_S = 1e-6


class Watched(Protocol):
    """Who is told."""

    def fell_silent(self, error: Silent) -> None:
        """The child does nothing though it could."""

    def dependency_away(self, reason: str) -> None:
        """The child does nothing, and what it depends on is away. It is probed again and again."""

    def dependency_back(self) -> None:
        """The probe passed, or the child did some work. It is given ``max_silence_s`` anew."""


class SilenceWatch:
    """Watches one run of a child, from ``begin`` to ``end``.

    :param delays: between one probe and the next.
    """

    def __init__(
        self, kernel: Kernel, spec: ChildSpec, context: ChildContext, delays: Delays, owner: Watched
    ) -> None:
        self._kernel = kernel
        self._spec = spec
        self._context = context
        self._delays = delays
        self._owner = owner
        self._limit_s = spec.max_silence_s
        self._away_at_done: int | None = None  # While away: what it had done when that was found.
        self._timer: Timer | None = None
        self._asking: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Count from now on."""
        self.end()
        if self._limit_s is not None:
            self._context.progress_at = self._kernel.now()
            self._timer = self._kernel.after(self._limit_s, self._check)

    def end(self) -> None:
        """Count no more. Harmless when not counting."""
        self._away_at_done = None
        self._forget_probe()
        self._cancel_timer()

    def _check(self) -> None:
        assert self._limit_s is not None
        said = self._context
        left_s = self._limit_s
        if said.pending:
            left_s += said.progress_at - self._kernel.now()
        if left_s > ROUNDING_S:
            self._timer = self._kernel.after(left_s, self._check)
        elif self._spec.probe is None:
            self._fall_silent(None)
        else:
            self._ask()

    def _ask(self) -> None:
        loop = asyncio.get_running_loop()
        name = f"probe of {self._context.id}"
        self._asking = loop.create_task(self._probe(), name=name, context=self._kernel.context.copy())
        self._asking.add_done_callback(self._answered)
        limit_s = self._spec.probe_timeout_s
        self._timer = self._kernel.after(
            limit_s, lambda: self._away(f"its probe had no answer in {limit_s:g} s")
        )

    async def _probe(self) -> None:
        assert self._spec.probe is not None
        await self._spec.probe()

    def _answered(self, task: asyncio.Task[None]) -> None:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if task is self._asking:  # Not one given up on.
            self._asking = None
            self._cancel_timer()
            self._kernel.guard(lambda: self._judge(error))()

    def _judge(self, error: BaseException | None) -> None:
        if error is not None and self._kernel.is_outage(error):
            self._away(describe(error))
        elif error is None and self._away_at_done is not None:
            self._back()
        else:
            self._fall_silent(error)

    def _away(self, reason: str) -> None:
        """Probe again in a while."""
        self._forget_probe()
        if self._away_at_done is None:
            self._away_at_done = self._context.done
            self._owner.dependency_away(reason)
        self._timer = self._kernel.after(self._delays.next(ready_for_s=0.0), self._look_again)

    def _look_again(self) -> None:
        assert self._away_at_done is not None
        if self._context.done > self._away_at_done or not self._context.pending:
            self._back()
        else:
            self._ask()

    def _back(self) -> None:
        self._delays.reset()
        self._owner.dependency_back()
        self.begin()

    def _fall_silent(self, cause: BaseException | None) -> None:
        said = self._context
        silent_s = self._kernel.now() - said.progress_at
        error = Silent(f"{said.id} has done nothing for {silent_s:.3g} s, and {said.pending} is pending")
        error.__cause__ = cause
        self.end()
        self._owner.fell_silent(error)

    def _forget_probe(self) -> None:
        task, self._asking = self._asking, None
        if task is not None:
            task.cancel()
        self._cancel_timer()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
