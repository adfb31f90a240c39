"""Three forms of a service, as the pipeline runs them: from free items to committed effects.

``settle`` writes, in the transaction of the effects, what becomes of the items: it parks what failed of a
batch, or releases parked rows that succeeded. The fourth form is in ``performing``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from ordersys.adapters import inbox, outbox, projections, states
from ordersys.adapters.kafka import Message, Publisher
from ordersys.adapters.outbox import OutboxRow
from ordersys.adapters.postgres import Session
from ordersys.contract.errors import Rejected, UnknownOrder
from ordersys.contract.events import Event, encode
from ordersys.contract.order import FINAL, OrderState, Result
from ordersys.contract.service import Decision, Projection, Stateful, Stateless
from ordersys.runtime import steps
from ordersys.runtime.facts import OrdersFinalised, RowsStored
from ordersys.runtime.guard import Guard
from ordersys.runtime.steps import Failure, Item
from ordersys.runtime.tracing import trace_id_of

Settle = Callable[[Session, Sequence[Item], Sequence[Failure]], Awaitable[None]]


class Applied(NamedTuple):
    """What became of a batch: how many items were handled, how many seen before, which are to be parked.

    ``facts`` are to be reported once it is committed; ``done`` are the items handled, ``left`` those that
    are left for the next batch.
    """

    handled: int
    duplicates: int
    failures: Sequence[Failure]
    facts: Sequence[object] = ()
    done: Sequence[Item] = ()
    left: Sequence[Item] = ()


class StatelessForm:
    """decide → publish. The log is at-least-once: a repeated answer has the same id."""

    def __init__(self, form: Stateless, emits: str, publisher: Publisher, guard: Guard) -> None:
        self._guard = guard
        self._decide = form.decide
        self._emits = emits
        self._publisher = publisher

    async def publish(self, items: Sequence[Item], now: datetime) -> tuple[list[Item], list[Failure]]:
        """Decide, and publish with every acknowledgement awaited: items done, items failed."""
        decided, failures = steps.decide(items, lambda item: self._answer(item, now), self._guard)
        await self._publisher.publish([message for _, message in decided])
        return [item for item, _ in decided], failures

    def _answer(self, item: Item, now: datetime) -> Message:
        event = self._decide(item.event, steps.context_of(item, now))
        value = encode(event)
        if len(value) > outbox.VALUE_BYTES_MAX:
            # Kafka would refuse it for ever, and the partition would stand still.
            raise Rejected(f"the answer has {len(value)} bytes, {outbox.VALUE_BYTES_MAX} are the limit")
        headers = [(name, text.encode()) for name, text in steps.headers_of(item, event).items()]
        return Message(self._emits, event.order_id.encode(), value, headers)


class StatefulForm:
    """lock → claim → decide → save → emit, all in the transaction of the caller."""

    def __init__(self, form: Stateful, emits: str, service: str, guard: Guard) -> None:
        self._guard = guard
        self._decide = form.decide
        self._emits = emits
        self._service = service

    async def apply(self, session: Session, items: Sequence[Item], now: datetime, settle: Settle) -> Applied:
        """Load and lock the orders, drop ids already claimed, decide, save states and outbox, settle."""
        readable = [item for item in items if item.error is None]
        known = await states.lock(session, sorted({_order_id(item) for item in readable}))
        claimed = await inbox.claim(session, self._service, [item.event.event_id for item in readable])
        fresh, seen = _drop_seen(items, claimed)
        fold = _Fold(known, self._decide, now)
        decided, failures = steps.decide(fresh, fold.act, self._guard)
        failed = [failure.item.event.event_id for failure in failures if failure.item.error is None]
        await inbox.unclaim(session, self._service, failed)
        ages = await states.save(session, fold.changes(), now)
        await outbox.insert(
            session, [self._row(item, event) for item, decision in decided for event in decision.events]
        )
        done = [item for item, _ in decided]
        await settle(session, [*seen, *done], failures)
        facts = _finalised(self._service, [decision for _, decision in decided], ages)
        return Applied(len(decided), len(seen), failures, facts, done)

    def _row(self, item: Item, event: Event) -> OutboxRow:
        headers = outbox.header_text(steps.headers_of(item, event))
        return OutboxRow(self._emits, event.order_id.encode(), encode(event), headers)


class _Fold:
    """Applies decisions one after the other: a later item of an order sees what an earlier one made."""

    def __init__(self, known: dict[str, OrderState], decide: Callable[..., Decision], now: datetime) -> None:
        self._states = known
        self._decide = decide
        self._now = now
        self._results: dict[tuple[str, str], Result] = {}

    def act(self, item: Item) -> Decision:
        order_id = _order_id(item)
        state = self._states.get(order_id)
        if state is None:
            raise UnknownOrder(f"there is no order {order_id}")
        decision = self._decide(state, item.event, steps.context_of(item, self._now))
        if decision.result is not None:
            self._states[order_id] = decision.state
            self._results[order_id, decision.result.kind] = decision.result
        return decision

    def changes(self) -> list[tuple[OrderState, Result]]:
        """Each new result, with the state that all those of its order have led to."""
        return [(self._states[order_id], result) for (order_id, _), result in self._results.items()]


class ProjectionForm:
    """project → store. The row's natural key makes it once, so no claim is needed."""

    def __init__(self, form: Projection, service: str, guard: Guard) -> None:
        self._guard = guard
        self._form = form
        self._service = service
        self._key = attrgetter(*form.key)

    async def apply(self, session: Session, items: Sequence[Item], now: datetime, settle: Settle) -> Applied:
        """Make rows of the events, store those whose natural key is new, settle."""
        project = self._form.project
        decided, failures = steps.decide(
            items, lambda item: project(item.event, steps.context_of(item, now)), self._guard
        )
        # By natural key, each with the item it is made of: of several the first counts.
        rows: dict[Any, tuple[Any, Item]] = {}
        for item, row in decided:
            if row is not None:
                rows.setdefault(self._key(row), (row, item))
        new = [row for row, _ in rows.values()]
        stored = await projections.store(session, self._form.into, new) if rows else []
        done = [item for item, _ in decided]
        await settle(session, done, failures)
        duplicates = sum(row is not None for _, row in decided) - len(stored)
        notices = self._notices(rows, stored)
        return Applied(len(decided) - duplicates, duplicates, failures, notices, done)

    def _notices(self, rows: dict[Any, tuple[Any, Item]], stored: Sequence[tuple[Any, ...]]) -> list[object]:
        if self._form.notice is None or not stored:
            return []
        keys = stored if len(self._form.key) > 1 else [key for (key,) in stored]
        new = [rows[key] for key in keys if key in rows]
        return [
            RowsStored(
                service=self._service,
                notice=self._form.notice,
                rows=[row for row, _ in new],
                trace_ids=[trace_id_of(item.record.headers, item.event) for _, item in new],
            )
        ]


def _finalised(service: str, decisions: Sequence[Decision], ages: dict[str, float]) -> list[object]:
    """How long each order took that reached its final state in this batch."""
    seconds: dict[str, list[float]] = {}
    for decision in decisions:
        if decision.events and (status := decision.state.status) in FINAL:
            seconds.setdefault(status.value, []).append(max(0.0, ages[decision.state.order_id]))
    return [OrdersFinalised(service=service, seconds=seconds)] if seconds else []


def _order_id(item: Item) -> str:
    return str(item.event.order_id).lower()


def _drop_seen(items: Sequence[Item], claimed: set[str]) -> tuple[list[Item], list[Item]]:
    """Items whose id this transaction claimed, each id once; and those handled before."""
    fresh, seen = [], []
    for item in items:
        if item.error is not None:
            fresh.append(item)
        elif item.event.event_id in claimed:
            claimed.discard(item.event.event_id)
            fresh.append(item)
        else:
            seen.append(item)
    return fresh, seen
