"""Kafka: group consumers, batch publishers, topics and lag. The only import of aiokafka.

Every error of the client is an outage here (:class:`DependencyUnavailable`): a broker that refuses or
does not answer is no event's fault. A lost partition is no error at all: what was done for it is safe by
its ids, and its new owner does the rest.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import anyio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    CommitFailedError,
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    IllegalGenerationError,
    IllegalStateError,
    KafkaError,
    NotCoordinatorForGroupError,
    RebalanceInProgressError,
    TopicAlreadyExistsError,
    UnknownMemberIdError,
    for_code,
)

from ordersys.adapters.groups import unwrapped
from ordersys.contract.errors import DependencyUnavailable, StartRefused
from ordersys.contract.topics import partition_of

Headers = Sequence[tuple[str, bytes]]

LOST_PARTITION = (
    CommitFailedError,
    IllegalStateError,
    IllegalGenerationError,
    UnknownMemberIdError,
    RebalanceInProgressError,
)
NO_COORDINATOR_YET = (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)
BATCH_BYTES_MAX = 1_000_000
REQUEST_BYTES_MAX = 2_097_152
STOP_TIMEOUT_S = 5.0
PICK_BYTES_MAX = 65_536
PICK_WAIT_MS = 1_000


class Record(Protocol):
    """A record as read; offsets count from 0 within a partition."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Headers: ...


