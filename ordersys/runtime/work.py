"""How a batch and its parked events become committed effects: in one transaction, or by publishing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from ordersys.adapters import parked
from ordersys.adapters.postgres import Database, Session
from ordersys.contract.errors import RowBlamed
from ordersys.runtime import steps
from ordersys.runtime.forms import Applied, ProjectionForm, StatefulForm, StatelessForm
from ordersys.runtime.parking import Parking
from ordersys.runtime.steps import Failure, Item


class CommittingWork:
    """Batches whose effects commit in one database transaction: services with state and read models."""

    independent = False

    def __init__(
        self,
        form: StatefulForm | ProjectionForm,
        parking: Parking,
        session: Session,
        topic: str,
        decoder: msgspec.json.Decoder[Any],
    ) -> None:
        self.session: Session | None = session
        self._session = session
        self._form = form
        self._parking = parking
        self._topic = topic
        self._decoder = decoder

    async def batch(self, free: Sequence[Item], held: Sequence[Failure], now: datetime) -> Applied:
        """Apply and commit a batch; ``held`` is parked with it."""

        async def settle(session: Session, _done: Sequence[Item], failures: Sequence[Failure]) -> None:
            await self._parking.park(session, [*failures, *held], now)

        async with self._session.transaction():
            applied = await self._form.apply(self._session, free, now, settle)
        return applied._replace(failures=[*applied.failures, *held])

    async def attempt(self, partitions: Sequence[int], rows_max: int, now: datetime) -> Applied | None:
        """Try the parked rows that are due, releasing each in the transaction of its effect."""
        try:
            return await self._attempt(partitions, rows_max, now)
        except RowBlamed as blamed:
            if rows_max == 1:
                return await self._attempt(partitions, 1, now, blamed)
            return await self.attempt(partitions, 1, now)

    async def _attempt(
        self, partitions: Sequence[int], rows_max: int, now: datetime, blamed: RowBlamed | None = None
    ) -> Applied | None:
        async with self._session.transaction():
            items = await due_items(
                self._session, self._parking.group, self._topic, partitions, rows_max, self._decoder
            )
            if not items:
                return None
            for item in items:
                item.error = item.error or blamed
            return await self._form.apply(self._session, items, now, self._parking.attempted)


class PublishingWork:
    """Batches whose effects are records: services without state. Postgres is needed only to park."""

    independent = True
    session: Session | None = None

    def __init__(
        self,
        form: StatelessForm,
        parking: Parking,
        database: Database,
        topic: str,
        decoder: msgspec.json.Decoder[Any],
    ) -> None:
        self._form = form
        self._parking = parking
        self._database = database
        self._topic = topic
        self._decoder = decoder
        self._kept: Session | None = None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Session]:
        """A connection, opened when one is first needed and kept: with poison about, most batches park.

        :raises DependencyUnavailable: Postgres is away.
        """
        if self._kept is None or self._kept.closed:
            self._kept = await self._database.connect()
        try:
            yield self._kept
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connection."""
        if self._kept is not None:
            self._kept.terminate()
            self._kept = None

    async def batch(self, free: Sequence[Item], held: Sequence[Failure], now: datetime) -> Applied:
        """Publish a batch's answers, then park what failed or is held."""
        done, failures = await self._form.publish(free, now)
        failures.extend(held)
        if failures:
            async with self.connection() as session, session.transaction():
                await self._parking.park(session, failures, now)
        return Applied(len(done), 0, failures, done=done)

    async def attempt(self, partitions: Sequence[int], rows_max: int, now: datetime) -> Applied | None:
        """Try the parked rows that are due: publish, await the acknowledgement, then release."""
        async with self.connection() as session:
            find = partial(due_items, session, self._parking.group, self._topic, partitions, rows_max)
            async with session.transaction():
                items = await find(self._decoder)
            if not items:
                return None
            done, failures = await self._form.publish(items, now)
            async with session.transaction():
                await self._parking.attempted(session, done, failures)
        return Applied(len(done), 0, failures, done=done)


async def due_items(
    session: Session,
    group: str,
    topic: str,
    partitions: Sequence[int],
    rows_max: int,
    decoder: msgspec.json.Decoder[Any],
) -> list[Item]:
    """Parked rows whose turn has come, as items; those a person gave up are marked so on the way."""
    rows = await parked.due(session, group, topic, partitions, rows_max)
    await parked.discard(session, [row.id for row in rows if row.requested == "discard"])
    return steps.decode([row for row in rows if row.requested != "discard"], decoder)
