"""What running processes say of themselves in Postgres, and what they are asked to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from ordersys.adapters.postgres import Session, statement

COMMANDS = "process_commands"
ANSWERS = "process_answers"


class ProcessRow(NamedTuple):
    """A process that was seen ``age_s`` seconds ago; ``snapshot`` is JSON, its own affair."""

    id: UUID
    host: str
    pid: int
    roles: Sequence[str]
    started_at: datetime
    age_s: float
    snapshot: str


class Command(NamedTuple):
    """Something a process is asked to do, ``age_s`` seconds ago."""

    id: int
    action: str
    path: str
    reason: str
    asked_by: str
    age_s: float


class Answer(NamedTuple):
    """What a process made of a command. ``outcome``: accepted, refused, unanswered."""

    process_id: UUID
    outcome: str
    detail: str


async def publish(
    session: Session, *, id: UUID, host: str, pid: int, roles: Sequence[str], started: datetime, snapshot: str
) -> None:
    """Say that a process is there, and how it is."""
    await session.execute(statement("processes_publish"), id, host, pid, list(roles), started, snapshot)


async def leave(session: Session, process: UUID) -> None:
    """Say that a process ends."""
    await session.execute("delete from processes where id = $1", process)


async def processes(session: Session, seen_s: float) -> list[ProcessRow]:
    """The processes seen in the last ``seen_s`` seconds, by host and start."""
    return [ProcessRow(*row) for row in await session.fetch(statement("processes_list"), seen_s)]


async def ask(
    session: Session, targets: Sequence[UUID], action: str, path: str, reason: str, asked_by: str
) -> dict[int, UUID]:
    """Ask processes to do something; the commands' ids, with the process of each."""
    rows = await session.fetch(statement("commands_ask"), targets, action, path, reason, asked_by)
    return {row[0]: row[1] for row in rows}


async def pending(session: Session, process: UUID) -> list[Command]:
    """What a process has been asked and has not answered, in the order it was asked."""
    return [Command(*row) for row in await session.fetch(statement("commands_pending"), process)]


async def answer(session: Session, command: int, outcome: str, detail: str) -> None:
    """Record what became of a command."""
    await session.execute(statement("commands_answer"), command, outcome, detail)


async def answers(session: Session, commands: Sequence[int]) -> list[Answer]:
    """What became of those of ``commands`` that are answered."""
    return [Answer(*row) for row in await session.fetch(statement("commands_answers"), list(commands))]


async def prune(session: Session, unseen_s: float, commands_days: float) -> None:
    """Forget processes not seen for ``unseen_s`` seconds and commands older than ``commands_days`` days."""
    await session.execute(statement("processes_prune"), unseen_s, commands_days)
