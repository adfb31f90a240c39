"""Pieces of the flow for the tests: events, records written and read, orders, pipelines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from ordersys.adapters.kafka import Broker, Headers, Message
from ordersys.contract import ids
from ordersys.contract.events import Event, InventoryResult, OrderCreated, PaymentResult, encode
from ordersys.contract.service import Service
from ordersys.contract.topics import Topic
from ordersys.runtime.breaker import Breaker
from ordersys.runtime.facts import BatchCommitted, PartitionsAssigned
from ordersys.runtime.guard import Guard
from ordersys.runtime.parking import RetryPolicy
from ordersys.runtime.pipeline import Limits, Pipeline
from tests.driving import Facts, wait_until
from tests.stack import Environment

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
QUICK = RetryPolicy(attempts_max=1000, first_s=0.01, factor=1.0)
"""Retries as soon as the pipeline looks, and never gives up."""
NEVER = RetryPolicy(attempts_max=1000, first_s=3600.0, factor=1.0, cap_s=3600.0)
"""Retries that do not come up in a test."""

LIMITS = Limits(fetch_wait_ms=50, retry_poll_s=0.05)

_ORDERS = """
insert into orders (id, customer_email, item_sku, quantity, amount_cents, correlation_id,
                    created_at_utc, updated_at_utc)
select id, 'a@example.com', 'SKU-1', 1, 1999, id::text, now(), now() from unnest($1::uuid[]) as row (id)
"""


# -- events ---------------------------------------------------------------------------------------------


def order_created(order_id: str, **changes: Any) -> OrderCreated:
    """A valid ``order.created``."""
    fields = {
        "event_id": ids.created_event_id(order_id),
        "event_type": "order.created",
        "event_version": "v1",
        "occurred_at_utc": AT,
        "correlation_id": order_id,
        "order_id": order_id,
        "source_service": "order-api",
        "customer_email": "a@example.com",
        "item_sku": "SKU-1",
        "quantity": 1,
        "amount_cents": 1999,
        "initial_status": "NEW",
    }
    return OrderCreated(**(fields | changes))


def payment_result(order_id: str, status: Any = "PROCESSED", **changes: Any) -> PaymentResult:
    """Payment's answer to an order."""
    made = PaymentResult.to(order_created(order_id), status, at=AT)
    return msgspec.structs.replace(made, **changes)


def inventory_result(order_id: str, status: Any = "RESERVED", **changes: Any) -> InventoryResult:
    """Inventory's answer to an order."""
    made = InventoryResult.to(order_created(order_id), status, reserved_quantity=1, at=AT)
    return msgspec.structs.replace(made, **changes)


def new_ids(count: int) -> list[str]:
    """Ids of orders."""
    return [str(uuid4()) for _ in range(count)]


# -- Kafka ----------------------------------------------------------------------------------------------


def message(topic: str, event: Event, *, key: bytes | None = None, headers: Headers = ()) -> Message:
    """An event as its service writes it: keyed by its order."""
    return Message(topic, key or event.order_id.encode(), encode(event), list(headers))


async def write(broker: Broker, messages: Iterable[Message]) -> None:
    """Write records, acknowledged."""
    async with broker.publisher() as publisher:
        await publisher.publish(messages)


