"""The outbox: rows that commit with their cause and reach Kafka afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from ordersys.adapters.kafka import Headers, Message
from ordersys.adapters.postgres import Session, columns, statement

# As the table checks.
VALUE_BYTES_MAX = 1_000_000

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, str]).decode


class OutboxRow(NamedTuple):
    """What is to be published; ``headers`` is one JSON object of strings."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: str


def header_text(headers: dict[str, str]) -> str:
    """Headers as the outbox keeps them."""
    return _encode(headers).decode()


def header_list(text: str) -> Headers:
    """Headers as Kafka takes them."""
    return [(name, value.encode()) for name, value in _decode(text).items()]


async def insert(session: Session, rows: Sequence[OutboxRow]) -> None:
    """Append ``rows``, in their order."""
    if rows:
        await session.execute(statement("outbox_insert"), *columns(rows, 4))


async def read(session: Session, rows_max: int) -> tuple[list[int], list[Message]]:
    """The oldest rows: their ids, and the messages they are."""
    rows = await session.fetch(statement("outbox_read"), rows_max)
    return [row[0] for row in rows], [
        Message(topic, key, value, header_list(headers)) for _, topic, key, value, headers in rows
    ]


async def delete(session: Session, ids: Sequence[int]) -> None:
    """Forget acknowledged rows."""
    await session.execute(statement("outbox_delete"), ids)


async def try_lock(session: Session, shard: int = 0) -> bool:
    """Whether this session is now (or was already) the relay of ``shard``."""
    rows = await session.fetch(statement("outbox_lock"), shard)
    return bool(rows[0][0])


async def measure(session: Session, rows_max: int = 1_000_000) -> tuple[int, float]:
    """Rows waiting, counted up to ``rows_max``, and the age of the oldest in seconds."""
    row = (await session.fetch(statement("outbox_measure"), rows_max))[0]
    return row[0], row[1]
