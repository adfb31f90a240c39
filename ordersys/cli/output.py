"""What commands print: lines or JSON on standard output, progress on standard error of a terminal alone."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

NOTHING = "—"


def say(text: str) -> None:
    """One line of the command's answer, seen at once also by who reads it through a pipe."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def document(value: Any) -> None:
    """One JSON document on a line of its own."""
    say(msgspec.json.encode(value, enc_hook=str).decode())


def complain(text: object) -> None:
    """A sentence for a person, on standard error."""
    sys.stderr.write(f"ordersys: {text}\n")
    sys.stderr.flush()


def progress() -> Progress:
    """A progress display; shows nothing where standard error is not a terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def columns(rows: Sequence[Sequence[str]], right: Sequence[bool]) -> list[str]:
    """Rows as aligned lines; ``right`` says of each column whether it is aligned to the right."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(right))] if rows else []
    return [
        "  ".join(
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in rows
    ]
