"""Two members of a group: one comes and goes under load, and nobody notices in the effects."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import msgspec
import pytest

from ordersys.adapters.kafka import Broker, Message
from ordersys.contract import ids
from ordersys.contract.topics import PAYMENT_RESULT
from ordersys.services import orchestrator, payment
from tests.driving import running, wait_until
from tests.integration.flow import (
    Part,
    by_key,
    message,
    new_orders,
    order_created,
    part,
    payment_result,
    read,
    rows,
    topic_of,
)
from tests.stack import Environment

pytestmark = pytest.mark.anyio

BATCH = 20
PAUSE_S = 0.02


@pytest.fixture(scope="module")
def partitions() -> int:
    return 4


@asynccontextmanager
async def load(broker: Broker, messages: list[Message]) -> AsyncIterator[None]:
    """Write ``messages`` little by little beside the block, and the rest of them at its end."""
    left = list(messages)
    async with broker.publisher() as publisher, anyio.create_task_group() as group:

        async def write() -> None:
            while left:
                await publisher.publish(left[:BATCH])
                del left[:BATCH]
                await anyio.sleep(PAUSE_S)

        group.start_soon(write)
        yield
        group.cancel_scope.cancel()
    async with broker.publisher() as publisher:
        await publisher.publish(left)


async def come_and_go(environment: Environment, members: list[Part], messages: list[Message]) -> None:
    """The second member joins the first under load, and leaves again; then all is worked off."""
    first, second = members
    broker = replace(environment.broker, session_timeout_ms=6000)  # a heartbeat every 1.5 s
    everything = list(range(environment.partitions))

    async def shared() -> bool:
        owned = [*first.assigned(), *second.assigned()]
        return bool(second.assigned()) and sorted(owned) == everything

    async def alone() -> bool:
        return list(first.assigned()) == everything

    async def both_work() -> bool:
        return bool(first.outcomes() and second.outcomes())

    async with running(first.pipeline(broker=broker).run), load(broker, messages):
        await wait_until(alone, "the first member has all partitions")
        async with running(second.pipeline(broker=broker).run):
            await wait_until(shared, "the two share the partitions")
            await wait_until(both_work, "both have worked")
        await wait_until(alone, "the first member has all partitions again")
    async with running(first.pipeline(broker=broker).run):
        await first.caught_up()


async def test_without_state_nothing_is_lost_and_keys_keep_their_order(fresh: Environment) -> None:
    members = [part(fresh, payment.service()) for _ in range(2)]
    keys = [f"k{number}" for number in range(20)]
    orders = [order_created(key, event_id=f"{key}/{count}") for count in range(200) for key in keys]
    await come_and_go(fresh, members, [message(members[0].topic, order) for order in orders])

    answers = by_key(await read(fresh, topic_of(fresh, PAYMENT_RESULT)))
    # The log is at-least-once: an answer may be there again, with its id. What counts is the first.
    first = {key: list(dict.fromkeys(r.event["event_id"] for r in found)) for key, found in answers.items()}
    assert first == {
        key.encode(): [ids.result_event_id("payment-service", f"{key}/{count}") for count in range(200)]
        for key in keys
    }


async def test_with_state_nothing_is_lost_and_nothing_happens_twice(fresh: Environment) -> None:
    members = [part(fresh, orchestrator.service()) for _ in range(2)]
    order_ids = await new_orders(fresh, 4000)
    await come_and_go(
        fresh, members, [message(members[0].topic, payment_result(order_id)) for order_id in order_ids]
    )

    said = [msgspec.json.decode(value) for (value,) in await rows(fresh, "select value from outbox")]
    assert sorted(event["order_id"] for event in said) == sorted(order_ids)
    assert await rows(fresh, "select from orders where order_version <> 1") == []
    assert await members[0].parked() == []
