"""The janitor: measures what waits in Postgres and forgets what is old enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import anyio

from ordersys.adapters import inbox, outbox, parked
from ordersys.adapters.postgres import Database, Session
from ordersys.runtime.child import Child
from ordersys.runtime.facts import OnFact, OutboxMeasured, ParkedMeasured, Pruned

PRUNE_ROWS_MAX = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long finished things are kept, in days."""

    claims_days: float = 14.0
    parked_days: float = 30.0


class Janitor:
    """Measures every ``measure_every_s``, prunes every ``prune_every_s``, short statements each."""

    def __init__(
        self,
        *,
        database: Database,
        retention: Retention,
        on_fact: OnFact,
        measure_every_s: float = 2.0,
        prune_every_s: float = 60.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._retention = retention
        self._on_fact = on_fact
        self._measure_every_s = measure_every_s
        self._prune_every_s = prune_every_s
        self._clock = clock

    async def run(self, child: Child) -> None:
        """Work until draining.

        :raises DependencyUnavailable: Postgres is away.
        """
        async with self._database.session() as session:
            prune_at = 0.0
            while not child.draining:
                await self._measure(session)
                child.ready()
                if anyio.current_time() >= prune_at:
                    pruned = await self._prune(session)
                    prune_at = anyio.current_time() + (0 if pruned else self._prune_every_s)
                child.beat()
                with anyio.move_on_after(self._measure_every_s):
                    await child.wait_draining()

    async def _measure(self, session: Session) -> None:
        rows, age_s = await outbox.measure(session)
        self._on_fact(OutboxMeasured(rows=rows, age_s=age_s))
        counted = await parked.measure(session)
        self._on_fact(ParkedMeasured(rows={(group, state): rows for group, state, rows in counted}))

    async def _prune(self, session: Session) -> bool:
        now = self._clock()
        claims = await inbox.prune(session, now - timedelta(days=self._retention.claims_days), PRUNE_ROWS_MAX)
        finished = await parked.prune(
            session, now - timedelta(days=self._retention.parked_days), PRUNE_ROWS_MAX
        )
        if claims or finished:
            self._on_fact(Pruned(rows={"processed_events": claims, "parked_events": finished}))
        return PRUNE_ROWS_MAX in (claims, finished)
