"""The window: what was read since the last frame, and where it ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence

import msgspec

from ordersys.adapters.kafka import Record
from ordersys.api.feed.frames import Changed, Changes, Created

CHANGES_MAX = 200
CHANGES_KEPT = 20

Decode = Callable[[bytes], Created | Changed]


class Window:
    """Takes records, gives :class:`~ordersys.api.feed.frames.Changes`.

    With more than ``CHANGES_MAX`` the newest ``CHANGES_KEPT`` are told and the others counted: a client
    reads its lists again then, and at that rate every byte is multiplied by all clients. Nothing is decoded
    before it is told.
    """

    def __init__(
        self,
        partitions: Sequence[tuple[str, int]],
        offsets: Sequence[int],
        decoders: Mapping[str, Decode],
    ) -> None:
        """``offsets``: where reading begins in each of ``partitions``; ``decoders`` by topic."""
        self._numbers = {partition: number for number, partition in enumerate(map(tuple, partitions))}
        self._offsets = list(offsets)
        self._decoders = decoders
        self._newest: deque[Record] = deque(maxlen=CHANGES_MAX)
        self.count = 0

    @property
    def offsets(self) -> tuple[int, ...]:
        """The offset after the last record taken, of each partition."""
        return tuple(self._offsets)

    def add(self, records: Sequence[Record]) -> None:
        """Take records, in order within each partition."""
        for record in records:
            self._offsets[self._numbers[record.topic, record.partition]] = record.offset + 1
        self._newest.extend(records)
        self.count += len(records)

    def cut(self) -> Changes:
        """What there was, accepted orders first; the window is empty then."""
        kept = list(self._newest)
        if self.count > CHANGES_MAX:
            kept = kept[-CHANGES_KEPT:]
        omitted = self.count - len(kept)
        self._newest.clear()
        self.count = 0
        changes = [change for record in kept if (change := self._told(record)) is not None]
        # Two topics have no common order: an order must not be seen to change before it is there.
        changes.sort(key=lambda change: isinstance(change, Changed))
        return Changes(changes=changes, omitted=omitted)

    def _told(self, record: Record) -> Created | Changed | None:
        try:
            return self._decoders[record.topic](record.value or b"")
        except (msgspec.DecodeError, UnicodeDecodeError):
            # A dead letter of the services: nothing that happened to an order.
            return None
