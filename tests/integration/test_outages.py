"""Kafka or Postgres goes away and comes back: everybody waits, nothing is parked, nothing is lost."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest

from ordersys.adapters import outbox
from ordersys.adapters.outbox import OutboxRow, header_text
from ordersys.contract.errors import DependencyUnavailable
from ordersys.contract.topics import ORDER_STATUS_CHANGED, PAYMENT_RESULT
from ordersys.runtime.janitor import Janitor, Retention
from ordersys.runtime.relay import Relay
from ordersys.runtime.watch import Watch
from ordersys.services import orchestrator, payment
from tests.driving import Driver, Facts, Run, running
from tests.integration.flow import (
    Part,
    message,
    new_orders,
    order_created,
    part,
    payment_result,
    read,
    rows,
    topic_of,
    write,
)
from tests.stack import Environment, Servers

pytestmark = pytest.mark.anyio

ORDERS = 50


@pytest.fixture(scope="module")
def servers(mortal_servers: Servers) -> Servers:
    return mortal_servers


def relay(environment: Environment) -> Relay:
    return Relay(database=environment.database, broker=environment.broker, on_fact=Facts())


async def ends_as_outage(driver: Driver, of: str) -> None:
    error = await driver.ends()
    assert isinstance(error, DependencyUnavailable), error
    assert error.dependency == of


async def start(group: AsyncExitStack, run: Run) -> Driver:
    driver = await group.enter_async_context(running(run, fails=True))
    await driver.wait_ready()
    return driver


async def work(pay: Part, payments: Part) -> list[str]:
    """Something to do for both; the orders' ids."""
    order_ids = list(await new_orders(pay.environment, ORDERS))
    broker = pay.environment.broker
    await write(broker, [message(pay.topic, order_created(order_id)) for order_id in order_ids])
    await write(broker, [message(payments.topic, payment_result(order_id)) for order_id in order_ids])
    return order_ids


async def announce(environment: Environment) -> None:
    """A row for the relay to publish."""
    topic = topic_of(environment, ORDER_STATUS_CHANGED)
    async with environment.database.session() as session:
        await outbox.insert(session, [OutboxRow(topic, b"k", b"announced", header_text({}))])


async def parked_rows(environment: Environment) -> list[Any]:
    return await rows(environment, "select from parked_events")


async def test_kafka_is_waited_for(fresh: Environment, servers: Servers) -> None:
    assert servers.stack is not None
    impatient = replace(fresh.broker, request_timeout_ms=3000, session_timeout_ms=6000)
    fresh = replace(fresh, broker=impatient)
    pay, payments = part(fresh, payment.service()), part(fresh, orchestrator.service())
    watch = Watch(
        broker=impatient,
        groups={pay.group: pay.topic},
        on_fact=Facts(),
        on_stall=lambda _: None,
        every_s=0.2,
    )
    async with AsyncExitStack() as group:
        runs = [pay.pipeline().run, payments.pipeline().run, relay(fresh).run, watch.run]
        started = [await start(group, run) for run in runs]
        await servers.stack.stop_kafka()
        try:
            await announce(fresh)
            for driver in started:
                await ends_as_outage(driver, "kafka")
            # Who comes while it is away waits as well.
            async with running(pay.pipeline().run, fails=True) as late:
                await ends_as_outage(late, "kafka")
        finally:
            await servers.stack.start_kafka()
    assert await parked_rows(fresh) == []
    assert len(await rows(fresh, "select from outbox")) == 1  # kept until it can be sent

    order_ids = await work(pay, payments)
    async with running(pay.pipeline().run), running(payments.pipeline().run), running(relay(fresh).run):
        await pay.caught_up()
        await payments.caught_up()
    answers = await read(fresh, topic_of(fresh, PAYMENT_RESULT))
    assert {record.event["order_id"] for record in answers} == set(order_ids)
    changes = await read(fresh, topic_of(fresh, ORDER_STATUS_CHANGED))
    assert sorted(r.key.decode() for r in changes if r.key and r.key != b"k") == sorted(order_ids)
    assert [record.value for record in changes if record.key == b"k"] == [b"announced"]
    assert await parked_rows(fresh) == []


async def test_postgres_is_waited_for_by_those_who_need_it(fresh: Environment, servers: Servers) -> None:
    assert servers.stack is not None
    pay, payments = part(fresh, payment.service()), part(fresh, orchestrator.service())
    order_ids = list(await new_orders(fresh, ORDERS))
    results = [message(payments.topic, payment_result(order_id)) for order_id in order_ids]
    janitor = Janitor(database=fresh.database, retention=Retention(), on_fact=Facts(), measure_every_s=0.2)
    async with running(pay.pipeline().run) as paying, AsyncExitStack() as group:
        await paying.wait_ready()
        runs = [payments.pipeline().run, relay(fresh).run, janitor.run]
        started = [await start(group, run) for run in runs]
        await servers.stack.stop_postgres()
        try:
            for driver in started:
                await ends_as_outage(driver, "postgres")
            async with running(payments.pipeline().run, fails=True) as late:
                await ends_as_outage(late, "postgres")
            # A service without state works on: it needs the database to park, and nothing is parked.
            await write(fresh.broker, [message(pay.topic, order_created(order_id)) for order_id in order_ids])
            await write(fresh.broker, results)
            await pay.caught_up()
        finally:
            await servers.stack.start_postgres()
    assert payments.outcomes() == {}
    assert await payments.committed() == {}

    async with running(payments.pipeline().run):
        await payments.caught_up()
    assert await parked_rows(fresh) == []
    assert await rows(fresh, "select from orders where order_version <> 1") == []


async def test_a_bad_event_waits_with_its_batch_for_postgres(fresh: Environment, servers: Servers) -> None:
    assert servers.stack is not None
    pay = part(fresh, payment.service())
    async with running(pay.pipeline().run, fails=True) as driver:
        await driver.wait_ready()
        await servers.stack.stop_postgres()
        try:
            bad = message(pay.topic, order_created("a"))._replace(value=b"{")
            await write(fresh.broker, [message(pay.topic, order_created("b")), bad])
            await ends_as_outage(driver, "postgres")
        finally:
            await servers.stack.start_postgres()
    assert sum((await pay.committed()).values()) <= 1
    async with running(pay.pipeline().run):
        await pay.caught_up()
    assert [(row.key, row.state) for row in await pay.parked()] == [(b"a", "dead")]
    answers = await read(fresh, topic_of(fresh, PAYMENT_RESULT))
    assert {record.key for record in answers} == {b"b"}
