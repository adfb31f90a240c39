"""One subscription at work: batches from a topic, through a service's function, to committed effects.

With state (and for read models), a batch is::

    fetch → decode → hold back parked keys → load and lock state → drop ids already claimed → decide
          → save state + outbox + parked → commit database → commit offsets

Without state it is::

    fetch → decode → hold back parked keys → decide → publish → park failures → commit offsets

An outside effect's is in ``performing``. Between two batches the owner of the partitions attends to what is
parked in them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter

import anyio
import msgspec

from ordersys.adapters import deliveries, parked
from ordersys.adapters.kafka import Broker, GroupConsumer, Record
from ordersys.adapters.postgres import Database, Session
from ordersys.contract.errors import Conflict, DependencyUnavailable, RowBlamed
from ordersys.contract.service import Outside, Service, Stateful, Stateless, Subscription
from ordersys.runtime import steps
from ordersys.runtime.breaker import Breaker
from ordersys.runtime.child import Child
from ordersys.runtime.facts import BatchCommitted, BatchRunAgain, OnFact, PartitionsAssigned, PartitionsLost
from ordersys.runtime.forms import Applied, ProjectionForm, StatefulForm, StatelessForm
from ordersys.runtime.guard import Killer, NewGuard
from ordersys.runtime.parking import Parking, RetryPolicy
from ordersys.runtime.performing import PerformingWork, taken_max
from ordersys.runtime.steps import Item
from ordersys.runtime.work import CommittingWork, PublishingWork

CONFLICTS_MAX = 10
PROBE_EVERY_S = 1.0

Work = CommittingWork | PublishingWork | PerformingWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of a pipeline: events in a batch, milliseconds of an idle fetch, parked rows in an attempt,
    seconds between two looks at what is parked, seconds a rebalance waits for the batch in hand."""

    batch_max: int = 500
    fetch_wait_ms: int = 200
    heads_max: int = 100
    retry_poll_s: float = 0.5
    revoke_wait_s: float = 10.0


