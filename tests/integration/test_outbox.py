"""The outbox: it commits with its cause, and reaches Kafka in order, whatever dies on the way."""

from __future__ import annotations

from contextlib import suppress
from uuid import uuid4

import pytest

from ordersys.adapters import outbox
from ordersys.adapters.orders import NewOrder, OrderWriter
from ordersys.adapters.outbox import OutboxRow, header_text
from ordersys.adapters.postgres import Session
from ordersys.contract.errors import DependencyUnavailable
from ordersys.contract.topics import ORDER_CREATED
from ordersys.runtime.facts import OutboxPublished
from ordersys.runtime.relay import Relay
from tests.driving import Facts, running, wait_until
from tests.integration.flow import AT, by_key, new_ids, read, rows, topic_of
from tests.stack import Environment

pytestmark = pytest.mark.anyio


class Killed(Exception):
    """What ends a run in the middle."""


def new_order(order_id: str, **changes: object) -> NewOrder:
    fields = {
        "id": order_id,
        "customer_email": "a@example.com",
        "item_sku": "SKU-1",
        "quantity": 1,
        "amount_cents": 1999,
        "correlation_id": order_id,
        "traceparent": f"00-{uuid4().hex}-{uuid4().hex[:16]}-01",
        "created_at_utc": AT,
    }
    return NewOrder(**(fields | changes))


def relay(environment: Environment, facts: Facts | None = None, rows_max: int = 1000) -> Relay:
    return Relay(
        database=environment.database,
        broker=environment.broker,
        on_fact=facts if facts is not None else Facts(),
        rows_max=rows_max,
    )


def row(topic: str, key: str, value: object) -> OutboxRow:
    return OutboxRow(topic, key.encode(), str(value).encode(), header_text({"event_id": f"{key}/{value}"}))


async def append(environment: Environment, made: list[OutboxRow]) -> None:
    async with environment.database.session() as session, session.transaction():
        await outbox.insert(session, made)


async def emptied(environment: Environment) -> None:
    async def empty() -> bool:
        return not await rows(environment, "select from outbox limit 1")

    await wait_until(empty, "the outbox is empty")


async def test_an_order_and_its_event_commit_together_or_not_at_all(fresh: Environment) -> None:
    topic = topic_of(fresh, ORDER_CREATED)
    kept, lost = new_ids(2)
    async with fresh.database.session() as session:
        writer = OrderWriter(session, topic)
        with suppress(Killed):
            async with session.transaction():
                assert await writer.insert([new_order(lost)]) == {lost}
                raise Killed
        async with session.transaction():
            assert await writer.insert([new_order(kept)]) == {kept}
    assert [str(found[0]) for found in await rows(fresh, "select id from orders")] == [kept]
    assert [found[0] for found in await rows(fresh, "select key from outbox")] == [kept.encode()]


async def test_what_commits_is_published_and_forgotten(fresh: Environment) -> None:
    topic = topic_of(fresh, ORDER_CREATED)
    order_id = new_ids(1)[0]
    facts = Facts()
    async with running(relay(fresh, facts).run) as driver:
        await driver.wait_ready()
        async with fresh.database.session() as session:
            await OrderWriter(session, topic).insert([new_order(order_id, traceparent="00-t-s-01")])
        await emptied(fresh)
    (record,) = await read(fresh, topic)
    assert record.key == order_id.encode()
    assert record.event["order_id"] == order_id
    assert record.headers == {
        "traceparent": "00-t-s-01",
        "correlation_id": order_id,
        "event_id": record.event["event_id"],
        "event_type": "order.created",
    }
    assert [fact.rows for fact in facts.of(OutboxPublished)] == [1]


async def test_rows_of_a_key_keep_the_order_of_their_ids(fresh: Environment) -> None:
    topic = topic_of(fresh, ORDER_CREATED)
    keys = [f"k{number}" for number in range(5)]
    made = [row(topic, key, value) for value in range(40) for key in keys]
    for start in range(0, len(made), 25):
        await append(fresh, made[start : start + 25])
    async with running(relay(fresh, rows_max=7).run):
        await emptied(fresh)
    found = by_key(await read(fresh, topic))
    assert {key: [record.value for record in records] for key, records in found.items()} == {
        key.encode(): [str(value).encode() for value in range(40)] for key in keys
    }


async def test_a_relay_killed_before_its_delete_publishes_the_same_again(
    fresh: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = topic_of(fresh, ORDER_CREATED)
    await append(fresh, [row(topic, "a", 1), row(topic, "a", 2)])

    async def killed(session: Session, ids: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "delete", killed)
        async with running(relay(fresh).run, fails=True) as driver:
            assert isinstance(await driver.ends(), Killed)
    async with running(relay(fresh).run):
        await emptied(fresh)
    found = await read(fresh, topic)
    assert [record.headers["event_id"] for record in found] == ["a/1", "a/2", "a/1", "a/2"]


async def test_one_relay_works_and_the_other_takes_over(fresh: Environment) -> None:
    topic = topic_of(fresh, ORDER_CREATED)
    first, second = Facts(), Facts()
    async with running(relay(fresh, first).run, fails=True) as working:
        await working.wait_ready()
        async with running(relay(fresh, second).run) as waiting:
            await waiting.wait_ready()
            assert (working.notes[-1], waiting.notes[-1]) == ("relaying", "standing by")
            await append(fresh, [row(topic, "a", 1)])
            await emptied(fresh)
            assert (len(first), len(second)) == (1, 0)

            await rows(
                fresh,
                "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted "
                "and database = (select oid from pg_database where datname = current_database())",
            )
            assert isinstance(await working.ends(), DependencyUnavailable)
            await append(fresh, [row(topic, "a", 2)])
            await emptied(fresh)
            assert waiting.notes[-1] == "relaying"
            assert len(second) == 1
    assert [record.value for record in await read(fresh, topic)] == [b"1", b"2"]


async def test_a_row_that_commits_after_later_ones_is_not_lost(fresh: Environment) -> None:
    topic = topic_of(fresh, ORDER_CREATED)
    async with running(relay(fresh).run) as driver:
        await driver.wait_ready()
        async with fresh.database.session() as slow, slow.transaction():
            await outbox.insert(slow, [row(topic, "slow", 1)])
            await append(fresh, [row(topic, "quick", 2)])
            await emptied(fresh)  # of what can be seen
            assert [record.key for record in await read(fresh, topic)] == [b"quick"]
        await emptied(fresh)
    assert sorted(record.key for record in await read(fresh, topic)) == [b"quick", b"slow"]


async def test_a_commit_wakes_the_relay(fresh: Environment) -> None:
    topic = topic_of(fresh, ORDER_CREATED)
    patient = Relay(database=fresh.database, broker=fresh.broker, on_fact=Facts(), poll_s=60.0)
    async with running(patient.run) as driver:
        if not driver.beats:
            await driver.wait_beat()  # it has looked and found nothing
        await append(fresh, [row(topic, "a", 1)])
        await emptied(fresh)


async def test_a_drained_relay_empties_the_outbox_first(fresh: Environment) -> None:
    topic = topic_of(fresh, ORDER_CREATED)
    await append(fresh, [row(topic, "a", value) for value in range(50)])
    async with running(relay(fresh, rows_max=5).run) as driver:
        driver.drain()
        await driver.wait_ready()
        assert await driver.ends() is None
    assert not await rows(fresh, "select from outbox")
    assert len(await read(fresh, topic)) == 50
