"""The ring: the last frames, for clients that come back."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

Offsets = tuple[int, ...]


class Ring:
    """Frames and the place after each, within ``bytes_max`` and ``frames_max``."""

    def __init__(self, *, bytes_max: int = 8_000_000, frames_max: int = 4000) -> None:
        self._bytes_max = bytes_max
        self._frames_max = frames_max
        self.begin(())

    def begin(self, start: Offsets) -> None:
        """Forget everything; the next frame follows ``start``."""
        self._start = self._end = start
        self._frames: list[tuple[bytes, Offsets]] = []
        self._bytes = 0

    def append(self, frame: bytes, after: Offsets) -> None:
        """Keep a frame; ``after`` is the place after its last change. The oldest frames make room."""
        self._end = after
        self._frames.append((frame, after))
        self._bytes += len(frame)
        gone = 0
        while self._bytes > self._bytes_max or len(self._frames) - gone > self._frames_max:
            oldest, self._start = self._frames[gone]
            self._bytes -= len(oldest)
            gone += 1
        del self._frames[:gone]

    def pass_over(self, after: Offsets) -> None:
        """The log went on to ``after`` without a change that is told."""
        self._end = after

    def since(self, offsets: Offsets) -> Sequence[bytes] | None:
        """Frames with everything after ``offsets``; None if that is more, or other, than what is kept.

        The first of them may also tell what lies before ``offsets`` when that is in the middle of it.
        """
        if len(offsets) != len(self._end):
            return None
        if not (_within(self._start, offsets) and _within(offsets, self._end)):
            return None
        first = bisect_left(self._frames, True, key=lambda kept: not _within(kept[1], offsets))
        return [frame for frame, _ in self._frames[first:]]


def _within(some: Offsets, others: Offsets) -> bool:
    """Whether nothing in ``some`` is after ``others``."""
    return all(mine <= theirs for mine, theirs in zip(some, others, strict=True))
