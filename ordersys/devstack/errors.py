"""What goes wrong in the embedded stack, said to a person."""

from __future__ import annotations

from pathlib import Path

TAIL_LINES_MAX = 12
TAIL_BYTES_MAX = 16_384


class DevstackError(Exception):
    """The embedded stack cannot do what was asked; the message is one clear sentence for a person.

    Where a server's log explains more, its last lines and its path follow on lines of their own.
    """


def with_log(sentence: str, log: Path) -> DevstackError:
    """An error whose message is ``sentence``, then the end of ``log`` and its path."""
    lines = tail(log)
    if not lines:
        return DevstackError(f"{sentence}\n  (its log is {log})")
    quoted = "\n".join(f"  | {line}" for line in lines)
    return DevstackError(f"{sentence}\n{quoted}\n  (the end of {log})")


def tail(log: Path, lines_max: int = TAIL_LINES_MAX) -> list[str]:
    """The last lines of a text file; none when there is no such file."""
    try:
        with log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - TAIL_BYTES_MAX))
            return file.read().decode("utf-8", "replace").splitlines()[-lines_max:]
    except OSError:
        return []
