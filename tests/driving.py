"""Runs what a supervisor would run, and waits for what a test expects."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import anyio

from ordersys.adapters.groups import unwrapped
from ordersys.runtime.child import Child

POLL_S = 0.05
END_TIMEOUT_S = 20.0

Value = TypeVar("Value")
Run = Callable[[Child], Awaitable[None]]


async def wait_until(condition: Callable[[], Awaitable[Value]], what: str, deadline_s: float = 15.0) -> Value:
    """Ask ``condition`` again and again until it is true; returns what it returned.

    :raises AssertionError: it is not in ``deadline_s``; the message says what was waited for.
    """
    deadline = time.monotonic() + deadline_s
    while not (value := await condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not in {deadline_s:g} s: {what} (the last answer was {value!r})")
        await anyio.sleep(POLL_S)
    return value


class Driver:
    """A child's supervisor, played by a test: the :class:`Child` it is handed, and how its run ended."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.beats = 0
        self.error: BaseException | None = None
        self._beat = anyio.Event()
        self._ready = anyio.Event()
        self._drain = anyio.Event()
        self._ended = anyio.Event()
        self._scope = anyio.CancelScope()

    # -- what the child sees ------------------------------------------------------------------------

    @property
    def draining(self) -> bool:
        return self._drain.is_set()

    async def wait_draining(self) -> None:
        await self._drain.wait()

    def ready(self, note: str = "") -> None:
        self.notes.append(note)
        self._ready.set()

    def beat(self, *, done: int = 0, pending: int = 0) -> None:
        self.beats += 1
        self._beat.set()
        self._beat = anyio.Event()

    # -- what the test does -------------------------------------------------------------------------

    async def wait_ready(self) -> None:
        """Return when the child said that it can work; raise its error if it ended instead."""
        with anyio.fail_after(END_TIMEOUT_S):
            async with anyio.create_task_group() as group:

                async def until(event: anyio.Event) -> None:
                    await event.wait()
                    group.cancel_scope.cancel()

                group.start_soon(until, self._ready)
                group.start_soon(until, self._ended)
        if not self._ready.is_set():
            self._raise()

    async def wait_beat(self) -> None:
        """Return at the next beat."""
        with anyio.fail_after(END_TIMEOUT_S):
            await self._beat.wait()

    def drain(self) -> None:
        """Ask it to finish what it has in hand and to return."""
        self._drain.set()

    async def ends(self, within_s: float = END_TIMEOUT_S) -> BaseException | None:
        """How the run ended, by itself or drained: the error, which is then dealt with, or None."""
        with anyio.fail_after(within_s):
            await self._ended.wait()
        error, self.error = self.error, None
        return error

    async def kill(self) -> None:
        """End the run where it stands, without a drain."""
        self._scope.cancel()
        await self._ended.wait()

    async def drive(self, run: Run) -> None:
        """Run it once."""
        try:
            with self._scope:
                await run(self)
        except Exception as error:  # noqa: BLE001 - kept for the test, which raises it if it expected none
            self.error = error
        finally:
            self._ended.set()

    def _raise(self) -> None:
        if self.error is not None:
            error, self.error = self.error, None
            raise error


@asynccontextmanager
async def running(run: Run, *, fails: bool = False) -> AsyncIterator[Driver]:
    """Run ``run`` beside the block, drained at its end.

    An error of it ends the block at once and is raised, unless it ``fails`` and the block asks how it ends.
    """
    driver = Driver()
    async with unwrapped(), anyio.create_task_group() as group:
        block = anyio.CancelScope()

        async def drive() -> None:
            await driver.drive(run)
            if driver.error is not None and not fails:
                block.cancel()

        group.start_soon(drive)
        with block:
            try:
                yield driver
            finally:
                driver.drain()
                with anyio.move_on_after(END_TIMEOUT_S, shield=True) as limit:
                    await driver._ended.wait()
                group.cancel_scope.cancel()
    driver._raise()
    assert not limit.cancelled_caught, f"the run did not end in {END_TIMEOUT_S:g} s after its drain"


class Facts(list[Any]):
    """What the runtime said, in order. Call it as ``on_fact``."""

    def __call__(self, fact: object) -> None:
        self.append(fact)

    def of(self, kind: type[Value]) -> list[Value]:
        """The facts of one type."""
        return [fact for fact in self if isinstance(fact, kind)]
