"""What a child's start function is handed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol


class Listener(Protocol):
    """Who hears what a child says of itself."""

    def said_ready(self, note: str) -> None:
        """It can work."""

    def said_waiting(self, reason: str) -> None:
        """What it depends on is away."""

    def told(self, message: object) -> None:
        """Something for the application, of no concern to the supervisor."""


class ChildContext:
    """A running child's view of its supervisor; a new one for each run.

    All calls are cheap, never block and must come from the event loop's thread. After the run ended, or
    once it is being stopped, what the child says no longer counts.

    :ivar id: the child's path, such as ``payment/pipeline``.
    :ivar beat_at: the time of the last report, ``done`` and ``pending`` being what was reported.
    :ivar pid: the process it runs in, once that is known.
    :ivar lag_s: the event loop's lag, if it runs in a process of its own.
    :ivar progress_at: since when, if work is pending, none has been done.
    """

    __slots__ = (
        "_draining",
        "_listener",
        "_now",
        "beat_at",
        "done",
        "id",
        "lag_s",
        "pending",
        "pid",
        "progress_at",
    )

    def __init__(self, path: str, now: Callable[[], float], listener: Listener) -> None:
        self.id = path
        self.beat_at: float | None = None
        self.done = 0
        self.pending = 0
        self.progress_at = now()
        self.pid: int | None = None
        self.lag_s: float | None = None
        self._now = now
        self._listener = listener
        self._draining = asyncio.Event()

    def ready(self, note: str = "") -> None:
        """Say: joined, bound, proven. Releases the next in the start order; said again, renews the note."""
        self._listener.said_ready(note)

    def waiting(self, reason: str) -> None:
        """Say: alive, but what I depend on is away. Not ready until ``ready``; no restart is spent."""
        self._listener.said_waiting(reason)

    def beat(self, *, done: int = 0, pending: int = 0) -> None:
        """Report progress: ``done`` units since the last report, ``pending`` left. Call it per batch.

        A child with ``max_silence_s`` that reports work pending and then, for that long, none done is
        restarted; so report ``pending`` when work arrives, not only when some of it is done.
        """
        self.beat_at = now = self._now()
        if done or not self.pending:  # It moved, or had nothing to do until now.
            self.progress_at = now
        self.done += done
        self.pending = pending

    def tell(self, message: object) -> None:
        """Hand ``message`` to the supervisor's ``on_message``, from whichever process: it must be picklable.

        By it the facts of a child in a process of its own reach the metrics of the program.
        """
        self._listener.told(message)

    @property
    def draining(self) -> bool:
        """Whether to finish what is in hand and return."""
        return self._draining.is_set()

    async def wait_draining(self) -> None:
        """Return when draining begins."""
        await self._draining.wait()

    def signal_draining(self) -> None:
        """The supervisor's: begin draining."""
        self._draining.set()
