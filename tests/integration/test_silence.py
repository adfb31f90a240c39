"""Parts of the runtime that hang with work in hand are restarted: they say what waits before they do it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from ordersys.adapters import outbox
from ordersys.adapters.kafka import Message
from ordersys.adapters.outbox import OutboxRow
from ordersys.contract.service import Bounds
from ordersys.runtime.relay import Relay
from ordersys.supervision import Backoff, ChildSpec, ChildStarting, Start, Supervisor, SupervisorSpec
from tests.driving import Facts, wait_until
from tests.integration.flow import new_ids
from tests.integration.receivers import Posted, endpoint, taken
from tests.integration.test_perform import announce, changed, hook, switched_on
from tests.stack import Environment

pytestmark = pytest.mark.anyio

SILENCE_S = 0.5
QUICK = Backoff(first_s=0.01, cap_s=0.1)


@asynccontextmanager
async def supervised(start: Start) -> AsyncIterator[Callable[[], list[str]]]:
    """Run a child that may be silent for half a second; gives the reasons of its starts so far."""
    facts = Facts()
    child = ChildSpec(id="child", start=start, max_silence_s=SILENCE_S, cancel_timeout_s=2, backoff=QUICK)
    supervisor = Supervisor(SupervisorSpec(id="test", children=(child,)), on_fact=facts)
    async with anyio.create_task_group() as group:
        group.start_soon(supervisor.run)
        yield lambda: [fact.reason for fact in facts.of(ChildStarting)]
        supervisor.drain()


async def test_a_pipeline_whose_effect_never_ends_is_restarted(fresh: Environment) -> None:
    asked = 0

    async def hangs_once(request: Posted) -> int:
        nonlocal asked
        asked += 1
        if asked == 1:
            await anyio.sleep_forever()
        return await taken(request)

    async with endpoint() as receiver:
        receiver.answer = hangs_once
        hooks = hook(fresh, receiver, Bounds(timeout_s=600.0, concurrency_max=1, age_max_s=3600.0))
        await switched_on(hooks)
        event = changed(new_ids(1)[0])
        await announce(hooks, [event])
        async with supervised(lambda child: hooks.pipeline().run(child)) as starts:
            await receiver.asked_for(2)
            await hooks.caught_up()
            assert starts() == ["start", "silent"]
        assert receiver.ids == [event.event_id] * 2


async def test_an_idle_pipeline_is_left_alone(fresh: Environment) -> None:
    async with endpoint() as receiver:
        hooks = hook(fresh, receiver)
        await switched_on(hooks)
        async with supervised(lambda child: hooks.pipeline().run(child)) as starts:
            await announce(hooks, [changed(new_ids(1)[0])])
            await receiver.asked_for(1)
            await anyio.sleep(3 * SILENCE_S)
            assert starts() == ["start"]


class Stuck:
    """A broker that takes the first batch and never acknowledges it."""

    def __init__(self) -> None:
        self.published = 0

    @asynccontextmanager
    async def publisher(self) -> AsyncIterator[Any]:
        yield self

    async def publish(self, messages: Iterable[Message]) -> None:
        self.published += len(list(messages))
        if self.published == 1:
            await anyio.sleep_forever()


async def test_a_relay_whose_batch_is_never_acknowledged_is_restarted(fresh: Environment) -> None:
    row = OutboxRow(fresh.name("TOPIC_ORDER_CREATED"), b"key", b"{}", outbox.header_text({}))
    async with fresh.database.session() as session:
        await outbox.insert(session, [row])
    broker: Any = Stuck()

    async def relay(child: Any) -> None:
        await Relay(database=fresh.database, broker=broker, on_fact=lambda _: None).run(child)

    async with supervised(relay) as starts:

        async def again() -> bool:
            return bool(broker.published == 2)

        await wait_until(again, "the row is published once more")
        assert starts() == ["start", "silent"]
