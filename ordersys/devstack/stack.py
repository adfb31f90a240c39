"""The stack: Kafka and Postgres together, one data directory, one launcher at a time."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import anyio

from ordersys.devstack.errors import DevstackError, with_log
from ordersys.devstack.kafka import Kafka
from ordersys.devstack.ports import HOST, Ports, free_port, require_free
from ordersys.devstack.postgres import Postgres
from ordersys.devstack.processes import Ledger, StopMode

ORPHAN_TIMEOUT_S = 20.0
WATCH_INTERVAL_S = 0.25


@dataclass(frozen=True)
class Addresses:
    """Where clients reach the embedded servers; "" for one that is not embedded."""

    kafka_brokers: str
    postgres_dsn: str


class DevStack:
    """Embedded Kafka and Postgres; an async context manager, or :meth:`start` and :meth:`stop`.

    :param data_dir: everything that lasts; logs are in ``logs/`` there. Its lock keeps a second launcher out.
    :param kafka_port: loopback port, 0 for any free one, None when Kafka is not embedded.
    :param postgres_port: the same for Postgres.
    :param cluster_id: KRaft cluster id for new data; by default one is made up, and kept with the data.
    :param fresh: delete the data first, after stopping what still runs on it. Caches stay.
    :param progress: gets a line for whatever takes longer than a second.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        kafka_port: int | None,
        postgres_port: int | None,
        postgres_db: str,
        postgres_user: str,
        postgres_password: str,
        cluster_id: str | None = None,
        fresh: bool = False,
        progress: Callable[[str], None],
    ) -> None:
        self._dir = data_dir.absolute()
        self._fresh = fresh
        self._progress = progress
        self._wanted = (kafka_port, postgres_port)
        self._postgres_login = (postgres_db, postgres_user, postgres_password)
        self._cluster_id = cluster_id
        self._lock: int | None = None
        self._kafka: Kafka | None = None
        self._postgres: Postgres | None = None

    async def start(self) -> Addresses:
        """Start what is embedded, both at once; returns when clients can connect.

        Raises :class:`DevstackError`, and then leaves nothing running.
        """
        self._lock = _lock(self._dir)
        try:
            await self._start()
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self.stop()
            raise
        return self.addresses

    async def _start(self) -> None:
        ledger = Ledger(self._dir / "servers.json")
        await ledger.stop_orphans(ORPHAN_TIMEOUT_S, self._progress)
        if self._fresh:
            _delete(self._dir)
        self._compose(ledger)
        began = time.monotonic()
        await _together([partial(_bring_up, server) for server in self._servers()])
        self._progress(f"{self._names()} ready in {time.monotonic() - began:.1f} s")

    def _compose(self, ledger: Ledger) -> None:
        kafka_port, postgres_port = self._wanted
        logs = self._dir / "logs"
        if kafka_port is not None:
            if kafka_port:
                require_free(kafka_port, "Kafka", "KAFKA_EXTERNAL_PORT")
            self._kafka = Kafka(
                self._dir / "kafka",
                logs / "kafka.log",
                ledger,
                port=kafka_port or free_port(besides=(postgres_port or 0,)),
                cluster_id=self._cluster_id,
                progress=self._progress,
            )
        if postgres_port is not None:
            if postgres_port:
                require_free(postgres_port, "Postgres", "POSTGRES_PORT")
            database, user, password = self._postgres_login
            self._postgres = Postgres(
                self._dir / "postgres",
                logs / "postgres.log",
                ledger,
                port=postgres_port or free_port(besides=(self._kafka.port if self._kafka else 0,)),
                database=database,
                user=user,
                password=password,
                progress=self._progress,
            )

    @property
    def addresses(self) -> Addresses:
        """What :meth:`start` returned."""
        return Addresses(
            kafka_brokers=f"{HOST}:{self._kafka.port}" if self._kafka else "",
            postgres_dsn=self._postgres.dsn if self._postgres else "",
        )

    @property
    def ports(self) -> Ports:
        """The ports in use, also where any free one was asked for."""
        return Ports(
            kafka=self._kafka.port if self._kafka else 0,
            postgres=self._postgres.port if self._postgres else 0,
        )

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of the servers that run: ``kafka``, ``postgres``."""
        servers = {"kafka": self._kafka, "postgres": self._postgres}
        return {name: server.process.pid for name, server in servers.items() if server and server.process}

    async def watch(self) -> None:
        """Raise :class:`DevstackError` when a server ends that nobody stopped; else run until cancelled."""
        while True:
            for server in self._servers():
                process = server.process
                if process is not None and process.ended() and not process.stop_asked:
                    raise with_log(f"{process.command.name} has ended unexpectedly.", process.command.log)
            await anyio.sleep(WATCH_INTERVAL_S)

    async def start_ended(self) -> None:
        """Start again what :meth:`watch` found ended: same data, same port."""
        for server in self._servers():
            process = server.process
            if process is not None and process.ended() and not process.stop_asked:
                await server.stop("kill")  # its children may have outlived it
                await server.start()

    async def stop(self) -> None:
        """Stop both servers at once, in order, within a deadline; release the data directory."""
        try:
            await _together([server.stop for server in self._servers()], all_the_way=True)
        finally:
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    async def stop_kafka(self, mode: StopMode = "graceful") -> None:
        """Stop Kafka alone; ``kill`` ends it at once, like a crash."""
        await self._embedded_kafka().stop(mode)

    async def start_kafka(self) -> None:
        """Start Kafka again: same data, same port."""
        await self._embedded_kafka().start()

    async def stop_postgres(self, mode: StopMode = "graceful") -> None:
        """Stop Postgres alone; ``kill`` ends it and its sessions at once, like a crash."""
        await self._embedded_postgres().stop(mode)

    async def start_postgres(self) -> None:
        """Start Postgres again: same data, same port."""
        await self._embedded_postgres().start()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with anyio.CancelScope(shield=True):
            await self.stop()

    def _servers(self) -> list[Kafka | Postgres]:
        return [server for server in (self._kafka, self._postgres) if server is not None]

    def _names(self) -> str:
        return " and ".join(server.name for server in self._servers())

    def _embedded_kafka(self) -> Kafka:
        if self._kafka is None:
            raise DevstackError("Kafka is not embedded here, or not started.")
        return self._kafka

    def _embedded_postgres(self) -> Postgres:
        if self._postgres is None:
            raise DevstackError("Postgres is not embedded here, or not started.")
        return self._postgres


async def _bring_up(server: Kafka | Postgres) -> None:
    try:
        await server.prepare()
        await server.start()
    except OSError as error:  # a full disk, a directory of somebody else
        raise DevstackError(f"{server.name} cannot be set up: {error}.") from error


async def _together(steps: Sequence[Callable[[], Awaitable[None]]], *, all_the_way: bool = False) -> None:
    """Run the steps at once and raise the first failure, which ends the others unless ``all_the_way``."""
    errors: list[DevstackError] = []
    async with anyio.create_task_group() as tasks:

        async def run(step: Callable[[], Awaitable[None]]) -> None:
            try:
                await step()
            except DevstackError as error:
                errors.append(error)
                if not all_the_way:
                    tasks.cancel_scope.cancel()

        for step in steps:
            tasks.start_soon(run, step)
    if errors:
        raise errors[0]


def _lock(directory: Path) -> int:
    """Lock the data directory for this process, until the descriptor is closed or the process ends."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise DevstackError(f"The data directory {directory} cannot be used: {error.strerror}.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise DevstackError(f"Another ordersys (process {holder}) is running on {directory}.") from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def _delete(directory: Path) -> None:
    for name in ("kafka", "postgres", "logs"):
        path = directory / name
        try:
            if path.exists():
                shutil.rmtree(path)
        except OSError as error:
            raise DevstackError(f"{path} cannot be deleted: {error.strerror}.") from error
