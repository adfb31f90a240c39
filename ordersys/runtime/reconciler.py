"""The reconciler: says again what the log has lost, with the ids it had.

An order is committed with its events; if Kafka loses one afterwards (a topic deleted, a disk gone), the
order stands still and nobody would notice. The reconciler looks at every order once when it is old enough,
remembers those that lack something, and emits again what is missing:

- no result, or not counted as created: ``order.created``, which the services answer again with the same ids;
- not notified of a transition, or not counted as final: that ``order.status.changed``.

A backlog is no loss. Before anything is said again, every group on the way must have passed the end its topic
had when the round began, one topic after the other (created, results, status), and the order must still not
have moved; one with a row in the outbox or parked is on its way. Every receiver knows the ids, so that saying
a thing once too often changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import anyio

from ordersys.adapters import outbox, reconciling
from ordersys.adapters.kafka import Broker, Observer
from ordersys.adapters.outbox import OutboxRow
from ordersys.adapters.postgres import Database, Session
from ordersys.adapters.reconciling import Suspect
from ordersys.contract import ids
from ordersys.contract.events import (
    ORDER_API,
    ORDER_ORCHESTRATOR,
    Event,
    OrderCreated,
    OrderStatusChanged,
    encode,
)
from ordersys.contract.order import OrderStatus
from ordersys.runtime.child import Child
from ordersys.runtime.facts import EventsEmittedAgain, OnFact

STANDBY_POLL_S = 2.0
FIRST_ID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """When something counts as missing, and how often it is said again. Seconds, orders."""

    unmoved_s: float = 60.0
    every_s: float = 5.0
    window_s: float = 86_400.0
    page_max: int = 1000
    suspects_max: int = 10_000
    emit_max: int = 200
    factor: float = 4.0
    cap_s: float = 3600.0
    passed_timeout_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Way:
    """Topics of the flow by deployed name, and the groups that read each, in the order of the flow."""

    created: str
    status: str
    stages: Sequence[Mapping[str, str]]


class _Attempts:
    """When an order that was helped before may be helped again."""

    __slots__ = ("count", "due_at")

    def __init__(self, due_at: float) -> None:
        self.count = 0
        self.due_at = due_at


class Reconciler:
    """Works alone: holds an advisory lock, others stand by."""

    def __init__(
        self,
        *,
        database: Database,
        broker: Broker,
        way: Way,
        on_fact: OnFact,
        patience: Patience,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._broker = broker
        self._way = way
        self._on_fact = on_fact
        self._patience = patience
        self._clock = clock
        self._after = (clock() - timedelta(seconds=patience.window_s), FIRST_ID)
        self._suspects: dict[str, _Attempts] = {}

    async def run(self, child: Child) -> None:
        """Reconcile until draining.

        :raises DependencyUnavailable: Kafka or Postgres is away.
        """
        topics = sorted({topic for stage in self._way.stages for topic in stage.values()})
        async with self._database.session() as session:
            while not await reconciling.try_lock(session):
                child.ready("standing by")
                if await _drains(child, STANDBY_POLL_S):
                    return
            async with self._broker.observer(topics) as observer:
                while not child.draining:
                    full = await self._look(session)
                    child.ready(f"{len(self._suspects)} orders lack something")
                    await self._help(session, observer, child)
                    child.beat()
                    if not full and await _drains(child, self._patience.every_s):
                        return

    async def _look(self, session: Session) -> bool:
        """Look at the next page of orders; whether there are more."""
        patience = self._patience
        if len(self._suspects) + patience.page_max > patience.suspects_max:
            return False
        old_enough = self._clock() - timedelta(seconds=patience.unmoved_s)
        seen = await reconciling.page(session, self._after, old_enough, patience.page_max)
        for order in seen:
            if order.incomplete:
                self._suspects.setdefault(order.id, _Attempts(anyio.current_time()))
        if seen:
            self._after = (seen[-1].created_at_utc, seen[-1].id)
        return len(seen) == patience.page_max

    async def _help(self, session: Session, observer: Observer, child: Child) -> None:
        """suspects due → everything under way has passed → still unmoved → say again what they lack."""
        now = anyio.current_time()
        due = [order_id for order_id, attempts in self._suspects.items() if attempts.due_at <= now]
        due = due[: self._patience.emit_max]
        if not due:
            return
        still = {order.id for order in await self._still(session, due)}
        for order_id in set(due) - still:
            if order_id in self._suspects:
                # On its way, or parked until a person decides: others are not to wait behind it.
                self._suspects[order_id].due_at = now + self._patience.unmoved_s
        if not still:
            return
        for stage in self._way.stages:
            if not await self._passed(observer, stage, child):
                return
        missing = await self._still(session, list(still))
        rows = [self._row(topic, event) for order in missing for topic, event in self._lacking(order)]
        async with session.transaction():
            await outbox.insert(session, rows)
        for order in missing:
            attempts = self._suspects[order.id]
            wait_s = self._patience.unmoved_s * self._patience.factor**attempts.count
            attempts.count += 1
            attempts.due_at = anyio.current_time() + min(wait_s, self._patience.cap_s)
        if rows:
            self._on_fact(EventsEmittedAgain(orders=[order.id for order in missing], events=len(rows)))

    async def _still(self, session: Session, due: Sequence[str]) -> list[Suspect]:
        """Those of ``due`` that lack something and do not move. What lacks nothing any more is forgotten."""
        unmoved_since = self._clock() - timedelta(seconds=self._patience.unmoved_s)
        found = await reconciling.suspects(session, due, unmoved_since)
        for order in found:
            if not (order.lacks_created or order.lacks_versions):
                self._suspects.pop(order.id, None)
        return [order for order in found if order.id in self._suspects]

    async def _passed(self, observer: Observer, groups: Mapping[str, str], child: Child) -> bool:
        """Whether all groups have come to where their topics end now, within ``passed_timeout_s``."""
        ends = (await observer.look(groups)).ends
        deadline = anyio.current_time() + self._patience.passed_timeout_s
        while anyio.current_time() < deadline:
            positions = await observer.positions(groups)
            # Where records were deleted, a group that had not read them has nothing to commit.
            begins = await observer.begins()
            if all(
                max(each.committed or 0, begins[each.topic][each.partition])
                >= ends[each.topic][each.partition]
                for standing in positions.values()
                for each in standing
            ):
                return True
            child.beat()
            if await _drains(child, 0.5):
                return False
        return False

    def _lacking(self, order: Suspect) -> list[tuple[str, Event]]:
        if order.lacks_created:
            return [(self._way.created, _created(order))]
        return [(self._way.status, _changed(order, version)) for version in order.lacks_versions]

    def _row(self, topic: str, event: Event) -> OutboxRow:
        trace = ids.deterministic_id(f"trace:{event.order_id}").replace("-", "")
        span = ids.deterministic_id(f"span:{event.event_id}").replace("-", "")[:16]
        headers = {
            "traceparent": f"00-{trace}-{span}-01",
            "correlation_id": event.correlation_id,
            "event_id": event.event_id,
            "event_type": event.event_type,
        }
        return OutboxRow(topic, event.order_id.encode(), encode(event), outbox.header_text(headers))


async def _drains(child: Child, within_s: float) -> bool:
    with anyio.move_on_after(within_s):
        await child.wait_draining()
    return child.draining


def _created(order: Suspect) -> OrderCreated:
    """The event the order was accepted with, from columns that never change."""
    return OrderCreated(
        event_id=ids.created_event_id(order.id),
        event_type="order.created",
        event_version="v1",
        occurred_at_utc=order.created_at_utc,
        correlation_id=order.correlation_id,
        order_id=order.id,
        source_service=ORDER_API,
        customer_email=order.customer_email,
        item_sku=order.item_sku,
        quantity=order.quantity,
        amount_cents=order.amount_cents,
        initial_status=OrderStatus.NEW,
    )


def _changed(order: Suspect, version: int) -> OrderStatusChanged:
    """Transition number ``version``: an order has at most two, and the last led to where it stands."""
    last = version == order.order_version
    return OrderStatusChanged(
        event_id=ids.status_event_id(order.id, version),
        event_type="order.status.changed",
        event_version="v1",
        occurred_at_utc=order.updated_at_utc,
        correlation_id=order.correlation_id,
        order_id=order.id,
        source_service=ORDER_ORCHESTRATOR,
        previous_state=OrderStatus.NEW if version == 1 else OrderStatus.PROCESSING,
        current_state=order.status if last else OrderStatus.PROCESSING,
        order_version=version,
    )
