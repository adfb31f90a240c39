"""An order from its POST to its final state, with every service in turn crashed on the way."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from supervisor import System
from tests.acceptance import shop as shops
from tests.acceptance.shop import ORDER, Shop, customers
from tests.driving import wait_until
from tests.stack import Environment

pytestmark = pytest.mark.anyio

FINAL_DEADLINE_S = 5.0  # ten times what is promised


@pytest.fixture(scope="module")
async def system(environment: Environment) -> AsyncIterator[System]:
    async with shops.system(environment.environ, BACKOFF_CAP_S="1", RESTARTS_MAX="1000") as running:
        yield running


@pytest.fixture
async def shop(environment: Environment, system: System) -> AsyncIterator[Shop]:
    made = Shop(environment.settings)
    async with made.http:
        await made.ready()
        yield made


@pytest.mark.parametrize(
    ("fields", "status", "payment", "inventory"),
    [
        ({}, "CONFIRMED", "PROCESSED", "RESERVED"),
        ({"amount_cents": 100_000, "quantity": 10}, "CONFIRMED", "PROCESSED", "RESERVED"),
        ({"amount_cents": 100_001}, "CANCELLED", "FAILED", "RESERVED"),
        ({"quantity": 11}, "CANCELLED", "PROCESSED", "FAILED"),
        ({"amount_cents": 100_001, "quantity": 11}, "CANCELLED", "FAILED", "FAILED"),
    ],
)
async def test_an_order_becomes_final(
    shop: Shop, fields: dict[str, Any], status: str, payment: str, inventory: str
) -> None:
    began = time.monotonic()
    answer = await shop.post(**fields)
    assert answer.status_code == 201
    assert answer.json()["status"] == "NEW"
    order = await shop.final(answer.json()["id"])
    assert time.monotonic() - began < FINAL_DEADLINE_S
    assert order["status"] == status

    async def both_results() -> bool:
        found = await shop.order(order["id"])
        return (found["payment_status"], found["inventory_status"]) == (payment, inventory)

    await wait_until(both_results, "the result after the final state fills its column")
    await shop.exactly_once()


async def test_the_same_key_is_the_same_order(shop: Shop) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    first = await shop.http.post("/orders", json=ORDER, headers=key)
    await shop.final(first.json()["id"])
    again = await shop.http.post("/orders", json=ORDER, headers=key)
    assert (again.status_code, again.json()) == (201, first.json())
    other = await shop.http.post("/orders", json={**ORDER, "quantity": 2}, headers=key)
    assert other.status_code == 422
    await shop.exactly_once()


async def test_a_correlation_id_goes_all_the_way(shop: Shop, environment: Environment) -> None:
    answer = await shop.http.post("/orders", json=ORDER, headers={"X-Correlation-ID": "corr-7"})
    await shop.final(answer.json()["id"])
    await shop.settled()
    async with environment.database.session() as session:
        rows = await session.fetch(
            "select distinct correlation_id from notifications where order_id = $1", answer.json()["id"]
        )
    assert [row[0] for row in rows] == ["corr-7"]


CHILDREN = (
    "relay/outbox",
    "orchestrator/payment.result",
    "orchestrator/inventory.result",
    "payment/order.created",
    "inventory/order.created",
    "notification/order.status.changed",
    "analytics/order.created",
    "analytics/order.status.changed",
    "janitor/housekeeping",
    "api/writer-1",
    "api/http",
    "kafka/watch",
)
# Of each child; ``./run faults`` asks for fifty of all together.
CRASHES = max(1, -(-int(os.environ.get("CRASH_ROUNDS", "0")) // len(CHILDREN)))


@pytest.mark.parametrize("path", CHILDREN)
async def test_a_crash_of_any_child_under_load_loses_and_repeats_nothing(
    shop: Shop, system: System, path: str
) -> None:
    role = path.split("/")[0]
    async with customers(shop):
        await shop.takes(20)
        for _ in range(CRASHES):
            restarts = _restarts(system, path)
            system.supervisor.crash(path, RuntimeError("injected"))
            await wait_until(lambda: _restarted(system, path, restarts), f"{path} is up again")  # noqa: B023
        others = [node for node in system.supervisor.snapshot().children if node.id != role]
        assert all(node.restarts_in_window == 0 or node.id in _crashed_before(system) for node in others)
        await shop.takes(20)  # after the crash
    await shop.exactly_once()


def _crashed_before(system: System) -> set[str]:
    """Roles that an injected error has hit, in this test or an earlier one."""
    return {
        node.id
        for node in system.supervisor.snapshot().children
        if node.last_error is not None and "injected" in node.last_error.text
    }


def _restarts(system: System, path: str) -> int:
    return next(node.restarts for node in system.supervisor.snapshot().walk() if node.path == path)


async def _restarted(system: System, path: str, before: int) -> bool:
    node = next(node for node in system.supervisor.snapshot().walk() if node.path == path)
    return node.restarts > before and node.ready
