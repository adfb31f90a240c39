"""Every typed error of supervision, and the text kept of a child's own.

::

    SupervisionError
    ├── SupervisionFailed    run() raises it: the root spent its restarts and nobody stands above it
    ├── StartInterrupted     wait_started() raises it: supervision ended before every child had started
    ├── UnknownPath          a control call names no node of the tree (also a KeyError)
    ├── NotRunning           a control call came before run(), after it, or for a child that has no run
    ├── IllegalTransition    a defect of the supervisor: the table in states.py has no such arrow
    ├── StartTimeout         a child said neither ready nor waiting within its start_timeout_s
    ├── Silent               a child did nothing for its max_silence_s while work was pending
    ├── UnexpectedEnd        a child ended without an error where an end is a failure
    ├── ProcessDied          the process of a child ended without a word
    ├── ProcessHung          the process of a child did not respond and was ended
    └── WorkerError          a child in a process of its own raised this there
        └── WorkerOutage     … and it was one of waits_on
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ordersys.supervision.snapshot import NodeSnapshot

TRACEBACK_MAX_CHARS = 16_384
LINE_MAX_CHARS = 2_000


class SupervisionError(Exception):
    """Root of the library's own errors."""


class SupervisionFailed(SupervisionError):
    """The root gave up: its children failed oftener than its intensity allows.

    ``__cause__`` is the last error.

    :ivar path: the supervisor that gave up.
    :ivar snapshot: the tree at the end, with the last error of each child and the orphans.
    """

    def __init__(self, path: str, sentence: str, snapshot: NodeSnapshot) -> None:
        super().__init__(sentence)
        self.path = path
        self.snapshot = snapshot


class StartInterrupted(SupervisionError):
    """Supervision ended before every child had been READY or WAITING once."""


class UnknownPath(SupervisionError, KeyError):
    """No node of the tree has this path."""

    def __init__(self, path: str, known: tuple[str, ...]) -> None:
        super().__init__(path)
        self.path = path
        self.known = known

    def __str__(self) -> str:
        return f"no child or supervisor {self.path!r}; there are: {', '.join(self.known)}"


class NotRunning(SupervisionError):
    """There is nothing the call could act on."""


class IllegalTransition(SupervisionError):
    """A state has no arrow for an event. Nothing was changed."""


class StartTimeout(SupervisionError):
    """A child said neither ready nor waiting in time."""


class Silent(SupervisionError):
    """A child reported nothing done for too long, though it had reported work pending.

    ``__cause__`` is what its probe raised, if that was no outage.
    """


class UnexpectedEnd(SupervisionError):
    """A permanent child ended by itself, or a child's task was cancelled by somebody else."""


class ProcessDied(SupervisionError):
    """The process of a child ended without a word: killed, crashed, or it called ``exit``."""


class ProcessHung(SupervisionError):
    """The event loop of a child's process was blocked for too long, and the process was ended."""


class WorkerError(SupervisionError):
    """What a child in a process of its own raised there, as text. ``__cause__`` shows its traceback."""


class WorkerOutage(WorkerError):
    """The same, and it was one of the supervisor's ``waits_on``."""


class WorkerTraceback(Exception):
    """The traceback of another process, to be shown as the cause of a :class:`WorkerError`."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"in the process of the child:\n{self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorReport:
    """What is kept of an error: text alone, since an exception keeps every frame and its locals alive.

    ``kind``: what kind of failure, in a word (:func:`reason_of`).
    """

    at: float
    text: str
    traceback: str
    kind: str = "error"


_REASONS: Mapping[type[BaseException], str] = {
    Silent: "silent",
    StartTimeout: "start_timeout",
    UnexpectedEnd: "unexpected_end",
    ProcessDied: "died",
    ProcessHung: "hung",
}


def reason_of(error: BaseException) -> str:
    """One word for a failure, of a small closed set, fit for a label: see :class:`ChildStarting`."""
    return next((word for kind, word in _REASONS.items() if isinstance(error, kind)), "error")


def describe(error: BaseException) -> str:
    """One line: class and message; for a group, those of its leaves. Survives a broken ``__str__``."""
    leaves = dict.fromkeys(_line(leaf) for leaf in leaves_of(error))
    return _cut("; ".join(leaves), LINE_MAX_CHARS)


def format_traceback(error: BaseException) -> str:
    """The traceback as text, of at most ``TRACEBACK_MAX_CHARS``."""
    return _cut("".join(traceback.format_exception(error)), TRACEBACK_MAX_CHARS)


def leaves_of(error: BaseException) -> Iterator[BaseException]:
    """The errors in a group, however deeply nested; an error that is no group is its own leaf."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from leaves_of(each)
    else:
        yield error


def _cut(text: str, chars_max: int) -> str:
    """Leave out the middle: where it came from is at one end, what it was at the other."""
    half = chars_max // 2
    return text if len(text) <= chars_max else f"{text[:half]}…{text[1 - half :]}"


def _line(error: BaseException) -> str:
    lines = traceback.format_exception_only(error)
    return " ".join(" ".join(lines).split()).removeprefix(f"{type(error).__module__}.")
