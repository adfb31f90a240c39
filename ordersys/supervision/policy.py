"""How long to wait before the next attempt, and how many attempts are too many. Pure; time is passed in."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Delays between attempts, in seconds: at most ``first_s``, then ``factor`` times more, up to ``cap_s``.

    ``jitter="full"`` takes each delay uniformly from 0 to that ceiling, so that children that fell together
    do not come back together: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015,
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/. ``"none"`` takes the ceiling.
    A child that was ready for ``reset_after_s`` is well again: its next delay starts from ``first_s``.
    """

    first_s: float = 0.2
    factor: float = 2.0
    cap_s: float = 30.0
    jitter: Literal["full", "none"] = "full"
    reset_after_s: float = 60.0

    def __post_init__(self) -> None:
        if not (0 < self.first_s <= self.cap_s and self.factor >= 1 and self.reset_after_s >= 0):
            raise ValueError(f"0 < first_s <= cap_s, factor >= 1 and reset_after_s >= 0 must hold: {self}")


class Delays:
    """The delays of one child under one :class:`Backoff`."""

    def __init__(self, backoff: Backoff, rng: random.Random) -> None:
        self._backoff = backoff
        self._rng = rng
        self._ceiling_s = backoff.first_s

    def next(self, *, ready_for_s: float) -> float:
        """Seconds until the next attempt, given how long the last one had been ready."""
        backoff = self._backoff
        if ready_for_s >= backoff.reset_after_s:
            self.reset()
        ceiling_s = self._ceiling_s
        self._ceiling_s = min(backoff.cap_s, ceiling_s * backoff.factor)
        return self._rng.uniform(0.0, ceiling_s) if backoff.jitter == "full" else ceiling_s

    def reset(self) -> None:
        """Start from the first delay again."""
        self._ceiling_s = self._backoff.first_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Intensity:
    """Maximum restart intensity: more than ``max_restarts`` within ``within_s`` seconds is giving up.

    One budget for all children of a supervisor, as in OTP,
    https://www.erlang.org/doc/system/sup_princ#maximum-restart-intensity.
    """

    max_restarts: int = 5
    within_s: float = 60.0

    def __post_init__(self) -> None:
        if self.max_restarts < 0 or self.within_s <= 0:
            raise ValueError(f"max_restarts >= 0 and within_s > 0 must hold: {self}")


class Budget:
    """The restarts of one supervisor within the window of its :class:`Intensity`."""

    def __init__(self, intensity: Intensity) -> None:
        self._intensity = intensity
        self._spent: deque[tuple[float, str]] = deque(maxlen=max(1, intensity.max_restarts))

    def spend(self, now: float, child: str) -> bool:
        """Take one restart for ``child``; False, and nothing taken, when none is left."""
        if self.count(now) >= self._intensity.max_restarts:
            return False
        self._spent.append((now, child))
        return True

    def count(self, now: float, child: str | None = None) -> int:
        """Restarts within the window, of all children or of one."""
        return sum(
            1
            for at, who in self._spent
            if now - at <= self._intensity.within_s and (child is None or who == child)
        )

    def clear(self) -> None:
        """Forget the restarts taken so far."""
        self._spent.clear()
