"""Parking: where events go that cannot be handled, and how they come back.

One table holds retries, what waits behind them, and dead letters. The owner of a partition parks its
events and attends to them between two of its batches::

    record ── fails ──▶ retrying ── attempts_max ──▶ dead (and a copy on the dead letter topic)
                          │  ▲                        │
                 succeeds │  │ fails again            │ redrive / discard, asked for by a person
                          ▼  │                        ▼
                       (released)  ◀── succeeds ── one more attempt / discarded
    later record of the key ──▶ held ── becomes the head of its key ──▶ due at once

Until the head succeeds, is redriven or is discarded, everything of its key stays behind it in sequence
(the model is Axon's SequencedDeadLetterQueue).
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ordersys.adapters import outbox, parked
from ordersys.adapters.kafka import Headers, Record
from ordersys.adapters.outbox import OutboxRow
from ordersys.adapters.parked import FailedAttempt, NewParked, ParkedRow
from ordersys.adapters.postgres import Session
from ordersys.runtime.facts import EventParked, OnFact
from ordersys.runtime.steps import Failure, Item, cut
from ordersys.runtime.tracing import trace_id_of

HEADERS_MAX = 32
TRACEBACK_CHARS_MAX = 8192
HELD_REASON = "an earlier event of this key is parked"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When a failed event is tried again: ``first_s * factor ** (attempts - 1)``, at most ``cap_s``."""

    attempts_max: int = 5
    first_s: float = 1.0
    factor: float = 4.0
    cap_s: float = 300.0

    def delay_s(self, attempts: int) -> float:
        """Seconds until the next attempt after ``attempts`` failed ones."""
        return float(min(self.cap_s, self.first_s * self.factor ** max(0, attempts - 1)))


class Parking:
    """The parked events of one subscription."""

    def __init__(
        self, *, service: str, group: str, dead_letters: str, policy: RetryPolicy, on_fact: OnFact
    ) -> None:
        self.group = group
        self._service = service
        self._dead_letters = dead_letters
        self._policy = policy
        self._on_fact = on_fact

    async def park(self, session: Session, failures: Sequence[Failure], now: datetime) -> None:
        """Park what failed of a batch, with what is held behind it; dead ones get their copy."""
        rows, dead = [], []
        for failure in failures:
            record, held = failure.item.record, failure.state == "held"
            attempts = 0 if held else 1
            if not held and attempts >= self._policy.attempts_max:
                failure.state = "dead"
            if failure.state == "dead":
                dead.append(self._dead_letter(failure, attempts, now))
            rows.append(
                NewParked(
                    failure.item.key,
                    record.topic,
                    record.partition,
                    record.offset,
                    record.value,
                    _header_text(record.headers),
                    failure.state,
                    attempts,
                    0.0 if held else self._policy.delay_s(attempts),
                    *_cause(failure.error),
                )
            )
        await parked.insert(session, self.group, rows)
        await outbox.insert(session, dead)

    async def attempted(self, session: Session, done: Iterable[Item], failures: Sequence[Failure]) -> None:
        """Record how an attempt at parked rows ended: released, to be tried again, or dead."""
        await parked.release(session, [item.record.id for item in done])
        attempts, dead = [], []
        for failure in failures:
            row: ParkedRow = failure.item.record
            if failure.state == "held":  # behind another of its key that failed just now: not tried
                continue
            count = row.attempts + 1
            if row.state == "dead" or count >= self._policy.attempts_max:
                failure.state = "dead"
            if failure.state == "dead" and row.state != "dead":
                dead.append(self._dead_letter(failure, count, row.first_failed_at))
            attempts.append(
                FailedAttempt(row.id, failure.state, self._policy.delay_s(count), *_cause(failure.error))
            )
        await parked.failed(session, attempts)
        await outbox.insert(session, dead)

    def report(self, failures: Iterable[Failure]) -> None:
        """Say what was parked, once it is committed."""
        for failure in failures:
            item, event = failure.item, failure.item.event
            record = item.record
            attempts = getattr(record, "attempts", 0)
            self._on_fact(
                EventParked(
                    service=self._service,
                    group=self.group,
                    topic=record.topic,
                    partition=record.partition,
                    offset=record.offset,
                    state=failure.state,
                    attempts=attempts if failure.state == "held" else attempts + 1,
                    reason=_cause(failure.error)[0],
                    order_id=event.order_id if event else _text(item.key or b""),
                    event_id=event.event_id if event else _header(record, "event_id"),
                    correlation_id=event.correlation_id if event else _header(record, "correlation_id"),
                    trace_id=trace_id_of(record.headers, event),
                )
            )

    def _dead_letter(self, failure: Failure, attempts: int, first_failed_at: datetime) -> OutboxRow:
        record = failure.item.record
        reason, exception, _ = _cause(failure.error)
        headers = {cut(name): _text(value) for name, value in record.headers[:HEADERS_MAX]}
        headers |= {
            "origin_topic": record.topic,
            "origin_partition": str(record.partition),
            "origin_offset": str(record.offset),
            "service": self._service,
            "reason": reason,
            "exception": exception or "",
            "attempts": str(attempts),
            "first_failed_at": first_failed_at.isoformat(),
        }
        key, value = failure.item.key, record.value
        if len(key or b"") + len(value or b"") > outbox.VALUE_BYTES_MAX:
            # Too large to be sent once more. The parked row has all of it; the copy says where it came from.
            headers["omitted_bytes"] = str(len(value or b""))
            key, value = None, None
        text = outbox.header_text({name: cut(text) for name, text in headers.items()})
        return OutboxRow(self._dead_letters, key, value, text)


def _cause(error: Exception | None) -> tuple[str, str | None, str | None]:
    """Reason, exception and traceback as text that Postgres takes (no NUL)."""
    if error is None:
        return HELD_REASON, None, None
    trace = "".join(traceback.format_exception(error))[-TRACEBACK_CHARS_MAX:]
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    return _clean(cut(str(error) or name)), _clean(name), _clean(trace)


def _clean(text: str) -> str:
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "backslashreplace")


def _header(record: Record, name: str) -> str:
    return next((_text(value) for key, value in record.headers if key == name), "")


def _header_text(headers: Headers) -> str:
    return outbox.header_text({name: _text(value) for name, value in headers})
