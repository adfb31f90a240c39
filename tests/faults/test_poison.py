"""Poison on every topic, and events that end or block the process: parked, and everything else flows on."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import anyio.to_thread
import msgspec
import pytest

from ordersys.adapters.kafka import Message
from ordersys.contract.events import encode
from tests.acceptance.shop import Shop, customers, process, system
from tests.driving import wait_until
from tests.integration.flow import inventory_result, order_created, payment_result, read, write
from tests.stack import Environment

pytestmark = pytest.mark.anyio

INJECTED = ("-m", "tests.faults.injected")
GARBAGE = b"\xff\x00" * (450 * 1024)
READERS = {
    "TOPIC_ORDER_CREATED": {
        "PAYMENT_CONSUMER_GROUP": "TOPIC_PAYMENT_DLQ",
        "INVENTORY_CONSUMER_GROUP": "TOPIC_INVENTORY_DLQ",
        "ANALYTICS_CONSUMER_GROUP": "TOPIC_ANALYTICS_DLQ",
    },
    "TOPIC_PAYMENT_RESULT": {"ORCHESTRATOR_PAYMENT_GROUP": "TOPIC_ORCHESTRATOR_DLQ"},
    "TOPIC_INVENTORY_RESULT": {"ORCHESTRATOR_INVENTORY_GROUP": "TOPIC_ORCHESTRATOR_DLQ"},
    "TOPIC_ORDER_STATUS_CHANGED": {
        "NOTIFICATION_CONSUMER_GROUP": "TOPIC_NOTIFICATION_DLQ",
        "ANALYTICS_STATUS_CONSUMER_GROUP": "TOPIC_ANALYTICS_DLQ",
    },
}


SOURCES = {
    "PAYMENT_CONSUMER_GROUP": "payment-service",
    "INVENTORY_CONSUMER_GROUP": "inventory-service",
    "ANALYTICS_CONSUMER_GROUP": "analytics-service",
    "ORCHESTRATOR_PAYMENT_GROUP": "order-orchestrator",
    "ORCHESTRATOR_INVENTORY_GROUP": "order-orchestrator",
    "NOTIFICATION_CONSUMER_GROUP": "notification-service",
    "ANALYTICS_STATUS_CONSUMER_GROUP": "analytics-service",
}


def poison(good: bytes) -> dict[str, bytes | None]:
    """Values that no reader of the topic can take, by what is wrong with them; ``good`` is one it can."""
    fields = msgspec.json.decode(good)
    return {
        "not JSON": b"{",
        "the wrong shape": b'{"order_id": 7}',
        "an array": b"[]",
        "an unknown version": msgspec.json.encode({**fields, "event_version": "v9"}),
        "null": None,
        "garbage of 900 KiB": GARBAGE,
        "not UTF-8": b'{"event_id": "\xff"}',
    }


def status_changed(order_id: str) -> dict[str, Any]:
    fields = msgspec.to_builtins(order_created(order_id))
    return {**fields, "previous_state": "NEW", "current_state": "PROCESSING", "order_version": 1}


GOOD: dict[str, Callable[[str], bytes]] = {
    "TOPIC_ORDER_CREATED": lambda order_id: encode(order_created(order_id)),
    "TOPIC_PAYMENT_RESULT": lambda order_id: encode(payment_result(order_id)),
    "TOPIC_INVENTORY_RESULT": lambda order_id: encode(inventory_result(order_id)),
    "TOPIC_ORDER_STATUS_CHANGED": lambda order_id: msgspec.json.encode(status_changed(order_id)),
}


async def test_poison_on_every_topic_is_parked_and_orders_flow_on(environment: Environment) -> None:
    shop = Shop(environment.settings)
    async with shop.http, system(environment.environ):
        await shop.ready()
        expected: dict[str, int] = {}
        async with customers(shop):
            for topic, good in GOOD.items():
                values = poison(good(str(uuid4())))
                name = environment.name(topic)
                messages = [Message(name, uuid4().bytes, value, []) for value in values.values()]
                messages += [Message(name, None, value, []) for value in values.values()]
                await write(environment.broker, messages)
                for group in READERS[topic]:
                    expected[environment.name(group)] = len(messages)
            await wait_until(lambda: _parked_as(environment, expected), "all of it is parked as dead", 60)
        await _all_final(shop)
        await _dead_letters(environment)


async def _dead_letters(environment: Environment) -> None:
    """Every dead row has its copy: the original bytes, with where they came from."""
    async with environment.database.session() as session:
        rows = await session.fetch('select group_name, topic, partition, "offset", value from parked_events')
    for topic, groups in READERS.items():
        for group, dead_letters in groups.items():
            ours = {
                (str(row["partition"]), str(row["offset"])): row["value"]
                for row in rows
                if row["group_name"] == environment.name(group) and row["topic"] == environment.name(topic)
            }
            assert ours
            origin = (environment.name(topic), SOURCES[group])

            async def copied() -> bool:
                copies = await _copies(environment, dead_letters, origin)  # noqa: B023 - awaited in this round
                return copies == ours  # noqa: B023

            await wait_until(copied, f"the dead letters of {group} have their copies")


async def _copies(
    environment: Environment, dead_letters: str, origin: tuple[str, str]
) -> dict[tuple[str, str], bytes | None]:
    """Values of the dead letters of one origin (topic, service), by partition and offset there."""
    found = {}
    for record in await read(environment, environment.name(dead_letters)):
        headers = record.headers
        if (headers["origin_topic"], headers["service"]) != origin:
            continue
        assert headers["reason"]
        assert headers["exception"].endswith("Undecodable")
        assert headers["attempts"] == "1"
        assert "first_failed_at" in headers
        place = headers["origin_partition"], headers["origin_offset"]
        assert place not in found
        found[place] = record.value
    return found


async def _parked_as(environment: Environment, expected: dict[str, int]) -> bool:
    async with environment.database.session() as session:
        rows = await session.fetch(
            "select group_name, count(*) from parked_events where state = 'dead' group by group_name"
        )
    return {row[0]: row[1] for row in rows} == expected


async def _all_final(shop: Shop) -> None:
    totals = await shop.settled(60)
    assert totals["notified"] == totals["transitions"]
    assert totals["finished"] == totals["orders"]


@pytest.mark.parametrize("sku", ["EXIT", "LOOP"])
async def test_an_event_that_ends_or_blocks_the_process_is_found_and_parked(
    environment: Environment, tmp_path: Path, sku: str
) -> None:
    log = tmp_path / "supervisor.log"
    shop = Shop(environment.settings)
    settings = {"RETRY_ATTEMPTS_MAX": "3", "WATCHDOG_EXIT_S": "3", "GUARD_DIR": str(tmp_path / "guard")}
    ends = 0

    async def restarter() -> None:
        """What ``./run up``, or the restart policy of a container, does."""
        nonlocal ends
        while True:
            with process(environment.environ, log, program=INJECTED, **settings) as running:
                await anyio.to_thread.run_sync(_wait, running, abandon_on_cancel=True)
            ends += 1

    async with shop.http, anyio.create_task_group() as group:
        group.start_soon(restarter)
        await shop.ready(60)
        culprit = await shop.post(item_sku=sku)
        assert culprit.status_code == 201
        order_id = shop.accepted.pop()

        async def parked() -> bool:
            async with environment.database.session() as session:
                rows = await session.fetch(
                    "select exception from parked_events where state = 'dead' and key = $1", order_id.encode()
                )
            return [row[0] for row in rows] == ["ordersys.runtime.guard.Killer"]

        await wait_until(parked, "the culprit is parked", 100)
        await shop.ready(60)
        for _ in range(10):
            assert (await shop.post()).status_code == 201
        for accepted in shop.accepted:
            assert (await shop.final(accepted, 30))["status"] == "CONFIRMED"
        assert ends == 3
        group.cancel_scope.cancel()


def _wait(running: subprocess.Popen[bytes]) -> None:
    running.wait()


async def test_a_raising_event_holds_its_own_key_alone(environment: Environment, tmp_path: Path) -> None:
    log = tmp_path / "supervisor.log"
    shop = Shop(environment.settings)
    settings = {"RETRY_ATTEMPTS_MAX": "2", "RETRY_FIRST_S": "0.1"}
    async with shop.http:
        with process(environment.environ, log, program=INJECTED, **settings):
            await shop.ready(60)
            assert (await shop.post(item_sku="RAISE")).status_code == 201
            order_id = shop.accepted.pop()
            for _ in range(10):
                await shop.post()
            for accepted in shop.accepted:
                assert (await shop.final(accepted, 30))["status"] == "CONFIRMED"

            async def dead() -> bool:
                async with environment.database.session() as session:
                    rows = await session.fetch(
                        "select state, attempts from parked_events where key = $1", order_id.encode()
                    )
                return [tuple(row) for row in rows] == [("dead", 2)]

            await wait_until(dead, "it is dead after two attempts", 30)
