"""What a supervisor and a child in a process of its own say to each other, and how it is framed.

A frame is its length in four bytes, then a pickle of one of the messages below. Both ends are one program
and trust each other; nobody else has the socket. What the application tells is a pickle inside the pickle:
if it cannot be read, that message is lost, and not the connection.
"""

from __future__ import annotations

import asyncio
import importlib
import pickle
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ordersys.supervision.errors import describe, format_traceback, leaves_of

_LENGTH = struct.Struct("!I")


@dataclass(frozen=True, slots=True)
class Boot:
    """The first frame to a worker: what it is to run, and how. ``waits_on``: names, as of ``name_of``."""

    path: str
    target: str
    args: tuple[Any, ...]
    waits_on: frozenset[str]
    sys_path: tuple[str, ...]
    block_timeout_s: float


@dataclass(frozen=True, slots=True)
class Drain:
    """To a worker: finish what is in hand, and return."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """To a worker: the child is cancelled."""


@dataclass(frozen=True, slots=True)
class Ready:
    """From a worker: ``ctx.ready``."""

    note: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """From a worker: ``ctx.waiting``."""

    reason: str


@dataclass(frozen=True, slots=True)
class Pulse:
    """From a worker, regularly: its loop turns. Its beats since the last pulse, if any, as one.

    ``lost``: messages dropped so far, for they came faster than they were taken.
    """

    beat: bool
    done: int
    pending: int
    lag_s: float
    lost: int


@dataclass(frozen=True, slots=True)
class Told:
    """From a worker: ``ctx.tell``; the message is pickled."""

    message: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """From a worker, last: how the child ended. ``error`` is None if it returned or was cancelled."""

    error: str | None = None
    traceback: str = ""
    outage: bool = False
    cancelled: bool = False

    @classmethod
    def of(cls, error: BaseException | None, waits_on: frozenset[str]) -> Ended:
        """Judged where the types are: an outage is one of ``waits_on``, or a group of nothing else."""
        if error is None:
            return cls()
        if isinstance(error, asyncio.CancelledError):
            return cls(cancelled=True)
        outage = all(
            any(name_of(kind) in waits_on for kind in type(leaf).__mro__) for leaf in leaves_of(error)
        )
        return cls(error=describe(error), traceback=format_traceback(error), outage=outage)


def name_of(kind: type) -> str:
    """The name a type has in every process, such as ``builtins:ConnectionError``."""
    return f"{kind.__module__}:{kind.__qualname__}"


def resolve(target: str) -> Callable[..., Awaitable[None]]:
    """The function that ``package.module:function`` names. Raises what importing it raises."""
    module, _, name = target.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    function: Callable[..., Awaitable[None]] = found
    return function


def encode(message: object) -> bytes:
    """One frame."""
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(body)) + body


async def receive(reader: asyncio.StreamReader) -> object:
    """The next message.

    :raises EOFError: the other end is gone.
    """
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        return pickle.loads(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        raise EOFError from None


def receive_blocking(end: socket.socket) -> object:
    """The same before there is an event loop."""
    (length,) = _LENGTH.unpack(_exactly(end, _LENGTH.size))
    return pickle.loads(_exactly(end, length))


def _exactly(end: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = end.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data
