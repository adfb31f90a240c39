"""Requests that wait for an order to be final: one question for all of them, asked again and again.

::

    wait_final ─▶ waiting (bounded) ─▶ every_s: which of them are final? ─▶ answer those
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from ordersys.adapters.orders import Order
from ordersys.contract.errors import DependencyUnavailable
from ordersys.runtime.child import Child

FindFinal = Callable[[Sequence[str]], Awaitable[dict[str, Order]]]


class TooManyWaiting(Exception):
    """As many requests wait as may."""


class Waiting:
    """Whoever waits in this process. ``find_final`` gives those of some orders that are final, by id.

    Postgres is asked every ``every_s`` and only while somebody waits, for all their orders at once.
    """

    def __init__(self, find_final: FindFinal, *, waiting_max: int = 1000, every_s: float = 0.075) -> None:
        self._find_final = find_final
        self._waiting_max = waiting_max
        self._every_s = every_s
        self._waiting: dict[str, set[asyncio.Future[Order | None]]] = {}
        self._count = 0
        self._wake = asyncio.Event()
        self._open = False

    async def final(self, order_id: str, timeout_s: float) -> Order | None:
        """The order once it is final; None when it is not in ``timeout_s``, or the process is draining.

        :raises TooManyWaiting: nobody more may wait.
        :raises DependencyUnavailable: the database cannot be asked.
        """
        if not self._open:
            return None
        if self._count >= self._waiting_max:
            raise TooManyWaiting
        answer: asyncio.Future[Order | None] = asyncio.get_running_loop().create_future()
        waiters = self._waiting.setdefault(order_id, set())
        waiters.add(answer)
        self._count += 1
        self._wake.set()
        try:
            async with asyncio.timeout(timeout_s):
                return await answer
        except TimeoutError:
            return None
        finally:
            self._count -= 1
            waiters.discard(answer)
            if not waiters and self._waiting.get(order_id) is waiters:
                del self._waiting[order_id]

    async def run(self, child: Child) -> None:
        """Ask until draining; then everybody who waits is answered at once, and nobody waits any more."""
        drain = asyncio.ensure_future(child.wait_draining())
        drain.add_done_callback(lambda _: self._wake.set())
        self._open = True
        try:
            while not child.draining:
                self._wake.clear()
                if not self._waiting:
                    await self._wake.wait()
                    continue
                await self._ask()
                await asyncio.wait({drain}, timeout=self._every_s)
        finally:
            self._open = False
            drain.cancel()
            self._release(None)

    async def _ask(self) -> None:
        try:
            found = await self._find_final(list(self._waiting))
        except DependencyUnavailable as outage:
            self._release(outage)
            return
        for order_id, order in found.items():
            for answer in self._waiting.pop(order_id, ()):
                if not answer.done():
                    answer.set_result(order)

    def _release(self, error: Exception | None) -> None:
        """Let everybody go: with an error, or with nothing."""
        for waiters in self._waiting.values():
            for answer in waiters:
                if answer.done():
                    continue
                if error is None:
                    answer.set_result(None)
                else:
                    answer.set_exception(error)
        self._waiting.clear()
