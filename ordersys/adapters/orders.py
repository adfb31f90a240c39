"""The API's orders: written many at a time with their outbox rows, read over a few connections."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Literal

import msgspec

from ordersys.adapters.order_lists import STATUSES, Filters, Position, page_statement
from ordersys.adapters.outbox import header_text
from ordersys.adapters.postgres import Database, Session, columns, statement
from ordersys.adapters.reading import ReadSessions
from ordersys.contract import ids
from ordersys.contract.errors import CommitOutcomeUnknown, DependencyUnavailable
from ordersys.contract.events import ORDER_API, OrderCreated, encode

EVENT_TYPE = "order.created"
EVERYTHING = Filters()


class NewOrder(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order to be taken. ``id`` is a UUID in canonical text; ``traceparent`` as in W3C Trace Context."""

    id: str
    customer_email: str
    item_sku: str
    quantity: int
    amount_cents: int
    correlation_id: str
    traceparent: str
    created_at_utc: datetime


class Order(msgspec.Struct, frozen=True, gc=False):
    """An order as it stands; a result is None until it is known. Fields in the order of the statements."""

    id: str
    customer_email: str
    item_sku: str
    quantity: int
    amount_cents: int
    status: Literal["NEW", "PROCESSING", "CONFIRMED", "CANCELLED"]
    order_version: int
    correlation_id: str
    payment_status: Literal["PROCESSED", "FAILED"] | None
    inventory_status: Literal["RESERVED", "FAILED"] | None
    created_at_utc: datetime
    updated_at_utc: datetime


class OrderWriter:
    """Takes new orders over one session; their events go to ``topic`` through the outbox."""

    def __init__(self, session: Session, topic: str) -> None:
        self._session = session
        self._topic = topic

    async def insert(self, orders: Sequence[NewOrder]) -> set[str]:
        """Take ``orders`` in one statement, which is a transaction of its own; the ids really inserted.

        Of several orders with one id the first counts.

        :raises RowBlamed: the database refused a value of one of them; none was taken.
        :raises Conflict: none was taken, and trying again is all it needs.
        :raises CommitOutcomeUnknown: the statement was sent and not answered; the session is over.
        :raises DependencyUnavailable: certainly none was taken.
        """
        if self._session.closed:
            raise DependencyUnavailable("postgres", "the connection was lost")
        # Sorted, because two writers that lock the same ids in different orders block each other for good.
        distinct = {order.id: order for order in reversed(orders)}
        rows = [self._row(distinct[order_id]) for order_id in sorted(distinct)]
        try:
            taken = await self._session.fetch(statement("orders_insert"), *columns(rows, 10), self._topic)
        except DependencyUnavailable as error:
            if _answered(error):
                raise
            self._session.terminate()
            raise CommitOutcomeUnknown(error.dependency, error.detail) from error
        return {row[0] for row in taken}

    async def get_many(self, order_ids: Sequence[str]) -> dict[str, Order]:
        """The orders among ``order_ids`` that are there, by id.

        :raises DependencyUnavailable: the database cannot be asked.
        """
        return await _get_many(self._session, order_ids)

    async def check(self) -> None:
        """Ask the connection whether it still works.

        :raises DependencyUnavailable: it does not.
        """
        await self._session.execute("select 1")

    def _row(self, order: NewOrder) -> tuple[object, ...]:
        event = OrderCreated(
            event_id=ids.created_event_id(order.id),
            event_type=EVENT_TYPE,
            event_version="v1",
            occurred_at_utc=order.created_at_utc,
            correlation_id=order.correlation_id,
            order_id=order.id,
            source_service=ORDER_API,
            customer_email=order.customer_email,
            item_sku=order.item_sku,
            quantity=order.quantity,
            amount_cents=order.amount_cents,
            initial_status="NEW",
        )
        headers = {
            "traceparent": order.traceparent,
            "correlation_id": order.correlation_id,
            "event_id": event.event_id,
            "event_type": EVENT_TYPE,
        }
        return (
            order.id,
            order.customer_email,
            order.item_sku,
            order.quantity,
            order.amount_cents,
            order.correlation_id,
            order.created_at_utc,
            order.id.encode(),
            encode(event),
            header_text(headers),
        )


def _answered(error: DependencyUnavailable) -> bool:
    """Whether the server itself refused the statement and so rolled it back.

    Severity ERROR ends the statement alone. FATAL and PANIC end the connection, a commit just made
    included (PostgreSQL documentation, 19.8.2); a lost connection or a time-out says nothing at all.
    """
    return getattr(error.__cause__, "severity_en", None) == "ERROR"


@asynccontextmanager
async def order_writer(database: Database, topic: str) -> AsyncIterator[OrderWriter]:
    """A writer with a connection of its own.

    :raises DependencyUnavailable: the connection cannot be had.
    """
    async with database.session() as session:
        yield OrderWriter(session, topic)


class OrderReader:
    """Reads orders. Every read raises :class:`DependencyUnavailable` when the database cannot be asked."""

    def __init__(self, sessions: ReadSessions) -> None:
        self._sessions = sessions

    async def get(self, order_id: str) -> Order | None:
        """The order with this id (a UUID in canonical text), or None."""
        async with self._sessions.session() as session:
            return (await _get_many(session, [order_id])).get(order_id)

    async def find_final(self, order_ids: Sequence[str]) -> dict[str, Order]:
        """Those of some orders that are final, by id."""
        async with self._sessions.session() as session:
            return _by_id(await session.fetch(statement("orders_final"), order_ids))

    async def page(
        self, limit: int, after: Position | None = None, filters: Filters = EVERYTHING
    ) -> list[Order]:
        """At most ``limit`` orders that fit, newest first, from the newest or after ``after``."""
        sql, parameters = page_statement(limit, filters, after)
        async with self._sessions.session() as session:
            return [Order(*row) for row in await session.fetch(sql, *parameters)]

    async def counts(self) -> dict[str, int]:
        """How many orders are in each status, as of one moment."""
        async with self._sessions.session() as session:
            (row,) = await session.fetch(statement("orders_counts"))
        return dict(zip(STATUSES, row, strict=True))


async def _get_many(session: Session, order_ids: Sequence[str]) -> dict[str, Order]:
    return _by_id(await session.fetch(statement("orders_get_many"), order_ids))


def _by_id(rows: Sequence[Any]) -> dict[str, Order]:
    return {row[0]: Order(*row) for row in rows}
