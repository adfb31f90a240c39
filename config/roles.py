"""What the children of each role run, wired of settings: the same in the main process and in one of its own.

The API's are in ``supervisor.py``: it shows what the whole process does, so it never has one of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from config.settings import Settings
from config.wiring import broker_of, database_of, partitions_of, services_of, tracing_of
from ordersys.adapters import migrations
from ordersys.adapters.kafka import Broker
from ordersys.adapters.postgres import Database
from ordersys.contract import topics
from ordersys.contract.errors import StartRefused
from ordersys.contract.service import Outside, Service, Subscription
from ordersys.runtime.breaker import Breaker
from ordersys.runtime.child import Child
from ordersys.runtime.facts import OnFact, between_processes
from ordersys.runtime.guard import Guard
from ordersys.runtime.janitor import Janitor, Retention
from ordersys.runtime.logs import Logs, configure
from ordersys.runtime.metrics import fan_out
from ordersys.runtime.parking import RetryPolicy
from ordersys.runtime.pipeline import Limits, Pipeline
from ordersys.runtime.reconciler import Patience, Reconciler, Way
from ordersys.runtime.relay import Relay
from ordersys.supervision import ChildContext

ROOT = Path(__file__).parents[1]
Run = Callable[[Child], Awaitable[None]]


class Roles:
    """The children of every role but the API, by name. Nothing is opened before they run.

    ``broker`` is None where no role needs Kafka and nothing says where it is.
    """

    def __init__(self, settings: Settings, on_fact: OnFact, *, needs_kafka: bool = True) -> None:
        """:raises StartRefused: a setting that is needed is missing."""
        self._settings = settings
        self._on_fact = on_fact
        self.services = services_of(settings)
        self.broker = broker_of(settings) if needs_kafka or settings["KAFKA_BROKERS"] else None
        schema = migrations.load(ROOT / "infra" / "postgres")
        # Each connection sees for itself that the schema is there: all wait until it is migrated.
        self.database = Database(
            dsn=database_of(settings).dsn, prove=lambda session: migrations.check(session, schema)
        )
        self._breakers: defaultdict[str, Breaker] = defaultdict(Breaker)
        self._topics_seen = False
        self._limits = Limits(batch_max=settings["BATCH_MAX"])
        self._policy = RetryPolicy(
            attempts_max=settings["RETRY_ATTEMPTS_MAX"],
            first_s=settings["RETRY_FIRST_S"],
            cap_s=max(settings["RETRY_FIRST_S"], settings["RETRY_CAP_S"]),
        )

    def children(self, role: str) -> dict[str, Run]:
        """The children of ``role``, in start order."""
        if role == "relay":
            return {"outbox": self._relay}
        if role == "janitor":
            return {"housekeeping": self._housekeep, "reconciler": self._reconcile}
        (service,) = [each for each in self.services if each.name == role]
        return {each.name: partial(self._pipeline, service, each) for each in service.subscriptions}

    async def kafka(self) -> Broker:
        """The broker, once the topics have been seen with the right number of partitions.

        :raises StartRefused: they have another, or nothing says where Kafka is.
        :raises DependencyUnavailable: Kafka is away.
        """
        if self.broker is None:
            raise StartRefused("this process has no role that uses Kafka")
        if not self._topics_seen:
            await self.broker.check_topics(partitions_of(self._settings))
            self._topics_seen = True
        return self.broker

    async def probe(self) -> None:
        """Ask Kafka and Postgres whether they are there.

        :raises DependencyUnavailable: one is not.
        """
        async with self.database.session() as session:
            await session.execute("select 1")
        if self.broker is not None:
            await self.broker.check_topics(partitions_of(self._settings))

    async def _pipeline(self, service: Service, subscription: Subscription, child: Child) -> None:
        broker = await self.kafka()
        pipeline = Pipeline(
            service,
            subscription,
            names=self._settings.name,
            broker=broker,
            database=self.database,
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

    async def _relay(self, child: Child) -> None:
        relay = Relay(
            database=self.database,
            broker=await self.kafka(),
            on_fact=self._on_fact,
            rows_max=self._settings["RELAY_BATCH_MAX"],
        )
        await relay.run(child)

    async def _housekeep(self, child: Child) -> None:
        retention = Retention(
            claims_days=self._settings["CLAIMS_RETENTION_DAYS"],
            parked_days=self._settings["PARKED_RETENTION_DAYS"],
        )
        await Janitor(database=self.database, retention=retention, on_fact=self._on_fact).run(child)

    async def _reconcile(self, child: Child) -> None:
        name = self._settings.name
        # Whoever is told outside is no part of the flow, and may be away for long.
        groups = {
            name(each.group.env): name(each.topic.env)
            for service in self.services
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
            database=self.database,
            broker=await self.kafka(),
            way=Way(created, status, stages),
            on_fact=self._on_fact,
            patience=Patience(unmoved_s=self._settings["RECONCILE_AFTER_S"]),
        )
        await reconciler.run(child)


class Refused(str):
    """Told by a child in a process of its own: a person has to act. The text says what to do."""


async def run_alone(child: ChildContext, settings: Settings, role: str, name: str) -> None:
    """One child in a process of its own: it writes its log lines and spans itself, and tells its facts."""
    subscribers, close = tracing_of(settings)

    def tell(fact: object) -> None:
        told = between_processes(fact)
        if told is not None:
            child.tell(told)

    on_fact = fan_out(Logs(configure(settings["LOG_LEVEL"])), *subscribers, tell)
    try:
        await Roles(settings, on_fact).children(role)[name](child)
    except StartRefused as refusal:
        child.tell(Refused(refusal))
        await child.wait_draining()
    finally:
        close()
