"""What Postgres knows of one order's way: its results, its transitions, what waits and what is parked."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import msgspec

from ordersys.adapters.orders import Order
from ordersys.adapters.postgres import statement
from ordersys.adapters.reading import ReadSessions

ROWS_MAX = 50


class ResultFacts(NamedTuple):
    """A result that is in, and where in the log it was read."""

    status: str | None
    reason: str | None
    event_id: str | None
    at: datetime | None
    partition: int | None
    offset: int | None


class WrittenFacts(NamedTuple):
    """Where and when ``order.created`` was written; None until analytics has read it."""

    at: datetime | None
    partition: int | None
    offset: int | None


class NotifiedFacts(NamedTuple):
    """A transition that was notified; its origin is None for rows of an older version."""

    order_version: int
    previous_state: str
    current_state: str
    event_id: str
    occurred_at: datetime | None
    partition: int | None
    offset: int | None
    notified_at: datetime


class WaitingFacts(NamedTuple):
    """An event in the outbox."""

    topic: str
    value: bytes | None
    header_text: str
    since: datetime


class ParkedFacts(NamedTuple):
    """An event that a group has parked (retrying, held, dead), or that a person discarded."""

    group: str
    topic: str
    partition: int
    offset: int
    value: bytes | None
    state: str
    attempts: int
    reason: str


class OrderFacts(msgspec.Struct, frozen=True):
    """All of it, read within milliseconds: a later part may be newer than an earlier one."""

    order: Order
    payment: ResultFacts
    inventory: ResultFacts
    written: WrittenFacts
    notified: list[NotifiedFacts]
    waiting: list[WaitingFacts]
    parked: list[ParkedFacts]


class TimelineReader:
    """Reads what is known of an order's way."""

    def __init__(self, sessions: ReadSessions) -> None:
        self._sessions = sessions

    async def facts(self, order_id: str) -> OrderFacts | None:
        """What is known of the order with this id (a UUID in canonical text), None if there is none.

        :raises DependencyUnavailable: the database cannot be asked.
        """
        key = order_id.encode()
        async with self._sessions.session() as session:
            found = await session.fetch(statement("timeline_order"), order_id)
            if not found:
                return None
            notified = await session.fetch(statement("timeline_notified"), order_id, ROWS_MAX)
            waiting = await session.fetch(statement("timeline_outbox"), key, ROWS_MAX)
            parked = await session.fetch(statement("timeline_parked"), key, ROWS_MAX)
        row = tuple(found[0])
        order = Order(*row[:12])
        return OrderFacts(
            order,
            ResultFacts(order.payment_status, *row[12:17]),
            ResultFacts(order.inventory_status, *row[17:22]),
            WrittenFacts(*row[22:25]),
            [NotifiedFacts(*each) for each in notified],
            [WaitingFacts(*each) for each in waiting],
            [ParkedFacts(*each) for each in parked],
        )
