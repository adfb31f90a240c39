"""Outside effects on real servers: once each, in sequence per key, whatever the receiver does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import msgspec
import pytest

from ordersys.adapters import deliveries
from ordersys.adapters.mail import Mailer
from ordersys.adapters.webhook import Webhook, signature
from ordersys.contract.errors import OutsideUnavailable
from ordersys.contract.events import OrderStatusChanged, encode
from ordersys.contract.service import Bounds
from ordersys.runtime import performing
from ordersys.runtime.breaker import Breaker
from ordersys.runtime.facts import EffectFailed, EffectsRecorded
from ordersys.runtime.parking import RetryPolicy
from ordersys.services import notification
from tests.driving import running, wait_until
from tests.integration.flow import (
    LIMITS,
    NEVER,
    QUICK,
    Part,
    message,
    new_ids,
    new_orders,
    part,
    payment_result,
    read,
    rows,
    write,
)
from tests.integration.receivers import Endpoint, MailServer, Posted, endpoint, mail_server, taken
from tests.stack import Environment

pytestmark = pytest.mark.anyio

SECRET = b"s" * 32
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
BOUNDS = Bounds(timeout_s=5.0, concurrency_max=4, age_max_s=3600.0)
OUTSIDE = 1
"""Number of the channel's subscription, after that of the rows."""


class Killed(Exception):
    """What ends a run in the middle."""


def changed(order_id: str, version: int = 2, after: str = "CONFIRMED", **ago: float) -> OrderStatusChanged:
    """A transition that has just happened, or some time ago."""
    at = datetime.now(UTC) - timedelta(**ago)
    return OrderStatusChanged.by(payment_result(order_id), "PROCESSING", after, version, at=at)


def hook(environment: Environment, receiver: Endpoint, bounds: Bounds = BOUNDS) -> Part:
    """The webhook's channel, told to ``receiver``."""
    timeout_s, connections_max = bounds.timeout_s, bounds.concurrency_max
    made = Webhook(url=receiver.url, secret=SECRET, timeout_s=timeout_s, connections_max=connections_max)
    channel = notification.by_webhook(made.post, made.opened, bounds)
    return part(environment, notification.service(channel), OUTSIDE)


def post_office(environment: Environment, server: MailServer, bounds: Bounds = BOUNDS) -> Part:
    """The mail's channel, with ``server``."""
    mailer = Mailer(
        host="127.0.0.1",
        port=server.port,
        user="",
        password="",
        tls="",
        sender="Shop <orders@shop.example>",
        timeout_s=bounds.timeout_s,
    )
    return part(environment, notification.service(notification.by_mail(mailer.send, bounds)), OUTSIDE)


async def switched_on(of: Part, since: datetime = LONG_AGO) -> None:
    """Let the channel be on since then."""
    channel = of.service.subscriptions[OUTSIDE].name
    await rows(of.environment, "insert into delivery_channels values ($1, $2)", channel, since)


async def announce(of: Part, events: Sequence[OrderStatusChanged]) -> None:
    await write(of.environment.broker, [message(of.topic, event) for event in events])


async def recorded(environment: Environment) -> list[tuple[str, str, int]]:
    """Event id, outcome and attempts of what is recorded."""
    found = await rows(environment, "select event_id, outcome, attempts from deliveries order by event_id")
    return [tuple(row) for row in found]


def delivered(events: Sequence[OrderStatusChanged], attempts: int = 1) -> list[tuple[str, str, int]]:
    return sorted((event.event_id, "delivered", attempts) for event in events)


def life(order_id: str) -> list[OrderStatusChanged]:
    return [changed(order_id, 1, "PROCESSING"), changed(order_id, 2, "CONFIRMED")]


def statuses(of: Callable[[Posted], bool], status: int) -> Callable[[Posted], Any]:
    """Answers those requests with ``status`` and takes the others."""

    async def answer(request: Posted) -> int:
        return status if of(request) else 204

    return answer


