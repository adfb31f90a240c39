"""Group commit: the orders of concurrent requests share one INSERT.

::

    submit ─▶ queue (bounded) ─▶ take what is there ─▶ one INSERT ─▶ answer each request

What can become of an order is in :mod:`ordersys.api.outcomes`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from time import perf_counter
from typing import Literal, Protocol

from ordersys.adapters.orders import NewOrder, Order
from ordersys.api.facts import OrdersAccepted, OrdersRefused
from ordersys.api.outcomes import Accepted, Blamed, Mismatch, Outcome, Refused, Unknown
from ordersys.contract.errors import CommitOutcomeUnknown, Conflict, DependencyUnavailable, RowBlamed
from ordersys.runtime.child import Child

CONFLICTS_MAX = 5


class OrderStore(Protocol):
    """Where a writer puts orders; :class:`ordersys.adapters.orders.OrderWriter` says what each raises."""

    async def insert(self, orders: Sequence[NewOrder]) -> set[str]: ...

    async def get_many(self, order_ids: Sequence[str]) -> dict[str, Order]: ...

    async def check(self) -> None: ...


class _Entry:
    """An order on its way. ``taken``: a writer has it; ``sent``: it may be committed already."""

    __slots__ = ("order", "outcome", "sent", "taken")

    def __init__(self, order: NewOrder, outcome: asyncio.Future[Outcome]) -> None:
        self.order = order
        self.outcome = outcome
        self.taken = False
        self.sent = False

    def settle(self, outcome: Outcome) -> bool:
        """Answer the request, unless it was answered or gave up before; whether it was answered now."""
        if self.outcome.done():
            return False
        self.outcome.set_result(outcome)
        return True


class Intake:
    """The queue of waiting orders, shared by its writers: each :meth:`run` is one, with its own store.

    ``queue_max`` and ``batch_max`` count orders. An order waits ``deadline_s`` to be taken by a writer;
    from then on at most ``commit_timeout_s`` for the database. Idle connections are tried every ``probe_s``.
    """

    def __init__(
        self,
        *,
        stores: Callable[[], AbstractAsyncContextManager[OrderStore]],
        on_fact: Callable[[object], None],
        batch_max: int = 500,
        queue_max: int = 5000,
        deadline_s: float = 1.5,
        commit_timeout_s: float = 5.0,
        probe_s: float = 1.0,
    ) -> None:
        self._stores = stores
        self._on_fact = on_fact
        self._batch_max = batch_max
        self._queue_max = queue_max
        self._deadline_s = deadline_s
        self._commit_timeout_s = commit_timeout_s
        self._probe_s = probe_s
        self._queue: deque[_Entry] = deque()
        self._wake = asyncio.Event()
        self._writers = 0

    @property
    def open(self) -> bool:
        """Whether a writer is connected: orders can be taken."""
        return self._writers > 0

    @property
    def waiting(self) -> int:
        """How many orders are in the queue, those that gave up included."""
        return len(self._queue)

    async def submit(self, order: NewOrder) -> Outcome:
        """Have ``order`` written; its outcome comes within ``deadline_s + commit_timeout_s``."""
        if not self._writers:
            return self._refuse("unavailable")
        if len(self._queue) >= self._queue_max:
            return self._refuse("queue_full")
        loop = asyncio.get_running_loop()
        entry = _Entry(order, loop.create_future())
        deadline = loop.call_later(self._deadline_s, self._give_up, entry)
        self._queue.append(entry)
        self._wake.set()
        try:
            return await entry.outcome
        finally:
            deadline.cancel()

    def _give_up(self, entry: _Entry) -> None:
        # A writer skips it from now on; one that a writer has already must wait for the outcome.
        if not entry.taken and entry.settle(Refused("deadline")):
            self._on_fact(OrdersRefused(reason="deadline", count=1))

    def _refuse(self, reason: Literal["queue_full", "unavailable"]) -> Refused:
        self._on_fact(OrdersRefused(reason=reason, count=1))
        return Refused(reason)

    async def run(self, child: Child) -> None:
        """One writer, until draining and the queue is empty. Several may run at a time.

        :raises DependencyUnavailable: Postgres is away. Orders in hand and, without another writer, those
            in the queue are answered at once; so are new ones until a writer is back.
        """
        async with self._stores() as store:
            drain = asyncio.ensure_future(child.wait_draining())
            drain.add_done_callback(lambda _: self._wake.set())
            self._writers += 1
            try:
                child.ready()
                await self._serve(store, child)
            finally:
                drain.cancel()
                self._writers -= 1
                if not self._writers:
                    self._close()

    async def _serve(self, store: OrderStore, child: Child) -> None:
        while True:
            if batch := self._take():
                await self._commit(store, batch)
                child.beat(done=len(batch), pending=len(self._queue))
            elif child.draining:
                return
            else:
                await self._idle(store)
                child.beat()

    def _take(self) -> list[_Entry]:
        batch: list[_Entry] = []
        while self._queue and len(batch) < self._batch_max:
            entry = self._queue.popleft()
            if not entry.outcome.done():
                entry.taken = True
                batch.append(entry)
        return batch

    async def _idle(self, store: OrderStore) -> None:
        """Wait for orders; a connection that died in silence is found out before an order needs it."""
        self._wake.clear()
        try:
            await asyncio.wait_for(self._wake.wait(), self._probe_s)
        except TimeoutError:
            async with _limit(self._commit_timeout_s):
                await store.check()

    def _close(self) -> None:
        count = sum(entry.settle(Refused("unavailable")) for entry in self._queue)
        self._queue.clear()
        if count:
            self._on_fact(OrdersRefused(reason="unavailable", count=count))

    async def _commit(self, store: OrderStore, batch: list[_Entry]) -> None:
        """Write ``batch`` and answer every one of it, whatever happens."""
        try:
            async with _limit(self._commit_timeout_s):
                await self._write(store, batch)
        finally:
            refused = sum(not entry.sent and entry.settle(Refused("unavailable")) for entry in batch)
            unknown = sum(entry.settle(Unknown()) for entry in batch)
            for reason, count in (("unavailable", refused), ("unknown", unknown)):
                if count:
                    self._on_fact(OrdersRefused(reason=reason, count=count))

    async def _write(self, store: OrderStore, batch: list[_Entry]) -> None:
        """Insert; a batch with a culprit in it is halved until the culprit is alone."""
        parts = [batch]
        conflicts = 0
        while parts:
            part = parts.pop()
            started = perf_counter()
            try:
                inserted = await self._insert(store, part)
            except RowBlamed:
                if len(part) == 1:
                    part[0].settle(Blamed())
                    self._on_fact(OrdersRefused(reason="blamed", count=1))
                else:
                    half = len(part) // 2
                    parts += [part[half:], part[:half]]
                continue
            except Conflict as error:
                conflicts += 1
                if conflicts > CONFLICTS_MAX:
                    raise DependencyUnavailable("postgres", str(error)) from error
                parts.append(part)
                continue
            await self._answer(store, part, inserted, started)

    async def _insert(self, store: OrderStore, part: list[_Entry]) -> set[str]:
        for entry in part:
            entry.sent = True
        try:
            return await store.insert([entry.order for entry in part])
        except CommitOutcomeUnknown:
            raise
        except (RowBlamed, Conflict, DependencyUnavailable):
            for entry in part:
                entry.sent = False
            raise

    async def _answer(
        self, store: OrderStore, part: list[_Entry], inserted: set[str], started: float
    ) -> None:
        """Answer requests whose INSERT is committed: new orders at once, repetitions after a comparison."""
        seconds = perf_counter() - started
        repeated: list[_Entry] = []
        new = set(inserted)
        for entry in part:
            if entry.order.id in new:
                new.discard(entry.order.id)
                entry.settle(Accepted(entry.order.created_at_utc, inserted=True))
            else:
                repeated.append(entry)
        accepted = len(part) - len(repeated)
        if repeated:
            accepted += await self._compare(store, repeated)
        self._on_fact(OrdersAccepted(count=accepted, inserted=len(inserted), seconds=seconds))

    async def _compare(self, store: OrderStore, repeated: list[_Entry]) -> int:
        """Answer repetitions by what is stored; how many are accepted. One that cannot be read is unknown."""
        stored = await store.get_many([entry.order.id for entry in repeated])
        accepted = mismatched = 0
        for entry in repeated:
            before = stored.get(entry.order.id)
            if before is None:
                continue
            if _same(before, entry.order):
                accepted += entry.settle(Accepted(before.created_at_utc, inserted=False))
            else:
                mismatched += entry.settle(Mismatch())
        if mismatched:
            self._on_fact(OrdersRefused(reason="mismatch", count=mismatched))
        return accepted


def _same(stored: Order, asked: NewOrder) -> bool:
    return (
        stored.customer_email == asked.customer_email
        and stored.item_sku == asked.item_sku
        and stored.quantity == asked.quantity
        and stored.amount_cents == asked.amount_cents
    )


@asynccontextmanager
async def _limit(timeout_s: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError as error:
        raise DependencyUnavailable("postgres", f"no answer in {timeout_s:g} s") from error
