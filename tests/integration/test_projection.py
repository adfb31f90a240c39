"""Read models through real topics: each row once, whatever is delivered again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ordersys.adapters.kafka import GroupConsumer
from ordersys.contract.events import OrderStatusChanged
from ordersys.runtime.facts import RowsStored
from ordersys.services import analytics, notification
from tests.driving import running
from tests.integration.flow import AT, message, new_ids, order_created, part, payment_result, rows, write
from tests.stack import Environment

pytestmark = pytest.mark.anyio

CREATED, STATUS = 0, 1
MINUTE = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


class Killed(Exception):
    """What ends a run in the middle."""


async def killed(*_: object) -> Any:
    raise Killed


def changed(order_id: str, version: int, before: str, after: str) -> OrderStatusChanged:
    return OrderStatusChanged.by(payment_result(order_id), before, after, version, at=AT)


def life(order_id: str) -> list[OrderStatusChanged]:
    """Both transitions of an order."""
    return [changed(order_id, 1, "NEW", "PROCESSING"), changed(order_id, 2, "PROCESSING", "CONFIRMED")]


async def notified(environment: Environment) -> list[tuple[str, int, str]]:
    found = await rows(
        environment,
        "select order_id::text, order_version, current_state from notifications "
        "order by order_id, order_version",
    )
    return [tuple(row) for row in found]


async def test_each_transition_is_notified_once(fresh: Environment) -> None:
    notices = part(fresh, notification.service())
    order_ids = sorted(new_ids(20))
    events = [message(notices.topic, event) for order_id in order_ids for event in life(order_id)]
    await write(fresh.broker, events)
    async with running(notices.pipeline().run):
        await notices.caught_up()
        await write(fresh.broker, events[:10])
        await notices.caught_up()
    assert await notified(fresh) == [
        row for order_id in order_ids for row in ((order_id, 1, "PROCESSING"), (order_id, 2, "CONFIRMED"))
    ]
    assert notices.outcomes() == {"handled": 40, "duplicate": 10}
    stored = [row for fact in notices.facts.of(RowsStored) for row in fact.rows]
    assert sorted((row.order_id, row.order_version) for row in stored) == [
        (order_id, version) for order_id in order_ids for version in (1, 2)
    ]


async def test_the_same_transition_twice_in_one_batch_is_notified_once(fresh: Environment) -> None:
    notices = part(fresh, notification.service())
    (order_id,) = new_ids(1)
    event = message(notices.topic, life(order_id)[0])
    await write(fresh.broker, [event, event])
    async with running(notices.pipeline().run):
        await notices.caught_up()
    assert await notified(fresh) == [(order_id, 1, "PROCESSING")]
    assert notices.outcomes() == {"handled": 1, "duplicate": 1}


async def test_an_order_is_counted_once_when_created_and_once_when_final(fresh: Environment) -> None:
    created, final = part(fresh, analytics.service(), CREATED), part(fresh, analytics.service(), STATUS)
    (order_id,) = new_ids(1)
    await write(fresh.broker, [message(final.topic, event) for event in life(order_id)])
    async with running(final.pipeline().run):
        await final.caught_up()
    # The log promises nothing across topics: what is created may be heard of last.
    orders = [order_created(order_id), order_created(order_id, event_id="of another writer")]
    await write(fresh.broker, [message(created.topic, order) for order in orders])
    async with running(created.pipeline().run):
        await created.caught_up()
    found = await rows(fresh, "select created_minute, final_minute, final_state from analytics_orders")
    assert [tuple(row) for row in found] == [(MINUTE, MINUTE, "CONFIRMED")]
    assert created.outcomes() == {"handled": 1, "duplicate": 1}
    assert final.outcomes() == {"handled": 2}  # the step in between is read, and counts nothing


async def test_two_spellings_of_an_order_are_one(fresh: Environment) -> None:
    created = part(fresh, analytics.service(), CREATED)
    (order_id,) = new_ids(1)
    orders = [order_created(order_id), order_created(order_id.upper(), event_id="of another writer")]
    await write(fresh.broker, [message(created.topic, order, key=b"k") for order in orders])
    async with running(created.pipeline().run):
        await created.caught_up()
    assert [row[0] for row in await rows(fresh, "select order_id::text from analytics_orders")] == [order_id]


async def test_killed_between_the_two_commits_it_stores_nothing_twice(
    fresh: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    notices = part(fresh, notification.service())
    order_ids = sorted(new_ids(20))
    await write(
        fresh.broker, [message(notices.topic, event) for order_id in order_ids for event in life(order_id)]
    )
    with monkeypatch.context() as patch:
        patch.setattr(GroupConsumer, "commit", killed)
        async with running(notices.pipeline().run, fails=True) as driver:
            assert isinstance(await driver.ends(), Killed)
    before = await rows(fresh, "select * from notifications order by order_id, order_version")
    assert before
    assert await notices.committed() == {}
    async with running(notices.pipeline().run):
        await notices.caught_up()
    after = await rows(fresh, "select * from notifications order by order_id, order_version")
    assert len(after) == 40
    assert {tuple(row) for row in before} <= {tuple(row) for row in after}