class Message(NamedTuple):
    """A record to write. ``key`` decides its partition."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers


class Position(NamedTuple):
    """Where one group stands in one partition: ``committed`` is None before the first commit."""

    topic: str
    partition: int
    end: int
    committed: int | None


class Spot(NamedTuple):
    """The place of one record in the log."""

    topic: str
    partition: int
    offset: int


class Sighting(NamedTuple):
    """What an observer saw: the end offsets of each topic by partition, and where each group stands."""

    ends: Mapping[str, Sequence[int]]
    groups: Mapping[str, Sequence[Position]]


@contextmanager
def translated() -> Iterator[None]:
    """Turn the client's errors into :class:`DependencyUnavailable`.

    Among them is a cancellation that is not ours: when its connection is lost the client cancels its own
    tasks and futures, and whoever awaits one of them is told so by CancelledError.
    """
    try:
        yield
    except (KafkaError, TimeoutError, OSError) as error:
        raise DependencyUnavailable("kafka", str(error) or type(error).__name__) from error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise DependencyUnavailable("kafka", "the client gave up what it was doing") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """How to reach Kafka. Every wait on it has a limit, in milliseconds or seconds by its name."""

    brokers: str
    client_id: str = "ordersys"
    request_timeout_ms: int = 10_000
    session_timeout_ms: int = 10_000
    rebalance_timeout_ms: int = 30_000
    start_timeout_s: float = 15.0

    @asynccontextmanager
    async def publisher(self) -> AsyncIterator[Publisher]:
        """An idempotent producer with acks=all, of the caller's own."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.brokers,
            client_id=self.client_id,
            acks="all",
            enable_idempotence=True,
            max_batch_size=BATCH_BYTES_MAX,
            max_request_size=REQUEST_BYTES_MAX,
            request_timeout_ms=self.request_timeout_ms,
            metadata_max_age_ms=30_000,
        )
        async with self._running(producer):
            yield Publisher(producer)

    @asynccontextmanager
    async def consumer(
        self, topic: str, group: str, *, on_revoked: Callable[[], Awaitable[None]]
    ) -> AsyncIterator[GroupConsumer]:
        """A member of ``group`` reading ``topic`` from the start of what the group has not committed.

        ``on_revoked`` is awaited before partitions are given up: it lets the batch in hand finish.
        """
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.brokers,
            client_id=self.client_id,
            group_id=group,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            session_timeout_ms=self.session_timeout_ms,
            heartbeat_interval_ms=self.session_timeout_ms // 4,
            rebalance_timeout_ms=self.rebalance_timeout_ms,
            request_timeout_ms=max(self.request_timeout_ms, self.rebalance_timeout_ms + 5_000),
            metadata_max_age_ms=30_000,
        )
        member = GroupConsumer(consumer, on_revoked)
        consumer.subscribe([topic], listener=member)
        async with self._running(consumer):
            yield member

    @asynccontextmanager
    async def observer(self, topics: Sequence[str]) -> AsyncIterator[Observer]:
        """Sees the ends of partitions and what groups have committed, without being in any group."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.brokers,
            client_id=f"{self.client_id}-observer",
            enable_auto_commit=False,
            request_timeout_ms=self.request_timeout_ms,
        )
        admin = AIOKafkaAdminClient(
            bootstrap_servers=self.brokers, request_timeout_ms=self.request_timeout_ms
        )
        async with self._running(consumer), self._running(admin):
            yield Observer(consumer, admin, tuple(topics))

    @asynccontextmanager
    async def tail(self, topics: Sequence[str]) -> AsyncIterator[Tail]:
        """Reads every partition of ``topics`` from offsets of the caller's choice, in no group.

        :raises DependencyUnavailable: no broker answers, or a topic is not there yet.
        """
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.brokers,
            client_id=f"{self.client_id}-tail",
            enable_auto_commit=False,
            auto_offset_reset="none",
            request_timeout_ms=self.request_timeout_ms,
            metadata_max_age_ms=30_000,
        )
        admin = AIOKafkaAdminClient(
            bootstrap_servers=self.brokers, request_timeout_ms=self.request_timeout_ms
        )
        async with self._running(admin):
            with translated(), anyio.fail_after(10):
                cluster = (await admin.describe_cluster())["cluster_id"]
                described = {
                    each["topic"]: len(each["partitions"])
                    for each in await admin.describe_topics(list(topics))
                }
        if missing := [topic for topic in topics if not described.get(topic)]:
            raise DependencyUnavailable("kafka", f"topics not created yet: {', '.join(missing)}")
        tps = [TopicPartition(topic, number) for topic in topics for number in range(described[topic])]
        async with self._running(consumer):
            yield Tail(consumer, str(cluster), tps)

    @asynccontextmanager
    async def picker(self) -> AsyncIterator[Picker]:
        """Reads single records, in no group."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.brokers,
            client_id=f"{self.client_id}-picker",
            enable_auto_commit=False,
            auto_offset_reset="none",
            request_timeout_ms=self.request_timeout_ms,
            max_partition_fetch_bytes=PICK_BYTES_MAX,
        )
        async with self._running(consumer):
            yield Picker(consumer)

    async def create_topics(
        self, partitions: Mapping[str, int], *, keep: Iterable[str], replication: int = 1
    ) -> list[str]:
        """Create those of the topics that are missing; returns their names. ``keep``: retention -1.

        :raises StartRefused: a topic exists with another partition count.
        :raises DependencyUnavailable: no broker answers.
        """
        kept = set(keep)
        await self.check_topics(partitions, missing_ok=True)
        admin = AIOKafkaAdminClient(
            bootstrap_servers=self.brokers, request_timeout_ms=self.request_timeout_ms
        )
        async with self._running(admin):
            with translated():
                present = set(await admin.list_topics())
                wanted = [
                    NewTopic(
                        name,
                        count,
                        replication,
                        topic_configs={"retention.ms": "-1"} if name in kept else {},
                    )
                    for name, count in partitions.items()
                    if name not in present
                ]
                if not wanted:
                    return []
                answer = await admin.create_topics(wanted)
                for _, code, *rest in answer.topic_errors:
                    error = for_code(code)
                    if code and error is not TopicAlreadyExistsError:
                        raise error(*rest)
        return [topic.name for topic in wanted]

    async def check_topics(self, partitions: Mapping[str, int], *, missing_ok: bool = False) -> None:
        """See that every topic is there with its partition count.

        :raises StartRefused: a topic has another partition count.
        :raises DependencyUnavailable: a topic is missing, or no broker answers.
        """
        admin = AIOKafkaAdminClient(
            bootstrap_servers=self.brokers, request_timeout_ms=self.request_timeout_ms
        )
        async with self._running(admin):
            with translated():
                present = set(await admin.list_topics())
                described = await admin.describe_topics([name for name in partitions if name in present])
        for topic in described:
            name, found = topic["topic"], len(topic["partitions"])
            if found != partitions[name]:
                raise StartRefused(
                    f"topic {name} has {found} partitions and PARTITIONS is {partitions[name]}: set "
                    f"PARTITIONS to {found}, or give the topic a new name, or delete it if its records may go"
                )
        missing = [name for name in partitions if name not in present]
        if missing and not missing_ok:
            raise DependencyUnavailable("kafka", f"topics not created yet: {', '.join(missing)}")

    @asynccontextmanager
    async def _running(self, client: Any) -> AsyncIterator[None]:
        """Start a client, and stop it whatever happens: a started one left behind goes on heartbeating."""
        stop = client.close if isinstance(client, AIOKafkaAdminClient) else client.stop
        try:
            with translated():
                with anyio.fail_after(self.start_timeout_s):
                    await client.start()
            yield
        finally:
            await _stopped(stop)


