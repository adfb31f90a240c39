"""The servers of a test run, and an environment of its own in them for a test or a module."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import anyio
from aiokafka.admin import AIOKafkaAdminClient

from benchmarks import harness
from config.settings import Settings, load
from ordersys.adapters.kafka import Broker
from ordersys.adapters.postgres import Database
from ordersys.contract.topics import TOPICS
from ordersys.devstack import DevStack

RUNS_MAX = 8
DIRECTORIES_EACH = 4


@dataclass(frozen=True)
class Servers:
    """Where Kafka and Postgres are; ``stack`` stops and starts them, and is None when they are given.

    ``scratch`` is a directory for whatever a test leaves, removed at the end.
    """

    kafka_brokers: str
    postgres_dsn: str
    stack: DevStack | None
    scratch: Path


@dataclass(frozen=True)
class Environment:
    """Topics, consumer groups and a migrated database of its own.

    ``environ`` is the same as environment variables, for processes; HTTP ports of their own included.
    """

    environ: Mapping[str, str]
    settings: Settings
    broker: Broker
    database: Database

    @property
    def partitions(self) -> int:
        """Partitions of each topic."""
        return int(self.settings["PARTITIONS"])

    def name(self, env: str) -> str:
        """Deployed name of a topic or group, by its variable."""
        return self.settings.name(env)


@contextmanager
def servers() -> Iterator[Servers]:
    """Those of KAFKA_BROKERS and POSTGRES_DSN if both are set, else embedded ones for this run alone."""
    given = load()
    if given["KAFKA_BROKERS"] and given["POSTGRES_DSN"]:
        with TemporaryDirectory(prefix="ordersys-test-") as scratch:
            yield Servers(given["KAFKA_BROKERS"], given["POSTGRES_DSN"], None, Path(scratch))
        return
    with embedded_servers() as embedded:
        yield embedded


@contextmanager
def embedded_servers() -> Iterator[Servers]:
    """Embedded ones, whatever is given: to be stopped and started by a test."""
    stack = harness.embedded_servers(_directory())
    addresses = anyio.run(stack.start)
    try:
        with TemporaryDirectory(prefix="ordersys-test-") as scratch:
            yield Servers(addresses.kafka_brokers, addresses.postgres_dsn, stack, Path(scratch))
    finally:
        anyio.run(_end, stack)


@contextmanager
def environment(servers: Servers, partitions: int) -> Iterator[Environment]:
    """A new environment; removed at the end, except from embedded servers, which begin afresh at each run."""

    async def make() -> dict[str, str]:
        return await harness.clean_environment(
            servers.kafka_brokers,
            servers.postgres_dsn,
            prefix="test",
            PARTITIONS=str(partitions),
            GUARD_DIR=str(servers.scratch / "guard"),
        )

    environ = anyio.run(make)
    settings = load(environ)
    broker = Broker(brokers=settings["KAFKA_BROKERS"])
    try:
        yield Environment(environ, settings, broker, Database(dsn=settings["POSTGRES_DSN"]))
    finally:
        if servers.stack is None:
            anyio.run(_remove, servers, settings)


async def _end(stack: DevStack) -> None:
    """Without the care for data that takes a broker with a thousand partitions many seconds."""
    await stack.stop_kafka("kill")
    await stack.stop_postgres("kill")
    await stack.stop()


async def _remove(servers: Servers, settings: Settings) -> None:
    database = urlsplit(settings["POSTGRES_DSN"]).path.strip("/")
    async with Database(dsn=servers.postgres_dsn).session() as session:
        await session.execute(f"drop database {database} with (force)")
    admin = AIOKafkaAdminClient(bootstrap_servers=servers.kafka_brokers)
    await admin.start()
    try:
        await admin.delete_topics([settings.name(topic.env) for topic in TOPICS])
    finally:
        await admin.close()


def _directory() -> Path:
    """A data directory no other run is using: a few can go on at once in one checkout."""
    # Workers of one run begin at different ones: looking and taking are two steps.
    first = DIRECTORIES_EACH * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for number in range(first + 1, first + RUNS_MAX + 1):
        directory = harness.ROOT / ".ordersys" / f"test-{number}"
        directory.mkdir(parents=True, exist_ok=True)
        with (directory / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            return directory
    sys.exit(f"{RUNS_MAX} test runs are going on in {harness.ROOT} already")