async def test_every_transition_is_posted_once_signed_and_in_order(fresh: Environment) -> None:
    order_ids = new_ids(10)
    events = [event for order_id in order_ids for event in life(order_id)]
    async with endpoint() as receiver:
        hooks = hook(fresh, receiver)
        await switched_on(hooks)
        await announce(hooks, events)
        async with running(hooks.pipeline().run):
            await hooks.caught_up()
            await announce(hooks, events[:5])  # the log may hold an event twice
            await hooks.caught_up()
    assert sorted(receiver.ids) == sorted(event.event_id for event in events)
    for order_id in order_ids:
        mine = [each for each in receiver.asked if msgspec.json.decode(each.body)["order_id"] == order_id]
        assert [msgspec.json.decode(each.body)["order_version"] for each in mine] == [1, 2]
    bodies = {event.event_id: encode(event) for event in events}
    for each in receiver.asked:
        assert each.body == bodies[each.id]
        timestamp = int(each.headers["webhook-timestamp"])
        assert each.headers["webhook-signature"] == signature(SECRET, each.id, timestamp, each.body)
    assert await recorded(fresh) == delivered(events)
    assert hooks.outcomes() == {"handled": 20, "duplicate": 5}
    effects = [effect for fact in hooks.facts.of(EffectsRecorded) for effect in fact.effects]
    assert sorted(effect.event_id for effect in effects) == sorted(bodies)


async def test_the_customer_gets_a_mail_when_the_order_is_final(fresh: Environment) -> None:
    order_ids = await new_orders(fresh, 6)
    for number, order_id in enumerate(order_ids):
        await rows(
            fresh, "update orders set customer_email = $2 where id = $1", order_id, f"c{number}@mail.example"
        )
    events = [event for order_id in order_ids for event in life(order_id)]
    async with mail_server() as server:
        mails = post_office(fresh, server)
        await switched_on(mails)
        await announce(mails, events)
        async with running(mails.pipeline().run):
            await mails.caught_up()
    assert sorted(server.recipients) == [f"c{number}@mail.example" for number in range(6)]
    assert {mail["Message-ID"] for mail in server.mails} == {
        f"<{event.event_id}@shop.example>" for event in events if event.order_version == 2
    }
    assert await recorded(fresh) == delivered(events[1::2])
    assert "mail.example" not in repr(mails.facts)


async def test_no_more_go_on_at_once_than_the_bound_and_never_two_of_a_key(fresh: Environment) -> None:
    order_ids = new_ids(8)
    events = [changed(order_id, version) for version in (1, 2, 3) for order_id in order_ids]
    full = anyio.Event()
    of_key: dict[str, int] = {}
    async with endpoint() as receiver:

        async def answer(request: Posted) -> int:
            order_id = msgspec.json.decode(request.body)["order_id"]
            of_key[order_id] = of_key.get(order_id, 0) + 1
            assert of_key[order_id] == 1
            if receiver.at_once == BOUNDS.concurrency_max:
                full.set()
            await full.wait()
            of_key[order_id] -= 1
            return 204

        receiver.answer = answer
        hooks = hook(fresh, receiver)
        await switched_on(hooks)
        await announce(hooks, events)
        async with running(hooks.pipeline().run):
            await hooks.caught_up()
    assert receiver.at_once_max == BOUNDS.concurrency_max
    assert await recorded(fresh) == delivered(events)
    for order_id in order_ids:
        mine = [msgspec.json.decode(each.body) for each in receiver.asked]
        assert [each["order_version"] for each in mine if each["order_id"] == order_id] == [1, 2, 3]


