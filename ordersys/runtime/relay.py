"""The relay: carries the outbox to Kafka, in order, and forgets what was acknowledged.

One relay works at a time: it holds a Postgres advisory lock on the connection it reads and deletes with,
so that losing the connection is losing the lock; others stand by. Rows are read as they are there, never
"after the last id": identity values become visible out of order. Of one key, a row with a lower id
committed before a higher one was drawn (the order's row lock sees to it), so id order is the key's order.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import perf_counter

import anyio

from ordersys.adapters import outbox
from ordersys.adapters.groups import unwrapped
from ordersys.adapters.kafka import Broker, Publisher
from ordersys.adapters.postgres import Database, Session
from ordersys.runtime.child import Child
from ordersys.runtime.facts import OnFact, OutboxPublished

CHANNEL = "outbox"
STANDBY_POLL_S = 1.0
LISTEN_PROBE_S = 5.0


class Relay:
    """Publishes the outbox. ``rows_max`` rows at a time; asks every ``poll_s`` even when not woken."""

    def __init__(
        self,
        *,
        database: Database,
        broker: Broker,
        on_fact: OnFact,
        rows_max: int = 1000,
        poll_s: float = 0.5,
    ) -> None:
        self._database = database
        self._broker = broker
        self._on_fact = on_fact
        self._rows_max = rows_max
        self._poll_s = poll_s
        self._woken = anyio.Event()

    async def run(self, child: Child) -> None:
        """Relay until draining; then until the outbox is empty.

        :raises DependencyUnavailable: Kafka or Postgres is away; what was not deleted is published again.
        """
        async with (
            self._database.session() as session,
            self._database.session() as listener,
            self._broker.publisher() as publisher,
        ):
            if not await self._become_the_one(session, child):
                return
            await listener.listen(CHANNEL, self._wake)
            child.ready("relaying")
            async with unwrapped(), anyio.create_task_group() as group:
                group.start_soon(self._watch_listener, listener)
                group.start_soon(self._wake_when, child.wait_draining)
                await self._relay(session, publisher, child)
                group.cancel_scope.cancel()

    async def _relay(self, session: Session, publisher: Publisher, child: Child) -> None:
        while True:
            self._woken = anyio.Event()
            draining = child.draining
            if await self._batch(session, publisher, child):
                continue
            if draining:
                return
            with anyio.move_on_after(self._poll_s):
                await self._woken.wait()

    async def _batch(self, session: Session, publisher: Publisher, child: Child) -> int:
        """read → publish → acknowledged → delete; returns how many rows."""
        started = perf_counter()
        ids, messages = await outbox.read(session, self._rows_max)
        if ids:
            child.beat(pending=len(ids))
            await publisher.publish(messages)
            await outbox.delete(session, ids)
            seconds = perf_counter() - started
            self._on_fact(OutboxPublished(rows=len(ids), seconds=seconds, messages=messages))
        # As many as were asked for: there are more.
        child.beat(done=len(ids), pending=len(ids) // self._rows_max)
        return len(ids)

    async def _become_the_one(self, session: Session, child: Child) -> bool:
        while not await outbox.try_lock(session):
            child.ready("standing by")
            with anyio.move_on_after(STANDBY_POLL_S):
                await child.wait_draining()
            if child.draining:
                return False
            child.beat()
        return True

    async def _watch_listener(self, listener: Session) -> None:
        """LISTEN dies without a word (asyncpg#519): ask the connection, and let its loss end the relay."""
        while True:
            await anyio.sleep(LISTEN_PROBE_S)
            await listener.execute("select 1")

    async def _wake_when(self, happens: Callable[[], Awaitable[None]]) -> None:
        await happens()
        self._wake()

    def _wake(self) -> None:
        self._woken.set()
