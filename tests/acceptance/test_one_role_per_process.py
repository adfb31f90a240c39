"""What docker-compose.yml runs, as processes: its commands with its environments, on the test's servers.

Every role's process is killed (-9) in turn under load and started again, as the restart policy does.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest
import yaml

from config.settings import ROLES
from ordersys.devstack.ports import free_port
from tests.acceptance.shop import Shop, customers
from tests.driving import wait_until
from tests.stack import Environment

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(1200)]

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PROGRAMS = {"python": sys.executable, "ordersys": str(Path(sys.executable).with_name("ordersys"))}
SECOND_PAYMENT = "payment-2"
NAMES = (*ROLES, SECOND_PAYMENT)
# Each once; more by ``./run faults``.
ROUNDS = max(len(NAMES), int(os.environ.get("CRASH_ROUNDS", "0")))
# Started in one moment, nine processes share two cores.
START_DEADLINE_S = 120.0


def command_of(service: Mapping[str, Any]) -> list[str]:
    """What the container runs: its own command, else the image's."""
    image = re.search(r"^CMD (\[.*\])$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert image is not None
    program, *arguments = service.get("command") or json.loads(image[1])
    files = [str(ROOT / each) if (ROOT / each).is_file() else each for each in arguments]
    return [PROGRAMS[program], *files]


def environment_of(service: Mapping[str, Any], environ: Mapping[str, str], **own: str) -> dict[str, str]:
    """What the container is told, were ``environ`` Compose's; the addresses are the test's servers."""
    told = {"PATH": os.environ["PATH"], "GUARD_DIR": environ["GUARD_DIR"]}
    for name, value in service["environment"].items():
        if name in ("KAFKA_BROKERS", "POSTGRES_DSN") or (value is None and name in environ):
            told[name] = environ[name]
        elif value is not None and name != "PGPASSWORD":
            told[name] = value
    return {**told, **own}


class Containers:
    """A process per container, by name; each has a port of its own for its probes."""

    def __init__(self, environ: Mapping[str, str], directory: Path) -> None:
        self._environ = environ
        self._directory = directory
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.probes: dict[str, int] = {}
        for name in NAMES:
            taken = (int(environ["API_PORT"]), *self.probes.values())
            self.probes[name] = free_port(besides=taken)

    def log(self, name: str) -> Path:
        """What it has said, over all its lives."""
        return self._directory / f"{name}.log"

    def start(self, name: str) -> None:
        """Start a role's container."""
        service = SERVICES[name.removesuffix("-2")]
        ports = {"API_PORT": self._environ["API_PORT"], "METRICS_PORT": str(self.probes[name])}
        with self.log(name).open("ab") as out:
            self._running[name] = subprocess.Popen(
                command_of(service),
                cwd=self._directory,
                env=environment_of(service, self._environ, **ports),
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    async def kill_and_restart(self, name: str) -> None:
        """What ``docker kill`` and the restart policy do."""
        process = self._running[name]
        assert process.poll() is None, f"{name} ended by itself: {self.log(name).read_text('utf-8')}"
        process.kill()
        await anyio.to_thread.run_sync(process.wait)
        self.start(name)

    def end(self) -> None:
        """Stop what runs, at once."""
        for process in self._running.values():
            process.kill()
        for process in self._running.values():
            process.wait()

    async def ready(self, http: httpx.AsyncClient) -> None:
        """Return when every container's ``/readyz`` says so."""
        left = set(self.probes)

        async def look() -> bool:
            for name in sorted(left):
                with suppress(httpx.TransportError):
                    answer = await http.get(f"http://127.0.0.1:{self.probes[name]}/readyz")
                    if answer.status_code == 200:
                        left.discard(name)
            return not left

        await wait_until(look, "every container is ready", START_DEADLINE_S)


@pytest.fixture(scope="module")
def partitions() -> int:
    return 4


@pytest.fixture(scope="module")
def running(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    """All roles, payment twice."""
    directory = tmp_path_factory.mktemp("containers")
    made = Containers({**environment.environ, "GUARD_DIR": str(directory / "guard")}, directory)
    try:
        for name in NAMES:
            made.start(name)
        yield made
    finally:
        made.end()


async def test_migrate_is_a_one_shot_command(environment: Environment) -> None:
    service = SERVICES["migrate"]
    told = environment_of(service, environment.environ)
    done = await anyio.run_process(command_of(service), env=told, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"nothing to do: schema and topics are up to date\n"


async def test_every_role_is_killed_in_turn_under_load_and_nothing_is_lost_or_done_twice(
    environment: Environment, running: Containers
) -> None:
    shop = Shop(environment.settings)
    async with shop.http:
        await running.ready(shop.http)
        async with customers(shop, pause_s=0.05):
            for number in range(ROUNDS):
                await shop.takes(20, 60)
                await running.kill_and_restart(NAMES[number % len(NAMES)])
            await shop.takes(20, 60)
        await shop.exactly_once(90)
        await running.ready(shop.http)


async def test_two_payment_processes_share_the_partitions(
    environment: Environment, running: Containers
) -> None:
    pair = ("payment", SECOND_PAYMENT)
    shop = Shop(environment.settings)
    async with shop.http:
        await running.ready(shop.http)

        async def shared() -> bool:
            owned = [_partitions(running.log(name)) for name in pair]
            return all(owned) and sorted(owned[0] + owned[1]) == [0, 1, 2, 3]

        await wait_until(shared, "each of the two has some of the four partitions", 60)
        before = [await _handled(environment, running.probes[name]) for name in pair]
        for _ in range(40):
            assert (await shop.post()).status_code == 201
        await shop.exactly_once(60)
        after = [await _handled(environment, running.probes[name]) for name in pair]
        assert sum(after) - sum(before) >= 40
        assert all(now > then for now, then in zip(after, before, strict=True))


def _partitions(log: Path) -> list[int]:
    """Partitions that a process was given last, as its log tells."""
    facts = [json.loads(line) for line in log.read_text("utf-8").splitlines() if line.startswith("{")]
    given: list[list[int]] = [fact["partitions"] for fact in facts if fact["event"] == "partitions assigned"]
    return given[-1] if given else []


async def _handled(environment: Environment, metrics_port: int) -> float:
    shop = Shop(environment.settings, metrics_port)
    async with shop.http:
        return await shop.metric("ordersys_events_total")
