"""The API's orders: written many at a time with their outbox rows, read over a few connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple

import msgspec

from ordersys.adapters.outbox import header_text
from ordersys.adapters.postgres import Database, Session, columns, statement
from ordersys.contract import ids
from ordersys.contract.errors import CommitOutcomeUnknown, DependencyUnavailable
from ordersys.contract.events import ORDER_API, OrderCreated, encode

EVENT_TYPE = "order.created"


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
    status: str
    order_version: int
    correlation_id: str
    payment_status: str | None
    inventory_status: str | None
    created_at_utc: datetime
    updated_at_utc: datetime


class Position(NamedTuple):
    """A place in the list of all orders, newest first: that of the order with these values."""

    created_at_utc: datetime
    id: str


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
    """Reads orders over at most ``connections_max`` connections, opened when needed and kept.

    Every read, waiting for a connection included, ends within ``read_timeout_s`` or raises
    :class:`DependencyUnavailable`. :meth:`close` ends the connections.
    """

    def __init__(self, database: Database, *, connections_max: int = 4, read_timeout_s: float = 1.5) -> None:
        self._database = database
        self._turns = asyncio.Semaphore(connections_max)
        self._idle: list[Session] = []
        self._read_timeout_s = read_timeout_s
        self._closed = False

    async def get(self, order_id: str) -> Order | None:
        """The order with this id (a UUID in canonical text), or None."""
        async with self._session() as session:
            return (await _get_many(session, [order_id])).get(order_id)

    async def page(self, limit: int, after: Position | None = None) -> list[Order]:
        """At most ``limit`` orders, newest first, from the newest or from ``after`` on (not included)."""
        async with self._session() as session:
            if after is None:
                rows = await session.fetch(statement("orders_page_first"), limit)
            else:
                rows = await session.fetch(statement("orders_page_after"), limit, *after)
            return [Order(*row) for row in rows]

    def close(self) -> None:
        """End the idle connections at once, and those in use when they come back. May be called again."""
        self._closed = True
        while self._idle:
            self._idle.pop().terminate()

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Session]:
        """A connection for one read. It is kept only if the read went well: else its state is unknown."""
        try:
            async with asyncio.timeout(self._read_timeout_s), self._turns:
                session = await self._borrow()
                try:
                    yield session
                except BaseException:
                    session.terminate()
                    raise
                if self._closed:
                    session.terminate()
                else:
                    self._idle.append(session)
        except TimeoutError as error:
            detail = f"no answer to a read in {self._read_timeout_s:g} s"
            raise DependencyUnavailable("postgres", detail) from error

    async def _borrow(self) -> Session:
        while self._idle:
            session = self._idle.pop()
            if not session.closed:
                return session
        return await self._database.connect()


async def _get_many(session: Session, order_ids: Sequence[str]) -> dict[str, Order]:
    rows = await session.fetch(statement("orders_get_many"), order_ids)
    return {row[0]: Order(*row) for row in rows}
