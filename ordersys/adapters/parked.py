"""Parked events: what failed, what waits behind it, and what is dead, in one table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from ordersys.adapters.kafka import Headers
from ordersys.adapters.outbox import header_list
from ordersys.adapters.postgres import Session, columns, statement


class ParkedRow(NamedTuple):
    """A parked record; reads like a record of Kafka."""

    id: int
    key: bytes | None
    topic: str
    partition: int
    offset: int
    value: bytes | None
    header_text: str
    state: str
    attempts: int
    requested: str | None
    reason: str
    exception: str | None
    first_failed_at: datetime

    @property
    def headers(self) -> Headers:
        """The record's headers."""
        return header_list(self.header_text)


class NewParked(NamedTuple):
    """A row to park, in the order of its statement's parameters."""

    key: bytes | None
    topic: str
    partition: int
    offset: int
    value: bytes | None
    headers: str
    state: str
    attempts: int
    delay_s: float
    reason: str
    exception: str | None
    traceback: str | None


class FailedAttempt(NamedTuple):
    """One more failure of a parked row."""

    id: int
    state: str
    delay_s: float
    reason: str
    exception: str | None
    traceback: str | None


async def insert(session: Session, group: str, rows: Sequence[NewParked]) -> None:
    """Park ``rows``; one that is parked already (a re-delivery) stays as it is."""
    if rows:
        await session.execute(statement("parked_insert"), group, *columns(rows, 12))


async def keys(session: Session, group: str, topic: str, partitions: Sequence[int]) -> set[bytes | None]:
    """Keys with an unfinished row; None stands for unfinished rows without a key."""
    return {row[0] for row in await session.fetch(statement("parked_keys"), group, topic, partitions)}


async def due(
    session: Session, group: str, topic: str, partitions: Sequence[int], rows_max: int
) -> list[ParkedRow]:
    """Heads of sequences whose turn has come, locked until the transaction ends."""
    rows = await session.fetch(statement("parked_due"), group, topic, partitions, rows_max)
    return [ParkedRow(*row) for row in rows]


async def failed(session: Session, attempts: Sequence[FailedAttempt]) -> None:
    """Record failed attempts."""
    if attempts:
        await session.execute(statement("parked_failed"), *columns(attempts, 6))


async def release(session: Session, ids: Sequence[int]) -> None:
    """Rows that succeeded."""
    if ids:
        await session.execute(statement("parked_release"), ids)


async def discard(session: Session, ids: Sequence[int]) -> None:
    """Rows that a person gave up."""
    if ids:
        await session.execute(statement("parked_discard"), ids)


async def request(session: Session, action: str, group: str | None, ids: Sequence[int] | None) -> int:
    """Ask for dead rows to be redriven or discarded; returns how many there were."""
    return len(await session.fetch(statement("parked_request"), action, group, ids))


async def requestable(
    session: Session,
    group: str | None,
    ids: Sequence[int] | None,
    before: datetime | None,
    rows_max: int,
) -> list[Any]:
    """Dead rows nobody has asked about yet, oldest first; ``before``: when they failed first."""
    return await session.fetch(statement("parked_requestable"), group, ids, before, rows_max)


async def unfinished(session: Session, group: str | None, rows_max: int) -> list[Any]:
    """Unfinished rows for a person to read, oldest first."""
    return await session.fetch(statement("parked_list"), group, rows_max)


async def measure(session: Session) -> list[tuple[str, str, int]]:
    """Unfinished rows as (group, state, rows)."""
    return [tuple(row) for row in await session.fetch(statement("parked_measure"))]


async def prune(session: Session, older_than: datetime, rows_max: int) -> int:
    """Forget at most ``rows_max`` redriven or discarded rows; returns how many."""
    return int((await session.execute(statement("parked_prune"), older_than, rows_max)).split()[-1])
