"""The watch: lag seen from outside the consumers, and a group that stands still."""

from __future__ import annotations

import pytest

from ordersys.runtime.facts import ConsumerStalled, LagMeasured
from ordersys.runtime.watch import Watch
from ordersys.services import inventory, payment
from tests.driving import Facts, running, wait_until
from tests.integration.flow import Part, message, new_ids, order_created, part, write
from tests.stack import Environment

pytestmark = pytest.mark.anyio


class Watched:
    """A watch of parts, with what it has said."""

    def __init__(self, parts: list[Part], stall_s: float = 60.0) -> None:
        self.facts = Facts()
        self.stalled: list[str] = []
        self.run = Watch(
            broker=parts[0].environment.broker,
            groups={each.group: each.topic for each in parts},
            on_fact=self.facts,
            on_stall=self.stalled.append,
            every_s=0.05,
            stall_s=stall_s,
        ).run

    def lag(self, of: Part) -> dict[int, int | None]:
        """The newest measurement of each partition."""
        return {fact.partition: fact.lag for fact in self.facts.of(LagMeasured) if fact.group == of.group}


async def write_orders(to: Part, count: int) -> None:
    events = [message(to.topic, order_created(order_id)) for order_id in new_ids(count)]
    await write(to.environment.broker, events)


async def test_lag_is_measured_and_none_before_the_first_commit(fresh: Environment) -> None:
    pay, stock = part(fresh, payment.service()), part(fresh, inventory.service())
    await write_orders(pay, 50)
    async with running(pay.pipeline().run):
        await pay.caught_up()
    await write_orders(pay, 30)
    watched = Watched([pay, stock])
    async with running(watched.run) as driver:
        await driver.wait_ready()
        assert sum(lag for lag in watched.lag(pay).values() if lag is not None) == 30
        assert watched.lag(stock) == dict.fromkeys(range(fresh.partitions))
        ends = {fact.partition: fact.end for fact in watched.facts.of(LagMeasured)}
        assert sum(ends.values()) == 80

        async def none() -> bool:
            return watched.lag(pay) == dict.fromkeys(range(fresh.partitions), 0)

        async with running(pay.pipeline().run):
            await wait_until(none, "the lag is gone")


async def test_a_group_that_stands_still_with_lag_is_reported(fresh: Environment) -> None:
    pay, stock = part(fresh, payment.service()), part(fresh, inventory.service())
    await write_orders(pay, 10)
    async with running(pay.pipeline().run):
        await pay.caught_up()
    watched = Watched([pay, stock], stall_s=0.3)

    async def both() -> bool:
        return {pay.group, stock.group} <= set(watched.stalled)

    async def stock_alone() -> bool:
        return watched.stalled.count(stock.group) >= 2

    async with running(watched.run):
        # The one has committed all there is; the other has never committed anything.
        await wait_until(stock_alone, "the group that has never moved is reported, again and again")
        assert pay.group not in watched.stalled
        await write_orders(pay, 5)
        await wait_until(both, "the group that has stopped is reported")
    (fact, *_) = [fact for fact in watched.facts.of(ConsumerStalled) if fact.group == pay.group]
    assert fact.lag == 5
    assert fact.seconds >= 0.3


async def test_a_group_that_moves_is_not_reported(fresh: Environment) -> None:
    pay = part(fresh, payment.service())
    await write_orders(pay, 10)
    watched = Watched([pay], stall_s=5.0)
    async with running(watched.run), running(pay.pipeline().run):
        await pay.caught_up()
    assert watched.stalled == []
