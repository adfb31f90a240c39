"""``ordersys migrate``: bring the schema up to date and create the topics, once, before anything runs."""

from __future__ import annotations

import argparse
import sys

import anyio

from config.settings import Settings
from ordersys.cli import environment
from ordersys.cli.arguments import Commands
from ordersys.contract.errors import DependencyUnavailable
from ordersys.contract.topics import TOPICS

RETRY_S = 1.0


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("migrate", help="apply the schema's migrations and create the topics")
    parser.add_argument(
        "--wait-s", type=float, default=60.0, help="seconds to wait for Kafka and Postgres (default 60)"
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Do it, and say what was done."""
    done = anyio.run(_patiently, environment.settings(), chosen.wait_s)
    for line in done or ["nothing to do: schema and topics are up to date"]:
        sys.stdout.write(line + "\n")
    return 0


async def _patiently(settings: Settings, wait_s: float) -> list[str]:
    deadline = anyio.current_time() + wait_s
    while True:
        try:
            return await migrate(settings)
        except DependencyUnavailable:
            if anyio.current_time() + RETRY_S > deadline:
                raise
            await anyio.sleep(RETRY_S)


async def migrate(settings: Settings) -> list[str]:
    """Schema, then topics; returns a line per thing done. May be run again, and by several at once.

    :raises DependencyUnavailable: Kafka or Postgres cannot be reached.
    :raises StartRefused: a topic exists with another number of partitions.
    """
    # Imported here: these import the clients, which no other command has to wait for.
    from config.wiring import broker_of, database_of, partitions_of
    from ordersys.adapters import migrations

    database, broker = database_of(settings), broker_of(settings)
    async with database.session() as session:
        applied = await migrations.apply(session, migrations.load(environment.MIGRATIONS))
    created = await broker.create_topics(
        partitions_of(settings),
        keep=[settings.name(topic.env) for topic in TOPICS if topic.keep],
        replication=settings["REPLICATION_FACTOR"],
    )
    return [f"applied {name}" for name in applied] + [f"created topic {name}" for name in created]