class Pipeline:
    """Runs one subscription of a service. Make one, ``run`` it once, throw it away: state is per run."""

    def __init__(
        self,
        service: Service,
        subscription: Subscription,
        *,
        names: Callable[[str], str],
        broker: Broker,
        database: Database,
        policy: RetryPolicy,
        limits: Limits,
        guards: NewGuard,
        on_fact: OnFact,
        breaker: Breaker | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``names`` gives the deployed name for the variable of a topic or group.

        ``breaker``: of an outside effect's receiver, to outlive this run; None: one of its own.
        """
        if subscription.topic.event is None:
            raise ValueError(f"topic {subscription.topic.env} carries no events to subscribe to")
        self._service = service
        self._subscription = subscription
        self._names = names
        self._topic = names(subscription.topic.env)
        self._group = names(subscription.group.env)
        self._broker = broker
        self._database = database
        self._limits = limits
        self._on_fact = on_fact
        self._clock = clock
        self._decoder = msgspec.json.Decoder(subscription.topic.event)
        self._parking = Parking(
            service=service.source,
            group=self._group,
            dead_letters=names(service.dead_letters.env),
            policy=policy,
            on_fact=on_fact,
        )
        self._guards = guards
        self._breaker = breaker or Breaker()
        form = subscription.form
        self._records_max = min(limits.batch_max, taken_max(form) if isinstance(form, Outside) else 2**31)
        self._busy = anyio.Lock()
        self._parked_keys: set[bytes | None] = set()
        self._generation = 0
        self._retry_at = 0.0
        # Of the last fetch: records not committed yet, and those of them that a batch has left.
        self._open: Sequence[Record] = ()
        self._left: Sequence[Record] = ()
        self._revoking = False

    async def run(self, child: Child) -> None:
        """Join the group and work until draining; then the batch in hand is finished and committed.

        :raises DependencyUnavailable: Kafka or Postgres is away; nothing of the batch in hand is committed.
        """
        async with AsyncExitStack() as stack:
            self._guard = stack.enter_context(self._guards(self._group))
            work = await stack.enter_async_context(self._connect(child))
            consumer = await stack.enter_async_context(
                self._broker.consumer(self._topic, self._group, on_revoked=self._finish_batch)
            )
            probe_at = anyio.current_time() + PROBE_EVERY_S
            while not child.draining:
                await self._take_over(consumer, work, child)
                wait_ms = 0 if self._is_retry_due() else self._limits.fetch_wait_ms
                left = self._left
                records = left or await consumer.fetch(self._records_max, wait_ms)
                if records:
                    async with self._busy:
                        # They may be of partitions that were assigned while the fetch was waiting.
                        await self._take_over(consumer, work, child)
                        if left and not self._left:
                            continue  # given up while this waited
                        child.beat(pending=len(records))
                        await self._batch(records, consumer, work)
                    probe_at = anyio.current_time() + PROBE_EVERY_S
                elif anyio.current_time() >= probe_at:
                    await self._probe(consumer, work)
                    probe_at = anyio.current_time() + PROBE_EVERY_S
                if self._is_retry_due():
                    async with self._busy:
                        await self._attend_to_parked(consumer, work)
                child.beat(done=len(records), pending=consumer.behind())

    async def _batch(self, records: Sequence[Record], consumer: GroupConsumer, work: Work) -> None:
        """One batch, from decoded events to committed offsets."""
        started = perf_counter()
        self._open = self._open if self._left else records
        items = steps.decode(records, self._decoder)
        applied = await self._commit(items, work)
        self._left = [item.record for item in applied.left]
        done, self._open = steps.before(self._open, self._left)
        if done and not await consumer.commit(done):
            self._on_fact(PartitionsLost(service=self._service.name, group=self._group, topic=self._topic))
        self._report(applied, started)

    async def _commit(self, items: Sequence[Item], work: Work) -> Applied:
        """Hold back parked keys, apply the rest, commit both; in parts where the database blames a row."""
        for _ in range(CONFLICTS_MAX):
            free, held = steps.hold_back(items, self._parked_keys)
            try:
                applied = await work.batch(free, held, self._clock())
            except Conflict as conflict:
                self._run_again(conflict, items)
                continue
            except RowBlamed as blamed:
                self._run_again(blamed, items)
                return await self._commit_parts(items, blamed, work)
            self._parked_keys |= {failure.item.key for failure in applied.failures}
            return applied
        raise DependencyUnavailable("postgres", f"a batch met {CONFLICTS_MAX} conflicts in a row")

    async def _commit_parts(self, items: Sequence[Item], blamed: RowBlamed, work: Work) -> Applied:
        """Run a blamed batch key by key, then event by event, so that only the culprit is parked."""
        if len(items) == 1:
            items[0].error = blamed
            return await self._commit(items, work)
        by_key: dict[bytes | None, list[Item]] = {}
        for item in items:
            by_key.setdefault(item.key, []).append(item)
        parts = list(by_key.values()) if len(by_key) > 1 else [[item] for item in items]
        return _sum([await self._commit(part, work) for part in parts])

    async def _attend_to_parked(self, consumer: GroupConsumer, work: Work) -> None:
        """Try what is due, then see which keys are still parked."""
        started = perf_counter()
        partitions = consumer.assignment()
        try:
            attempted = await self._attempt(partitions, work)
            if attempted is not None:
                self._report(attempted, started, retry=True)
            async with self._database_session(work) as session:
                self._parked_keys = await parked.keys(session, self._group, self._topic, partitions)
        except DependencyUnavailable as outage:
            if not work.independent or outage.dependency != "postgres":
                raise
            attempted = None
        # What was held behind a head that has just succeeded is due at once.
        released = attempted is not None and attempted.handled + attempted.duplicates > 0
        self._retry_at = anyio.current_time() + (0.0 if released else self._limits.retry_poll_s)

    async def _attempt(self, partitions: Sequence[int], work: Work) -> Applied | None:
        try:
            return await work.attempt(partitions, self._limits.heads_max, self._clock())
        except Conflict as conflict:
            self._run_again(conflict, ())
            return None

    def _is_retry_due(self) -> bool:
        return bool(self._parked_keys) and anyio.current_time() >= self._retry_at

    async def _probe(self, consumer: GroupConsumer, work: Work) -> None:
        """Nothing arrives: see that this is not because somebody is away."""
        await consumer.probe()
        if work.session is not None:
            await work.session.execute("select 1")

    async def _take_over(self, consumer: GroupConsumer, work: Work, child: Child) -> None:
        """After a rebalance, learn which keys are parked in the partitions assigned now.

        Committed offsets first: what the last owner parked before committing is then seen.
        """
        if consumer.generation == self._generation:
            return
        self._generation = consumer.generation
        self._left = ()
        await consumer.settle()
        partitions = consumer.assignment()
        async with self._database_session(work) as session:
            self._parked_keys = await parked.keys(session, self._group, self._topic, partitions)
        self._on_fact(
            PartitionsAssigned(
                service=self._service.name,
                group=self._group,
                topic=self._topic,
                partitions=partitions,
                parked_keys=len(self._parked_keys),
            )
        )
        child.ready(f"{len(partitions)} partitions")

    async def _finish_batch(self) -> None:
        """Let the batch in hand commit before its partitions are given up."""
        self._revoking = True
        try:
            with anyio.move_on_after(self._limits.revoke_wait_s):
                async with self._busy:
                    # What was left is fetched again, by whoever owns it then.
                    self._left = ()
        finally:
            self._revoking = False

    @asynccontextmanager
    async def _database_session(self, work: Work) -> AsyncIterator[Session]:
        if isinstance(work, PublishingWork):
            async with work.connection() as session:
                yield session
        elif work.session is not None and not work.session.closed:
            yield work.session
        else:
            async with self._database.session() as session:
                yield session

    @asynccontextmanager
    async def _connect(self, child: Child) -> AsyncIterator[Work]:
        """Open what the service's form needs besides the consumer."""
        form = self._subscription.form
        if isinstance(form, Stateless):
            async with self._broker.publisher() as publisher:
                stateless = StatelessForm(form, self._names(form.emits.env), publisher, self._guard)
                with closing(
                    PublishingWork(stateless, self._parking, self._database, self._topic, self._decoder)
                ) as publishing:
                    yield publishing
            return
        if isinstance(form, Outside):
            async with form.opened(), self._database.session() as session:
                yield PerformingWork(
                    form,
                    service=self._service.name,
                    parking=self._parking,
                    session=session,
                    topic=self._topic,
                    decoder=self._decoder,
                    guard=self._guard,
                    breaker=self._breaker,
                    on_fact=self._on_fact,
                    stopping=lambda: child.draining or self._revoking,
                    since=await deliveries.since(session, form.channel),
                )
            return
        async with self._database.session() as session:
            if isinstance(form, Stateful):
                applier: StatefulForm | ProjectionForm = StatefulForm(
                    form, self._names(form.emits.env), self._service.source, self._guard
                )
            else:
                applier = ProjectionForm(form, self._service.name, self._guard)
            yield CommittingWork(applier, self._parking, session, self._topic, self._decoder)

    def _run_again(self, cause: Exception, items: Sequence[Item]) -> None:
        self._on_fact(
            BatchRunAgain(service=self._service.name, group=self._group, cause=str(cause), events=len(items))
        )

    def _report(self, applied: Applied, started: float, *, retry: bool = False) -> None:
        outcomes = Counter({"handled": applied.handled, "duplicate": applied.duplicates})
        outcomes.update(failure.state for failure in applied.failures)
        self._on_fact(
            BatchCommitted(
                service=self._service.name,
                source=self._service.source,
                group=self._group,
                topic=self._topic,
                outcomes=outcomes,
                seconds=perf_counter() - started,
                retry=retry,
                done=applied.done,
                failed=[failure.item for failure in applied.failures],
            )
        )
        for fact in applied.facts:
            self._on_fact(fact)
        self._parking.report(applied.failures)
        self._guard.forget(
            failure.item.record for failure in applied.failures if isinstance(failure.error, Killer)
        )


def _sum(parts: Sequence[Applied]) -> Applied:
    return Applied(
        sum(part.handled for part in parts),
        sum(part.duplicates for part in parts),
        [failure for part in parts for failure in part.failures],
        [fact for part in parts for fact in part.facts],
        [item for part in parts for item in part.done],
        [item for part in parts for item in part.left],
    )
