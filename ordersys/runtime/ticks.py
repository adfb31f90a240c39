"""What makes the recorder's figures every two seconds: the look at Postgres, and the tick."""

from __future__ import annotations

from collections.abc import Callable

import anyio

from ordersys.adapters import outbox, parked
from ordersys.adapters.postgres import Database
from ordersys.runtime.child import Child
from ordersys.runtime.figures import PipelineFigures
from ordersys.runtime.recorder import STEP_S, Recorder, Waiting


async def look_at_postgres(
    database: Database, recorder: Recorder, child: Child, *, every_s: float = STEP_S
) -> None:
    """Tell the recorder what waits in Postgres, until draining.

    :raises DependencyUnavailable: Postgres is away.
    """
    async with database.session() as session:
        while not child.draining:
            rows, age_s = await outbox.measure(session)
            recorder.saw_postgres(Waiting(rows, age_s, await parked.measure(session)))
            child.ready()
            child.beat()
            with anyio.move_on_after(every_s):
                await child.wait_draining()


async def tick(
    recorder: Recorder, show: Callable[[PipelineFigures], None], child: Child, *, every_s: float = STEP_S
) -> None:
    """Have figures made and shown until draining, whoever is away."""
    child.ready()
    due = anyio.current_time()
    while not child.draining:
        show(recorder.tick())
        child.beat()
        # By the clock and not by pauses: the steps of the history are as long as it says.
        due = max(due + every_s, anyio.current_time())
        with anyio.CancelScope(deadline=due):
            await child.wait_draining()
