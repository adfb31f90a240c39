"""The recorder: keeps what was seen for a quarter of an hour and makes figures of it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from ordersys.adapters.kafka import Sighting
from ordersys.runtime import figures
from ordersys.runtime.figures import GroupOf, OutboxFigures, ParkedFigures, PipelineFigures, Seen

STEP_S = 2.0
KEPT_S = 900.0
STALE_S = 3 * STEP_S
"""Not heard of for so long: unavailable."""


class PipelineHistory(msgspec.Struct, frozen=True, kw_only=True):
    """A quarter of an hour at most, a value every ``step_s`` seconds; all sequences are of one length."""

    step_s: float
    at: Sequence[datetime]
    accepted_per_s: Sequence[float | None]
    outbox_rows: Sequence[int | None]
    outbox_age_s: Sequence[float | None]
    topic_per_s: Mapping[str, Sequence[float | None]]
    group_lag: Mapping[str, Sequence[int | None]]


class Waiting(NamedTuple):
    """What waits in Postgres: rows of the outbox, age of the oldest, parked rows by (group, state)."""

    rows: int
    age_s: float
    parked: Sequence[tuple[str, str, int]]


class Recorder:
    """Told by those who look; asked by those who show. :meth:`tick` makes the figures of a moment."""

    def __init__(
        self,
        *,
        topics: Sequence[str],
        groups: Mapping[str, GroupOf],
        order_created: str,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``topics`` and ``groups`` in the order in which they are shown, by their deployed names."""
        self._topics = topics
        self._groups = groups
        self._order_created = order_created
        self._clock = clock
        self._wall_clock = wall_clock
        self._seen: list[Seen] = []
        self._waiting: deque[tuple[float, Waiting]] = deque(maxlen=round(2 * figures.RATE_S / STEP_S))
        self._ticks: deque[PipelineFigures] = deque(maxlen=round(KEPT_S / STEP_S))

    def saw_kafka(self, sighting: Sighting) -> None:
        """Where Kafka and the groups stand now. A topic that is not there yet is not a look at the whole."""
        if not all(sighting.ends.get(topic) for topic in self._topics):
            return
        now = figures.seen(sighting, self._clock())
        if self._seen and not figures.continues(self._seen[-1], now):
            self._seen.clear()
        self._seen.append(now)
        old = 0
        while self._seen[old].at < now.at - KEPT_S:
            old += 1
        del self._seen[:old]

    def saw_postgres(self, waiting: Waiting) -> None:
        """What waits in Postgres now."""
        self._waiting.append((self._clock(), waiting))

    def tick(self) -> PipelineFigures:
        """The figures of now, kept for :meth:`history`. To be called every ``STEP_S``."""
        made = self._made()
        self._ticks.append(made)
        return made

    def pipeline(self) -> PipelineFigures:
        """The figures of the last tick."""
        return self._ticks[-1] if self._ticks else self._made()

    def history(self) -> PipelineHistory:
        """What the ticks gave."""
        ticks = self._ticks
        return PipelineHistory(
            step_s=STEP_S,
            at=[each.at for each in ticks],
            accepted_per_s=[each.accepted_per_s for each in ticks],
            outbox_rows=[each.outbox.rows for each in ticks],
            outbox_age_s=[each.outbox.age_s for each in ticks],
            topic_per_s={
                topic: [each.topics[number].per_s for each in ticks]
                for number, topic in enumerate(self._topics)
            },
            group_lag={
                group: [each.groups[number].lag for each in ticks]
                for number, group in enumerate(self._groups)
            },
        )

    def _made(self) -> PipelineFigures:
        at = self._clock()
        kafka = bool(self._seen) and at - self._seen[-1].at <= STALE_S
        waiting = self._waiting[-1][1] if self._waiting and at - self._waiting[-1][0] <= STALE_S else None
        looks = self._seen if kafka else ()
        topics = [figures.topic_figures(looks, topic) for topic in self._topics]
        groups = [figures.group_figures(looks, group, of, at) for group, of in self._groups.items()]
        accepted = next((each.per_s for each in topics if each.topic == self._order_created), None)
        return PipelineFigures(
            at=self._wall_clock(),
            kafka="ok" if kafka else "unavailable",
            postgres="unavailable" if waiting is None else "ok",
            topics=topics,
            groups=groups,
            outbox=OutboxFigures(
                rows=None if waiting is None else waiting.rows,
                age_s=None if waiting is None else round(waiting.age_s, 1),
            ),
            parked=[
                ParkedFigures(group=group, state=state, rows=rows)
                for group, state, rows in sorted(() if waiting is None else waiting.parked)
            ],
            accepted_per_s=accepted if kafka or waiting is None else self._outbox_growth(),
        )

    def _outbox_growth(self) -> float | None:
        """Nothing leaves the outbox while Kafka is away, and then only accepted orders enter it."""
        since = self._waiting[-1][0] - figures.RATE_S
        first = next((each for each in self._waiting if each[0] > since), None)
        (then, before), (now, last) = first or self._waiting[-1], self._waiting[-1]
        grown = figures.rate(before.rows, last.rows, now - then)
        return None if grown is None else max(0.0, grown)
