"""The guard: finds the event that kills or blocks the process itself, so that it can be parked.

An exception is caught; an ``os._exit``, a crash of a C library or an endless loop in a service's function
is not. Before each call of such a function its event's origin is written into a small file mapped into
memory, which the operating system keeps whatever becomes of the process. What stands there when the next
process starts is the culprit. It is counted, and after ``attempts_max`` such ends parked as dead.

One file per group and process: a file another process holds (``flock``) is passed over.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ordersys.adapters.kafka import Record
from ordersys.contract.errors import Rejected

FILES_MAX = 64
STRIKES_MAX = 32
# Whether a call is under way; partition and offset of its event.
_NOW = struct.Struct("<Bqq")
# How often it was found under way at a start: partition, offset, count. A count of 0 ends the list.
_STRIKE = struct.Struct("<qqq")
_SIZE = _NOW.size + STRIKES_MAX * _STRIKE.size


class Origin(NamedTuple):
    """Where an event is in its topic; a group reads one topic."""

    partition: int
    offset: int


class Killer(Rejected):
    """An event that ended or blocked the process each time it was decided: dead letter at once."""


class Guard:
    """The guard of one group in this process; a context manager, so that its file is given back."""

    def __init__(self, directory: Path, group: str, attempts_max: int) -> None:
        """Take a file of ``directory``, and count a strike against the event found in it.

        :raises OSError: the directory cannot be written.
        """
        directory.mkdir(parents=True, exist_ok=True)
        self._file = _take(directory, group)
        self._map = mmap.mmap(self._file, _SIZE)
        self._write = _NOW.pack_into
        self._attempts_max = attempts_max
        self._strikes = self._read_strikes()
        under_way, partition, offset = _NOW.unpack_from(self._map)
        if under_way:
            origin = Origin(partition, offset)
            self._strikes[origin] = self._strikes.get(origin, 0) + 1
            self._save_strikes()
        self.leave()

    def enter(self, record: Record) -> None:
        """A service's function is about to be called with the event of ``record``.

        :raises Killer: it has ended the process ``attempts_max`` times.
        """
        if self._strikes:
            self._judge(Origin(record.partition, record.offset))
        self._write(self._map, 0, 1, record.partition, record.offset)

    def leave(self) -> None:
        """No such function is being called."""
        self._map[0] = 0

    def forget(self, records: Iterable[Record]) -> None:
        """Culprits that are parked, and that a person may have redriven: their count begins anew."""
        if self._strikes:
            for record in records:
                self._strikes.pop(Origin(record.partition, record.offset), None)
            self._save_strikes()

    def close(self) -> None:
        """Give the file back. May be called again."""
        if not self._map.closed:
            self._map.close()
            os.close(self._file)

    def __enter__(self) -> Guard:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _judge(self, origin: Origin) -> None:
        count = self._strikes.get(origin, 0)
        if count >= self._attempts_max:
            raise Killer(f"the process ended or was blocked {count} times while this event was decided")

    def _read_strikes(self) -> dict[Origin, int]:
        found = {}
        for partition, offset, count in _STRIKE.iter_unpack(self._map[_NOW.size : _SIZE]):
            if count > 0:
                found[Origin(partition, offset)] = count
        return found

    def _save_strikes(self) -> None:
        newest = list(self._strikes.items())[-STRIKES_MAX:]
        packed = b"".join(_STRIKE.pack(*origin, count) for origin, count in newest)
        self._map[_NOW.size : _SIZE] = packed.ljust(_SIZE - _NOW.size, b"\0")


NewGuard = Callable[[str], Guard]
"""Makes the guard of a group, by its deployed name."""


def _take(directory: Path, group: str) -> int:
    """A file of the group's that no other process holds. Their number bounds the processes of one host."""
    for number in range(FILES_MAX):
        file = os.open(directory / f"{group}.{number}", os.O_RDWR | os.O_CREAT, 0o644)
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file).st_size != _SIZE:
                os.ftruncate(file, 0)
                os.ftruncate(file, _SIZE)
            return file
        os.close(file)
    raise OSError(f"all {FILES_MAX} files of {group} in {directory} are held by other processes")
