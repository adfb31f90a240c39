"""The pulse of Postgres: asked once a second by every process, so that readiness can tell of it."""

from __future__ import annotations

import anyio

from ordersys.adapters.postgres import Database
from ordersys.runtime.child import Child


async def pulse(database: Database, child: Child, *, every_s: float = 1.0) -> None:
    """Ask until draining.

    :raises DependencyUnavailable: Postgres does not answer.
    """
    async with database.session() as session:
        while not child.draining:
            await session.execute("select 1")
            child.ready()
            child.beat()
            with anyio.move_on_after(every_s):
                await child.wait_draining()
