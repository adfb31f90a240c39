"""One view of all processes, and orders to each of them, by way of Postgres.

A process publishes how its children are, every few seconds and when something changes; whoever shows them
reads the rows. An order is a row too; NOTIFY brings it at once, and a process that was not listening finds
it when it next looks. Of supervision nothing is known here: snapshots are text, and orders are carried out
by whoever is passed in.
"""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

import anyio

from ordersys.adapters import control
from ordersys.adapters.control import Answer, Command
from ordersys.adapters.groups import unwrapped
from ordersys.adapters.postgres import Database, Session
from ordersys.runtime.child import Child

PUBLISH_EVERY_S = 2.0
SETTLE_S = 0.2
PRUNE_EVERY_S = 60.0
UNSEEN_S = 60.0
COMMANDS_DAYS = 30.0
EXPIRED_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A running process, for as long as it runs."""

    roles: Sequence[str]
    id: UUID = field(default_factory=uuid4)
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Presence:
    """Keeps this process's row true and carries out what it is asked.

    ``snapshot`` gives the row's text; ``carry_out`` the outcome of a command and a sentence, or nothing.
    """

    def __init__(
        self,
        *,
        database: Database,
        identity: Identity,
        snapshot: Callable[[], str],
        carry_out: Callable[[Command], tuple[str, str]],
        publish_every_s: float = PUBLISH_EVERY_S,
    ) -> None:
        self._database = database
        self._identity = identity
        self._snapshot = snapshot
        self._carry_out = carry_out
        self._publish_every_s = publish_every_s
        self._woken = anyio.Event()
        self._changed = True

    def changed(self) -> None:
        """Say that the snapshot is another one now. From the event loop's thread."""
        self._changed = True
        self._woken.set()

    async def run(self, child: Child) -> None:
        """Publish and obey until draining; then take the row away.

        :raises DependencyUnavailable: Postgres is away. Then nobody sees this process, nor gives it orders.
        """
        async with self._database.session() as session:
            await session.listen(control.COMMANDS, self._wake)
            async with unwrapped(), anyio.create_task_group() as group:
                group.start_soon(self._wake_when_draining, child)
                await self._attend(session, child)
                group.cancel_scope.cancel()
            await control.leave(session, self._identity.id)

    async def _attend(self, session: Session, child: Child) -> None:
        published_at = prune_at = -math.inf
        while not child.draining:
            self._woken = anyio.Event()
            await self._obey(session)
            now = anyio.current_time()
            if now >= published_at + self._pause_s():
                self._changed = False
                await self._publish(session)
                published_at = now
                child.ready()
            if now >= prune_at:
                await control.prune(session, UNSEEN_S, COMMANDS_DAYS)
                prune_at = now + PRUNE_EVERY_S
            child.beat(done=1)
            with anyio.move_on_after(max(0.0, published_at + self._pause_s() - anyio.current_time())):
                await self._woken.wait()

    def _pause_s(self) -> float:
        """Between two publications: changes come in bursts, one row for all of them is enough."""
        return SETTLE_S if self._changed else self._publish_every_s

    def _wake(self) -> None:
        self._woken.set()

    async def _wake_when_draining(self, child: Child) -> None:
        await child.wait_draining()
        self._woken.set()

    async def _publish(self, session: Session) -> None:
        who = self._identity
        await control.publish(
            session,
            id=who.id,
            host=who.host,
            pid=who.pid,
            roles=who.roles,
            started=who.started_at,
            snapshot=self._snapshot(),
        )

    async def _obey(self, session: Session) -> None:
        for command in await control.pending(session, self._identity.id):
            if command.age_s > EXPIRED_S:
                outcome, detail = "refused", "it was asked too long ago"
            else:
                outcome, detail = self._carry_out(command)
            await control.answer(session, command.id, outcome, detail)


async def ask(
    database: Database,
    targets: Sequence[UUID],
    *,
    action: str,
    path: str,
    reason: str,
    asked_by: str,
    timeout_s: float = 5.0,
) -> list[Answer]:
    """Ask processes to do something, and wait for what they make of it; in the order of ``targets``.

    One that says nothing in ``timeout_s`` is ``unanswered``: it may still do it, until it is too late.

    :raises DependencyUnavailable: Postgres is away; if that was before the commands were written, nobody
        was asked.
    """
    async with database.session() as session:
        answered = anyio.Event()

        def wake() -> None:
            answered.set()

        await session.listen(control.ANSWERS, wake)
        asked = await control.ask(session, targets, action, path, reason, asked_by)
        found: dict[UUID, Answer] = {}
        with anyio.move_on_after(timeout_s):
            while len(found) < len(asked):
                answered = anyio.Event()
                found = {each.process_id: each for each in await control.answers(session, list(asked))}
                if len(found) < len(asked):
                    await answered.wait()
    silent = f"it said nothing for {timeout_s:g} s"
    return [found.get(process) or Answer(process, "unanswered", silent) for process in targets]
