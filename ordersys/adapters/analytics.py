"""The read model of analytics: orders by the minute and by SKU."""

from __future__ import annotations

import asyncio
from datetime import datetime

import msgspec

from ordersys.adapters.postgres import statement
from ordersys.adapters.reading import ReadSessions

TOP_SKUS = 10


class Totals(msgspec.Struct, frozen=True):
    """Sums over the minutes asked for; ``amount_cents`` (of created orders) is a decimal string."""

    created: int
    confirmed: int
    cancelled: int
    amount_cents: str


class Minute(msgspec.Struct, frozen=True):
    """Orders created, and orders that became final, in one minute (UTC)."""

    minute: datetime
    created: int
    confirmed: int
    cancelled: int


class SkuTotals(msgspec.Struct, frozen=True):
    """Created orders of one SKU; ``quantity`` and ``amount_cents`` are decimal strings."""

    item_sku: str
    orders: int
    quantity: str
    amount_cents: str


class Summary(msgspec.Struct, frozen=True):
    """The last minutes: in total, each (oldest first), and the SKUs with the most orders."""

    totals: Totals
    per_minute: list[Minute]
    top_skus: list[SkuTotals]


class AnalyticsReader:
    """Reads what analytics has counted. It lags behind the orders as far as its groups do.

    Everybody who asks within ``keep_s`` gets the same answer: it grows with the SKUs of the time asked for.
    """

    def __init__(self, sessions: ReadSessions, *, keep_s: float = 1.0) -> None:
        self._sessions = sessions
        self._keep_s = keep_s
        self._kept: dict[int, asyncio.Task[Summary]] = {}

    async def summary(self, minutes: int) -> Summary:
        """The last ``minutes``, the present one included.

        :raises DependencyUnavailable: the database cannot be asked.
        """
        reading = self._kept.get(minutes)
        if reading is None:
            reading = self._kept[minutes] = asyncio.ensure_future(self._read(minutes))
            reading.add_done_callback(lambda task: self._keep(minutes, task))
        return await asyncio.shield(reading)

    def _keep(self, minutes: int, task: asyncio.Task[Summary]) -> None:
        if task.cancelled() or task.exception() is not None or not self._keep_s:
            del self._kept[minutes]
        else:
            asyncio.get_running_loop().call_later(self._keep_s, self._kept.pop, minutes)

    async def _read(self, minutes: int) -> Summary:
        async with self._sessions.session() as session:
            rows = await session.fetch(statement("analytics_minutes"), minutes)
            skus = await session.fetch(statement("analytics_skus"), minutes, TOP_SKUS)
        totals = Totals(
            sum(row[1] for row in rows),
            sum(row[2] for row in rows),
            sum(row[3] for row in rows),
            str(sum(int(row[4]) for row in rows)),
        )
        per_minute = [
            Minute(minute, created, confirmed, gone) for minute, created, confirmed, gone, _ in rows
        ]
        return Summary(totals, per_minute, [SkuTotals(*row) for row in skus])
