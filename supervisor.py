"""The composition root: settings → what each role needs → a tree of supervised children → run it.

The one place that names every role. ``python supervisor.py`` runs the roles in ROLES against the Kafka
and Postgres of the environment; ``./run up`` does the same after it has started embedded ones.

The tree, in start order; it drains in reverse, so that intake closes first and the relay empties the
outbox last::

    ordersys ── probes, control, postgres, kafka, feed, relay, janitor, orchestrator, …, api
                                                                             │            │
                                                         a pipeline per subscription     writers, http

``feed`` is what the API reads from Kafka and measures for those who look on: it may wait or fail, and
orders are taken all the same. ``control`` shows this process to others and takes orders from them.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

import msgspec

from config.roles import ROOT, Refused, Roles, Run
from config.settings import Settings, load, read_env_file
from config.wiring import partitions_of, tracing_of
from ordersys.adapters.control import Command
from ordersys.api import server
from ordersys.api.admin import readiness
from ordersys.api.admin.actions import Actions
from ordersys.api.admin.logs import SupervisionLogs
from ordersys.api.admin.metrics import SupervisionMetrics
from ordersys.api.admin.routes import Admin, admin_routes
from ordersys.api.admin.views import Published, view_of
from ordersys.api.app import build_probes_app, utc_now
from ordersys.api.probes import Line
from ordersys.api.reading import Deployment
from ordersys.api.reports import ApiLogs, ApiMetrics
from ordersys.api.role import ApiOptions, ApiRole
from ordersys.contract import topics
from ordersys.contract.errors import DependencyUnavailable, StartRefused
from ordersys.runtime.child import Child
from ordersys.runtime.control import Identity, Presence
from ordersys.runtime.figures import GroupOf
from ordersys.runtime.logs import Lines, Logs, configure
from ordersys.runtime.metrics import Metrics, fan_out
from ordersys.runtime.pulse import pulse
from ordersys.runtime.watch import Watch
from ordersys.supervision import (
    Backoff,
    ChildSpec,
    Fact,
    Intensity,
    NodeSnapshot,
    ProcessStart,
    State,
    Supervisor,
    SupervisorSpec,
    Watchdog,
    run_main,
    serve,
)

PAGE = ROOT / "frontend" / "dist"
START_ORDER = ("relay", "janitor", "orchestrator", "payment", "inventory", "notification", "analytics")
END_WITH_STDIN = "--end-with-stdin"
EXIT_REFUSED = 2
NEVER_S = 1e9


class System:
    """The chosen roles, wired: made from settings alone. Nothing is opened before ``supervisor`` runs.

    ``refusal`` is what ended it, when a person has to act.
    """

    def __init__(self, settings: Settings, lines: Lines) -> None:
        self._settings = settings
        self._chosen: tuple[str, ...] = settings["ROLES"]
        self.refusal: StartRefused | None = None
        self.metrics = Metrics()
        registry = self.metrics.registry
        subscribers, self.close = tracing_of(settings)
        self._on_fact = fan_out(
            Logs(lines),
            self.metrics,
            ApiLogs(),
            ApiMetrics(registry),
            SupervisionLogs(),
            SupervisionMetrics(registry, self._snapshot, self._loop_lag_s),
            self._publish_change,
            *subscribers,
        )
        # The API alone shows what is in Kafka when it is told where that is, and does without.
        self._needs_kafka = bool(set(self._chosen) - {"api"})
        self._roles = Roles(settings, self._on_fact, needs_kafka=self._needs_kafka)
        # Half of what the child has: the other half is for what is left when the answers are given.
        self._server_limits = server.ServerLimits(
            drain_timeout_s=max(1, int(settings["DRAIN_TIMEOUT_S"] / 2))
        )
        self._identity = Identity(roles=self._chosen)
        self._presence = Presence(
            database=self._roles.database,
            identity=self._identity,
            snapshot=lambda: msgspec.json.encode(self._published()).decode(),
            carry_out=self._carry_out,
        )
        self._api_role = self._make_api() if "api" in self._chosen else None
        exit_s = settings["WATCHDOG_EXIT_S"]
        self.watchdog = (
            Watchdog(dump_after_s=min(2.0, exit_s), exit_after_s=exit_s, on_fact=self._on_fact)
            if exit_s
            else None
        )
        self.supervisor = Supervisor(
            self.tree(),
            waits_on=(DependencyUnavailable,),
            on_fact=self._on_fact,
            on_message=self._hear,
        )
        self._actions = Actions(self.supervisor, chaos=settings["CHAOS_ENABLED"], on_fact=self._on_fact)

    def tree(self) -> SupervisorSpec:
        """Every role a supervisor of its own, so that one that keeps failing fails alone."""
        api, roles = self._api_role, self._roles
        children = [
            self._role("probes", {"http": self._serve_probes}),
            self._role("control", {"presence": self._presence.run}),
            self._role("postgres", {"pulse": partial(pulse, roles.database)}),
            *([self._role("kafka", {"watch": self._watch})] if roles.broker else []),
            *([self._role("feed", api.feed_children(roles.broker))] if api else []),
            *(self._role(role, roles.children(role)) for role in START_ORDER if role in self._chosen),
            *([self._role("api", api.children())] if api else []),
        ]
        return SupervisorSpec(id="ordersys", children=tuple(children))

    def _role(self, name: str, runs: Mapping[str, Run]) -> SupervisorSpec:
        settings = self._settings
        backoff = Backoff(
            first_s=settings["BACKOFF_FIRST_S"],
            cap_s=max(settings["BACKOFF_FIRST_S"], settings["BACKOFF_CAP_S"]),
        )
        alone = name in settings["ISOLATION"]
        children = tuple(
            ChildSpec(
                id=child,
                start=self._alone(name, child) if alone else self._refusable(run),
                isolation="process" if alone else "task",
                drain_timeout_s=settings["DRAIN_TIMEOUT_S"],
                backoff=backoff,
                max_silence_s=settings["SILENCE_MAX_S"],
                probe=self._roles.probe,
            )
            for child, run in runs.items()
        )
        intensity = Intensity(max_restarts=settings["RESTARTS_MAX"], within_s=settings["RESTARTS_WITHIN_S"])
        return SupervisorSpec(
            id=name, children=children, intensity=intensity, on_give_up="mark_failed", backoff=backoff
        )

    def _alone(self, role: str, child: str) -> ProcessStart:
        return ProcessStart(
            "config.roles:run_alone",
            (self._settings, role, child),
            block_timeout_s=self._settings["WATCHDOG_EXIT_S"] or NEVER_S,
        )

    def _hear(self, _path: str, message: object) -> None:
        """What a child in a process of its own has told: its facts, counted here for one ``/metrics``."""
        if isinstance(message, Refused):
            self._refuse(StartRefused(message))
        else:
            self.metrics(message)

    def _make_api(self) -> ApiRole:
        settings = self._settings
        token = settings["ADMIN_TOKEN"]
        options = ApiOptions(
            host=settings["HOST"],
            port=settings["API_PORT"],
            order_created=settings.name(topics.ORDER_CREATED.env),
            order_status_changed=settings.name(topics.ORDER_STATUS_CHANGED.env),
            topics=tuple(partitions_of(settings)),
            groups=self._groups(),
            deployment=Deployment(
                services=self._roles.services, names=settings.name, partitions=settings["PARTITIONS"]
            ),
            feed_streams_max=settings["FEED_STREAMS_MAX"],
            cors_origins=settings["UI_ORIGINS"],
            intake_batch_max=settings["INTAKE_BATCH_MAX"],
            intake_queue_max=settings["INTAKE_QUEUE_MAX"],
            limits=self._server_limits,
            page=PAGE,
        )
        return ApiRole(
            database=self._roles.database,
            broker=self._roles.broker,
            options=options,
            readiness=lambda: self._lines(("api", "postgres")),
            render_metrics=self.metrics.render,
            on_fact=self._on_fact,
            more_routes=lambda: [admin_routes(self._admin(), token)] if token else [],
        )

    # -- what every process has -------------------------------------------------------------------------

    async def _serve_probes(self, child: Child) -> None:
        app = build_probes_app(
            readiness=self._lines, render_metrics=self.metrics.render, on_fact=self._on_fact
        )
        await server.serve(
            app,
            child,
            host=self._settings["HOST"],
            port=self._settings["METRICS_PORT"],
            limits=self._server_limits,
            on_fact=self._on_fact,
        )

    async def _watch(self, child: Child) -> None:
        """Looks at all groups if the API shows them, and judges those that run here."""
        name = self._settings.name
        here = {
            name(each.group.env): f"{service.name}/{each.name}"
            for service in self._roles.services
            if service.name in self._chosen
            for each in service.subscriptions
        }
        groups = {group: of.topic for group, of in self._groups().items()}
        api = self._api_role

        def excused(group: str) -> bool:
            """Who waits, starts or was stopped is known to stand still."""
            path = here[group]
            return not any(
                each.path == path and each.state is State.READY for each in self._snapshot().walk()
            )

        def stalled(group: str) -> None:
            self.supervisor.restart(here[group], "its group stands still although there is lag")

        broker = self._roles.broker
        # What is wrong with the topics must not stop an API, which needs none.
        if broker is None or self._needs_kafka:
            broker = await self._roles.kafka()
        watch = Watch(
            broker=broker,
            groups=groups if api else {group: groups[group] for group in here},
            topics=tuple(partitions_of(self._settings)) if api else (),
            owned=here,
            on_fact=self._on_fact,
            on_stall=stalled,
            excused=excused,
            on_sighting=api.saw_kafka if api else lambda _: None,
            stall_s=self._settings["STALL_S"],
        )
        await watch.run(child)

    def _groups(self) -> dict[str, GroupOf]:
        """Every consumer group, by its deployed name, whether or not it runs here."""
        name = self._settings.name
        return {
            name(each.group.env): GroupOf(service.name, name(each.topic.env))
            for service in self._roles.services
            for each in service.subscriptions
        }

    def _refusable(self, run: Run) -> Run:
        """``run``, whose StartRefused ends the process in order: no restart can mend it."""

        async def start(child: Child) -> None:
            try:
                await run(child)
            except StartRefused as refusal:
                self._refuse(refusal)
                await child.wait_draining()

        return start

    def _refuse(self, refusal: StartRefused) -> None:
        if self.refusal is None:
            self.refusal = refusal
            self.supervisor.drain()

    # -- what is seen of it, and asked of it ------------------------------------------------------------

    def _admin(self) -> Admin:
        return Admin(
            database=self._roles.database,
            identity=self._identity,
            view=self._published,
            actions=self._actions,
            chaos=self._settings["CHAOS_ENABLED"],
            clock=utc_now,
        )

    def _carry_out(self, command: Command) -> tuple[str, str]:
        return self._actions.take(command.action, command.path, command.reason, command.asked_by)

    def _published(self) -> Published:
        tree = view_of(self._snapshot(), now=time.monotonic(), chaos=self._settings["CHAOS_ENABLED"])
        return Published(loop_lag_s=self._loop_lag_s(), tree=tree)

    def _publish_change(self, fact: object) -> None:
        if isinstance(fact, Fact):
            self._presence.changed()

    def _snapshot(self) -> NodeSnapshot:
        return self.supervisor.snapshot()

    def _loop_lag_s(self) -> float:
        return self.watchdog.lag_max_s if self.watchdog is not None else 0.0

    def _lines(self, only: tuple[str, ...] | None = None) -> list[Line]:
        return readiness.lines(self._snapshot(), only)


@contextmanager
def ending_with_stdin(supervisor: Supervisor) -> Iterator[None]:
    """Drain when standard input ends: whoever started this process holds its other end."""
    loop = asyncio.get_running_loop()

    def read() -> None:
        if not os.read(0, 4096):
            loop.remove_reader(0)
            supervisor.drain()

    loop.add_reader(0, read)
    try:
        yield
    finally:
        loop.remove_reader(0)


async def run_program(system: System, *, end_with_stdin: bool) -> int:
    """Run ``system`` until a signal has drained it; the exit code."""
    with ending_with_stdin(system.supervisor) if end_with_stdin else nullcontext():
        code = await serve(system.supervisor, watchdog=system.watchdog)
    system.close()
    return refused(system.refusal) if system.refusal is not None else code


def refused(error: StartRefused) -> int:
    """Tell a person what has to be changed."""
    print(f"ordersys: {error}", file=sys.stderr)  # noqa: T201 - logging may not be configured yet
    return EXIT_REFUSED


def main(arguments: list[str] | None = None) -> int:
    """Run until drained: 0. 1: supervision gave up. 2: a setting, or what is around, has to be changed.

    70: something is broken, such as a loop that was blocked; whoever runs this starts it again.
    """
    given = sys.argv[1:] if arguments is None else arguments
    try:
        settings = load({**read_env_file(Path(".env")), **os.environ})
        system = System(settings, configure(settings["LOG_LEVEL"]))
    except StartRefused as error:
        return refused(error)
    return run_main(partial(run_program, system, end_with_stdin=END_WITH_STDIN in given))


if __name__ == "__main__":
    sys.exit(main())
