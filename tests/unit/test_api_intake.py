"""The intake's rules: who shares an INSERT, who is to blame, who is refused, and what is not known."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from ordersys.adapters.orders import NewOrder
from ordersys.api.facts import OrdersAccepted, OrdersRefused
from ordersys.api.intake import CONFLICTS_MAX, Intake
from ordersys.api.outcomes import Accepted, Blamed, Mismatch, Outcome, Refused, Unknown
from ordersys.contract.errors import CommitOutcomeUnknown, Conflict, DependencyUnavailable, RowBlamed
from tests.unit.api_fakes import AT, FakeChild, FakeStore, ending, new_order, running

pytestmark = pytest.mark.anyio
AWAY = DependencyUnavailable("postgres", "away")


class Rig:
    """An intake on a scripted store, with its facts."""

    def __init__(self, **limits: Any) -> None:
        self.store = FakeStore()
        self.facts: list[object] = []
        self.intake = Intake(stores=self.store.open, on_fact=self.facts.append, **limits)
        self.gate = asyncio.Event()

    def hold(self, orders: Sequence[NewOrder]) -> Any:
        """A ``before_insert`` that waits for the gate."""
        return self.gate.wait()

    def post(self, name: str, **changes: Any) -> asyncio.Task[Outcome]:
        return asyncio.create_task(self.intake.submit(new_order(name, **changes)))

    async def post_behind(self, *names: str) -> list[asyncio.Task[Outcome]]:
        """Orders that wait in the queue while ``first`` is being written."""
        self.store.before_insert = self.hold
        tasks = [self.post("first")]
        for _ in range(1000):
            await asyncio.sleep(0)
            if self.store.batches:
                break
        tasks += [self.post(name) for name in names]
        await asyncio.sleep(0)
        return tasks

    def refused(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for fact in self.facts:
            if isinstance(fact, OrdersRefused):
                counts[fact.reason] = counts.get(fact.reason, 0) + fact.count
        return counts


async def test_orders_that_wait_share_one_insert_up_to_the_batch_limit() -> None:
    rig = Rig(batch_max=3)
    async with running(rig.intake):
        tasks = await rig.post_behind("a", "b", "c", "d")
        rig.gate.set()
        outcomes = await asyncio.gather(*tasks)
    assert outcomes == [Accepted(AT, inserted=True)] * 5
    assert rig.store.batches == [["first"], ["a", "b", "c"], ["d"]]
    accepted = [fact for fact in rig.facts if isinstance(fact, OrdersAccepted)]
    assert [(fact.count, fact.inserted) for fact in accepted] == [(1, 1), (3, 3), (1, 1)]


async def test_a_repetition_is_accepted_with_the_first_time_and_another_body_is_not() -> None:
    rig = Rig()
    later = AT.replace(year=2027)
    async with running(rig.intake):
        assert await rig.post("a") == Accepted(AT, inserted=True)
        assert await rig.post("a", created_at_utc=later) == Accepted(AT, inserted=False)
        assert await rig.post("a", quantity=3) == Mismatch()
    assert rig.refused() == {"mismatch": 1}


async def test_one_id_twice_in_one_batch_is_one_order() -> None:
    rig = Rig()
    async with running(rig.intake):
        tasks = await rig.post_behind("a", "a")
        tasks.append(rig.post("a", item_sku="other"))
        await asyncio.sleep(0)
        rig.gate.set()
        outcomes = await asyncio.gather(*tasks)
    assert outcomes[1:] == [Accepted(AT, inserted=True), Accepted(AT, inserted=False), Mismatch()]
    assert len(rig.store.batches) == 2


async def test_only_the_order_the_database_blames_is_refused() -> None:
    rig = Rig()
    names = [f"o{number}" for number in range(9)]
    async with running(rig.intake):
        tasks = await rig.post_behind(*names)

        def blame(orders: Sequence[NewOrder]) -> None:
            if any(order.correlation_id in ("o3", "o8") for order in orders):
                raise RowBlamed("value")

        rig.store.before_insert = blame
        rig.gate.set()
        outcomes = dict(zip(["first", *names], await asyncio.gather(*tasks), strict=True))
    assert [name for name, outcome in outcomes.items() if outcome == Blamed()] == ["o3", "o8"]
    assert sum(isinstance(outcome, Accepted) for outcome in outcomes.values()) == 8
    assert rig.refused() == {"blamed": 2}


async def test_a_conflict_is_run_again_and_not_for_ever() -> None:
    rig = Rig()
    left = [2]

    def conflict(orders: Sequence[NewOrder]) -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise Conflict("deadlock")

    rig.store.before_insert = conflict
    async with running(rig.intake):
        assert await rig.post("a") == Accepted(AT, inserted=True)
    left[0] = 100
    async with ending(rig.intake, DependencyUnavailable):
        assert await rig.post("b") == Refused("unavailable")
    assert left[0] == 100 - CONFLICTS_MAX - 1


async def test_a_full_queue_refuses_at_once() -> None:
    rig = Rig(queue_max=2)
    async with running(rig.intake):
        tasks = await rig.post_behind("a", "b")
        assert await rig.post("c") == Refused("queue_full")
        rig.gate.set()
        await asyncio.gather(*tasks)
    assert rig.refused() == {"queue_full": 1}


async def test_an_order_that_waited_too_long_is_never_written() -> None:
    rig = Rig(deadline_s=0.05)
    async with running(rig.intake):
        first, waiting = await rig.post_behind("a")
        assert await asyncio.wait_for(waiting, 1) == Refused("deadline")
        assert not first.done(), "one that is being written waits for its outcome"
        rig.gate.set()
        assert await first == Accepted(AT, inserted=True)
    assert rig.store.batches == [["first"]]


async def test_a_request_that_is_cancelled_before_it_is_taken_is_never_written() -> None:
    rig = Rig()
    async with running(rig.intake):
        first, waiting = await rig.post_behind("a")
        waiting.cancel()
        await asyncio.sleep(0)
        rig.gate.set()
        await first
    assert rig.store.batches == [["first"]]


async def test_without_an_answer_from_the_database_the_outcome_is_unknown() -> None:
    rig = Rig(commit_timeout_s=0.05)
    async with ending(rig.intake, DependencyUnavailable):
        first, waiting = await rig.post_behind("a")
        assert await asyncio.wait_for(first, 1) == Unknown()
        assert await asyncio.wait_for(waiting, 1) == Refused("unavailable")
    assert not rig.intake.open
    assert rig.refused() == {"unknown": 1, "unavailable": 1}


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (CommitOutcomeUnknown("postgres", "lost"), Unknown()),
        (AWAY, Refused("unavailable")),
        (ValueError("a defect"), Unknown()),
    ],
)
async def test_what_ends_the_writer_answers_everybody(error: Exception, outcome: Outcome) -> None:
    rig = Rig()

    def fail(orders: Sequence[NewOrder]) -> None:
        raise error

    rig.store.before_insert = fail
    async with ending(rig.intake, type(error)):
        assert await rig.post("a") == outcome
    assert await rig.post("b") == Refused("unavailable"), "without a writer the answer comes at once"


async def test_a_repetition_that_cannot_be_compared_is_unknown() -> None:
    rig = Rig()
    async with ending(rig.intake, DependencyUnavailable):
        await rig.post("a")
        rig.store.on_get = AWAY
        assert await rig.post("a") == Unknown()


async def test_what_is_queued_at_the_drain_is_written() -> None:
    rig = Rig()
    async with running(rig.intake) as child:
        tasks = await rig.post_behind("a", "b")
        child.drain()
        rig.gate.set()
        assert await asyncio.gather(*tasks) == [Accepted(AT, inserted=True)] * 3
    assert not rig.intake.open


async def test_a_cancelled_writer_answers_everybody() -> None:
    rig = Rig()
    child = FakeChild()
    writer = asyncio.create_task(rig.intake.run(child))
    await child.is_ready.wait()
    tasks = await rig.post_behind("a")
    writer.cancel()
    assert await asyncio.gather(*tasks) == [Unknown(), Refused("unavailable")]
    with pytest.raises(asyncio.CancelledError):
        await writer


async def test_a_connection_that_died_in_silence_ends_the_writer_before_an_order_comes() -> None:
    rig = Rig(probe_s=0.01)
    rig.store.on_check = AWAY
    async with ending(rig.intake, DependencyUnavailable):
        for _ in range(100):
            await asyncio.sleep(0.01)
            if not rig.intake.open:
                break
        assert not rig.intake.open


async def test_a_second_writer_keeps_the_intake_open() -> None:
    rig = Rig()
    other = FakeChild()
    async with running(rig.intake, other):
        async with running(rig.intake):
            tasks = await rig.post_behind("a")
            for _ in range(100):
                await asyncio.sleep(0.001)
            assert rig.store.batches == [["first"], ["a"]], "the second writer does not wait for the first"
            rig.gate.set()
            await asyncio.gather(*tasks)
        assert rig.intake.open
        assert await rig.post("b") == Accepted(AT, inserted=True)


async def test_a_database_that_is_away_at_the_start_is_an_outage() -> None:
    rig = Rig()
    rig.store.on_open = AWAY
    with pytest.raises(DependencyUnavailable):
        await rig.intake.run(FakeChild())
    assert not rig.intake.open
