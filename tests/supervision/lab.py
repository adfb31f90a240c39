"""A supervisor under a virtual clock, and what happened to it: hours pass in milliseconds, nothing sleeps."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

import anyio

from ordersys.supervision import (
    Backoff,
    ChildSpec,
    Fact,
    NodeSnapshot,
    State,
    Supervisor,
    SupervisorSpec,
)

F = TypeVar("F", bound=Fact)

TURNS = 30  # Iterations of the event loop in which everything that can happen at one moment has happened.
PATIENCE_S = 3600.0

NO_JITTER = Backoff(first_s=1.0, factor=2.0, cap_s=30.0, jitter="none", reset_after_s=60.0)
NO_JITTER_WAIT = Backoff(first_s=0.5, factor=2.0, cap_s=4.0, jitter="none", reset_after_s=10.0)


class Away(Exception):
    """A dependency is away: what the labs' supervisors wait on."""


class Boom(Exception):
    """An ordinary failure."""


class VirtualTimer:
    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class VirtualClock:
    def __init__(self) -> None:
        self._now = 100.0
        self._order = itertools.count()
        self._timers: list[tuple[float, int, VirtualTimer]] = []

    def now(self) -> float:
        return self._now

    def call_at(self, when: float, callback: Callable[[], None]) -> VirtualTimer:
        timer = VirtualTimer(callback)
        heapq.heappush(self._timers, (when, next(self._order), timer))
        return timer

    async def sleep(self, seconds: float) -> None:
        over = asyncio.Event()
        self.call_at(self._now + seconds, over.set)
        await over.wait()

    def next_due(self) -> float | None:
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def move_to(self, when: float) -> None:
        """Set the time and make the calls due, those they cause at once included."""
        self._now = max(self._now, when)
        while (due := self.next_due()) is not None and due <= self._now:
            self.fire_next()

    def fire_next(self) -> None:
        """Make the next call, and that one only."""
        due, _, timer = heapq.heappop(self._timers)
        self._now = max(self._now, due)
        callback, timer.callback = timer.callback, None
        assert callback is not None
        callback()


class Lab:
    """``async with Lab(specs…) as lab``: runs them; what is still running at the end is cancelled."""

    def __init__(self, *children: ChildSpec | SupervisorSpec, seed: int = 1, **root: object) -> None:
        self.clock = VirtualClock()
        self.facts: list[Fact] = []
        self.listeners: list[Callable[[Fact], None]] = [self.facts.append]
        root = {"wait_backoff": NO_JITTER_WAIT, "backoff": NO_JITTER, **root}
        self.supervisor = Supervisor(
            SupervisorSpec(id="root", children=children, **root),  # type: ignore[arg-type]
            waits_on=(Away,),
            on_fact=self._hear,
            clock=self.clock,
            rng=random.Random(seed),
        )
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Lab:
        self._task = asyncio.create_task(self.supervisor.run())
        await self.settle()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        assert self._task is not None
        if not self._task.done():
            self.supervisor.drain()
            self.supervisor.drain()
            await self.over()

    def _hear(self, fact: Fact) -> None:
        for listener in self.listeners:
            listener(fact)

    async def settle(self) -> None:
        """Let everything happen that can happen now."""
        for _ in range(TURNS):
            await anyio.lowlevel.checkpoint()

    async def advance(self, seconds: float) -> None:
        """Let time pass, stopping at every timer."""
        end = self.clock.now() + seconds
        await self.settle()
        while (due := self.clock.next_due()) is not None and due <= end:
            self.clock.move_to(due)
            await self.settle()
        self.clock.move_to(end)

    async def pass_until(self, condition: Callable[[], bool], what: str) -> None:
        """Let time pass from timer to timer until ``condition`` holds."""
        await self.settle()
        limit = self.clock.now() + PATIENCE_S
        while not condition():
            due = self.clock.next_due()
            if due is None or due > limit:
                raise AssertionError(f"{what} will not happen; facts: {self.story()}")
            self.clock.move_to(due)
            await self.settle()

    async def until(self, kind: type[F], path: str, count: int = 1) -> F:
        """The ``count``-th fact of this kind about ``path``, let happen if need be."""
        what = f"{kind.__name__} number {count} of {path}"
        await self.pass_until(lambda: len(self.of(kind, path)) >= count, what)
        return self.of(kind, path)[count - 1]

    async def over(self) -> None:
        """Let time pass until ``run`` has returned; raises what it raises."""
        task = self._task
        assert task is not None
        await self.pass_until(task.done, "the end of run()")
        task.result()

    def of(self, kind: type[F], path: str | None = None) -> list[F]:
        """The facts of a kind so far."""
        return [fact for fact in self.facts if isinstance(fact, kind) and path in (None, fact.path)]

    def order(self, kind: type[Fact]) -> list[str]:
        """The paths of a kind of fact, in the order they happened."""
        return [fact.path for fact in self.of(kind)]

    def story(self) -> list[str]:
        """All facts, shortly."""
        return [f"{type(fact).__name__} {fact.path}" for fact in self.facts]

    def see(self, path: str) -> NodeSnapshot:
        """The snapshot of one node."""
        return next(node for node in self.supervisor.snapshot().walk() if node.path == path)

    def state(self, path: str) -> State:
        return self.see(path).state
