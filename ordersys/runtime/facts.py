"""What the runtime reports, as typed facts. Logs, metrics and the live feed subscribe; nobody is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

OnFact = Callable[[object], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCommitted:
    """A batch's effects and offsets are committed. ``outcomes`` counts its events by outcome:
    handled, duplicate, retrying, held, dead."""

    service: str
    group: str
    topic: str
    outcomes: Mapping[str, int]
    seconds: float
    retry: bool = False


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsStored:
    """A projection stored rows that were not there before; ``notice`` names them in the log."""

    service: str
    notice: str
    rows: Sequence[Any]


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
    """Rows of the outbox were acknowledged by Kafka and deleted."""

    rows: int
    seconds: float


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