async def test_what_is_not_begun_in_time_is_left_for_the_next_batch(
    fresh: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(performing, "ROUND_S", 0.0)  # each place does nothing after its first
    order_ids = new_ids(9)
    events = [changed(order_id, version) for order_id in order_ids for version in (1, 2, 3)]

    async with endpoint() as receiver:
        hooks = hook(fresh, receiver, BOUNDS._replace(concurrency_max=2))
        await switched_on(hooks)
        await announce(hooks, events)
        async with running(hooks.pipeline().run):
            await hooks.caught_up()
    assert len(receiver.ids) == len(set(receiver.ids)) == 27
    for order_id in order_ids:
        mine = [msgspec.json.decode(each.body) for each in receiver.asked]
        assert [each["order_version"] for each in mine if each["order_id"] == order_id] == [1, 2, 3]
    assert await recorded(fresh) == delivered(events)


async def test_one_event_that_fails_is_parked_alone_with_what_follows_it(fresh: Environment) -> None:
    bad, *good = new_ids(6)
    refusing = True
    events = [event for order_id in (bad, *good) for event in life(order_id)]
    async with endpoint() as receiver:
        receiver.answer = statuses(lambda each: refusing and bad.encode() in each.body, 500)
        hooks = hook(fresh, receiver)
        await switched_on(hooks)
        await announce(hooks, events)
        async with running(hooks.pipeline(policy=NEVER).run):
            await hooks.caught_up()
        assert await recorded(fresh) == delivered(events[2:])
        assert [(row.state, row.attempts, row.reason) for row in await hooks.parked()] == [
            ("retrying", 1, "the endpoint answered 500"),
            ("held", 0, "an earlier event of this key is parked"),
        ]
        await rows(fresh, "update parked_events set next_attempt_at = now()")
        refusing = False
        async with running(hooks.pipeline(policy=QUICK).run):
            await hooks.nothing_parked()
    assert [each for each in receiver.ids if each in {e.event_id for e in events[:2]}] == [
        events[0].event_id,  # refused
        events[0].event_id,
        events[1].event_id,
    ]
    expected = sorted([(events[0].event_id, "delivered", 2), *delivered(events[1:])])
    assert await recorded(fresh) == expected


async def test_one_event_that_hangs_is_parked_and_dead_in_the_end(fresh: Environment) -> None:
    bad, *good = new_ids(6)
    async with endpoint() as receiver:

        async def answer(request: Posted) -> int:
            if bad.encode() in request.body:
                await anyio.sleep_forever()
            return 204

        receiver.answer = answer
        hooks = hook(fresh, receiver, BOUNDS._replace(timeout_s=0.3))
        await switched_on(hooks)
        events = [changed(order_id) for order_id in (bad, *good)]
        await announce(hooks, events)
        policy = RetryPolicy(attempts_max=2, first_s=0.01, factor=1.0)
        async with running(hooks.pipeline(policy=policy).run):
            await hooks.caught_up()

            async def dead() -> bool:
                return [row.state for row in await hooks.parked()] == ["dead"]

            await wait_until(dead, "it is dead")
    (row,) = await hooks.parked()
    assert row.attempts == 2
    assert row.reason == "it took longer than 0.3 s"
    assert receiver.ids.count(events[0].event_id) == 2
    assert await recorded(fresh) == delivered(events[1:])
    copies = await rows(fresh, "select topic, value from outbox")
    assert [tuple(copy) for copy in copies] == [(hooks.dead_letters, encode(events[0]))]
    assert {fact.outcome for fact in hooks.facts.of(EffectFailed)} == {"failed"}


async def test_a_recipient_that_is_refused_for_ever_is_dead_at_once_and_others_flow(
    fresh: Environment,
) -> None:
    order_ids = await new_orders(fresh, 5)
    await rows(fresh, "update orders set customer_email = 'gone@mail.example' where id = $1", order_ids[0])
    async with mail_server() as server:
        server.refuse = lambda address: f"550 5.1.1 <{address}>: unknown" if "gone" in address else None
        mails = post_office(fresh, server)
        await switched_on(mails)
        events = [changed(order_id) for order_id in order_ids]
        await announce(mails, events)
        async with running(mails.pipeline().run):
            await mails.caught_up()
    assert [(row.state, row.attempts) for row in await mails.parked()] == [("dead", 1)]
    assert await recorded(fresh) == delivered(events[1:])
    assert len(await rows(fresh, "select from outbox")) == 1
    told = await rows(fresh, "select reason || traceback as text from parked_events")
    assert "550 5.1.1" in told[0][0]
    assert "gone@" not in told[0][0] + repr(mails.facts)


@pytest.mark.parametrize("killed_at", ["insert", "commit"])
async def test_killed_between_the_effect_and_its_record_it_is_repeated_with_the_same_id(
    fresh: Environment, monkeypatch: pytest.MonkeyPatch, killed_at: str
) -> None:
    async def killed(*_: object) -> Any:
        raise Killed

    (event,) = [changed(order_id) for order_id in new_ids(1)]
    async with endpoint() as receiver:
        hooks = hook(fresh, receiver)
        await switched_on(hooks)
        await announce(hooks, [event])
        with monkeypatch.context() as patch:
            if killed_at == "insert":
                patch.setattr(deliveries, "insert", killed)
            else:
                patch.setattr("ordersys.adapters.kafka.GroupConsumer.commit", killed)
            async with running(hooks.pipeline().run, fails=True) as driver:
                assert isinstance(await driver.ends(), Killed)
        assert receiver.ids == [event.event_id]
        assert await hooks.committed() == {}
        assert await recorded(fresh) == ([] if killed_at == "insert" else delivered([event]))
        async with running(hooks.pipeline().run):
            await hooks.caught_up()
    # Once it was recorded it is not repeated, whether or not its offset was committed.
    assert receiver.ids == [event.event_id] * (2 if killed_at == "insert" else 1)
    assert await recorded(fresh) == delivered([event])


async def test_a_receiver_that_is_away_is_waited_for(fresh: Environment) -> None:
    events = [changed(order_id) for order_id in new_ids(20)]
    async with endpoint() as receiver:
        hooks = hook(fresh, receiver)
        await switched_on(hooks)
        await receiver.close()
        await announce(hooks, events)
        for _ in range(3):
            async with running(hooks.pipeline().run, fails=True) as driver:
                error = await driver.ends()
            assert isinstance(error, OutsideUnavailable), error
            assert error.dependency == "webhook"
        assert await hooks.parked() == []
        assert await hooks.committed() == {}
        assert "unavailable" in {fact.outcome for fact in hooks.facts.of(EffectFailed)}
        await receiver.open()
        async with running(hooks.pipeline().run):
            await hooks.caught_up()
    assert sorted(receiver.ids) == sorted(event.event_id for event in events)
    assert await recorded(fresh) == delivered(events)


async def test_a_mail_server_that_is_away_is_waited_for(fresh: Environment) -> None:
    events = [changed(order_id) for order_id in await new_orders(fresh, 5)]
    async with mail_server() as server:
        mails = post_office(fresh, server)
        await switched_on(mails)
        await server.close()
        await announce(mails, events)
        async with running(mails.pipeline().run, fails=True) as driver:
            error = await driver.ends()
        assert isinstance(error, OutsideUnavailable), error
        assert error.dependency == "mail"
        assert await mails.parked() == []
        await server.open()
        async with running(mails.pipeline().run):
            await mails.caught_up()
    assert len(server.mails) == 5
    assert await recorded(fresh) == delivered(events)


async def test_a_receiver_that_fails_everybody_is_waited_for_and_nothing_is_parked(
    fresh: Environment,
) -> None:
    events = [changed(order_id) for order_id in new_ids(12)]
    breaker = Breaker()
    async with endpoint() as receiver:
        hooks = hook(fresh, receiver)
        await switched_on(hooks)
        receiver.answer = statuses(lambda _: True, 503)
        await announce(hooks, events)
        for _ in range(2):
            async with running(hooks.pipeline(breaker=breaker).run, fails=True) as driver:
                error = await driver.ends()
            assert isinstance(error, OutsideUnavailable), error
            assert "the endpoint answered 503" in str(error)
        assert breaker.open
        assert await hooks.parked() == []
        # One order in twelve is refused for its own sake, and is parked as soon as others are served.
        receiver.answer = statuses(lambda each: each.id == events[3].event_id, 400)
        async with running(hooks.pipeline(breaker=breaker, policy=NEVER).run):
            await hooks.caught_up()
        assert not breaker.open
    assert [row.state for row in await hooks.parked()] == ["retrying"]
    assert await recorded(fresh) == delivered([event for event in events if event is not events[3]])


async def test_few_failures_are_not_held_against_events_once_the_receiver_is_known_to_fail(
    fresh: Environment,
) -> None:
    breaker = Breaker(failures_max=2)
    first, second = [changed(order_id) for order_id in new_ids(2)]
    async with endpoint() as receiver:
        hooks = hook(fresh, receiver)
        await switched_on(hooks)
        receiver.answer = statuses(lambda _: True, 500)
        await announce(hooks, [first])
        async with running(hooks.pipeline(breaker=breaker, policy=NEVER).run):
            await hooks.caught_up()
        await rows(fresh, "update parked_events set next_attempt_at = now()")
        await announce(hooks, [second])
        async with running(hooks.pipeline(breaker=breaker, policy=QUICK).run, fails=True) as driver:
            assert isinstance(await driver.ends(), OutsideUnavailable)
        (before,) = await hooks.parked()
        assert before.state == "retrying"
        async with running(hooks.pipeline(breaker=breaker, policy=QUICK).run, fails=True) as driver:
            assert isinstance(await driver.ends(), OutsideUnavailable)
        assert await hooks.parked() == [before]  # not tried again
        receiver.answer = taken
        async with running(hooks.pipeline(breaker=breaker, policy=QUICK).run):
            await hooks.nothing_parked()
            await hooks.caught_up()
    assert {event_id for event_id, _, _ in await recorded(fresh)} == {first.event_id, second.event_id}


async def test_history_is_not_told_when_a_channel_is_switched_on(fresh: Environment) -> None:
    history = [changed(order_id, seconds=1) for order_id in new_ids(50)]
    async with endpoint() as receiver:
        hooks = hook(fresh, receiver)
        await announce(hooks, history)
        async with running(hooks.pipeline().run) as driver:
            await driver.wait_ready()
            await hooks.caught_up()
            news = [changed(order_id) for order_id in new_ids(5)]
            await announce(hooks, news)
            await hooks.caught_up()
    assert sorted(receiver.ids) == sorted(event.event_id for event in news)
    skipped = [(event.event_id, "skipped", 0) for event in history]
    assert await recorded(fresh) == sorted([*skipped, *delivered(news)])


async def test_what_is_no_news_any_more_is_skipped_unless_it_was_when_it_came(fresh: Environment) -> None:
    old, kept = changed(new_ids(1)[0], hours=2), changed(new_ids(1)[0])
    async with endpoint() as receiver:
        receiver.answer = statuses(lambda _: True, 500)
        hooks = hook(fresh, receiver)
        await switched_on(hooks)
        await announce(hooks, [old, kept])
        async with running(hooks.pipeline(policy=NEVER).run):
            await hooks.caught_up()
        receiver.answer = taken
        # It is redriven when it has become old.
        await rows(fresh, "update parked_events set state = 'dead', requested = 'redrive'")
        strict = hook(fresh, receiver, BOUNDS._replace(age_max_s=0.001))
        await rows(fresh, "update parked_events set first_failed_at = $1", kept.occurred_at_utc)
        async with running(strict.pipeline().run):
            await strict.nothing_parked()
    assert receiver.ids == [kept.event_id] * 2
    assert await recorded(fresh) == sorted([(old.event_id, "skipped", 0), (kept.event_id, "delivered", 2)])


async def test_an_event_that_cannot_be_recorded_is_not_performed(fresh: Environment) -> None:
    odd, good = changed("no uuid"), changed(new_ids(1)[0])
    async with endpoint() as receiver:
        hooks = hook(fresh, receiver)
        await switched_on(hooks)
        await announce(hooks, [odd, good])
        async with running(hooks.pipeline(policy=NEVER).run):
            await hooks.caught_up()
    assert receiver.ids == [good.event_id]
    assert [row.state for row in await hooks.parked()] == ["retrying"]
    assert await recorded(fresh) == delivered([good])


async def test_a_member_that_comes_makes_nothing_be_told_twice(fresh: Environment) -> None:
    events = [event for order_id in new_ids(60) for event in life(order_id)]
    async with endpoint() as receiver:

        async def slowly(_: Posted) -> int:
            await anyio.sleep(0.02)
            return 204

        receiver.answer = slowly
        hooks = hook(fresh, receiver)
        other = hook(fresh, receiver)
        await switched_on(hooks)
        await announce(hooks, events)
        async with running(hooks.pipeline().run):
            await receiver.asked_for(10)
            async with running(other.pipeline().run) as late:
                await late.wait_ready()
                await hooks.caught_up(30)
    assert len(receiver.ids) == len(set(receiver.ids)) == 120
    assert await recorded(fresh) == delivered(events)


async def test_a_stop_finishes_what_is_under_way_and_begins_nothing_more(fresh: Environment) -> None:
    events = [changed(order_id) for order_id in new_ids(12)]
    going_on, go_on = anyio.Event(), anyio.Event()
    async with endpoint() as receiver:

        async def answer(_: Posted) -> int:
            if receiver.at_once == BOUNDS.concurrency_max:
                going_on.set()
            await go_on.wait()
            return 204

        receiver.answer = answer
        hooks = hook(fresh, receiver)
        await switched_on(hooks)
        await announce(hooks, events)
        async with running(hooks.pipeline(limits=LIMITS).run) as driver:
            await going_on.wait()
            driver.drain()
            go_on.set()
            assert await driver.ends() is None
        begun = list(receiver.ids)
        assert len(begun) == BOUNDS.concurrency_max
        assert len(await recorded(fresh)) == BOUNDS.concurrency_max
        async with running(hooks.pipeline().run):
            await hooks.caught_up()
    assert len(receiver.ids) == len(set(receiver.ids)) == 12
    assert await recorded(fresh) == delivered(events)
    assert await read(fresh, hooks.dead_letters) == []
