"""Figures of the pipeline, made of what was seen: pure functions and the shapes they give.

Rates are taken over ``RATE_S``, the growth of a lag over ``TREND_S``: long enough for a look every 2 seconds
to mean something, short enough to follow what happens. What cannot be known is None and never 0.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from ordersys.adapters.kafka import Sighting

Availability = Literal["ok", "unavailable"]

RATE_S = 5.0
TREND_S = 10.0


class Seen(NamedTuple):
    """A look at Kafka; ``at`` in seconds of a monotonic clock."""

    at: float
    ends: Mapping[str, Sequence[int]]
    committed: Mapping[str, Sequence[int | None]]


class GroupOf(NamedTuple):
    """Whose a consumer group is, and what it reads; the topic by its deployed name."""

    service: str
    topic: str


class PartitionFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A partition of a topic: its end offset, and events a second that are written to it."""

    partition: int
    end: str
    per_s: float | None


class TopicFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A topic, and events a second that are written to it."""

    topic: str
    per_s: float | None
    partitions: Sequence[PartitionFigures]


class GroupPartitionFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Where a group stands in a partition. ``trend``: events a second by which its lag grows."""

    partition: int
    committed: str | None
    end: str
    lag: int | None
    trend: float | None


class GroupFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A consumer group: events a second it is done with, its lag in events, and in seconds.

    ``lag`` counts the partitions in which the group has committed anything; without any it is null.
    ``lag_s`` is the age of the oldest event the group is not done with, 15 minutes at most.
    """

    group: str
    service: str
    topic: str
    per_s: float | None
    lag: int | None
    lag_s: float | None
    partitions: Sequence[GroupPartitionFigures]


class OutboxFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that wait to be published, and the age of the oldest in seconds."""

    rows: int | None
    age_s: float | None


class ParkedFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Unfinished parked events of a group in one state: retrying, held or dead."""

    group: str
    state: str
    rows: int


class PipelineFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The pipeline at one moment.

    In an outage the figures that depend on what is away are null, and its lists of partitions or of parked
    events are empty.
    ``accepted_per_s``: orders that reach ``order.created``; with Kafka away, growth of the outbox.
    """

    at: datetime
    kafka: Availability
    postgres: Availability
    topics: Sequence[TopicFigures]
    groups: Sequence[GroupFigures]
    outbox: OutboxFigures
    parked: Sequence[ParkedFigures]
    accepted_per_s: float | None


def seen(sighting: Sighting, at: float) -> Seen:
    """What of a sighting is kept."""
    committed = {
        group: [position.committed for position in positions] for group, positions in sighting.groups.items()
    }
    return Seen(at, sighting.ends, committed)


def continues(before: Seen, now: Seen) -> bool:
    """Whether both show one log: an end goes back only if its topic was made anew."""
    return all(
        len(then := before.ends.get(topic, ())) == len(ends)
        and all(was <= end for was, end in zip(then, ends, strict=True))
        for topic, ends in now.ends.items()
    )


def back(history: Sequence[Seen], window_s: float) -> Seen | None:
    """The oldest look that is at most ``window_s`` older than the last; None if there is no other.

    A gap as long as the window is not bridged: nobody knows what went on in it.
    """
    if not history:
        return None
    last = history[-1]
    first = bisect_right(history, last.at - window_s, key=lambda each: each.at)
    return history[first] if first < len(history) - 1 else None


def rate(then: int | None, now: int | None, seconds: float) -> float | None:
    """Growth a second, to two digits."""
    if then is None or now is None or seconds <= 0:
        return None
    return round((now - then) / seconds, 2)


def total(parts: Sequence[float | None]) -> float | None:
    """Sum of those that are known; None if none is."""
    known = [part for part in parts if part is not None]
    return round(sum(known), 2) if known else None


def written_at(history: Sequence[Seen], topic: str, partition: int, offset: int) -> float | None:
    """When the event at ``offset`` was written, estimated between the two looks around it.

    None: it is not written. The time of the first look if it was there already.
    """
    after = bisect_right(history, offset, key=lambda each: each.ends[topic][partition])
    if after == len(history):
        return None
    now = history[after]
    if after == 0:
        return now.at
    before = history[after - 1]
    had, has = before.ends[topic][partition], now.ends[topic][partition]
    return before.at + (now.at - before.at) * (offset + 1 - had) / (has - had)


def topic_figures(history: Sequence[Seen], topic: str) -> TopicFigures:
    """A topic at the last look of ``history``; without one nothing is known."""
    if not history:
        return TopicFigures(topic=topic, per_s=None, partitions=())
    now, then = history[-1], back(history, RATE_S)
    ends = now.ends[topic]
    rates = [
        None if then is None else rate(then.ends[topic][number], end, now.at - then.at)
        for number, end in enumerate(ends)
    ]
    partitions = [
        PartitionFigures(partition=number, end=str(end), per_s=rates[number])
        for number, end in enumerate(ends)
    ]
    return TopicFigures(topic=topic, per_s=total(rates), partitions=partitions)


def group_figures(history: Sequence[Seen], group: str, of: GroupOf, at: float) -> GroupFigures:
    """A group at the last look of ``history``, ages as of ``at``; without a look nothing is known."""
    if not history:
        return GroupFigures(
            group=group,
            service=of.service,
            topic=of.topic,
            per_s=None,
            lag=None,
            lag_s=None,
            partitions=(),
        )
    now, then, long_ago = history[-1], back(history, RATE_S), back(history, TREND_S)
    rates: list[float | None] = []
    ages: list[float] = []
    partitions: list[GroupPartitionFigures] = []
    for number, (end, committed) in enumerate(zip(now.ends[of.topic], now.committed[group], strict=True)):
        lag = _lag(now, group, of.topic, number)
        was = None if long_ago is None else _lag(long_ago, group, of.topic, number)
        if then is not None:
            rates.append(rate(then.committed[group][number], committed, now.at - then.at))
        if committed is not None:
            oldest = written_at(history, of.topic, number, committed)
            ages.append(0.0 if oldest is None else max(0.0, at - oldest))
        partitions.append(
            GroupPartitionFigures(
                partition=number,
                committed=None if committed is None else str(committed),
                end=str(end),
                lag=lag,
                trend=None if long_ago is None else rate(was, lag, now.at - long_ago.at),
            )
        )
    lags = [each.lag for each in partitions if each.lag is not None]
    return GroupFigures(
        group=group,
        service=of.service,
        topic=of.topic,
        per_s=total(rates),
        lag=sum(lags) if lags else None,
        lag_s=round(max(ages), 1) if ages else None,
        partitions=partitions,
    )


def _lag(look: Seen, group: str, topic: str, partition: int) -> int | None:
    committed = look.committed[group][partition]
    # The ends are asked for first, so a group may be past them already.
    return None if committed is None else max(0, look.ends[topic][partition] - committed)