class Read(NamedTuple):
    """A record of a topic; ``event`` is its value as a dict, or None where it is no JSON object."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, str]

    @property
    def event(self) -> Any:
        return msgspec.json.decode(self.value or b"null")


async def read(environment: Environment, topic: str) -> list[Read]:
    """Every record of a topic up to its present end; in order within each partition."""
    brokers, partitions = environment.broker.brokers, environment.partitions
    consumer = AIOKafkaConsumer(
        bootstrap_servers=brokers, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        tps = [TopicPartition(topic, number) for number in range(partitions)]
        ends = await consumer.end_offsets(tps)
        consumer.assign(tps)
        found: list[Read] = []
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += [
                    Read(r.partition, r.offset, r.key, r.value, {k: v.decode() for k, v in r.headers})
                    for r in records
                ]
    finally:
        await consumer.stop()
    return sorted(found, key=lambda record: (record.partition, record.offset))


# -- Postgres -------------------------------------------------------------------------------------------


async def rows(environment: Environment, sql: str, *args: Any) -> list[Any]:
    """Rows of a statement, on a connection of its own."""
    async with environment.database.session() as session:
        return await session.fetch(sql, *args)


async def new_orders(environment: Environment, count: int, order_ids: Sequence[str] = ()) -> Sequence[str]:
    """Orders in the database, without outbox rows; their ids."""
    order_ids = order_ids or new_ids(count)
    await rows(environment, _ORDERS, order_ids)
    return order_ids


class Parked(NamedTuple):
    """A row of ``parked_events``."""

    id: int
    key: bytes | None
    partition: int
    offset: int
    value: bytes | None
    state: str
    attempts: int
    reason: str
    exception: str | None


# -- services -------------------------------------------------------------------------------------------


class Part(NamedTuple):
    """One subscription of a service in an environment: how to run it, and the names of its surroundings."""

    environment: Environment
    service: Service
    number: int
    facts: Facts

    @property
    def topic(self) -> str:
        """What it reads."""
        return self.environment.name(self.service.subscriptions[self.number].topic.env)

    @property
    def group(self) -> str:
        """The consumer group it is in."""
        return self.environment.name(self.service.subscriptions[self.number].group.env)

    @property
    def dead_letters(self) -> str:
        """Its dead letter topic."""
        return self.environment.name(self.service.dead_letters.env)

    def pipeline(
        self,
        *,
        policy: RetryPolicy = QUICK,
        limits: Limits | None = None,
        broker: Broker | None = None,
        breaker: Breaker | None = None,
    ) -> Pipeline:
        """A new run of it."""
        return Pipeline(
            self.service,
            self.service.subscriptions[self.number],
            names=self.environment.name,
            broker=broker or self.environment.broker,
            database=self.environment.database,
            policy=policy,
            limits=limits or LIMITS,
            guards=lambda group: Guard(Path(self.environment.settings["GUARD_DIR"]), group, 3),
            on_fact=self.facts,
            breaker=breaker,
        )

    async def caught_up(self, deadline_s: float = 15.0) -> None:
        """Return when it has committed all there is to read."""
        async with self.environment.broker.observer([self.topic]) as observer:

            async def no_lag() -> bool:
                positions = (await observer.positions({self.group: self.topic}))[self.group]
                return all(position.end == (position.committed or 0) for position in positions)

            await wait_until(no_lag, f"{self.group} catches up", deadline_s)

    async def committed(self) -> dict[int, int]:
        """What its group has committed, by partition."""
        async with self.environment.broker.observer([self.topic]) as observer:
            positions = (await observer.positions({self.group: self.topic}))[self.group]
        return {each.partition: each.committed for each in positions if each.committed is not None}

    async def rewind(self) -> None:
        """Let its group, which has no member now, begin again."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.environment.broker.brokers, group_id=self.group, enable_auto_commit=False
        )
        await consumer.start()
        try:
            tps = [TopicPartition(self.topic, number) for number in range(self.environment.partitions)]
            consumer.assign(tps)
            await consumer.commit(dict.fromkeys(tps, 0))
        finally:
            await consumer.stop()

    async def parked(self) -> list[Parked]:
        """Its parked rows, finished ones included, oldest first."""
        found = await rows(
            self.environment,
            'select id, key, partition, "offset", value, state, attempts, reason, exception '
            "from parked_events where group_name = $1 order by id",
            self.group,
        )
        return [Parked(*row) for row in found]

    async def nothing_parked(self, deadline_s: float = 15.0) -> None:
        """Return when all it has parked is done with."""

        async def done() -> bool:
            return all(row.state in ("redriven", "discarded") for row in await self.parked())

        await wait_until(done, f"{self.group} is done with what it has parked", deadline_s)

    def assigned(self) -> Sequence[int]:
        """The partitions it owns now."""
        found = self.facts.of(PartitionsAssigned)
        return found[-1].partitions if found else ()

    def outcomes(self) -> dict[str, int]:
        """Events by outcome, over all batches so far."""
        counted: Counter[str] = Counter()
        for fact in self.facts.of(BatchCommitted):
            counted.update(fact.outcomes)
        return {outcome: count for outcome, count in counted.items() if count}


def part(environment: Environment, service: Service, number: int = 0) -> Part:
    """Subscription ``number`` of ``service``."""
    return Part(environment, service, number, Facts())


def topic_of(environment: Environment, topic: Topic) -> str:
    """Deployed name of a topic."""
    return environment.name(topic.env)


def by_key(records: Sequence[Read]) -> dict[bytes | None, list[Read]]:
    """Records by key, in their order."""
    found: dict[bytes | None, list[Read]] = {}
    for record in records:
        found.setdefault(record.key, []).append(record)
    return found
