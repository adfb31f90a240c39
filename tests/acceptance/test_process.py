"""The program as a process: how it refuses to start, drains at SIGTERM, and sits outages out."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from tests.acceptance.shop import Shop, customers, process
from tests.stack import Environment, Servers

pytestmark = pytest.mark.anyio

OUTAGE_S = float(os.environ.get("OUTAGE_S", "5"))
REFUSAL_DEADLINE_S = 20.0  # ten times what is promised
DRAIN_DEADLINE_S = 60.0


@pytest.fixture(scope="module")
def servers(mortal_servers: Servers) -> Servers:
    return mortal_servers


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "supervisor.log"


def _ended(environ: dict[str, str], log: Path) -> tuple[int, str]:
    with process(environ, log) as running:
        code = running.wait(60)
    return code, log.read_text("utf-8")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"ROLES": "payment,cashier"}, "ROLES: got 'payment,cashier', takes all, or some of api, relay"),
        ({"API_PORT": "99999"}, "API_PORT: got '99999', takes a whole number from 1 to 65535"),
        (
            {"POSTGRES_DSN": "mysql://a:secret@b/c"},
            "POSTGRES_DSN: got a value that is not shown",
        ),
        ({"KAFKA_BROKERS": ""}, "KAFKA_BROKERS is not set"),
        ({"PARTITIONS": "7"}, "partitions and PARTITIONS is 7: set PARTITIONS to"),
        ({"ISOLATION": "api=process"}, "ISOLATION: got 'api=process', takes task, process, or role=process"),
        ({"ADMIN_TOKEN": "too-secret"}, "ADMIN_TOKEN: got a value that is not shown, takes 16 to 200"),
        # Seen by the worker, told by the main process.
        (
            {"ISOLATION": "process", "ROLES": "payment", "GUARD_DIR": "/proc/guard"},
            "GUARD_DIR is /proc/guard",
        ),
    ],
    ids=["role", "range", "secret", "missing", "partitions", "isolation", "token", "worker"],
)
async def test_what_cannot_work_is_refused_in_a_sentence(
    environment: Environment, log: Path, wrong: dict[str, str], said: str
) -> None:
    code, output = await anyio.to_thread.run_sync(_ended, {**environment.environ, **wrong}, log)
    assert code == 2
    assert said in output
    assert "Traceback" not in output
    assert "secret" not in output


@pytest.mark.parametrize("variable", ["API_PORT", "METRICS_PORT"])
async def test_a_taken_port_is_refused(environment: Environment, log: Path, variable: str) -> None:
    with socket.create_server(("127.0.0.1", int(environment.environ[variable]))):
        code, output = await anyio.to_thread.run_sync(_ended, dict(environment.environ), log)
    assert code == 2
    assert f"port {environment.environ[variable]} of 127.0.0.1 is taken" in output
    assert "Traceback" not in output


@pytest.fixture
def running(environment: Environment, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with process(environment.environ, log) as program:
        yield program


async def test_sigterm_under_load_drains_and_loses_nothing(
    environment: Environment, running: subprocess.Popen[bytes], log: Path
) -> None:
    shop = Shop(environment.settings)
    async with shop.http:
        await shop.ready()
        async with customers(shop):
            await shop.takes(100)
            began = time.monotonic()
            running.send_signal(signal.SIGTERM)
            code = await anyio.to_thread.run_sync(running.wait, 60)
        assert code == 0
        assert time.monotonic() - began < DRAIN_DEADLINE_S
        assert (await shop.totals())["outbox"] == 0  # the relay went last, and emptied it
        with process(environment.environ, log):
            await shop.ready()
            await shop.exactly_once()


async def test_the_roles_can_be_spread_over_processes(environment: Environment, log: Path) -> None:
    others = {**environment.environ, "METRICS_PORT": str(environment.settings["METRICS_PORT"] + 1)}
    roles = "relay,janitor,orchestrator,notification,analytics"
    with (
        process(environment.environ, log, ROLES="api,payment,inventory"),
        process(others, log, ROLES=roles),
    ):
        shop = Shop(environment.settings)
        async with shop.http:
            await shop.ready()
            for _ in range(20):
                assert (await shop.post()).status_code == 201
            await shop.exactly_once()


async def test_without_kafka_orders_are_accepted_and_become_final_afterwards(
    servers: Servers, environment: Environment, running: subprocess.Popen[bytes]
) -> None:
    assert servers.stack is not None, "this test stops the embedded Kafka"
    shop = Shop(environment.settings)
    async with shop.http:
        await shop.ready()
        await servers.stack.stop_kafka("kill")
        try:
            await shop.ready(wanted=False)
            until = time.monotonic() + OUTAGE_S
            while time.monotonic() < until:
                assert (await shop.post()).status_code == 201
        finally:
            await servers.stack.start_kafka()
        await shop.ready(90)
        await shop.exactly_once(90)
        assert await shop.metric("ordersys_child_crashes_total") == 0
        assert await shop.metric("ordersys_child_restarts_in_window") == 0


async def test_without_postgres_orders_are_refused_at_once_and_the_accepted_become_final(
    servers: Servers, environment: Environment, running: subprocess.Popen[bytes]
) -> None:
    assert servers.stack is not None, "this test stops the embedded Postgres"
    shop = Shop(environment.settings)
    async with shop.http:
        await shop.ready()
        for _ in range(50):
            await shop.post()
        await servers.stack.stop_postgres("kill")
        try:
            slowest_s = 0.0
            until = time.monotonic() + OUTAGE_S
            while time.monotonic() < until:
                began = time.monotonic()
                answer = await shop.post()
                slowest_s = max(slowest_s, time.monotonic() - began)
                assert answer.status_code in (503, 504)
                assert answer.status_code == 504 or "Retry-After" in answer.headers
            assert slowest_s < 2 * 10
            await shop.ready(wanted=False)
        finally:
            await servers.stack.start_postgres()
        await shop.ready(90)
        await shop.exactly_once(90)
        assert await shop.metric("ordersys_child_crashes_total") == 0
