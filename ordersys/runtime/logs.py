"""Facts as log lines: JSON, or readable on a terminal. Never a secret, never an email address."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import singledispatchmethod
from typing import Any, BinaryIO, TextIO

import msgspec
import structlog

from ordersys.runtime import facts


class Lines:
    """Many log lines of one event at once, each a row of fields.

    A notification is logged for every transition; through structlog's chain of processors that was a
    twelfth of the whole flow's CPU, encoded and written together it is a fortieth.
    """

    def __init__(self, stream: BinaryIO | None = None) -> None:
        """``stream`` takes JSON lines; None: lines go through structlog one by one."""
        self._stream = stream

    def info(self, event: str, rows: Iterable[dict[str, Any]]) -> None:
        """Log ``rows`` at level info, if that is enabled."""
        log = structlog.get_logger()
        if not log.is_enabled_for(logging.INFO):
            return
        if self._stream is None:
            for row in rows:
                log.info(event, **row)
            return
        last = {"event": event, "level": "info", "timestamp": datetime.now(UTC)}
        self._stream.write(b"".join([_encode({**row, **last}) + b"\n" for row in rows]))
        self._stream.flush()


def configure(level: str = "info", stream: TextIO | None = None) -> Lines:
    """Set up structlog and the standard logging for the process; returns what writes many lines at once.

    ``level``: the name of a level. Lines are JSON unless ``stream`` (standard output) is a terminal.
    """
    out = stream or sys.stdout
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    factory: Any
    if out.isatty():
        shared.append(structlog.dev.ConsoleRenderer())
        factory = structlog.PrintLoggerFactory(out)
    else:
        shared += [
            structlog.processors.dict_tracebacks,
            structlog.processors.JSONRenderer(serializer=_serialise),
        ]
        factory = structlog.BytesLoggerFactory(out.buffer)
    structlog.configure(
        processors=shared,
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[_ToStructlog()], force=True)
    # The client warns on every broken connection of an outage; the supervisor says it once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL if number > logging.DEBUG else logging.DEBUG)
    return Lines(None if out.isatty() else out.buffer)


_encode = msgspec.json.Encoder(enc_hook=str).encode


def _serialise(event: Any, **_: Any) -> bytes:
    return _encode(event)


class _ToStructlog(logging.Handler):
    """Lines of libraries that log by the standard library, in our form."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger().bind(logger=record.name)
        error = record.exc_info if record.exc_info and record.exc_info[0] else None
        logger.log(record.levelno, record.getMessage(), exc_info=error)


class Logs:
    """Writes facts as log lines; call it with each fact."""

    def __init__(self, lines: Lines) -> None:
        self._log = structlog.get_logger()
        self._lines = lines

    def __call__(self, fact: object) -> None:
        """Log a fact; facts it does not know are not logged."""
        self._take(fact)

    @singledispatchmethod
    def _take(self, fact: object) -> None:
        del fact

    @_take.register
    def _(self, fact: facts.EventParked) -> None:
        self._log.warning(
            "event parked",
            service=fact.service,
            order_id=fact.order_id,
            event_id=fact.event_id,
            correlation_id=fact.correlation_id,
            trace_id=fact.trace_id,
            state=fact.state,
            attempts=fact.attempts,
            reason=fact.reason,
            group=fact.group,
            topic=fact.topic,
            partition=fact.partition,
            offset=fact.offset,
        )

    @_take.register
    def _(self, fact: facts.RowsStored) -> None:
        self._lines.info(
            fact.notice,
            (
                {"service": fact.service, "trace_id": trace_id, **msgspec.structs.asdict(row)}
                for row, trace_id in zip(fact.rows, fact.trace_ids, strict=True)
            ),
        )

    @_take.register
    def _(self, fact: facts.EffectsRecorded) -> None:
        common = {"service": fact.service, "channel": fact.channel}
        if fact.outcome == "delivered":
            self._lines.info("delivered", ({**common, **effect._asdict()} for effect in fact.effects))
        else:
            # A channel that is switched on skips all that happened before.
            self._log.info("deliveries skipped", **common, events=len(fact.effects))

    @_take.register
    def _(self, fact: facts.BatchCommitted) -> None:
        self._log.debug(
            "batch committed",
            service=fact.service,
            group=fact.group,
            topic=fact.topic,
            seconds=round(fact.seconds, 4),
            retry=fact.retry,
            **{outcome: count for outcome, count in fact.outcomes.items() if count},
        )

    @_take.register
    def _(self, fact: facts.BatchRunAgain) -> None:
        self._log.warning("batch run again", service=fact.service, group=fact.group, cause=fact.cause)

    @_take.register
    def _(self, fact: facts.PartitionsAssigned) -> None:
        self._log.info(
            "partitions assigned",
            service=fact.service,
            group=fact.group,
            topic=fact.topic,
            partitions=list(fact.partitions),
            parked_keys=fact.parked_keys,
        )

    @_take.register
    def _(self, fact: facts.PartitionsLost) -> None:
        self._log.info("partitions lost", service=fact.service, group=fact.group, topic=fact.topic)

    @_take.register
    def _(self, fact: facts.ConsumerStalled) -> None:
        self._log.error("consumer stalled", group=fact.group, seconds=round(fact.seconds), lag=fact.lag)

    @_take.register
    def _(self, fact: facts.EventsEmittedAgain) -> None:
        for order_id in fact.orders:
            self._log.warning("events emitted again", service="reconciler", order_id=order_id)

    @_take.register
    def _(self, fact: facts.Pruned) -> None:
        self._log.info("pruned", **dict(fact.rows))
