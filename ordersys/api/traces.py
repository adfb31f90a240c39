"""Spans of the API, made of its facts. Imported only where spans are exported."""

from __future__ import annotations

from opentelemetry.trace import SpanKind

from ordersys.api.facts import PostAnswered
from ordersys.contract.events import ORDER_API
from ordersys.runtime.spans import Spans
from ordersys.runtime.tracing import Trace, parse

ROUTE = "/orders"


class ApiSpans:
    """A span for every POST whose request was whole; call it with each fact."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans

    def __call__(self, fact: object) -> None:
        """Take a fact into account; facts it does not know are nothing to it."""
        if not isinstance(fact, PostAnswered) or fact.traceparent is None:
            return
        trace = parse(fact.traceparent)
        if trace is None or not trace.sampled:
            return
        self._spans.record(
            ORDER_API,
            f"POST {ROUTE}",
            SpanKind.SERVER,
            trace,
            fact.seconds,
            cause=_client(fact, trace),
            attributes={
                "http.request.method": "POST",
                "http.route": ROUTE,
                "http.response.status_code": fact.status,
            },
            failed=fact.status >= 500,
        )


def _client(fact: PostAnswered, trace: Trace) -> Trace | None:
    """The client's span, if the trace is the client's."""
    for name, value in fact.headers:
        if name == b"traceparent":
            given = parse(value.decode("latin-1"))
            if given is not None and given.trace_id == trace.trace_id:
                return given
    return None
