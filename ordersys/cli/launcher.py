"""The launcher: everything from one command, and everything stopped again by Ctrl-C.

::

    this process ──▶ embedded Kafka and Postgres (each in a session of its own)
                 ──▶ supervisor.py (in a session of its own): all roles

A Ctrl-C reaches this process alone. It asks the supervisor to drain, and stops the servers only when that
is over. It is also the outer restarter: a supervisor that ends by itself is started again, and so is a
server, so that killing either is an outage to watch and not the end.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from functools import partial

import anyio
import anyio.to_thread
from anyio.abc import Process, TaskStatus
from rich.console import Console

from config.roles import ROOT
from config.settings import Settings
from ordersys.cli import environment
from ordersys.cli.migrate import migrate
from ordersys.contract.errors import StartRefused
from ordersys.devstack import Addresses, DevStack, DevstackError
from ordersys.devstack.ports import require_free
from ordersys.devstack.web import build_page
from ordersys.supervision.policy import Budget, Intensity
from supervisor import END_WITH_STDIN

POLL_S = 0.1
STILL_STARTING_S = 10.0
# Beyond the drain time of every role together, which the supervisor itself bounds.
STOP_TIMEOUT_S = 60.0
SERVER_PAUSE_S = 2.0
RESTART_PAUSE_S = 1.0
RESTARTS = Intensity(max_restarts=20, within_s=60)
REFUSED = 2


def console() -> Console:
    """Where the launcher speaks: standard error, so that standard output is the services' log alone."""
    return Console(stderr=True, highlight=False)


