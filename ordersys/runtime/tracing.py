"""Trace context (W3C Trace Context, version 00) along an order's way: one trace, a span at every hop.

The span id of a hop is that of its cause XOR 64 bits that belong to the hop's service::

    POST ─ s ─▶ order.created ─ s ─▶ payment ─ s^p ─▶ payment.result ─ s^p ─▶ orchestrator ─ s^p^o ─▶ …

So an event costs no randomness, an event handled twice has the same span both times, and who exports spans
finds their ids again from the event alone (:mod:`ordersys.runtime.spans`). Nothing here needs a library.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from ordersys.adapters.kafka import Headers
from ordersys.contract import ids
from ordersys.contract.events import Event

SAMPLED = 1

# Of versions to come the first four fields are read; all zeros are invalid (sections 3.2.2.3 and 3.2.2.4).
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?", re.DOTALL
)
# What nearly every record has: read without taking it apart, for every event that is made.
_PLAIN = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}").fullmatch


class Trace(NamedTuple):
    """A place in a trace. ``trace_id``: 32 hexadecimal digits; ``flags``: two."""

    trace_id: str
    span_id: int
    flags: str

    @property
    def text(self) -> str:
        """As a ``traceparent`` header."""
        return f"00-{self.trace_id}-{self.span_id:016x}-{self.flags}"

    @property
    def sampled(self) -> bool:
        """Whether spans of it are wanted."""
        return bool(int(self.flags, 16) & SAMPLED)

    def at(self, service: str) -> Trace:
        """The place of what ``service`` does because of this."""
        bits = hop(service)
        return Trace(self.trace_id, self.span_id ^ bits or bits, self.flags)


def parse(text: str) -> Trace | None:
    """A ``traceparent`` header; None if it is not a valid one."""
    match = _TRACEPARENT.fullmatch(text)
    return Trace(match[1], int(match[2], 16), match[3]) if match else None


def trace_of(headers: Headers, event: Event | None) -> Trace | None:
    """The trace of a record; one made from its ids where its header is missing or broken.

    None only when there is no event either: the record cannot be read.
    """
    for name, value in headers:
        if name == "traceparent" and value:
            if found := parse(value.decode("latin-1")):
                return found
            break
    return None if event is None else made_of(event)


def continued(headers: Headers, cause: Event | None, event: Event) -> str:
    """The ``traceparent`` of ``event``, which the record of ``cause``, with these headers, brought about."""
    for name, value in headers:
        if name == "traceparent" and value and _PLAIN(value):
            text, bits = value.decode(), hop(event.source_service)
            return f"{text[:36]}{int(text[36:52], 16) ^ bits or bits:016x}{text[52:]}"
    return (trace_of(headers, cause) or made_of(event)).at(event.source_service).text


def trace_id_of(headers: Headers, event: Event | None) -> str | None:
    """The trace of a record, for its log lines; as :func:`trace_of` has it."""
    for name, value in headers:
        if name == "traceparent" and value and _PLAIN(value):
            return value[3:35].decode()
    trace = trace_of(headers, event)
    return trace and trace.trace_id


def made_of(event: Event) -> Trace:
    """The trace of an event whose writer gave it none: the same for every event of an order."""
    trace = ids.deterministic_id(f"trace:{event.order_id}").replace("-", "")
    span = ids.deterministic_id(f"span:{event.event_id}").replace("-", "")[:16]
    return Trace(trace, int(span, 16), "01")


@cache
def hop(service: str) -> int:
    """The 64 bits of a service, by the name it has on the wire."""
    return int(ids.deterministic_id(f"hop:{service}").replace("-", "")[:16], 16)
