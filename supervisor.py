"""The composition root: settings → what each role needs → a tree of supervised children → run it.

The one place that names every role. ``python supervisor.py`` runs the roles in ROLES against the Kafka
and Postgres of the environment; ``./run up`` does the same after it has started embedded ones.

The tree, in start order; it drains in reverse, so that intake closes first and the relay empties the
outbox last::

    ordersys ── probes, postgres, kafka, feed, relay, janitor, orchestrator, …, api
                                                                    │            │
                                                a pipeline per subscription     writers, http

``feed`` is what the API reads from Kafka and measures for those who look on: it may wait or fail, and
orders are taken all the same.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

from config.settings import Settings, load, read_env_file
from config.wiring import broker_of, database_of, partitions_of, services_of, tracing_of
from ordersys.adapters import migrations
from ordersys.adapters.kafka import Broker
from ordersys.adapters.postgres import Database
from ordersys.api import server
from ordersys.api.admin import readiness
from ordersys.api.admin.logs import SupervisionLogs
from ordersys.api.admin.metrics import SupervisionMetrics
from ordersys.api.app import build_probes_app
from ordersys.api.probes import Line
from ordersys.api.reading import Deployment
from ordersys.api.reports import ApiLogs, ApiMetrics
from ordersys.api.role import ApiOptions, ApiRole
from ordersys.contract import topics
from ordersys.contract.errors import DependencyUnavailable, StartRefused
from ordersys.contract.service import Outside, Service, Subscription
from ordersys.runtime.breaker import Breaker
from ordersys.runtime.child import Child
from ordersys.runtime.figures import GroupOf
from ordersys.runtime.guard import Guard
from ordersys.runtime.janitor import Janitor, Retention
from ordersys.runtime.logs import Lines, Logs, configure
from ordersys.runtime.metrics import Metrics, fan_out
from ordersys.runtime.parking import RetryPolicy
from ordersys.runtime.pipeline import Limits, Pipeline
from ordersys.runtime.pulse import pulse
from ordersys.runtime.reconciler import Patience, Reconciler, Way
from ordersys.runtime.relay import Relay
from ordersys.runtime.watch import Watch
from ordersys.supervision import (
    Backoff,
    ChildSpec,
    Intensity,
    NodeSnapshot,
    State,
    Supervisor,
    SupervisorSpec,
    Watchdog,
    run_main,
    serve,
)

ROOT = Path(__file__).parent
MIGRATIONS = ROOT / "infra" / "postgres"
PAGE = ROOT / "frontend" / "dist"
START_ORDER = ("relay", "janitor", "orchestrator", "payment", "inventory", "notification", "analytics", "api")
WITHOUT_KAFKA = frozenset({"api"})
END_WITH_STDIN = "--end-with-stdin"
EXIT_REFUSED = 2
Run = Callable[[Child], Awaitable[None]]


class System:
    """The chosen roles, wired: made from settings alone. Nothing is opened before ``supervisor`` runs.

    ``refusal`` is what ended it, when a person has to act.
    """

    def __init__(self, settings: Settings, lines: Lines) -> None:
        self._settings = settings
        self._roles: tuple[str, ...] = settings["ROLES"]
        self._services = services_of(settings)
        self._breakers: defaultdict[str, Breaker] = defaultdict(Breaker)
        self._needs_kafka = bool(set(self._roles) - WITHOUT_KAFKA)
        # The API shows what is in Kafka when it is told where that is, and does without.
        shows_kafka = "api" in self._roles and bool(settings["KAFKA_BROKERS"])
        self._broker = broker_of(settings) if self._needs_kafka or shows_kafka else None
        schema = migrations.load(MIGRATIONS)
        # Each connection sees for itself that the schema is there: all wait until it is migrated.
        self._database = Database(
            dsn=database_of(settings).dsn, prove=lambda session: migrations.check(session, schema)
        )
        self._topics_seen = False
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
            *subscribers,
        )
        self._limits = Limits(batch_max=settings["BATCH_MAX"])
        self._policy = RetryPolicy(
            attempts_max=settings["RETRY_ATTEMPTS_MAX"],
            first_s=settings["RETRY_FIRST_S"],
            cap_s=max(settings["RETRY_FIRST_S"], settings["RETRY_CAP_S"]),
        )
        # Half of what the child has: the other half is for what is left when the answers are given.
        self._server_limits = server.ServerLimits(
            drain_timeout_s=max(1, int(settings["DRAIN_TIMEOUT_S"] / 2))
        )
        self._api_role = self._make_api() if "api" in self._roles else None
        exit_s = settings["WATCHDOG_EXIT_S"]
        self.watchdog = (
            Watchdog(dump_after_s=min(2.0, exit_s), exit_after_s=exit_s, on_fact=self._on_fact)
            if exit_s
            else None
        )
        self.supervisor = Supervisor(self.tree(), waits_on=(DependencyUnavailable,), on_fact=self._on_fact)

    def tree(self) -> SupervisorSpec:
        """Every role a supervisor of its own, so that one that keeps failing fails alone."""
        parts: dict[str, Callable[[], dict[str, Run]]] = {
            "relay": self._relay,
            "janitor": self._janitor,
            **{service.name: partial(self._service, service) for service in self._services},
            "api": self._api_role.children if self._api_role else dict,
        }
        roles = [self._role(role, parts[role]()) for role in START_ORDER if role in self._roles]
        children = [
            self._role("probes", {"http": self._serve_probes}),
            self._role("postgres", {"pulse": partial(pulse, self._database)}),
            *([self._role("kafka", {"watch": self._watch})] if self._broker else []),
            *([self._role("feed", self._api_role.feed_children(self._broker))] if self._api_role else []),
            *roles,
        ]
        return SupervisorSpec(id="ordersys", children=tuple(children))

    def _role(self, name: str, runs: Mapping[str, Run]) -> SupervisorSpec:
        settings = self._settings
        backoff = Backoff(
            first_s=settings["BACKOFF_FIRST_S"],
            cap_s=max(settings["BACKOFF_FIRST_S"], settings["BACKOFF_CAP_S"]),
        )
        children = tuple(
            ChildSpec(
                id=child,
                start=self._refusable(run),
                drain_timeout_s=settings["DRAIN_TIMEOUT_S"],
                backoff=backoff,
            )
            for child, run in runs.items()
        )
        intensity = Intensity(max_restarts=settings["RESTARTS_MAX"], within_s=settings["RESTARTS_WITHIN_S"])
        return SupervisorSpec(
            id=name, children=children, intensity=intensity, on_give_up="mark_failed", backoff=backoff
        )

    # -- roles: each gives its children by name ---------------------------------------------------------

    def _service(self, service: Service) -> dict[str, Run]:
        return {
            subscription.name: partial(self._pipeline, service, subscription)
            for subscription in service.subscriptions
        }

    async def _pipeline(self, service: Service, subscription: Subscription, child: Child) -> None:
        broker = await self._topics_there()
        pipeline = Pipeline(
            service,
            subscription,
            names=self._settings.name,
            broker=broker,
            database=self._database,
            policy=self._policy,
            limits=self._limits,
            guards=self._guard,
            on_fact=self._on_fact,
            breaker=self._breakers[subscription.group.env],
        )
        await pipeline.run(child)

    def _guard(self, group: str) -> Guard:
        directory = ROOT / self._settings["GUARD_DIR"]
        try:
            return Guard(directory, group, self._policy.attempts_max)
        except OSError as error:
            raise StartRefused(f"GUARD_DIR is {directory}, which cannot be used: {error}") from error

    def _relay(self) -> dict[str, Run]:
        async def relay(child: Child) -> None:
            broker = await self._topics_there()
            rows_max = self._settings["RELAY_BATCH_MAX"]
            relay = Relay(database=self._database, broker=broker, on_fact=self._on_fact, rows_max=rows_max)
            await relay.run(child)

        return {"outbox": relay}

    def _janitor(self) -> dict[str, Run]:
        retention = Retention(
            claims_days=self._settings["CLAIMS_RETENTION_DAYS"],
            parked_days=self._settings["PARKED_RETENTION_DAYS"],
        )

        async def janitor(child: Child) -> None:
            await Janitor(database=self._database, retention=retention, on_fact=self._on_fact).run(child)

        return {"housekeeping": janitor, "reconciler": self._reconcile}

    async def _reconcile(self, child: Child) -> None:
        name = self._settings.name
        # Whoever is told outside is no part of the flow, and may be away for long.
        groups = {
            name(each.group.env): name(each.topic.env)
            for service in self._services
            for each in service.subscriptions
            if not isinstance(each.form, Outside)
        }
        created, status = name(topics.ORDER_CREATED.env), name(topics.ORDER_STATUS_CHANGED.env)
        results = {name(topics.PAYMENT_RESULT.env), name(topics.INVENTORY_RESULT.env)}
        stages = [
            {group: topic for group, topic in groups.items() if topic in stage}
            for stage in ({created}, results, {status})
        ]
        reconciler = Reconciler(
            database=self._database,
            broker=await self._topics_there(),
            way=Way(created, status, stages),
            on_fact=self._on_fact,
            patience=Patience(unmoved_s=self._settings["RECONCILE_AFTER_S"]),
        )
        await reconciler.run(child)

    def _make_api(self) -> ApiRole:
        settings = self._settings
        options = ApiOptions(
            host=settings["HOST"],
            port=settings["API_PORT"],
            order_created=settings.name(topics.ORDER_CREATED.env),
            order_status_changed=settings.name(topics.ORDER_STATUS_CHANGED.env),
            topics=tuple(partitions_of(settings)),
            groups=self._groups(),
            deployment=Deployment(
                services=self._services, names=settings.name, partitions=settings["PARTITIONS"]
            ),
            feed_streams_max=settings["FEED_STREAMS_MAX"],
            cors_origins=settings["UI_ORIGINS"],
            intake_batch_max=settings["INTAKE_BATCH_MAX"],
            intake_queue_max=settings["INTAKE_QUEUE_MAX"],
            limits=self._server_limits,
            page=PAGE,
        )
        return ApiRole(
            database=self._database,
            broker=self._broker,
            options=options,
            readiness=lambda: self._lines(("api", "postgres")),
            render_metrics=self.metrics.render,
            on_fact=self._on_fact,
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
            for service in self._services
            if service.name in self._roles
            for each in service.subscriptions
        }
        groups = {group: of.topic for group, of in self._groups().items()}
        api = self._api_role

        def stalled(group: str) -> None:
            path = here[group]
            # Who waits is known to stand still, and tries again by itself.
            if not any(each.path == path and each.state is State.WAITING for each in self._snapshot().walk()):
                self.supervisor.restart(path, "its group stands still although there is lag")

        if self._broker is None or self._needs_kafka:
            broker = await self._topics_there()
        else:
            # What is wrong with the topics must not stop an API, which needs none.
            broker = self._broker
        watch = Watch(
            broker=broker,
            groups=groups if api else {group: groups[group] for group in here},
            topics=tuple(partitions_of(self._settings)) if api else (),
            owned=here,
            on_fact=self._on_fact,
            on_stall=stalled,
            on_sighting=api.saw_kafka if api else lambda _: None,
            stall_s=self._settings["STALL_S"],
        )
        await watch.run(child)

    def _groups(self) -> dict[str, GroupOf]:
        """Every consumer group, by its deployed name, whether or not it runs here."""
        name = self._settings.name
        return {
            name(each.group.env): GroupOf(service.name, name(each.topic.env))
            for service in self._services
            for each in service.subscriptions
        }

    async def _topics_there(self) -> Broker:
        """The broker, once the topics have been seen with the right number of partitions."""
        if self._broker is None:
            raise StartRefused("this process has no role that uses Kafka")
        if not self._topics_seen:
            await self._broker.check_topics(partitions_of(self._settings))
            self._topics_seen = True
        return self._broker

    def _refusable(self, run: Run) -> Run:
        """``run``, whose StartRefused ends the process in order: no restart can mend it."""

        async def start(child: Child) -> None:
            try:
                await run(child)
            except StartRefused as refusal:
                if self.refusal is None:
                    self.refusal = refusal
                    self.supervisor.drain()
                await child.wait_draining()

        return start

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
