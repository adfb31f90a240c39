"""A supervisor under the real clock, with processes if need be; waits for facts, never sleeps."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

import anyio
import pytest

from ordersys.supervision import (
    ChildSpec,
    Fact,
    NodeSnapshot,
    ProcessEnded,
    ProcessStarted,
    Supervisor,
    SupervisorSpec,
)
from tests.supervision.lab import Away

PATIENCE_S = 30
F = TypeVar("F", bound=Fact)


class Live:
    """``async with Live(specs…) as live``: runs them by the real clock; waits for facts and messages."""

    def __init__(self, *children: ChildSpec, **root: object) -> None:
        self.facts: list[Fact] = []
        self.told: list[tuple[str, object]] = []
        self.supervisor = Supervisor(
            SupervisorSpec(id="root", children=children, **root),  # type: ignore[arg-type]
            waits_on=(Away,),
            on_fact=self._hear,
            on_message=self._take,
        )
        self._news = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Live:
        self.task = asyncio.create_task(self.supervisor.run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        assert self.task is not None
        with anyio.fail_after(PATIENCE_S):
            if not self.task.done():
                self.supervisor.drain()
                self.supervisor.drain()
            await self.task
        assert not self.supervisor.orphans
        started = {fact.pid for fact in self.of(ProcessStarted)}
        assert started == {fact.pid for fact in self.of(ProcessEnded)}
        for pid in started:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)

    def _hear(self, fact: Fact) -> None:
        self.facts.append(fact)
        self._news.set()

    def _take(self, path: str, message: object) -> None:
        self.told.append((path, message))
        self._news.set()

    async def happens(self, condition: Callable[[], bool]) -> None:
        """Return when ``condition`` holds; looked at after each fact and message."""
        with anyio.fail_after(PATIENCE_S):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def until(self, kind: type[F], count: int = 1) -> F:
        await self.happens(lambda: len(self.of(kind)) >= count)
        return self.of(kind)[count - 1]

    def of(self, kind: type[F]) -> list[F]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def see(self, path: str) -> NodeSnapshot:
        return next(node for node in self.supervisor.snapshot().walk() if node.path == path)
