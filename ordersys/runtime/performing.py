"""Outside effects: performed outside of transactions, in sequence per key, and recorded once.

A batch is::

    fetch → decode → hold back parked keys → wanted? → drop what is recorded → perform, some at once
          → record (one transaction for all that ended meanwhile) → park failures → commit offsets

A crash between an effect and its record performs it again with the same idempotency key; it is never left
out. A batch ends in bounded time whatever the receiver does: what was not begun within ``ROUND_S``, or
before a stop, is left for the next.

Whether a failure is the event's or the receiver's: see :mod:`ordersys.contract.errors`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

import anyio
import msgspec

from ordersys.adapters import deliveries
from ordersys.adapters.deliveries import Delivery
from ordersys.adapters.groups import unwrapped
from ordersys.adapters.parked import ParkedRow
from ordersys.adapters.postgres import Session
from ordersys.contract.errors import (
    Conflict,
    DependencyUnavailable,
    NotPerformed,
    OutsideUnavailable,
    RowBlamed,
)
from ordersys.contract.service import OrderFacts, Outcome, Outside, idempotency_key
from ordersys.runtime import steps
from ordersys.runtime.breaker import Breaker, is_doubtful
from ordersys.runtime.facts import Effect, EffectFailed, EffectsRecorded, OnFact
from ordersys.runtime.forms import Applied
from ordersys.runtime.guard import Guard
from ordersys.runtime.parking import Parking
from ordersys.runtime.steps import Failure, Item
from ordersys.runtime.tracing import trace_of
from ordersys.runtime.work import due_items

ROUND_S = 5.0
"""Seconds after which a batch begins no more effects."""
CONFLICTS_MAX = 10


def taken_max(form: Outside) -> int:
    """Events taken at once: enough to keep all places busy where keys have several."""
    return 4 * form.bounds.concurrency_max


class Ended(NamedTuple):
    """An effect that is to be recorded."""

    item: Item
    outcome: Outcome
    attempts: int
    seconds: float


class Round:
    """What becomes of the items of one batch, filled as their effects end."""

    def __init__(self, failures: Sequence[Failure], seen: Sequence[Item], unwanted: Sequence[Item]) -> None:
        self.failures = list(failures)
        self.seen = seen
        self.unwanted = unwanted
        self.left: list[Item] = []
        self.outage: DependencyUnavailable | None = None
        self.recorded: list[Ended] = []
        self._ended: list[Ended] = []
        self._more = anyio.Event()
        self._over = False

    @property
    def served(self) -> bool:
        """Whether the receiver has taken anything."""
        return any(each.outcome == "delivered" for each in self.recorded)

    def doubtful(self) -> list[Failure]:
        """Failures that might be the receiver's: nobody has said that they are the event's."""
        return [each for each in self.failures if each.state != "held" and is_doubtful(each.error)]

    def applied(self, failures: Sequence[Failure]) -> Applied:
        """Counted for the pipeline."""
        done = [*self.unwanted, *(each.item for each in self.recorded)]
        left = sorted(self.left, key=lambda item: (item.record.partition, item.record.offset))
        return Applied(len(done), len(self.seen), failures, done=done, left=left)

    def end(self, ended: Ended) -> None:
        """An effect ended; it is to be recorded as soon as may be."""
        self._ended.append(ended)
        self._more.set()

    def close(self) -> None:
        """No more effects will end."""
        self._over = True
        self._more.set()

    async def take(self) -> list[Ended]:
        """All that ended since the last call, waiting for it; [] when it is over."""
        while not self._ended and not self._over:
            await self._more.wait()
            self._more = anyio.Event()
        taken, self._ended = self._ended, []
        return taken


class PerformingWork:
    """Batches whose effects are outside: see the module."""

    independent = False

    def __init__(
        self,
        form: Outside,
        *,
        service: str,
        parking: Parking,
        session: Session,
        topic: str,
        decoder: msgspec.json.Decoder[Any],
        guard: Guard,
        breaker: Breaker,
        on_fact: OnFact,
        stopping: Callable[[], bool],
        since: datetime,
    ) -> None:
        """``stopping``: whether to begin no more effects. ``since``: when the channel was switched on."""
        self.session: Session | None = session
        self._session = session
        self._form = form
        self._service = service
        self._parking = parking
        self._topic = topic
        self._decoder = decoder
        self._guard = guard
        self._breaker = breaker
        self._on_fact = on_fact
        self._stopping = stopping
        self._since = since

    async def batch(self, free: Sequence[Item], held: Sequence[Failure], now: datetime) -> Applied:
        """Perform and record a batch, then park what failed, with ``held``.

        :raises OutsideUnavailable: the receiver is at fault; what was done is recorded, nothing is parked.
        """
        ended = await self._round(free, now)
        self._judge(ended)
        failures = [*ended.failures, *held]
        if failures:
            await self._write(lambda: self._parking.park(self._session, failures, now))
        return ended.applied(failures)

    async def attempt(self, partitions: Sequence[int], rows_max: int, now: datetime) -> Applied | None:
        """Try the parked rows that are due; each is released in the transaction of its record.

        Nothing is tried while the receiver is at fault: an attempt would count against an event that is not.

        :raises OutsideUnavailable: the receiver cannot be reached; what was done is recorded and released.
        """
        if self._breaker.open:
            return None
        group, limit = self._parking.group, min(rows_max, taken_max(self._form))
        async with self._session.transaction():
            items = await due_items(self._session, group, self._topic, partitions, limit, self._decoder)
        if not items:
            return None
        try:
            ended = await self._round(items, now)
        except RowBlamed as blamed:
            if len(items) > 1:
                return await self.attempt(partitions, 1, now)
            items[0].error = blamed
            ended = await self._round(items, now)
        if ended.served:
            self._breaker.served()
        failures = ended.failures if ended.outage is None else []
        done = [*ended.seen, *ended.unwanted]
        if failures or done:
            await self._write(lambda: self._parking.attempted(self._session, done, failures))
        if ended.outage is not None:
            raise ended.outage
        return ended.applied(failures)

    def _judge(self, ended: Round) -> None:
        """Let the receiver's failures be no event's."""
        if ended.served:
            self._breaker.served()
        elif doubtful := ended.doubtful():
            self._breaker.failed(failure.item.event.event_id for failure in doubtful)
            if self._breaker.open and ended.outage is None:
                last = doubtful[-1].error
                raise OutsideUnavailable(self._form.channel, f"no event is served, the last one: {last}")
        if ended.outage is not None:
            raise ended.outage

    async def _round(self, items: Sequence[Item], now: datetime) -> Round:
        """wanted? → recorded already? → too old? → perform the rest, recording beside it.

        :raises RowBlamed: an event has a value that could not be recorded; nothing was performed.
        """
        wants, channel = self._form.wants, self._form.channel
        decided, failures = steps.decide(
            items, lambda item: wants(item.event, steps.context_of(item, now)), self._guard
        )
        unwanted = [item for item, wanted in decided if not wanted]
        seen: list[Item] = []
        fresh: list[Item] = []
        wanted = [item for item, wanted in decided if wanted]
        known = await deliveries.seen(self._session, channel, [item.event for item in wanted])
        for item in wanted:
            (seen if item.event.event_id in known else fresh).append(item)
            known.add(item.event.event_id)
        ended = Round(failures, seen, unwanted)
        new = []
        for item in fresh:
            if self._is_past(item, now):
                ended.end(Ended(item, "skipped", 0, 0.0))
            else:
                new.append(item)
        orders: dict[str, OrderFacts] = {}
        if self._form.needs_order and new:
            orders = await deliveries.orders(self._session, sorted({_order_id(item) for item in new}))
        async with unwrapped(), anyio.create_task_group() as group:
            group.start_soon(self._record_all, ended)
            await self._perform_all(new, orders, ended)
            ended.close()
        return ended

    def _is_past(self, item: Item, now: datetime) -> bool:
        """Whether the event is no news any more. What is parked is judged by when it came."""
        event, record = item.event, item.record
        came = record.first_failed_at if isinstance(record, ParkedRow) else now
        age_max = timedelta(seconds=self._form.bounds.age_max_s)
        return bool(event.occurred_at_utc < self._since or came - event.occurred_at_utc > age_max)

    async def _perform_all(
        self, items: Sequence[Item], orders: Mapping[str, OrderFacts], ended: Round
    ) -> None:
        """Perform ``items``: those of a key one after the other, several keys at once up to the bound."""
        by_key: dict[object, list[Item]] = {}
        for item in items:
            by_key.setdefault(item.key, []).append(item)
        sequences = deque(by_key.values())
        until = anyio.current_time() + ROUND_S

        async def work() -> None:
            late = False
            while sequences:
                sequence = deque(sequences.popleft())
                while sequence:
                    if late or self._stopping() or ended.outage is not None:
                        ended.left += sequence
                        break
                    if not await self._perform(sequence.popleft(), orders, ended):
                        ended.failures += [Failure(item, "held") for item in sequence]
                        sequence.clear()
                    late = anyio.current_time() >= until

        async with unwrapped(), anyio.create_task_group() as group:
            for _ in range(min(len(sequences), self._form.bounds.concurrency_max)):
                group.start_soon(work)

    async def _perform(self, item: Item, orders: Mapping[str, OrderFacts], ended: Round) -> bool:
        """Perform one; whether the next of its key may follow."""
        started, limit_s = perf_counter(), self._form.bounds.timeout_s
        error: Exception = NotPerformed(f"it took longer than {limit_s:g} s")
        try:
            with anyio.move_on_after(limit_s):
                order = orders.get(_order_id(item))
                outcome = await self._form.perform(item.event, idempotency_key(item.event), order)
                attempts = getattr(item.record, "attempts", 0) + 1
                ended.end(Ended(item, outcome, attempts, perf_counter() - started))
                return True
        except DependencyUnavailable as outage:
            ended.outage = outage
            self._failed("unavailable", started)
            return False
        except Exception as raised:  # noqa: BLE001 - whatever it is, it is this event's alone
            error = raised
        ended.failures.append(Failure(item, steps.state_of(error), error))
        self._failed("failed", started)
        return False

    async def _record_all(self, ended: Round) -> None:
        """Record effects as they end: as few as may be are lost to a crash."""
        while batch := await ended.take():
            await self._write(partial(self._record, batch))
            ended.recorded += batch
            for outcome in ("delivered", "skipped"):
                effects = [_effect(each) for each in batch if each.outcome == outcome]
                if effects:
                    self._on_fact(
                        EffectsRecorded(
                            service=self._service,
                            channel=self._form.channel,
                            outcome=outcome,
                            effects=effects,
                        )
                    )

    async def _record(self, batch: Sequence[Ended]) -> None:
        rows = []
        for item, outcome, attempts, _ in batch:
            event = item.event
            version = deliveries.version_of(event)
            rows.append(Delivery(event.event_id, event.order_id, version, outcome, attempts))
        await deliveries.insert(self._session, self._form.channel, rows)
        released = [each.item for each in batch if isinstance(each.item.record, ParkedRow)]
        await self._parking.attempted(self._session, released, ())

    async def _write(self, write: Callable[[], Awaitable[None]]) -> None:
        """``write`` in a transaction, again after a conflict: what was performed must not be so again."""
        for _ in range(CONFLICTS_MAX):
            try:
                async with self._session.transaction():
                    await write()
            except Conflict:
                continue
            return
        raise DependencyUnavailable("postgres", f"a record met {CONFLICTS_MAX} conflicts in a row")

    def _failed(self, outcome: str, started: float) -> None:
        self._on_fact(
            EffectFailed(
                service=self._service,
                channel=self._form.channel,
                outcome=outcome,
                seconds=perf_counter() - started,
            )
        )


def _order_id(item: Item) -> str:
    return str(item.event.order_id).lower()


def _effect(ended: Ended) -> Effect:
    event = ended.item.event
    trace = trace_of(ended.item.record.headers, event)
    return Effect(
        event.event_id,
        event.order_id,
        deliveries.version_of(event),
        event.correlation_id,
        trace.trace_id if trace else None,
        ended.attempts,
        round(ended.seconds, 4),
    )
