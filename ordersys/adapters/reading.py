"""Connections for reads: few, opened when needed, kept, and every wait on them bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ordersys.adapters.postgres import Database, Session
from ordersys.contract.errors import DependencyUnavailable

# Filters are optional, and their values lie far apart in how much they select: a plan is made for each. What
# is read is a short range of an index in its order, with single rows looked up for it. Plans that read all
# there is, to sort or to join it, are never meant: they come of estimates that are off or old.
_PLANS = """
set plan_cache_mode = force_custom_plan;
set enable_seqscan = off;
set enable_bitmapscan = off;
set enable_hashjoin = off;
set enable_mergejoin = off;
set max_parallel_workers_per_gather = 0
"""


class ReadSessions:
    """At most ``connections_max`` connections for reads.

    Every read, waiting for a connection included, ends within ``read_timeout_s`` or raises
    :class:`DependencyUnavailable`. :meth:`close` ends the connections.
    """

    def __init__(self, database: Database, *, connections_max: int = 4, read_timeout_s: float = 1.5) -> None:
        self._database = database
        self._turns = asyncio.Semaphore(connections_max)
        self._idle: list[Session] = []
        self._read_timeout_s = read_timeout_s
        self._closed = False

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A connection for one read. It is kept only if the read went well: else its state is unknown.

        :raises DependencyUnavailable: it cannot be had, or the read is not done in time.
        """
        try:
            async with asyncio.timeout(self._read_timeout_s), self._turns:
                session = await self._borrow()
                try:
                    yield session
                except BaseException:
                    session.terminate()
                    raise
                if self._closed:
                    session.terminate()
                else:
                    self._idle.append(session)
        except TimeoutError as error:
            detail = f"no answer to a read in {self._read_timeout_s:g} s"
            raise DependencyUnavailable("postgres", detail) from error

    def close(self) -> None:
        """End the idle connections at once, and those in use when they come back. May be called again."""
        self._closed = True
        while self._idle:
            self._idle.pop().terminate()

    async def _borrow(self) -> Session:
        while self._idle:
            session = self._idle.pop()
            if not session.closed:
                return session
        session = await self._database.connect()
        try:
            await session.execute(_PLANS)
        except BaseException:
            session.terminate()
            raise
        return session
