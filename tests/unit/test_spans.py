"""Spans made of facts: their places in the trace, links, bounds, and an end that waits for nobody."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ordersys.api.facts import PostAnswered
from ordersys.api.traces import ApiSpans
from ordersys.devstack.ports import free_port
from ordersys.runtime import spans as module
from ordersys.runtime.facts import BatchCommitted, OutboxPublished
from ordersys.runtime.spans import LINKS_MAX, Spans, exported
from ordersys.runtime.steps import Item
from ordersys.runtime.tracing import Trace
from tests.unit.test_steps import created

CLIENT = Trace("a" * 32, 5, "01")


class Record(NamedTuple):
    headers: Sequence[tuple[str, bytes]]
    partition: int = 0
    offset: int = 7


@pytest.fixture
def kept() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def spans(kept: InMemorySpanExporter) -> Spans:
    return Spans(SimpleSpanProcessor(kept))


def _item(trace: Trace) -> Item:
    return Item(Record([("traceparent", trace.text.encode())]), None, created())


def _batch(done: Sequence[Item], failed: Sequence[Item] = ()) -> BatchCommitted:
    return BatchCommitted(
        service="payment",
        source="payment-service",
        group="g",
        topic="order.created",
        outcomes=Counter(handled=len(done), dead=len(failed)),
        seconds=0.25,
        done=done,
        failed=failed,
    )


def _trace_id(span: ReadableSpan) -> str:
    return f"{span.context.trace_id:032x}"


def test_a_batch_is_the_span_of_its_first_event_with_links_to_all(
    spans: Spans, kept: InMemorySpanExporter
) -> None:
    causes = [Trace(f"{number:032x}", 100 + number, "01") for number in (1, 2, 3)]
    spans(_batch([_item(cause) for cause in causes[:2]], [_item(causes[2])]))
    batch, second, third = kept.get_finished_spans()
    for span, cause in zip((batch, second, third), causes, strict=True):
        assert _trace_id(span) == cause.trace_id
        assert span.parent is not None
        assert span.parent.span_id == cause.span_id
        assert span.context.span_id == cause.at("payment-service").span_id
        assert span.end_time - span.start_time == 250_000_000
        assert span.resource.attributes["service.name"] == "payment-service"
    assert [link.context.span_id for link in batch.links] == [101, 102, 103]
    assert [link.context.span_id for link in second.links] == [batch.context.span_id]
    assert batch.attributes is not None
    assert batch.attributes["messaging.batch.message_count"] == 3
    assert [span.status.is_ok for span in (batch, second, third)] == [True, True, False]


def test_links_and_spans_of_a_batch_are_bounded(spans: Spans, kept: InMemorySpanExporter) -> None:
    spans(_batch([_item(Trace("a" * 32, number, "01")) for number in range(1, 3 * LINKS_MAX)]))
    found = kept.get_finished_spans()
    assert len(found) == len(found[0].links) == LINKS_MAX


def test_what_is_not_sampled_or_cannot_be_read_has_no_span(spans: Spans, kept: InMemorySpanExporter) -> None:
    unreadable = Item(Record([]), None, None)
    spans(_batch([_item(Trace("a" * 32, 5, "00"))], [unreadable]))
    spans(OutboxPublished(rows=1, seconds=0.1, messages=[Record([])]))
    spans(object())
    assert kept.get_finished_spans() == ()


def test_the_relays_batch_is_a_span(spans: Spans, kept: InMemorySpanExporter) -> None:
    messages = [_item(Trace("a" * 32, number, "01")).record for number in (5, 6)]
    spans(OutboxPublished(rows=2, seconds=0.1, messages=messages))
    (span,) = kept.get_finished_spans()
    assert span.resource.attributes["service.name"] == "order-relay"
    assert [link.context.span_id for link in span.links] == [5, 6]


@pytest.mark.parametrize("of_client", [True, False])
def test_a_post_is_the_child_of_the_clients_span_or_a_root(
    spans: Spans, kept: InMemorySpanExporter, of_client: bool
) -> None:
    trace = Trace(CLIENT.trace_id if of_client else "b" * 32, 9, "01")
    headers = [(b"traceparent", CLIENT.text.encode())]
    tell = ApiSpans(spans)
    tell(PostAnswered(status=503, seconds=0.1, traceparent=trace.text, headers=headers))
    tell(PostAnswered(status=400, seconds=0.1, traceparent=None, headers=headers))
    tell(PostAnswered(status=201, seconds=0.1, traceparent=trace.text[:-2] + "00", headers=headers))
    (span,) = kept.get_finished_spans()
    assert (_trace_id(span), span.context.span_id, span.status.is_ok) == (trace.trace_id, 9, False)
    assert (span.parent.span_id if span.parent else None) == (CLIENT.span_id if of_client else None)
    assert span.start_time <= datetime.now(UTC).timestamp() * 1e9


def test_the_end_does_not_wait_for_a_collector_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLOSE_TIMEOUT_S", 0.2)
    made = exported(f"http://127.0.0.1:{free_port()}")
    made(_batch([_item(CLIENT)]))
    began = time.monotonic()
    made.close()
    assert time.monotonic() - began < 5
