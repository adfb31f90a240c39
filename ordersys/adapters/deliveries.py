"""Outside effects as they are recorded: which channel has handled which event, and since when it is on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from ordersys.adapters.postgres import Session, columns, statement
from ordersys.contract.events import Event
from ordersys.contract.service import OrderFacts


class Delivery(NamedTuple):
    """A row of ``deliveries``, in the order of its statement's parameters."""

    event_id: str
    order_id: str
    order_version: int | None
    outcome: str
    attempts: int


async def since(session: Session, channel: str) -> datetime:
    """When ``channel`` was first switched on (UTC): now, if it never was."""
    found = await session.fetch(statement("deliveries_since"), channel)
    return found[0][0]  # type: ignore[no-any-return]


async def seen(session: Session, channel: str, events: Sequence[Event]) -> set[str]:
    """Ids of the events that are recorded already.

    :raises RowBlamed: an event has a value that could not be recorded.
    """
    if not events:
        return set()
    asked = [(event.event_id, event.order_id, version_of(event)) for event in events]
    rows = await session.fetch(statement("deliveries_seen"), channel, *columns(asked, 3))
    return {row[0] for row in rows}


async def insert(session: Session, channel: str, rows: Sequence[Delivery]) -> None:
    """Record ``rows``; of an event recorded before, the record stays."""
    if rows:
        await session.execute(statement("deliveries_insert"), channel, *columns(rows, 5))


async def orders(session: Session, order_ids: Sequence[str]) -> dict[str, OrderFacts]:
    """Facts of orders by id (canonical text); unknown ids are not in the answer.

    :raises RowBlamed: an id is not a UUID.
    """
    rows = await session.fetch(statement("orders_facts"), order_ids)
    return {row[0]: OrderFacts(*row[1:]) for row in rows}


def version_of(event: Event) -> int | None:
    """The event's ``order_version``, if its kind has one."""
    version = getattr(event, "order_version", None)
    return version if isinstance(version, int) else None
