"""Places in the log, and their names: the ids of the feed's events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

DIGITS_MAX = 19
"""Of an offset: Kafka's are signed 64-bit numbers."""


@dataclass(frozen=True, slots=True)
class Place:
    """The offset to read next in each partition of the log named ``log``.

    As text it is an event's id: for a client only to be sent back.
    """

    log: str
    offsets: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.log}.{'.'.join(map(str, self.offsets))}"


def log_name(cluster: str, partitions: Sequence[tuple[str, int]]) -> str:
    """A short name of these partitions (topic, number) in this cluster; other ones have other names."""
    text = "\n".join([cluster, *(f"{topic}/{number}" for topic, number in partitions)])
    return sha256(text.encode()).hexdigest()[:12]


def place_of(text: str) -> Place | None:
    """The place that ``text`` names, or None: anybody can send anything back."""
    log, *offsets = text.split(".")
    if not offsets or not all(each.isascii() and each.isdigit() for each in offsets):
        return None
    if max(map(len, offsets)) > DIGITS_MAX:
        return None
    return Place(log, tuple(map(int, offsets)))
