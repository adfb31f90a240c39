"""The raw events of one order: out of the log by their places, and those that still wait in the outbox.

Where an event is, the order's own row says (results), the read models (order.created, transitions) or a
parked row. One that nobody has noted yet is looked for in the partition of its key, from the order's creation
on, through a bounded number of records.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import anyio
import msgspec

from ordersys.adapters.kafka import Broker, Picker, Record, Spot
from ordersys.adapters.outbox import header_list
from ordersys.adapters.timeline import OrderFacts
from ordersys.contract.errors import DependencyUnavailable
from ordersys.contract.topics import partition_of

LOOK_THROUGH_MAX = 5_000
LOOK_BACK_MS = 2_000
READING_MAX = 4
READING_TIMEOUT_S = 4.0
START_TIMEOUT_S = 1.5


class LoggedEvent(msgspec.Struct, frozen=True):
    """An event as it is written. In the outbox it has no partition and no offset (a decimal string) yet.

    ``value`` is the JSON object as it was written, byte for byte, or a text if it is no JSON object.
    """

    topic: str
    partition: int | None
    offset: str | None
    event_id: str | None
    event_type: str | None
    headers: dict[str, str]
    value: dict[str, Any] | str


class Topics(msgspec.Struct, frozen=True):
    """Deployed names of the topics an order's events are in, and their number of partitions."""

    order_created: str
    payment_result: str
    inventory_result: str
    order_status_changed: str
    partitions: int


class OrderLog:
    """Reads the events of single orders; few at a time, each in a bounded time."""

    def __init__(self, broker: Broker, topics: Topics) -> None:
        self._broker = replace(broker, start_timeout_s=START_TIMEOUT_S, request_timeout_ms=3_000)
        self._topics = topics
        self._turns = asyncio.Semaphore(READING_MAX)

    async def events(self, facts: OrderFacts) -> list[LoggedEvent]:
        """The events of an order that the log still has, as they were written.

        :raises DependencyUnavailable: no broker answers, or too many are reading.
        """
        records: dict[Spot, Record] = {}
        key = facts.order.id.encode()
        spots, missing = self._places(facts)
        give_up_at = anyio.current_time() + READING_TIMEOUT_S
        async with self._picker() as picker:
            found = await picker.at(spots)
            for topic in missing:
                if anyio.current_time() < give_up_at:
                    found += await self._look_for(picker, topic, key, facts)
        for record in found:
            if _belongs(record, facts.order.id):
                records[Spot(record.topic, record.partition, record.offset)] = record
        ordered = sorted(records.values(), key=lambda each: getattr(each, "timestamp", 0))
        return [_logged(record) for record in ordered]

    def _places(self, facts: OrderFacts) -> tuple[set[Spot], list[str]]:
        """Places of events that are known; topics that must have more of the order, or may."""
        topics, waiting = self._topics, [each.topic for each in facts.waiting]
        known = [
            (topics.order_created, facts.written.partition, facts.written.offset),
            (topics.payment_result, facts.payment.partition, facts.payment.offset),
            (topics.inventory_result, facts.inventory.partition, facts.inventory.offset),
            *((topics.order_status_changed, each.partition, each.offset) for each in facts.notified),
            *((each.topic, each.partition, each.offset) for each in facts.parked),
        ]
        spots = {Spot(topic, part, at) for topic, part, at in known if part is not None and at is not None}
        expected = {
            topics.order_created: 1,
            topics.payment_result: 1,
            topics.inventory_result: 1,
            topics.order_status_changed: facts.order.order_version,
        }
        missing = [
            topic
            for topic, count in expected.items()
            if sum(spot.topic == topic for spot in spots) + waiting.count(topic) < count
        ]
        return spots, missing

    async def _look_for(self, picker: Picker, topic: str, key: bytes, facts: OrderFacts) -> list[Record]:
        since_ms = int(facts.order.created_at_utc.timestamp() * 1000) - LOOK_BACK_MS
        partition = partition_of(key, self._topics.partitions)
        return await picker.of_key(topic, partition, key, since_ms=since_ms, records_max=LOOK_THROUGH_MAX)

    @asynccontextmanager
    async def _picker(self) -> AsyncIterator[Picker]:
        try:
            await asyncio.wait_for(self._turns.acquire(), START_TIMEOUT_S)
        except TimeoutError:
            raise DependencyUnavailable("kafka", "too many are reading from the log") from None
        try:
            async with self._broker.picker() as picker:
                yield picker
        finally:
            self._turns.release()


def waiting_events(facts: OrderFacts) -> list[LoggedEvent]:
    """The events of an order that are in the outbox, in their order."""
    return [
        _event(each.topic, None, None, header_list(each.header_text), each.value) for each in facts.waiting
    ]


def _logged(record: Record) -> LoggedEvent:
    return _event(record.topic, record.partition, str(record.offset), record.headers, record.value)


def _event(
    topic: str,
    partition: int | None,
    offset: str | None,
    headers: Iterable[tuple[str, bytes]],
    value: bytes | None,
) -> LoggedEvent:
    texts = {name: _text(text) for name, text in headers}
    said = _object(value)
    return LoggedEvent(
        topic,
        partition,
        offset,
        texts.get("event_id") or _said(said, "event_id"),
        texts.get("event_type") or _said(said, "event_type"),
        texts,
        # Encoded as it is: read and written again, a large number could come out as another one.
        cast("dict[str, Any]", msgspec.Raw(value or b"")) if said is not None else _text(value),
    )


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")


def _belongs(record: Record, order_id: str) -> bool:
    """Whether a record is of the order: a topic that was made anew has others at the same places."""
    if record.key is not None:
        return record.key.decode("utf-8", "replace").lower() == order_id
    return str(_said(_object(record.value), "order_id")).lower() == order_id


def _object(value: bytes | None) -> dict[str, object] | None:
    try:
        said = msgspec.json.decode(value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _said(said: dict[str, object] | None, name: str) -> str | None:
    text = (said or {}).get(name)
    return text if isinstance(text, str) else None
