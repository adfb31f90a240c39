"""What every node of one tree shares: time, chance, the subscriber, and the orphans."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import random
from collections import Counter
from collections.abc import Callable

from ordersys.supervision.clock import Clock, Timer
from ordersys.supervision.errors import WorkerOutage, leaves_of
from ordersys.supervision.facts import Fact, OnFact, OrphanEnded

OnMessage = Callable[[str, object], None]

# Supervision reports by facts. The two things it cannot report so go here: to stderr, unless the program
# has configured logging.
logger = logging.getLogger("ordersys.supervision")


def tell(on_fact: OnFact, fact: Fact) -> None:
    """Hand a fact to a subscriber, whose errors are its own: they are logged and change nothing."""
    try:
        on_fact(fact)
    except Exception:
        logger.exception("a subscriber failed on %r", fact)


class Kernel:
    """Shared by all nodes of one tree. ``on_defect`` hears of an error of the supervisor itself."""

    def __init__(
        self,
        *,
        clock: Clock,
        rng: random.Random,
        waits_on: tuple[type[BaseException], ...],
        on_fact: OnFact,
        on_message: OnMessage | None,
        on_defect: Callable[[Exception], None],
    ) -> None:
        self.clock = clock
        self.now = (
            clock.now
        )  # Monotonic seconds. Each beat asks for them, so the call is as direct as can be.
        self.rng = rng
        self.waits_on = waits_on
        self._on_fact = on_fact
        self._on_message = on_message
        self._on_defect = on_defect
        self._orphans: dict[asyncio.Task[None], str] = {}
        # Runs are begun from wherever the event came: a sibling's call, a timer. Each gets a copy of this
        # context instead of the caller's, or one child's context variables would leak into another.
        self.context = contextvars.copy_context()

    def after(self, delay_s: float, callback: Callable[[], None]) -> Timer:
        """Call ``callback`` in ``delay_s`` seconds."""
        return self.clock.call_at(self.now() + delay_s, self.guard(callback))

    def guard(self, callback: Callable[[], None]) -> Callable[[], None]:
        """``callback``, made safe to be called by the event loop, which would only log an error and go on."""

        def guarded() -> None:
            try:
                callback()
            except Exception as defect:
                logger.exception("the supervisor itself failed")
                self._on_defect(defect)

        return guarded

    def emit(self, fact: Fact) -> None:
        """Hand a fact to the subscriber."""
        tell(self._on_fact, fact)

    def hand_on(self, path: str, message: object) -> None:
        """Hand a child's message to the application; its errors are its own, too."""
        if self._on_message is None:
            return
        try:
            self._on_message(path, message)
        except Exception:
            logger.exception("on_message failed on %r from %s", message, path)

    def is_outage(self, error: BaseException) -> bool:
        """Whether ``error`` is one to wait on, or a group of nothing else."""
        return all(isinstance(leaf, (WorkerOutage, *self.waits_on)) for leaf in leaves_of(error))

    def adopt_orphan(self, task: asyncio.Task[None], path: str) -> None:
        """Keep a run that was left behind: asyncio itself holds tasks by weak references only."""
        self._orphans[task] = path
        task.add_done_callback(self._orphan_ended)

    def orphans(self) -> Counter[str]:
        """How many runs left behind are alive, by path."""
        return Counter(self._orphans.values())

    def orphans_of(self, path: str) -> int:
        """How many of one child."""
        return sum(each == path for each in self._orphans.values())

    def orphan_tasks(self) -> tuple[asyncio.Task[None], ...]:
        """The runs left behind that are alive."""
        return tuple(self._orphans)

    def _orphan_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            task.exception()  # Retrieved, or asyncio reports it as never retrieved.
        self.emit(OrphanEnded(path=self._orphans.pop(task), at=self.now()))