async def _stopped(stop: Callable[[], Awaitable[None]]) -> None:
    """Stop a client, within ``STOP_TIMEOUT_S``. In a task of its own, so that its errors stay its own."""
    log = logging.getLogger(__name__)
    stopping = asyncio.ensure_future(stop())
    with anyio.CancelScope(shield=True):
        await asyncio.wait({stopping}, timeout=STOP_TIMEOUT_S)
    if not stopping.done():
        stopping.cancel()
        log.warning("kafka client did not stop in %s s", STOP_TIMEOUT_S)
    elif not stopping.cancelled() and (error := stopping.exception()) is not None:
        log.debug("kafka client did not stop cleanly: %s", error)


class GroupConsumer(ConsumerRebalanceListener):  # type: ignore[misc]
    """One member of a consumer group. ``generation`` grows whenever partitions are assigned anew."""

    def __init__(self, consumer: AIOKafkaConsumer, on_revoked: Callable[[], Awaitable[None]]) -> None:
        self._consumer = consumer
        self._on_revoked = on_revoked
        self._fetched: dict[TopicPartition, int] = {}
        self.generation = 0

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Called by the client before it rejoins; what it raises would only be logged, so nothing may."""
        if revoked:
            await self._on_revoked()

    async def on_partitions_assigned(self, assigned: Any) -> None:  # noqa: ARG002
        """Called by the client after a rebalance."""
        self._fetched.clear()
        self.generation += 1

    def assignment(self) -> list[int]:
        """Numbers of the partitions owned now."""
        return sorted(tp.partition for tp in self._consumer.assignment())

    def behind(self) -> int:
        """Records of its partitions that it has not fetched, as far as the client knows; asks nobody."""
        return sum(
            max(0, (self._consumer.highwater(tp) or 0) - at)
            for tp in self._consumer.assignment()
            if (at := self._fetched.get(tp)) is not None
        )

    async def fetch(self, records_max: int, timeout_ms: int) -> list[Record]:
        """Next records, in order within each partition; empty after ``timeout_ms``.

        Never put a cancel scope around it: an interrupted fetch wedges the client (aiokafka#1154).
        """
        with translated():
            found = await self._consumer.getmany(timeout_ms=timeout_ms, max_records=records_max)
        for tp, records in found.items():
            self._fetched[tp] = records[-1].offset + 1
        return [record for records in found.values() for record in records]

    async def commit(self, records: Sequence[Record]) -> bool:
        """Commit the offsets after ``records``; False when a partition is no longer ours."""
        offsets: dict[TopicPartition, int] = {}
        for record in records:
            offsets[TopicPartition(record.topic, record.partition)] = record.offset + 1
        try:
            with anyio.fail_after(10):
                await self._consumer.commit(offsets)
        except LOST_PARTITION:
            return False
        except (KafkaError, TimeoutError, OSError) as error:
            raise DependencyUnavailable("kafka", str(error) or type(error).__name__) from error
        return True

    async def settle(self) -> None:
        """Wait until the committed offset of every partition owned now is known here."""
        with translated():
            for tp in self._consumer.assignment():
                await self._consumer.committed(tp)

    async def probe(self) -> None:
        """Ask the broker for its metadata.

        :raises DependencyUnavailable: no broker answers.
        """
        with translated(), anyio.fail_after(5):
            await self._consumer.topics()


class Publisher:
    """Writes batches: one per output partition, never two of one partition in flight."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._partitions: dict[str, int] = {}

    async def publish(self, messages: Iterable[Message]) -> None:
        """Write ``messages``, in their order within each partition, and await every acknowledgement.

        :raises DependencyUnavailable: at least one batch was not acknowledged; some may have been. The
            publisher is then done for: an idempotent producer can not be trusted after a failure
            (aiokafka#1017), and a batch it still holds must not be passed by a later one.
        """
        by_partition: dict[tuple[str, int], list[Message]] = defaultdict(list)
        for message in messages:
            count = self._partitions.get(message.topic) or await self._count(message.topic)
            by_partition[message.topic, partition_of(message.key, count)].append(message)
        if len(by_partition) == 1:
            for (topic, partition), batch in by_partition.items():
                await self._write(topic, partition, batch)
            return
        async with unwrapped(), anyio.create_task_group() as group:
            for (topic, partition), batch in by_partition.items():
                group.start_soon(self._write, topic, partition, batch)

    async def _write(self, topic: str, partition: int, messages: Sequence[Message]) -> None:
        start = 0
        while start < len(messages):
            batch = self._producer.create_batch()
            while start < len(messages):
                message = messages[start]
                if (
                    batch.append(
                        key=message.key, value=message.value, headers=message.headers, timestamp=None
                    )
                    is None
                ):
                    break
                start += 1
            batch.close()
            with translated():
                acknowledged = await self._producer.send_batch(batch, topic, partition=partition)
                await acknowledged

    async def _count(self, topic: str) -> int:
        with translated():
            partitions = await self._producer.partitions_for(topic)
        if not partitions:
            raise DependencyUnavailable("kafka", f"topic {topic} has no partitions")
        self._partitions[topic] = len(partitions)
        return len(partitions)


class Observer:
    """Lag as seen from outside the consumers."""

    def __init__(self, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient, topics: Sequence[str]) -> None:
        self._consumer = consumer
        self._admin = admin
        self._topics = topics

    async def positions(self, groups: Mapping[str, str]) -> dict[str, list[Position]]:
        """For each group (name → the topic it reads): where it stands in each partition.

        :raises DependencyUnavailable: no broker answers.
        """
        return {group: list(found) for group, found in (await self.look(groups)).groups.items()}

    async def look(self, groups: Mapping[str, str]) -> Sighting:
        """The ends of all its topics, and where each group (name → the topic it reads) stands.

        :raises DependencyUnavailable: no broker answers.
        """
        with translated(), anyio.fail_after(10):
            # Asked anew each time: a consumer that has subscribed to nothing knows of no partitions.
            described = await self._admin.describe_topics(list(self._topics))
            tps = [
                TopicPartition(topic["topic"], partition)
                for topic in described
                for partition in range(len(topic["partitions"]))
            ]
            ends = await self._consumer.end_offsets(tps) if tps else {}
            found: dict[str, list[Position]] = {}
            for group, topic in groups.items():
                committed = await self._committed(group)
                found[group] = [
                    Position(topic, tp.partition, ends[tp], _offset(committed.get(tp)))
                    for tp in tps
                    if tp.topic == topic
                ]
        by_topic: dict[str, list[int]] = {topic: [] for topic in self._topics}
        for tp in tps:
            by_topic[tp.topic].append(ends[tp])
        return Sighting(by_topic, found)

    async def begins(self) -> Mapping[str, Sequence[int]]:
        """The first offset that is still there, of each partition of all its topics.

        :raises DependencyUnavailable: no broker answers.
        """
        with translated(), anyio.fail_after(10):
            described = await self._admin.describe_topics(list(self._topics))
            found: dict[str, list[int]] = {}
            for topic in described:
                tps = [TopicPartition(topic["topic"], each) for each in range(len(topic["partitions"]))]
                begins = await self._consumer.beginning_offsets(tps)
                found[topic["topic"]] = [begins[tp] for tp in tps]
        return found

    async def _committed(self, group: str) -> Mapping[TopicPartition, Any]:
        """What a group has committed; waits while a coordinator is made, elected or loading."""
        while True:
            try:
                offsets: Mapping[TopicPartition, Any] = await self._admin.list_consumer_group_offsets(group)
                return offsets
            except NO_COORDINATOR_YET:
                await anyio.sleep(0.1)


class Tail:
    """Reads partitions in no group: what it has read is remembered by its caller alone.

    :ivar cluster: id of the cluster.
    :ivar partitions: (topic, partition) of each, in the order in which offsets are given and taken.
    """

    def __init__(
        self, consumer: AIOKafkaConsumer, cluster: str, partitions: Sequence[TopicPartition]
    ) -> None:
        self._consumer = consumer
        self.cluster = cluster
        self.partitions: Sequence[tuple[str, int]] = partitions

    async def bounds(self) -> tuple[list[int], list[int]]:
        """The first offset that is still there and the end, of each partition."""
        with translated(), anyio.fail_after(10):
            begins = await self._consumer.beginning_offsets(self.partitions)
            ends = await self._consumer.end_offsets(self.partitions)
        return [begins[tp] for tp in self.partitions], [ends[tp] for tp in self.partitions]

    def start(self, offsets: Sequence[int]) -> None:
        """Read on from ``offsets``; one that is not in the log makes the next fetch an outage."""
        self._consumer.assign(self.partitions)
        for tp, offset in zip(self.partitions, offsets, strict=True):
            self._consumer.seek(tp, offset)

    async def fetch(self, timeout_ms: int, records_max: int | None = None) -> list[Record]:
        """What there is to read, in order within each partition; empty after ``timeout_ms``.

        Never put a cancel scope around it: an interrupted fetch wedges the client (aiokafka#1154).
        """
        with translated():
            found = await self._consumer.getmany(timeout_ms=timeout_ms, max_records=records_max)
        return [record for records in found.values() for record in records]

    async def positions(self) -> list[int]:
        """The offset that is read next, of each partition."""
        with translated(), anyio.fail_after(10):
            return [await self._consumer.position(tp) for tp in self.partitions]

    async def probe(self) -> None:
        """Ask the broker for its metadata: a client whose broker is away only looks idle.

        :raises DependencyUnavailable: no broker answers.
        """
        with translated(), anyio.fail_after(5):
            await self._consumer.topics()


class Picker:
    """Reads single records: at known offsets, or of a key in a stretch of a partition."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    async def at(self, spots: Iterable[Spot]) -> list[Record]:
        """The records at ``spots`` that the log still has."""
        wanted = [(TopicPartition(topic, partition), offset) for topic, partition, offset in spots]
        if not wanted:
            return []
        with translated(), anyio.fail_after(5):
            begins = await self._consumer.beginning_offsets([tp for tp, _ in wanted])
            ends = await self._consumer.end_offsets([tp for tp, _ in wanted])
        found: list[Record] = []
        for tp, offset in wanted:
            if begins[tp] <= offset < ends[tp]:
                # A compacted log may go on with a later record.
                found += [each for each in await self._read(tp, offset, 1) if each.offset == offset]
        return found

    async def of_key(
        self, topic: str, partition: int, key: bytes, *, since_ms: int, records_max: int
    ) -> list[Record]:
        """Records of ``key`` among the first ``records_max`` written since ``since_ms`` (Unix epoch)."""
        tp = TopicPartition(topic, partition)
        with translated(), anyio.fail_after(5):
            first = (await self._consumer.offsets_for_times({tp: since_ms}))[tp]
            end = (await self._consumer.end_offsets([tp]))[tp]
        if first is None:
            return []
        records = await self._read(tp, first.offset, min(records_max, end - first.offset))
        return [record for record in records if record.key == key]

    async def _read(self, tp: TopicPartition, offset: int, count: int) -> list[Record]:
        """``count`` records from ``offset`` on; fewer when they do not come."""
        self._consumer.assign([tp])
        self._consumer.seek(tp, offset)
        found: list[Record] = []
        while len(found) < count:
            with translated():
                batch = await self._consumer.getmany(timeout_ms=PICK_WAIT_MS, max_records=count - len(found))
            if not batch.get(tp):
                break
            found += batch[tp]
        return found


def _offset(committed: Any) -> int | None:
    return committed.offset if committed is not None and committed.offset >= 0 else None
