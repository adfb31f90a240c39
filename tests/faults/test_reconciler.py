"""What the log has lost is said again, with the ids it had; what is only late is not."""

from __future__ import annotations

import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition

from tests.acceptance.shop import Shop, system
from tests.driving import wait_until
from tests.integration.flow import read
from tests.stack import Environment

pytestmark = pytest.mark.anyio

ORDERS = 30
QUICK = {"RECONCILE_AFTER_S": "1"}
BEFORE = "relay,orchestrator,payment,inventory,notification,analytics,api"


async def delete_records(environment: Environment, *topics: str) -> None:
    """Delete all records of some topics (by variable), as if a disk had been lost."""
    admin = AIOKafkaAdminClient(bootstrap_servers=environment.settings["KAFKA_BROKERS"])
    names = [environment.name(topic) for topic in topics]
    await admin.start()
    try:
        await admin.delete_records(
            {
                TopicPartition(name, partition): RecordsToDelete(-1)
                for name in names
                for partition in range(environment.partitions)
            }
        )
    finally:
        await admin.close()


async def published(environment: Environment, topic: str, count: int) -> None:
    """Return when a topic (by variable) holds as many records."""

    async def enough() -> bool:
        return len(await read(environment, environment.name(topic))) >= count

    await wait_until(enough, f"{count} records in {topic}")


@pytest.mark.parametrize(
    ("without", "lost", "records"),
    [
        ({"payment", "inventory", "orchestrator", "notification", "analytics"}, ["TOPIC_ORDER_CREATED"], 1),
        (
            {"orchestrator", "notification", "analytics"},
            ["TOPIC_PAYMENT_RESULT", "TOPIC_INVENTORY_RESULT"],
            1,
        ),
        ({"notification", "analytics"}, ["TOPIC_ORDER_STATUS_CHANGED"], 2),
    ],
    ids=["created", "results", "status"],
)
async def test_lost_records_are_said_again(
    environment: Environment, without: set[str], lost: list[str], records: int
) -> None:
    roles = ",".join(role for role in BEFORE.split(",") if role not in without)
    shop = Shop(environment.settings)
    async with shop.http:
        async with system(environment.environ, ROLES=roles):
            before = [len(await read(environment, environment.name(topic))) for topic in lost]
            for _ in range(ORDERS):
                assert (await shop.post()).status_code == 201
            for topic, count in zip(lost, before, strict=True):
                await published(environment, topic, count + ORDERS * records)
        await delete_records(environment, *lost)
        async with system(environment.environ, **QUICK) as running:
            await shop.exactly_once(60)
            emitted = running.metrics.registry.get_sample_value("ordersys_events_emitted_again_total")
            assert emitted is not None
            assert emitted >= ORDERS


async def test_a_backlog_is_no_loss(environment: Environment) -> None:
    shop = Shop(environment.settings)
    behind = "relay,janitor,orchestrator,inventory,notification,analytics,api"
    async with shop.http:
        async with system(environment.environ, ROLES=behind, **QUICK) as running:
            for _ in range(ORDERS):
                assert (await shop.post()).status_code == 201

            async def suspected() -> bool:
                notes = {node.path: node.note for node in running.supervisor.snapshot().walk()}
                return notes["janitor/reconciler"].startswith(f"{ORDERS} orders")

            await wait_until(suspected, "the orders have stood still for long enough to be suspected", 30)
            before = len(await read(environment, environment.name("TOPIC_ORDER_CREATED")))
        async with system(environment.environ, **QUICK) as running:
            await shop.exactly_once(60)
            assert running.metrics.registry.get_sample_value("ordersys_events_emitted_again_total") == 0
        assert len(await read(environment, environment.name("TOPIC_ORDER_CREATED"))) == before
