"""Scripted children, each doing one thing a real one might do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ordersys.supervision import ChildContext, ChildSpec
from tests.supervision.lab import NO_JITTER


class Service:
    """Base: counts its runs and remembers the latest context. ``spec`` makes a child of it."""

    def __init__(self) -> None:
        self.runs = 0
        self.alive = 0
        self.context: ChildContext | None = None

    async def __call__(self, context: ChildContext) -> None:
        self.runs += 1
        self.alive += 1
        self.context = context
        try:
            await self.serve(context)
        finally:
            self.alive -= 1

    async def serve(self, context: ChildContext) -> None:
        raise NotImplementedError

    def spec(self, child_id: str, **options: object) -> ChildSpec:
        return ChildSpec(id=child_id, start=self, **{"backoff": NO_JITTER, **options})  # type: ignore[arg-type]


class Happy(Service):
    """Ready at once, returns when told to drain."""

    async def serve(self, context: ChildContext) -> None:
        context.ready("serving")
        await context.wait_draining()


class Fail(Service):
    """Raises, at once or once it has been ready."""

    def __init__(self, error: Callable[[], BaseException], *, ready_first: bool = False) -> None:
        super().__init__()
        self.error = error
        self.ready_first = ready_first

    async def serve(self, context: ChildContext) -> None:
        if self.ready_first:
            context.ready()
        raise self.error()


class FailThenHappy(Happy):
    """Raises in its first ``failures`` runs."""

    def __init__(self, failures: int, error: Callable[[], BaseException]) -> None:
        super().__init__()
        self.failures = failures
        self.error = error

    async def serve(self, context: ChildContext) -> None:
        if self.runs <= self.failures:
            raise self.error()
        await super().serve(context)


class Hang(Service):
    """Never says anything and never ends by itself."""

    async def serve(self, context: ChildContext) -> None:
        await asyncio.Event().wait()


class IgnoreDrain(Service):
    """Ready, but does not hear the drain signal."""

    async def serve(self, context: ChildContext) -> None:
        context.ready()
        await asyncio.Event().wait()


class IgnoreCancel(Service):
    """Swallows its first ``times`` cancellations, and ends when ``release`` is set."""

    def __init__(self, times: int = 1_000) -> None:
        super().__init__()
        self.times = times
        self.release = asyncio.Event()

    async def serve(self, context: ChildContext) -> None:
        context.ready()
        while not self.release.is_set():
            try:
                await self.release.wait()
            except asyncio.CancelledError:
                self.times -= 1
                if self.times < 0:
                    raise


class SlowStart(Service):
    """Ready when ``go`` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def serve(self, context: ChildContext) -> None:
        await self.go.wait()
        context.ready()
        await context.wait_draining()


class SlowDrain(Service):
    """Takes ``seconds`` to finish what it has in hand."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.finished = 0
        self.sleep: Callable[[float], object] | None = None

    async def serve(self, context: ChildContext) -> None:
        context.ready()
        await context.wait_draining()
        assert self.sleep is not None
        await self.sleep(self.seconds)  # type: ignore[misc]
        self.finished += 1


class Task(Service):
    """Ready, does its work when ``finish`` is set, and returns; or returns at once."""

    def __init__(self, *, at_once: bool = False) -> None:
        super().__init__()
        self.finish = asyncio.Event()
        if at_once:
            self.finish.set()

    async def serve(self, context: ChildContext) -> None:
        context.ready()
        await self.finish.wait()


class Waiting(Service):
    """Runs on while its dependency is away; says ready when ``back`` is set, waiting when it is cleared."""

    def __init__(self) -> None:
        super().__init__()
        self.back = asyncio.Event()
        self.gone = asyncio.Event()

    async def serve(self, context: ChildContext) -> None:
        while not context.draining:
            context.waiting("broker is away")
            await self.back.wait()
            context.ready("broker is back")
            await self.gone.wait()
            self.gone.clear()
            self.back.clear()


class Dependency:
    """What a child depends on, to be probed: raises ``error`` if there is one, once it ``answers``."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error
        self.asked = 0
        self.answers = asyncio.Event()
        self.answers.set()

    async def probe(self) -> None:
        self.asked += 1
        await self.answers.wait()
        if self.error is not None:
            raise self.error
