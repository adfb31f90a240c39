"""Time as the supervisor sees it. Every wait goes through here, so that tests need not wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A call that is due later."""

    def cancel(self) -> None:
        """Do not make the call. Harmless after it was made."""


class Clock(Protocol):
    """Monotonic seconds, and calls made when they have passed."""

    def now(self) -> float:
        """Seconds since some fixed moment; never goes back."""

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Call ``callback`` once on the running event loop, as soon as ``now()`` has reached ``when``."""


class MonotonicClock:
    """The machine's monotonic clock and the running loop's timers."""

    # Not the loop's: uvloop caches its time per iteration, and it lags in a long one.
    now = staticmethod(time.monotonic)

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Call ``callback`` on the running loop at ``when``, to the millisecond or so."""
        return asyncio.get_running_loop().call_later(max(0.0, when - self.now()), callback)
