"""Read models: rows stored once by their natural key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from ordersys.adapters.postgres import Session, columns, statement


async def store(session: Session, into: str, rows: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Store structs by the statement ``project_<into>``, one array per field; returns the keys that are new.

    The rows must differ in their natural keys.
    """
    table = [msgspec.structs.astuple(row) for row in rows]
    found = await session.fetch(statement(f"project_{into}"), *columns(table, len(table[0])))
    return [tuple(row) for row in found]
