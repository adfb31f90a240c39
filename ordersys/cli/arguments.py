"""Arguments that several commands take."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

_AGO = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def with_url(parser: argparse.ArgumentParser) -> None:
    """``--url``; None when it is not given."""
    parser.add_argument("--url", help="the API, such as http://127.0.0.1:18080 (default: HOST and API_PORT)")


def with_json(parser: argparse.ArgumentParser) -> None:
    """``--json``."""
    parser.add_argument("--json", action="store_true", help="JSON for machines, a document a line")


def positive(text: str) -> int:
    """A whole number from 1 on."""
    number = int(text) if text.isdecimal() and len(text) < 10 else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return number


def positive_number(text: str) -> float:
    """A number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not 0 < number < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


def moment(text: str) -> datetime:
    """A time: RFC 3339 (UTC when it names no zone), or how long ago: ``90s``, ``30m``, ``2h``, ``7d``."""
    if ago := _AGO.fullmatch(text):
        return datetime.now(UTC) - timedelta(seconds=int(ago[1]) * _UNITS[ago[2]])
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a time such as 2026-01-31T12:00:00Z nor an age such as 2h"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
