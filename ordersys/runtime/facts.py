"""What the runtime reports, as typed facts. Logs, metrics and the live feed subscribe; nobody is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

OnFact = Callable[[object], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCommitted:
    """A batch's effects and offsets are committed. ``outcomes`` counts its events by outcome:
    handled, duplicate, retrying, held, dead.

    ``source`` is the service's name on the wire. ``done`` are the items handled, ``failed`` those that were
    parked: to be looked at while the fact is told, not to be kept.
    """

    service: str
    source: str
    group: str
    topic: str
    outcomes: Mapping[str, int]
    seconds: float
    retry: bool = False
    done: Sequence[Any] = ()
    failed: Sequence[Any] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventParked:
    """An event could not be handled, or waits behind one that could not. ``state``: retrying, held, dead."""

    service: str
    group: str
    topic: str
    partition: int
    offset: int
    state: str
    attempts: int
    reason: str
    order_id: str
    event_id: str
    correlation_id: str
    trace_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersFinalised:
    """Orders reached a final state: for each state, the seconds since each of them was accepted."""

    service: str
    seconds: Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsStored:
    """A projection stored rows that were not there before; ``notice`` names them in the log.

    ``trace_ids`` has the trace of each row's event, in the order of ``rows``.
    """

    service: str
    notice: str
    rows: Sequence[Any]
    trace_ids: Sequence[str | None]


class Effect(NamedTuple):
    """An outside effect that is recorded: ids alone, attempts, and seconds of the one that succeeded."""

    event_id: str
    order_id: str
    order_version: int | None
    correlation_id: str
    trace_id: str | None
    attempts: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectsRecorded:
    """Outside effects of a channel are committed to ``deliveries``. ``outcome``: delivered, skipped."""

    service: str
    channel: str
    outcome: str
    effects: Sequence[Effect]


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectFailed:
    """An attempt at an outside effect failed. ``outcome``: failed, or unavailable if all would fail."""

    service: str
    channel: str
    outcome: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionsAssigned:
    """A group member owns these partitions now, and holds back the keys parked in them."""

    service: str
    group: str
    topic: str
    partitions: Sequence[int]
    parked_keys: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionsLost:
    """A commit came too late: the partition has another owner, who does the rest."""

    service: str
    group: str
    topic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRunAgain:
    """A batch's transaction rolled back and is run again, whole or in parts."""

    service: str
    group: str
    cause: str
    events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxPublished:
    """Rows of the outbox were acknowledged by Kafka and deleted.

    ``messages`` are what they were: to be looked at while the fact is told, not to be kept.
    """

    rows: int
    seconds: float
    messages: Sequence[Any] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxMeasured:
    """Rows waiting in the outbox, and the age of the oldest in seconds."""

    rows: int
    age_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedMeasured:
    """Unfinished parked rows by (group, state)."""

    rows: Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class LagMeasured:
    """Events not yet committed by a group in one partition; None: the group has committed nothing there."""

    group: str
    topic: str
    partition: int
    end: int
    lag: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerStalled:
    """A group's committed offset did not move for ``seconds`` although there is lag."""

    group: str
    seconds: float
    lag: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsEmittedAgain:
    """The reconciler said ``events`` events again, with the ids they had: the log has lost them."""

    orders: Sequence[str]
    events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """Old rows were forgotten, by table."""

    rows: Mapping[str, int] = field(default_factory=dict)


def between_processes(fact: object) -> object | None:
    """``fact`` as another process counts it: without the events themselves. None: it is nothing to others."""
    if isinstance(fact, BatchCommitted):
        return replace(fact, done=(), failed=())
    if isinstance(fact, OutboxPublished):
        return replace(fact, messages=())
    return None if isinstance(fact, (RowsStored, EventParked)) else fact
