"""How fast can the whole flow be, written by hand with no framework? The ceiling of ``flow``.

The same statements, topics, groups, headers, log lines, claims and commits as the system's own flow, in
one process on one event loop; but no parking, no supervision, no facts, no bounds: what is left out is
what the system adds. Prints ``ready`` once every group has joined; ends at SIGTERM.

Environment: POSTGRES_DSN, KAFKA_BROKERS and the variables of topics, groups and PARTITIONS.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

import asyncpg
import msgspec
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from config.settings import Settings, load
from ordersys.adapters.postgres import statement
from ordersys.contract.events import InventoryResult, OrderCreated, OrderStatusChanged, PaymentResult

BATCH = 500
RELAY_BATCH = 1000
encode = msgspec.json.Encoder().encode
decode_headers = msgspec.json.Decoder(dict[str, str]).decode


class Log:
    """A producer, and one batch per partition at a time."""

    def __init__(self, settings: Settings) -> None:
        self.partitions = settings["PARTITIONS"]
        self.producer = AIOKafkaProducer(
            bootstrap_servers=settings["KAFKA_BROKERS"],
            acks="all",
            enable_idempotence=True,
            max_batch_size=1_000_000,
            max_request_size=2_097_152,
        )

    async def publish(self, rows: list[tuple[str, bytes, bytes, list[tuple[str, bytes]]]]) -> None:
        batches: dict[tuple[str, int], Any] = {}
        count = self.partitions
        for topic, key, value, headers in rows:
            where = (topic, crc32(key) % count)
            batch = batches.get(where)
            if batch is None:
                batch = batches[where] = self.producer.create_batch()
            if batch.append(key=key, value=value, headers=headers, timestamp=None) is None:
                batches.pop(where)
                await (await self.producer.send_batch(batch, topic, partition=where[1]))
                batch = batches[where] = self.producer.create_batch()
                batch.append(key=key, value=value, headers=headers, timestamp=None)
        sent = [
            await self.producer.send_batch(batch, topic, partition=partition)
            for (topic, partition), batch in batches.items()
        ]
        await asyncio.gather(*sent)


def headers_of(event: Any, traceparent: bytes) -> list[tuple[str, bytes]]:
    return [
        ("traceparent", traceparent),
        ("correlation_id", event.correlation_id.encode()),
        ("event_id", event.event_id.encode()),
        ("event_type", event.event_type.encode()),
    ]


async def consume(
    settings: Settings, topic: str, group: str, handle: Any, joined: list[asyncio.Event]
) -> None:
    consumer = AIOKafkaConsumer(
        settings.name(topic),
        bootstrap_servers=settings["KAFKA_BROKERS"],
        group_id=settings.name(group),
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    event = asyncio.Event()
    joined.append(event)
    while not consumer.assignment():
        await consumer.getmany(timeout_ms=50)
    event.set()
    while True:
        found = await consumer.getmany(timeout_ms=200, max_records=BATCH)
        if found:
            await handle([record for records in found.values() for record in records])
            await consumer.commit({tp: records[-1].offset + 1 for tp, records in found.items()})


async def relay(dsn: str, log: Log) -> None:
    connection = await asyncpg.connect(dsn)
    listener = await asyncpg.connect(dsn)
    woken = asyncio.Event()
    await listener.add_listener("outbox", lambda *_: woken.set())
    read, delete = statement("outbox_read"), statement("outbox_delete")
    while True:
        woken.clear()
        rows = await connection.fetch(read, RELAY_BATCH)
        if not rows:
            await woken.wait()
            continue
        await log.publish(
            [
                (topic, key, value, [(name, text.encode()) for name, text in decode_headers(headers).items()])
                for _, topic, key, value, headers in rows
            ]
        )
        await connection.execute(delete, [row[0] for row in rows])


def answers(log: Log, topic: str, decide: Any) -> Any:
    decoder = msgspec.json.Decoder(OrderCreated).decode

    async def handle(records: list[Any]) -> None:
        now = datetime.now(UTC)
        rows = []
        for record in records:
            result = decide(decoder(record.value), now)
            rows.append((topic, record.key, encode(result), headers_of(result, record.headers[0][1])))
        await log.publish(rows)

    return handle


def pay(order: OrderCreated, now: datetime) -> PaymentResult:
    if order.amount_cents > 100_000:
        return PaymentResult.to(order, "FAILED", at=now, reason="amount exceeds demo limit")
    return PaymentResult.to(order, "PROCESSED", at=now)


def reserve(order: OrderCreated, now: datetime) -> InventoryResult:
    if order.quantity > 10:
        return InventoryResult.to(
            order, "FAILED", reserved_quantity=0, at=now, reason="quantity exceeds demo stock"
        )
    return InventoryResult.to(order, "RESERVED", reserved_quantity=order.quantity, at=now)


def orchestrate(connection: asyncpg.Connection[Any], kind: str, topic: str) -> Any:
    decoder = msgspec.json.Decoder(PaymentResult if kind == "payment" else InventoryResult).decode
    lock, claim = statement("states_lock"), statement("inbox_claim")
    save, emit = statement(f"states_save_{kind}"), statement("outbox_insert")

    async def handle(records: list[Any]) -> None:
        now = datetime.now(UTC)
        events = [decoder(record.value) for record in records]
        saved, emitted = [], []
        async with connection.transaction():
            rows = await connection.fetch(lock, sorted({event.order_id for event in events}))
            states = {row[0]: list(row[1:]) for row in rows}
            claimed = await connection.fetch(
                claim, "order-orchestrator", [event.event_id for event in events]
            )
            fresh = {row[0] for row in claimed}
            for record, event in zip(records, events, strict=True):
                if event.event_id not in fresh:
                    continue
                state = states[event.order_id]
                before, version, payment, inventory = state
                result = event.payment_status if kind == "payment" else event.inventory_status
                if (payment if kind == "payment" else inventory) is not None:
                    continue
                other = inventory if kind == "payment" else payment
                if before in ("CONFIRMED", "CANCELLED"):
                    after = before
                elif result == "FAILED":
                    after = "CANCELLED"
                else:
                    after = "PROCESSING" if other is None else "CONFIRMED"
                if after != before:
                    version += 1
                    changed = OrderStatusChanged.by(event, before, after, version, at=now)
                    headers = {
                        "traceparent": record.headers[0][1].decode(),
                        "correlation_id": changed.correlation_id,
                        "event_id": changed.event_id,
                        "event_type": changed.event_type,
                    }
                    emitted.append((topic, record.key, encode(changed), encode(headers).decode()))
                state[0], state[1] = after, version
                state[2 if kind == "payment" else 3] = result
                saved.append(
                    (
                        event.order_id,
                        after,
                        version,
                        result,
                        event.reason or None,
                        event.event_id,
                        event.occurred_at_utc,
                        record.partition,
                        record.offset,
                    )
                )
            if saved:
                await connection.execute(save, *zip(*saved, strict=True), now)
            if emitted:
                await connection.execute(emit, *zip(*emitted, strict=True))

    return handle


def notify(connection: asyncpg.Connection[Any]) -> Any:
    decoder = msgspec.json.Decoder(OrderStatusChanged).decode
    store = statement("project_notifications")

    async def handle(records: list[Any]) -> None:
        now = datetime.now(UTC)
        events = {}
        for record in records:
            event = decoder(record.value)
            events.setdefault((event.order_id, event.order_version), (event, record.partition, record.offset))
        rows = [
            (
                event.order_id,
                event.order_version,
                event.previous_state,
                event.current_state,
                event.correlation_id,
                event.event_id,
                now,
                event.occurred_at_utc,
                partition,
                offset,
            )
            for event, partition, offset in events.values()
        ]
        new = await connection.fetch(store, *zip(*rows, strict=True))
        lines = [encode(events[row[0], row[1]][0]) for row in new]
        sys.stdout.buffer.write(b"\n".join(lines) + b"\n")

    return handle


def count_created(connection: asyncpg.Connection[Any]) -> Any:
    decoder = msgspec.json.Decoder(OrderCreated).decode
    store = statement("project_analytics_created")

    async def handle(records: list[Any]) -> None:
        rows = {}
        for record in records:
            event = decoder(record.value)
            rows.setdefault(
                event.order_id,
                (
                    event.order_id,
                    event.occurred_at_utc.replace(second=0, microsecond=0),
                    event.item_sku,
                    event.quantity,
                    event.amount_cents,
                    record.partition,
                    record.offset,
                    record.timestamp,
                ),
            )
        await connection.fetch(store, *zip(*rows.values(), strict=True))

    return handle


def count_final(connection: asyncpg.Connection[Any]) -> Any:
    decoder = msgspec.json.Decoder(OrderStatusChanged).decode
    store = statement("project_analytics_final")

    async def handle(records: list[Any]) -> None:
        rows = {}
        for record in records:
            event = decoder(record.value)
            if event.current_state in ("CONFIRMED", "CANCELLED"):
                minute = event.occurred_at_utc.replace(second=0, microsecond=0)
                rows.setdefault(event.order_id, (event.order_id, minute, event.current_state))
        if rows:
            await connection.fetch(store, *zip(*rows.values(), strict=True))

    return handle


async def main() -> None:
    settings = load()
    dsn = settings["POSTGRES_DSN"]
    logs = [Log(settings) for _ in range(3)]
    for log in logs:
        await log.producer.start()
    connections = [await asyncpg.connect(dsn, server_settings={"jit": "off"}) for _ in range(5)]
    status = settings.name("TOPIC_ORDER_STATUS_CHANGED")
    by_payment = orchestrate(connections[1], "payment", status)
    by_inventory = orchestrate(connections[2], "inventory", status)
    created, changed = "TOPIC_ORDER_CREATED", "TOPIC_ORDER_STATUS_CHANGED"
    payment, inventory = settings.name("TOPIC_PAYMENT_RESULT"), settings.name("TOPIC_INVENTORY_RESULT")
    pipelines = [
        (created, "PAYMENT_CONSUMER_GROUP", answers(logs[0], payment, pay)),
        (created, "INVENTORY_CONSUMER_GROUP", answers(logs[1], inventory, reserve)),
        (created, "ANALYTICS_CONSUMER_GROUP", count_created(connections[0])),
        ("TOPIC_PAYMENT_RESULT", "ORCHESTRATOR_PAYMENT_GROUP", by_payment),
        ("TOPIC_INVENTORY_RESULT", "ORCHESTRATOR_INVENTORY_GROUP", by_inventory),
        (changed, "NOTIFICATION_CONSUMER_GROUP", notify(connections[3])),
        (changed, "ANALYTICS_STATUS_CONSUMER_GROUP", count_final(connections[4])),
    ]
    joined: list[asyncio.Event] = []
    tasks = [
        asyncio.create_task(consume(settings, topic, group, handle, joined))
        for topic, group, handle in pipelines
    ]
    tasks.append(asyncio.create_task(relay(dsn, logs[2])))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: [task.cancel() for task in tasks])
    while len(joined) < len(pipelines):
        await asyncio.wait(tasks, timeout=0.05, return_when=asyncio.FIRST_EXCEPTION)
        for task in tasks:
            if task.done():
                task.result()
    await asyncio.gather(*(event.wait() for event in joined))
    print("ready", file=sys.stderr, flush=True)
    await asyncio.gather(*tasks, return_exceptions=False)


if __name__ == "__main__":
    try:
        uvloop.run(main())
    except asyncio.CancelledError:
        # SIGTERM: every task was cancelled, and a benchmark has nothing to save.
        sys.exit(0)
