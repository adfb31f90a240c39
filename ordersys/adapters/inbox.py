"""The inbox: which service has handled which event, claimed in the transaction of the effect."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ordersys.adapters.postgres import Session, statement


async def claim(session: Session, service: str, event_ids: Sequence[str]) -> set[str]:
    """Claim ids; those returned were free, the others were handled before."""
    rows = await session.fetch(statement("inbox_claim"), service, event_ids)
    return {row[0] for row in rows}


async def unclaim(session: Session, service: str, event_ids: Sequence[str]) -> None:
    """Give back claims made in this transaction: the events failed and are parked."""
    if event_ids:
        await session.execute(statement("inbox_unclaim"), service, event_ids)


async def prune(session: Session, older_than: datetime, rows_max: int) -> int:
    """Forget at most ``rows_max`` old claims; returns how many."""
    return int((await session.execute(statement("inbox_prune"), older_than, rows_max)).split()[-1])
