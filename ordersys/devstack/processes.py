"""Server processes: started in a session of their own, waited for, stopped by pid with a deadline.

A session of their own, so that a Ctrl-C in the terminal reaches the launcher alone. Should the launcher be
killed, its servers live on as orphans; a :class:`Ledger` in the data directory lets the next start
recognise and stop them.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import anyio
import psutil

from ordersys.devstack.errors import DevstackError, with_log

StopMode = Literal["graceful", "kill"]

POLL_S = 0.02
KILL_TIMEOUT_S = 10.0
TOOL_TIMEOUT_S = 120.0
LOG_BYTES_MAX = 16_000_000
START_TIME_TOLERANCE_S = 2.0


@dataclass(frozen=True)
class Account:
    """The system account a process runs under: numeric user and group."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Command:
    """How to start a server: arguments, environment (whole), working directory, log file, account.

    ``stop_signal`` asks the server to end in order, which it gets ``stop_timeout_s`` for.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    stop_signal: signal.Signals
    stop_timeout_s: float
    account: Account | None = None


class ServerProcess:
    """One running server."""

    def __init__(self, command: Command) -> None:
        """Start it. Raises :class:`DevstackError` when the program cannot be run."""
        self.command = command
        self.stop_asked = False
        # Where this run's output begins in the log, which earlier runs share.
        self.log_offset = prepare_log(command.log)
        account = command.account
        try:
            with command.log.open("ab") as log:
                self._popen = subprocess.Popen(
                    command.argv,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=command.env,
                    cwd=command.cwd,
                    start_new_session=True,
                    user=account.uid if account else None,
                    group=account.gid if account else None,
                    extra_groups=[] if account else None,
                )
        except OSError as error:
            raise DevstackError(f"{command.name} cannot be started: {error}.") from error

    @property
    def pid(self) -> int:
        return self._popen.pid

    def ended(self) -> bool:
        """Whether the process has exited (and is reaped)."""
        return self._popen.poll() is not None

    async def wait_ready(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Return once ``ready`` says so. Raises :class:`DevstackError` if it exits or is late."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            if self.ended():
                code = self._popen.returncode
                raise with_log(
                    f"{self.command.name} ended with code {code} while starting.", self.command.log
                )
            if time.monotonic() > deadline:
                raise with_log(
                    f"{self.command.name} was not ready within {timeout_s:.0f} s.", self.command.log
                )
            await anyio.sleep(POLL_S)

    async def stop(self, mode: StopMode = "graceful") -> None:
        """End it; returns once it and all its children are gone. Does nothing when it has ended."""
        self.stop_asked = True
        if self.ended():
            return
        if mode == "kill":
            self._popen.send_signal(signal.SIGSTOP)  # so that it has no child we do not see
        family = _family(self.pid)
        if mode == "graceful":
            self._popen.send_signal(self.command.stop_signal)
        if mode == "kill" or not await _all_end(family, self.command.stop_timeout_s):
            _kill(family)
            if not await _all_end(family, KILL_TIMEOUT_S):
                raise DevstackError(
                    f"{self.command.name} (process {self.pid}) does not end, even when killed."
                )
        self._popen.wait()  # it has ended, so this only reaps it


def prepare_log(log: Path) -> int:
    """Make the log's directory, set a log that has grown large aside; return its size in bytes."""
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        size = log.stat().st_size
    except FileNotFoundError:
        return 0
    if size <= LOG_BYTES_MAX:
        return size
    log.replace(log.with_name(log.name + ".1"))
    return 0


async def run_tool(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    account: Account | None = None,
    stdin: str = "",
) -> tuple[int, str]:
    """Run a server's tool to its end; exit code and what it printed, both streams together."""

    def run() -> tuple[int, str]:
        done = subprocess.run(
            argv,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=env,
            cwd=cwd,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            start_new_session=True,
            timeout=TOOL_TIMEOUT_S,
            check=False,
        )
        return done.returncode, done.stdout

    try:
        return await anyio.to_thread.run_sync(run)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DevstackError(f"{Path(argv[0]).name} cannot be run: {error}.") from error


@dataclass(frozen=True)
class Entry:
    """A server this data directory started: its process, when that began (Unix time), its data."""

    pid: int
    started_s: float
    data: str
    stop_signal: int


class Ledger:
    """Which server processes belong to a data directory, in a JSON file there."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, name: str, pid: int, data: Path, stop_signal: signal.Signals) -> None:
        """Note a server that has just been started."""
        try:
            started_s = psutil.Process(pid).create_time()
        except psutil.NoSuchProcess:
            return  # it has ended already, which whoever waits for it reports
        self._write({**self._read(), name: Entry(pid, started_s, str(data), int(stop_signal))})

    def remove(self, name: str) -> None:
        """Forget a server that has ended."""
        self._write({key: entry for key, entry in self._read().items() if key != name})

    async def stop_orphans(self, timeout_s: float, progress: Callable[[str], None]) -> None:
        """Stop what an earlier launcher left running here; kill what has not ended in ``timeout_s``.

        A process is one of ours only if pid, start time and the data directory among its arguments agree.
        """
        orphans: list[psutil.Process] = []
        for name, entry in self._read().items():
            process = _identified(entry)
            if process is not None:
                progress(f"Stopping {name} (process {entry.pid}), left over from a launcher that was killed")
                orphans += _family(entry.pid)
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(entry.stop_signal)
        if not await _all_end(orphans, timeout_s):
            _kill(orphans)
            if not await _all_end(orphans, KILL_TIMEOUT_S):
                pids = ", ".join(str(process.pid) for process in orphans if _alive(process))
                raise DevstackError(f"Processes left over from an earlier start do not end: {pids}.")
        self._write({})

    def _read(self) -> dict[str, Entry]:
        try:
            return {
                name: Entry(**fields) for name, fields in json.loads(self._path.read_text("utf-8")).items()
            }
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, AttributeError) as error:
            raise DevstackError(f"{self._path} is damaged; remove it once no server runs there.") from error

    def _write(self, entries: Mapping[str, Entry]) -> None:
        new = self._path.with_name(self._path.name + ".new")
        new.write_text(json.dumps({name: asdict(entry) for name, entry in entries.items()}), "utf-8")
        new.replace(self._path)


def _identified(entry: Entry) -> psutil.Process | None:
    try:
        process = psutil.Process(entry.pid)
        same_start = abs(process.create_time() - entry.started_s) < START_TIME_TOLERANCE_S
        if same_start and entry.data in process.cmdline() and _alive(process):
            return process
    except psutil.Error:
        return None
    return None


def _family(pid: int) -> list[psutil.Process]:
    """The process and its descendants; Postgres' are in sessions of their own, so a group is not enough."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _alive(process: psutil.Process) -> bool:
    try:
        # A zombie has ended; who reaps it is not always us.
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


async def _all_end(processes: Sequence[psutil.Process], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while any(_alive(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        await anyio.sleep(POLL_S)
    return True
