"""The steps of a batch that need no I/O: decode, hold back, decide. Each takes items and gives items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar

import msgspec

from ordersys.adapters.kafka import Record
from ordersys.contract.errors import Rejected, Undecodable
from ordersys.contract.events import Event
from ordersys.contract.service import Context
from ordersys.runtime import tracing

HEADER_BYTES_MAX = 2048
# A lone surrogate is written as its escape.
CHARACTER_BYTES_MAX = 6

Decided = TypeVar("Decided")
State = Literal["retrying", "held", "dead"]


class Item(msgspec.Struct, gc=False):
    """One record on its way through the steps.

    ``key`` is the record's Kafka key, else its order id, else None: then it holds nothing back. ``error``
    says why it cannot be handled, when that is known before deciding.
    """

    record: Any
    key: bytes | None
    event: Any = None
    error: Exception | None = None


class Sentry(Protocol):
    """Is told before each call of a service's function, and when all are over: the runtime's ``Guard``."""

    def enter(self, record: Record) -> None: ...

    def leave(self) -> None: ...


class Failure(msgspec.Struct):
    """An item that is to be parked: it failed (``error``), or waits behind one of its key that did."""

    item: Item
    state: State
    error: Exception | None = None


def decode(records: Iterable[Record], decoder: msgspec.json.Decoder[Any]) -> list[Item]:
    """Bytes to events; what cannot be read keeps its place in the order, with its error."""
    decode_value = decoder.decode
    items = []
    for record in records:
        key = record.key or None
        try:
            event = decode_value(record.value or b"")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            cause = "the value is null" if record.value is None else str(error)
            items.append(Item(record, key, None, Undecodable(cause)))
        else:
            items.append(Item(record, key or event.order_id.encode(), event))
    return items


def hold_back(
    items: Sequence[Item], parked_keys: AbstractSet[bytes | None]
) -> tuple[Sequence[Item], list[Failure]]:
    """Split off the items whose key has parked events: they must not overtake them."""
    if not parked_keys:
        return items, []
    free, held = [], []
    for item in items:
        if item.key is not None and item.key in parked_keys:
            held.append(Failure(item, "held"))
        else:
            free.append(item)
    return free, held


def before(records: Sequence[Record], left: Sequence[Record]) -> tuple[Sequence[Record], Sequence[Record]]:
    """``records`` before the first of ``left`` in their partition: these may be committed. And the rest."""
    if not left:
        return records, ()
    first: dict[int, int] = {}
    for record in left:
        first[record.partition] = min(record.offset, first.get(record.partition, record.offset))
    done: list[Record] = []
    rest: list[Record] = []
    for record in records:
        end = first.get(record.partition)
        (done if end is None or record.offset < end else rest).append(record)
    return done, rest


def decide(
    items: Iterable[Item], act: Callable[[Item], Decided], guard: Sentry
) -> tuple[list[tuple[Item, Decided]], list[Failure]]:
    """Apply a service's function to each item; an item that fails is alone in failing.

    Later items of a failed item's key are held: they must not overtake it. ``guard`` remembers which item
    the function was called with, should the process not survive it.
    """
    enter = guard.enter
    decided: list[tuple[Item, Decided]] = []
    failures: list[Failure] = []
    blocked: set[bytes] = set()
    for item in items:
        if blocked and item.key in blocked:
            failures.append(Failure(item, "held"))
            continue
        error = item.error
        if error is None:
            try:
                enter(item.record)
                decided.append((item, act(item)))
                continue
            except Exception as raised:  # noqa: BLE001 - a defect in a decision is that event's alone
                error = raised
        failures.append(Failure(item, state_of(error), error))
        if item.key is not None:
            blocked.add(item.key)
    guard.leave()
    return decided, failures


def state_of(error: Exception) -> State:
    """What becomes of an event that failed with ``error`` for the first time."""
    return "dead" if isinstance(error, (Undecodable, Rejected)) else "retrying"


def context_of(item: Item, now: datetime) -> Context:
    """What a service's function may know of the record."""
    record = item.record
    # A parked row does not remember when its record was written.
    written_ms = getattr(record, "timestamp", None)
    return Context(now, record.topic, record.partition, record.offset, written_ms)


def headers_of(item: Item, event: Event) -> dict[str, str]:
    """Headers of an event that ``item`` brought about."""
    return {
        "traceparent": tracing.continued(item.record.headers, item.event, event),
        "correlation_id": cut(event.correlation_id),
        "event_id": cut(event.event_id),
        "event_type": cut(event.event_type),
    }


def cut(text: str) -> str:
    """At most ``HEADER_BYTES_MAX`` bytes of it, as UTF-8: what others write knows no bounds."""
    if len(text) <= HEADER_BYTES_MAX // CHARACTER_BYTES_MAX:
        return text
    encoded = text.encode("utf-8", "backslashreplace")
    return text if len(encoded) <= HEADER_BYTES_MAX else encoded[:HEADER_BYTES_MAX].decode("utf-8", "ignore")
