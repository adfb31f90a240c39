"""The embedded stack with its real servers: what it keeps, what it stops, what it says."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from ordersys.devstack import DevStack, DevstackError

pytestmark = pytest.mark.anyio

MakeStack = Callable[..., DevStack]

# A launcher in a process of its own, so that it can be killed.
LAUNCHER = """
import sys, anyio
from pathlib import Path
from ordersys.devstack import DevStack

async def main():
    stack = DevStack(Path(sys.argv[1]), kafka_port=0, postgres_port=0, postgres_db="orders",
                     postgres_user="orders", postgres_password="secret", progress=lambda line: None)
    async with stack:
        print(*stack.pids.values(), *vars(stack.ports).values(), flush=True)
        await anyio.sleep_forever()

anyio.run(main)
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def lines() -> list[str]:
    """What the stacks of a test said about their progress."""
    return []


@pytest.fixture
def make(tmp_path: Path, lines: list[str]) -> MakeStack:
    def make(**options: object) -> DevStack:
        defaults = {
            "kafka_port": 0,
            "postgres_port": 0,
            "postgres_db": "orders",
            "postgres_user": "orders",
            "postgres_password": "a 'quoted\" p@ss/word",
            "progress": lines.append,
        }
        return DevStack(tmp_path / "data", **{**defaults, **options})

    return make


def start_and_kill_a_launcher(data_dir: Path) -> list[int]:
    """Pids and ports of the servers it leaves behind: Kafka's, Postgres', Kafka's, Postgres'."""
    command = [sys.executable, "-c", LAUNCHER, str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as launcher:
        assert launcher.stdout is not None
        line = launcher.stdout.readline()
        launcher.kill()
    return [int(number) for number in line.split()]


async def sql(stack: DevStack, statement: str) -> object:
    connection = await asyncpg.connect(stack.addresses.postgres_dsn)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def make_topic(stack: DevStack, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.addresses.kafka_brokers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 1, 1)])
    finally:
        await admin.close()


async def write(stack: DevStack, topic: str, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=stack.addresses.kafka_brokers)
    await producer.start()
    try:
        await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


async def read_first(stack: DevStack, topic: str) -> bytes | None:
    consumer = AIOKafkaConsumer(bootstrap_servers=stack.addresses.kafka_brokers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        record = await consumer.getone()
        return record.value
    finally:
        await consumer.stop()


async def test_keeps_its_data_and_its_directory_to_itself(make: MakeStack) -> None:
    async with make() as stack:
        await make_topic(stack, "kept")
        await write(stack, "kept", b"record")
        await sql(stack, "CREATE TABLE kept AS SELECT 'row' AS value")
        assert await sql(stack, "SHOW fsync") == "on"
        with pytest.raises(DevstackError, match=rf"Another ordersys \(process {os.getpid()}\)"):
            await make().start()

    assert stack.pids == {}
    async with make() as stack:
        assert await read_first(stack, "kept") == b"record"
        assert await sql(stack, "SELECT value FROM kept") == "row"


async def test_stops_the_orphans_of_a_killed_launcher(
    make: MakeStack, tmp_path: Path, lines: list[str]
) -> None:
    *pids, kafka_port, postgres_port = start_and_kill_a_launcher(tmp_path / "data")
    orphans = [psutil.Process(pid) for pid in pids]
    assert all(orphan.is_running() for orphan in orphans)

    async with make(kafka_port=kafka_port, postgres_port=postgres_port) as stack:
        assert not set(stack.pids.values()) & set(pids)
        assert await sql(stack, "SELECT 1") == 1
    assert not any(o.is_running() and o.status() != psutil.STATUS_ZOMBIE for o in orphans)
    assert sum("left over" in line for line in lines) == 2


async def test_a_committed_row_survives_a_crash(make: MakeStack) -> None:
    async with make(kafka_port=None) as stack:
        await sql(stack, "CREATE TABLE kept AS SELECT 'row' AS value")
        ports = stack.ports
        await stack.stop_postgres("kill")
        await stack.start_postgres()
        assert stack.ports == ports
        assert await sql(stack, "SELECT value FROM kept") == "row"


async def test_notices_a_server_that_ends(make: MakeStack) -> None:
    async with make(kafka_port=None) as stack:
        psutil.Process(stack.pids["postgres"]).kill()
        with pytest.raises(DevstackError, match="Postgres has ended unexpectedly"):
            await stack.watch()
        await stack.start_postgres()
        await stack.stop_postgres()
        with anyio.move_on_after(0.5) as watching:
            await stack.watch()
        assert watching.cancelled_caught


async def test_a_new_password_or_database_takes_effect(make: MakeStack) -> None:
    async with make(kafka_port=None):
        pass
    async with make(kafka_port=None, postgres_password="another", postgres_db="second") as stack:
        assert await sql(stack, "SELECT current_database()") == "second"


async def test_fresh_forgets(make: MakeStack) -> None:
    async with make(kafka_port=None) as stack:
        await sql(stack, "CREATE TABLE kept AS SELECT 'row' AS value")
    async with make(kafka_port=None, fresh=True) as stack:
        assert await sql(stack, "SELECT to_regclass('kept')") is None


@pytest.mark.parametrize(
    ("option", "variable"), [("kafka_port", "KAFKA_EXTERNAL_PORT"), ("postgres_port", "POSTGRES_PORT")]
)
async def test_names_the_port_that_is_taken(make: MakeStack, option: str, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        stack = make(**{option: port})
        with pytest.raises(DevstackError, match=rf"Port {port} .*process {os.getpid()}.* {variable}"):
            await stack.start()
        assert stack.pids == {}


async def test_says_why_a_server_does_not_start(make: MakeStack, tmp_path: Path) -> None:
    async with make(kafka_port=None) as stack:
        await stack.stop_postgres()
        (tmp_path / "data" / "postgres" / "data" / "global" / "pg_control").unlink()
        with pytest.raises(DevstackError) as failure:
            await stack.start_postgres()
    sentence, *quoted, where = str(failure.value).splitlines()
    assert sentence.startswith("Postgres ended with code")
    assert any("pg_control" in line for line in quoted)
    assert str(tmp_path / "data" / "logs" / "postgres.log") in where
    with pytest.raises(DevstackError, match="pg_control"):
        await make(kafka_port=None).start()
