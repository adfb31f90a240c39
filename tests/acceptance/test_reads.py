"""What people see of orders that went the whole way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest

from ordersys.contract import topics
from tests.acceptance.shop import Shop, system
from tests.driving import wait_until
from tests.integration.flow import rows
from tests.stack import Environment

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def shop(environment: Environment, **more: str) -> AsyncIterator[Shop]:
    async with system(environment.environ, **more):
        yield Shop(environment.settings)


async def get(shop: Shop, path: str, status: int = 200) -> Any:
    answer = await shop.http.get(path)
    assert answer.status_code == status, answer.text
    return answer.json()


async def steps_done(shop: Shop, order_id: str) -> dict[str, Any]:
    """The timeline, once nothing of it waits."""

    async def look() -> dict[str, Any] | None:
        timeline: dict[str, Any] = await get(shop, f"/orders/{order_id}/timeline")
        return timeline if timeline["waiting_for"] is None and _read(timeline) else None

    found = await wait_until(look, "every step is done and was read by the read models")
    assert found is not None
    return found


def _read(timeline: dict[str, Any]) -> bool:
    return all(step["step"] == "accepted" or step["offset"] is not None for step in timeline["steps"])


async def test_an_order_can_be_awaited_and_followed_step_by_step(fresh: Environment) -> None:
    async with shop(fresh) as client:
        order_id = (await client.post()).json()["id"]
        order = await get(client, f"/orders/{order_id}?wait=final&timeout_s=20")
        assert order["status"] == "CONFIRMED"
        timeline = await steps_done(client, order_id)
        assert (timeline["order"], timeline["final"]) == (order, True)
        names = [(step["step"], step["status"]) for step in timeline["steps"]]
        assert names[:2] == [("accepted", "NEW"), ("published", None)]
        assert sorted(name for name in names[2:]) == [
            ("inventory", "RESERVED"),
            ("notified", "CONFIRMED"),
            ("notified", "PROCESSING"),
            ("payment", "PROCESSED"),
            ("transition", "NEW→PROCESSING"),
            ("transition", "PROCESSING→CONFIRMED"),
        ]
        assert all(step["state"] == "done" and step["at"] is not None for step in timeline["steps"])
        versions = [step["order_version"] for step in timeline["steps"] if step["step"] == "transition"]
        assert versions == [1, 2]
        events = await get(client, f"/orders/{order_id}/events")
        assert events["note"] is None
        said = {(event["topic"], event["partition"], event["offset"]): event for event in events["events"]}
        assert len(said) == len(events["events"]) == 5
        for step in timeline["steps"][1:]:
            event = said[step["topic"], step["partition"], step["offset"]]
            assert event["event_id"] == event["value"]["event_id"] == step["event_id"]
            assert event["headers"]["traceparent"]
            assert event["value"]["order_id"] == order_id


async def test_a_failure_is_said_with_its_reason(fresh: Environment) -> None:
    async with shop(fresh) as client:
        order_id = (await client.post(quantity=11)).json()["id"]
        await client.final(order_id)
        steps = {step["step"]: step for step in (await steps_done(client, order_id))["steps"]}
        assert steps["inventory"]["state"] == "failed"
        assert steps["inventory"]["reason"] == "quantity exceeds demo stock"
        assert steps["transition"]["status"].endswith("→CANCELLED")


async def test_what_an_order_waits_for_is_said(fresh: Environment) -> None:
    without_payment = "api,relay,orchestrator,inventory,notification,analytics"
    async with shop(fresh, ROLES=without_payment) as client:
        order_id = (await client.post()).json()["id"]

        async def inventory_answered() -> dict[str, Any] | None:
            timeline: dict[str, Any] = await get(client, f"/orders/{order_id}/timeline")
            return timeline if timeline["order"]["status"] == "PROCESSING" else None

        timeline = await wait_until(inventory_answered, "inventory has answered")
        assert timeline is not None
        assert not timeline["final"]
        assert timeline["waiting_for"].startswith("Payment has not answered")
        waiting = [step["step"] for step in timeline["steps"] if step["state"] == "waiting"]
        assert waiting[0] == "payment"
        assert waiting[-2:] == ["transition", "notified"]
        early = await get(client, f"/orders/{order_id}?wait=final&timeout_s=0.2")
        assert early["status"] == "PROCESSING"
        counts = await get(client, "/orders/counts")
        assert counts == {"NEW": 0, "PROCESSING": 1, "CONFIRMED": 0, "CANCELLED": 0}


async def test_a_parked_event_is_said_at_its_step(fresh: Environment) -> None:
    async with shop(fresh, ROLES="api,orchestrator") as client:
        order_id = (await client.post()).json()["id"]
        group = fresh.name(topics.PAYMENT_GROUP.env)
        topic = fresh.name(topics.ORDER_CREATED.env)
        timeline = await get(client, f"/orders/{order_id}/timeline")
        assert timeline["waiting_for"].startswith(f"The relay has not published {topic}")
        events = (await get(client, f"/orders/{order_id}/events"))["events"]
        assert [(event["topic"], event["partition"], event["offset"]) for event in events] == [
            (topic, None, None)
        ]
        await rows(fresh, "delete from outbox")
        await rows(
            fresh,
            'insert into parked_events (group_name, key, topic, partition, "offset", value, headers, state, '
            "attempts, reason) values ($1, $2, $3, 1, 7, '', '{}', 'dead', 5, 'no such card')",
            group,
            order_id.encode(),
            topic,
        )
        timeline = await get(client, f"/orders/{order_id}/timeline")
        (step,) = [step for step in timeline["steps"] if step["step"] == "payment"]
        assert (step["state"], step["partition"], step["offset"]) == ("failed", 1, "7")
        assert step["reason"] == "dead after 5 attempts: no such card"
        assert "redrive or discard" in timeline["waiting_for"]


async def test_analytics_counts_every_order_once(fresh: Environment) -> None:
    async with shop(fresh) as client:
        for sku, quantity, amount in [("A", 2, 500), ("A", 3, 700), ("B", 11, 900), ("C", 1, 100_001)]:
            await client.post(item_sku=sku, quantity=quantity, amount_cents=amount)
        await client.settled()
        summary = await get(client, "/analytics/summary?minutes=10")
        assert summary["totals"] == {"created": 4, "confirmed": 2, "cancelled": 2, "amount_cents": "102101"}
        assert len(summary["per_minute"]) == 10
        for name in ("created", "confirmed", "cancelled"):
            assert sum(minute[name] for minute in summary["per_minute"]) == summary["totals"][name]
        assert summary["top_skus"] == [
            {"item_sku": "A", "orders": 2, "quantity": "5", "amount_cents": "1200"},
            {"item_sku": "B", "orders": 1, "quantity": "11", "amount_cents": "900"},
            {"item_sku": "C", "orders": 1, "quantity": "1", "amount_cents": "100001"},
        ]


async def test_what_is_not_an_order_has_no_steps(environment: Environment) -> None:
    async with shop(environment, ROLES="api") as client:
        for order_id in (uuid4(), "x", "%00"):
            for path in ("", "/timeline", "/events", "?wait=final"):
                body = await get(client, f"/orders/{order_id}{path}", 404)
                assert body["type"] == "urn:ordersys:problem:unknown-order"
