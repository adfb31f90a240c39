"""Spans for OpenTelemetry, made of facts when all is done. Imported only where spans are exported.

An event's span has the id that the events it brought about name as their parent
(:mod:`ordersys.runtime.tracing`), so each order is one tree::

    POST ─┬▶ process order.created (payment) ─▶ process payment.result (orchestrator) ─▶ …
          └▶ process order.created (inventory) ─▶ …

A batch is one span: that of its first event, with links to all its events, up to a bound. The others get
spans of their own in their own traces, with a link to the batch's, up to the same bound.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping
from functools import singledispatchmethod
from itertools import islice
from time import time_ns
from typing import Any

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from ordersys.runtime import facts
from ordersys.runtime.tracing import Trace, trace_of

LINKS_MAX = 128
CLOSE_TIMEOUT_S = 3.0
NAMESPACE = "ordersys"
RELAY = "order-relay"

Attributes = Mapping[str, str | int | bool]


def exported(endpoint: str) -> Spans:
    """Spans that go to a collector by OTLP over HTTP; ``endpoint`` is without ``/v1/traces``."""
    # Of a collector that is away it would tell at every retry; that spans are lost is told all the same.
    logging.getLogger("opentelemetry.exporter").setLevel(logging.ERROR)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    return Spans(BatchSpanProcessor(exporter))


class Spans:
    """Makes spans of the runtime's facts; call it with each fact. ``close`` exports what is left."""

    def __init__(self, processor: SpanProcessor) -> None:
        self._processor = processor
        self._ids = _GivenIds()
        self._tracers: dict[str, Tracer] = {}

    def close(self) -> None:
        """Export what is left, and end. Blocks for at most ``CLOSE_TIMEOUT_S``: spans may be lost, not time.

        Without a collector the library itself would wait for 30 s.
        """
        closing = threading.Thread(target=self._processor.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSE_TIMEOUT_S)

    def record(
        self,
        service: str,
        name: str,
        kind: SpanKind,
        trace: Trace,
        seconds: float,
        *,
        cause: Trace | None = None,
        links: Iterable[Trace] = (),
        attributes: Attributes | None = None,
        failed: bool = False,
    ) -> None:
        """One span of ``service`` that has just ended: at ``trace``, brought about by ``cause``."""
        self._ids.trace_id, self._ids.span_id = int(trace.trace_id, 16), trace.span_id
        ended = time_ns()
        # Without a parent in it, an empty context: never what the caller's task happens to run in.
        parent = set_span_in_context(NonRecordingSpan(_context(cause) if cause else _NOWHERE), Context())
        span = self._tracer(service).start_span(
            name,
            parent,
            kind=kind,
            attributes=attributes,
            links=[Link(_context(link)) for link in links],
            start_time=ended - int(seconds * 1e9),
        )
        if failed:
            span.set_status(StatusCode.ERROR)
        span.end(ended)

    def __call__(self, fact: object) -> None:
        """Take a fact into account; facts it does not know are nothing to it."""
        self._take(fact)

    @singledispatchmethod
    def _take(self, fact: object) -> None:
        del fact

    @_take.register
    def _(self, fact: facts.BatchCommitted) -> None:
        items = [(item, False) for item in fact.done] + [(item, True) for item in fact.failed]
        found = ((trace_of(item.record.headers, item.event), item, failed) for item, failed in items)
        wanted = list(islice((each for each in found if each[0] and each[0].sampled), LINKS_MAX))
        batch: Trace | None = None
        for cause, item, failed in wanted:
            assert cause is not None
            trace = cause.at(fact.source)
            attributes = _about(fact, item)
            if batch is None:
                batch, links = trace, [each for each, *_ in wanted if each is not None]
                attributes |= _about_batch(fact, len(items))
            else:
                links = [batch]
            self.record(
                fact.source,
                f"process {fact.topic}",
                SpanKind.CONSUMER,
                trace,
                fact.seconds,
                cause=cause,
                links=links,
                attributes=attributes,
                failed=failed,
            )

    @_take.register
    def _(self, fact: facts.OutboxPublished) -> None:
        traces = (trace_of(message.headers, None) for message in fact.messages)
        wanted = list(islice((trace for trace in traces if trace and trace.sampled), LINKS_MAX))
        if wanted:
            self.record(
                RELAY,
                "publish outbox",
                SpanKind.PRODUCER,
                wanted[0].at(RELAY),
                fact.seconds,
                cause=wanted[0],
                links=wanted,
                attributes={"messaging.system": "kafka", "messaging.batch.message_count": fact.rows},
            )

    def _tracer(self, service: str) -> Tracer:
        """The tracer of one service: each is a resource of its own, also where all are one process."""
        if service not in self._tracers:
            provider = TracerProvider(
                sampler=ALWAYS_ON,
                resource=Resource.create({"service.name": service, "service.namespace": NAMESPACE}),
                id_generator=self._ids,
                shutdown_on_exit=False,
            )
            provider.add_span_processor(self._processor)
            self._tracers[service] = provider.get_tracer(NAMESPACE)
        return self._tracers[service]


class _GivenIds(IdGenerator):
    """Gives the next span the ids it is to have."""

    trace_id = 0
    span_id = 0

    def generate_trace_id(self) -> int:
        return self.trace_id

    def generate_span_id(self) -> int:
        return self.span_id


_NOWHERE = SpanContext(0, 0, is_remote=False)


def _context(trace: Trace) -> SpanContext:
    flags = TraceFlags(int(trace.flags, 16))
    return SpanContext(int(trace.trace_id, 16), trace.span_id, is_remote=True, trace_flags=flags)


def _about(fact: facts.BatchCommitted, item: Any) -> dict[str, str | int | bool]:
    record, event = item.record, item.event
    return {
        "messaging.system": "kafka",
        "messaging.operation.type": "process",
        "messaging.operation.name": "process",
        "messaging.destination.name": fact.topic,
        "messaging.destination.partition.id": str(record.partition),
        "messaging.kafka.offset": record.offset,
        "messaging.consumer.group.name": fact.group,
        **({"ordersys.order_id": event.order_id, "ordersys.event_id": event.event_id} if event else {}),
    }


def _about_batch(fact: facts.BatchCommitted, count: int) -> dict[str, str | int | bool]:
    return {
        "messaging.batch.message_count": count,
        "ordersys.retry": fact.retry,
        **{f"ordersys.{outcome}": number for outcome, number in fact.outcomes.items() if number},
    }
