"""Whether it is the event or its receiver that is at fault when an outside effect fails.

The rule is in :mod:`ordersys.contract.errors`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from ordersys.contract.errors import BatchError, EventError, NotPerformed


class Breaker:
    """Tells a receiver's failures from its events': ``failures_max`` different events failed in a row.

    One per channel and process. It outlives a child that waits: the outage ends when any event is served, or
    when none has failed for ``held_s`` seconds.
    """

    def __init__(
        self, failures_max: int = 3, held_s: float = 60.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._failures_max = failures_max
        self._held_s = held_s
        self._clock = clock
        self._failed: set[str] = set()
        self._failed_at = 0.0

    @property
    def open(self) -> bool:
        """Whether it is the receiver that is at fault."""
        return len(self._failed) >= self._failures_max and self._clock() < self._failed_at + self._held_s

    def served(self) -> None:
        """An event was served."""
        self._failed.clear()

    def failed(self, event_ids: Iterable[str]) -> None:
        """Events failed, and none was served beside them."""
        self._failed_at = self._clock()
        for event_id in event_ids:
            if len(self._failed) < self._failures_max:
                self._failed.add(event_id)


def is_doubtful(error: Exception | None) -> bool:
    """Whether a failure might be the receiver's: nobody has said that it is the event's."""
    return isinstance(error, NotPerformed) or not isinstance(error, (EventError, BatchError))
