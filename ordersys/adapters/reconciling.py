"""What the reconciler asks the database: which orders lack something, and what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from ordersys.adapters.postgres import Session, statement


class Seen(NamedTuple):
    """An order the reconciler has looked at; ``incomplete``: something that should have happened has not."""

    id: str
    created_at_utc: datetime
    incomplete: bool


class Suspect(NamedTuple):
    """An order that lacks something: its ``order.created`` seems unheard, or some of its transitions do."""

    id: str
    customer_email: str
    item_sku: str
    quantity: int
    amount_cents: int
    correlation_id: str
    created_at_utc: datetime
    updated_at_utc: datetime
    status: str
    order_version: int
    lacks_created: bool
    lacks_versions: Sequence[int]


async def try_lock(session: Session) -> bool:
    """Whether this session is now (or was already) the one that reconciles."""
    return bool((await session.fetch(statement("reconcile_lock")))[0][0])


async def page(session: Session, after: tuple[datetime, str], before: datetime, rows_max: int) -> list[Seen]:
    """The next orders by age, created before ``before``."""
    rows = await session.fetch(statement("reconcile_page"), *after, before, rows_max)
    return [Seen(*row) for row in rows]


async def suspects(session: Session, ids: Sequence[str], unmoved_since: datetime) -> list[Suspect]:
    """Those of ``ids`` that have not moved, and have nothing in the outbox and nothing parked."""
    rows = await session.fetch(statement("reconcile_suspects"), ids, unmoved_since)
    return [Suspect(*row) for row in rows]
