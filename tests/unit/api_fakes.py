"""What the API is given in its unit tests: a scripted store, a reader in memory, a supervisor's child."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from litestar import Litestar

from ordersys.adapters.order_lists import STATUSES, Filters, Position
from ordersys.adapters.orders import NewOrder, Order
from ordersys.api.app import build_app
from ordersys.api.intake import Intake
from ordersys.api.probes import Line
from ordersys.contract import ids
from ordersys.contract.order import FINAL

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
GOOD = {"customer_email": "a@example.com", "item_sku": "SKU-1", "quantity": 2, "amount_cents": 4999}


def new_order(name: str, **changes: Any) -> NewOrder:
    values: dict[str, Any] = {
        "id": ids.deterministic_id(name),
        "correlation_id": name,
        "traceparent": "",
        "created_at_utc": AT,
    }
    return NewOrder(**(values | GOOD | changes))


def stored(order: NewOrder) -> Order:
    return Order(
        order.id,
        order.customer_email,
        order.item_sku,
        order.quantity,
        order.amount_cents,
        "NEW",
        0,
        order.correlation_id,
        None,
        None,
        order.created_at_utc,
        order.created_at_utc,
    )


class FakeChild:
    """A child that is told to drain by :meth:`drain`."""

    def __init__(self) -> None:
        self.is_ready = asyncio.Event()
        self._draining = asyncio.Event()

    @property
    def draining(self) -> bool:
        return self._draining.is_set()

    async def wait_draining(self) -> None:
        await self._draining.wait()

    def ready(self, note: str = "") -> None:
        self.is_ready.set()

    def beat(self, *, done: int = 0, pending: int = 0) -> None: ...

    def drain(self) -> None:
        self._draining.set()


class FakeStore:
    """Keeps orders in memory. ``before_insert`` may raise or wait; ``batches`` records what was asked."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.batches: list[list[str]] = []
        self.before_insert: Callable[[Sequence[NewOrder]], Any] | None = None
        self.on_check: Exception | None = None
        self.on_open: Exception | None = None
        self.on_get: Exception | None = None
        self.asked: list[Filters] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[FakeStore]:
        if self.on_open:
            raise self.on_open
        yield self

    async def insert(self, orders: Sequence[NewOrder]) -> set[str]:
        self.batches.append([order.correlation_id for order in orders])
        if self.before_insert and (wait := self.before_insert(orders)):
            await wait
        inserted = set()
        for order in orders:
            if order.id not in self.orders:
                self.orders[order.id] = stored(order)
                inserted.add(order.id)
        return inserted

    async def get_many(self, order_ids: Sequence[str]) -> dict[str, Order]:
        if self.on_get:
            raise self.on_get
        return {order_id: self.orders[order_id] for order_id in order_ids if order_id in self.orders}

    async def check(self) -> None:
        if self.on_check:
            raise self.on_check

    async def counts(self) -> dict[str, int]:
        if self.on_get:
            raise self.on_get
        return {status: sum(order.status == status for order in self.orders.values()) for status in STATUSES}

    async def find_final(self, order_ids: Sequence[str]) -> dict[str, Order]:
        found = await self.get_many(order_ids)
        return {order_id: order for order_id, order in found.items() if order.status in FINAL}

    async def get(self, order_id: str) -> Order | None:
        return (await self.get_many([order_id])).get(order_id)

    async def page(
        self, limit: int, after: Position | None = None, filters: Filters | None = None
    ) -> list[Order]:
        if self.on_get:
            raise self.on_get
        self.asked.append(filters or Filters())
        found = sorted(self.orders.values(), key=lambda order: (order.created_at_utc, order.id), reverse=True)
        return [order for order in found if after is None or (order.created_at_utc, order.id) < after][:limit]


@asynccontextmanager
async def running(intake: Intake, child: FakeChild | None = None) -> AsyncIterator[FakeChild]:
    """``intake`` with one writer, which is drained at the end."""
    child = child or FakeChild()
    writer = asyncio.create_task(intake.run(child))
    try:
        await asyncio.wait_for(child.is_ready.wait(), 5)
        yield child
    finally:
        child.drain()
        await asyncio.wait_for(writer, 5)


@asynccontextmanager
async def ending(intake: Intake, error: type[Exception]) -> AsyncIterator[None]:
    """``intake`` with one writer, which ends with ``error``."""
    with pytest.raises(error):
        async with running(intake):
            yield


async def never_final(order_id: str, timeout_s: float) -> Order | None:
    return None


def app_of(
    submit: Any, store: FakeStore, facts: list[object], *, lines: Sequence[Line] = (), **more: Any
) -> Litestar:
    return build_app(
        submit=submit,
        reader=store,
        readiness=lambda: lines,
        render_metrics=lambda: (b"metric 1\n", "text/plain; version=0.0.4"),
        cors_origins=["http://ui.example"],
        on_fact=facts.append,
        **({"clock": lambda: AT, "wait_final": never_final} | more),
    )


@asynccontextmanager
async def client_of(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        yield client