class Launcher:
    """What ``./run up`` starts, watches and stops."""

    def __init__(self, settings: Settings, console: Console, *, build_page: bool) -> None:
        self._settings = settings
        self._build_page = build_page and "api" in settings["ROLES"]
        self._console = console
        self._supervisor: Process | None = None
        self._stopping = anyio.Event()
        self._budget = Budget(RESTARTS)

    async def run(self, *, fresh: bool) -> int:
        """Returns the exit code.

        :raises DevstackError: a server or port cannot be had.
        :raises StartRefused: a person has to act.
        """
        settings = self._settings
        if "api" in settings["ROLES"]:
            require_free(settings["API_PORT"], "the API", "API_PORT")
        require_free(settings["METRICS_PORT"], "metrics", "METRICS_PORT")
        code = 0
        # The errors of a task group come as a group; the one that ended it is kept out of it.
        failure: Exception | None = None
        async with anyio.create_task_group() as group:
            await group.start(self._listen_for_signals, group.cancel_scope)
            try:
                code = await self._with_servers(fresh)
            except (DevstackError, StartRefused) as error:
                failure = error
            group.cancel_scope.cancel()
        if failure is not None:
            raise failure
        return code

    async def _listen_for_signals(
        self, scope: anyio.CancelScope, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
            task_status.started()
            async for _ in signals:
                if self._supervisor is None:
                    # Nothing of ours runs yet that could drain: servers are stopped on the way out.
                    self._say("stopping")
                    self._stopping.set()
                    scope.cancel()
                    continue
                self._say("draining" if not self._stopping.is_set() else "cancelling")
                self._stopping.set()
                self._supervisor.send_signal(signal.SIGTERM)

    async def _with_servers(self, fresh: bool) -> int:
        settings = self._settings
        login = (settings["POSTGRES_DB"], settings["POSTGRES_USER"], settings["POSTGRES_PASSWORD"])
        stack = DevStack(
            ROOT / settings["DATA_DIR"],
            kafka_port=None if settings["KAFKA_BROKERS"] else settings["KAFKA_EXTERNAL_PORT"],
            postgres_port=None if settings["POSTGRES_DSN"] else settings["POSTGRES_PORT"],
            postgres_db=login[0],
            postgres_user=login[1],
            postgres_password=login[2],
            cluster_id=settings["KAFKA_KRAFT_CLUSTER_ID"],
            fresh=fresh,
            progress=self._say,
        )
        with self._console.status("starting Kafka and Postgres"):
            addresses = await self._started(stack)
        try:
            known = settings.with_values(
                KAFKA_BROKERS=settings["KAFKA_BROKERS"] or addresses.kafka_brokers,
                POSTGRES_DSN=settings["POSTGRES_DSN"] or addresses.postgres_dsn,
            )
            with self._console.status("creating schema and topics"):
                done = await migrate(known)
            if done:
                self._say(f"schema and topics: {len(done)} things created")
            environ = {
                **environment.environment(),
                "KAFKA_BROKERS": known["KAFKA_BROKERS"],
                "POSTGRES_DSN": known["POSTGRES_DSN"],
            }
            return await self._watched(stack, environ)
        finally:
            with anyio.CancelScope(shield=True), self._console.status("stopping Kafka and Postgres"):
                await stack.stop()

    async def _started(self, stack: DevStack) -> Addresses:
        """Start the servers, and meanwhile build the page; whichever fails first ends the other."""
        failure: DevstackError | None = None
        async with anyio.create_task_group() as group:

            async def part(step: Callable[[], Awaitable[object]]) -> None:
                nonlocal failure
                try:
                    await step()
                except DevstackError as error:
                    failure = failure or error
                    group.cancel_scope.cancel()

            group.start_soon(part, stack.start)
            if self._build_page:
                log = ROOT / self._settings["DATA_DIR"] / "logs" / "page.log"
                group.start_soon(part, partial(build_page, ROOT / "frontend", log, self._say))
        if failure is not None:
            await stack.stop()
            raise failure
        return stack.addresses

    async def _watched(self, stack: DevStack, environ: dict[str, str]) -> int:
        """Supervise the supervisor while the servers are watched."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._keep_servers, stack)
            group.start_soon(self._announce)
            code = await self._keep_supervisor(environ)
            group.cancel_scope.cancel()
        return code

    async def _keep_servers(self, stack: DevStack) -> None:
        while True:
            try:
                await stack.watch()
            except DevstackError as ended:
                self._say(f"{str(ended).splitlines()[0]} Starting it again in {SERVER_PAUSE_S:.0f} s.")
            await anyio.sleep(SERVER_PAUSE_S)
            try:
                await stack.start_ended()
            except DevstackError as error:
                self._say(f"{error}")

    async def _keep_supervisor(self, environ: dict[str, str]) -> int:
        while True:
            code = await self._run_supervisor(environ)
            if self._stopping.is_set() or code == REFUSED:
                return code
            if not self._budget.spend(anyio.current_time(), "supervisor"):
                self._say("the supervisor keeps ending; giving up")
                return code or 1
            self._say(f"the supervisor ended with code {code}; starting it again")
            with anyio.move_on_after(RESTART_PAUSE_S):
                await self._stopping.wait()
            if self._stopping.is_set():
                return code

    async def _run_supervisor(self, environ: dict[str, str]) -> int:
        """Run it until it ends; when this is cancelled, drain it first."""
        self._supervisor = process = await anyio.open_process(
            [sys.executable, str(ROOT / "supervisor.py"), END_WITH_STDIN],
            # It ends when this pipe does, so also when this process is killed.
            stdin=subprocess.PIPE,
            stdout=None,
            stderr=None,
            env=environ,
            start_new_session=True,
        )
        try:
            return await process.wait()
        finally:
            with anyio.CancelScope(shield=True):
                await _end(process)

    async def _announce(self) -> None:
        """Print the addresses once all is ready, and until then now and then what is not."""
        began = anyio.current_time()
        told_at = began
        with self._console.status("starting the services"):
            while (answer := await anyio.to_thread.run_sync(self._ask_ready)) != "":
                if answer is not None and anyio.current_time() - told_at >= STILL_STARTING_S:
                    told_at = anyio.current_time()
                    self._say(f"not ready yet:\n{answer}")
                await anyio.sleep(POLL_S)
        settings = self._settings
        host = "127.0.0.1" if settings["HOST"] == "0.0.0.0" else settings["HOST"]
        self._say(f"ready in {anyio.current_time() - began:.1f} s")
        if "api" in settings["ROLES"]:
            self._say(f"page     http://{host}:{settings['API_PORT']}/")
            self._say(f"API      http://{host}:{settings['API_PORT']}/orders")
        self._say(f"metrics  http://{host}:{settings['METRICS_PORT']}/metrics")
        self._say("Ctrl-C drains and stops everything; the data stays")

    def _ask_ready(self) -> str | None:
        """The lines that are not ready; "" when all are; None when there is no answer yet."""
        url = f"http://127.0.0.1:{self._settings['METRICS_PORT']}/readyz"
        try:
            with urllib.request.urlopen(url, timeout=2):
                return ""
        except urllib.error.HTTPError as error:
            lines = error.read().decode("utf-8", "replace").splitlines()
            return "\n".join(line for line in lines if line.startswith("NOT"))
        except OSError:
            return None

    def _say(self, line: str) -> None:
        self._console.print(f"ordersys: {line}", markup=False, soft_wrap=True)


async def _end(process: Process) -> None:
    """Have a supervisor that still runs drain; kill one that does not end."""
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
        with anyio.move_on_after(STOP_TIMEOUT_S):
            await process.wait()
    if process.returncode is None:
        process.kill()
        await process.wait()
    await process.aclose()
