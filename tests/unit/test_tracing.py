"""Trace context: one trace along an order's way, a span of its own at every hop."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersys.runtime import steps, tracing
from ordersys.runtime.tracing import Trace, parse, trace_of
from tests.unit.test_steps import created

ROOT = Path(__file__).parents[2]
SERVICES = ("payment-service", "inventory-service", "order-orchestrator", "notification-service")
TEXT = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


def test_a_header_is_read_and_written() -> None:
    found = parse(TEXT)
    assert found is not None
    assert (found.trace_id, found.span_id, found.sampled) == ("a" * 32, 0xBBBB_BBBB_BBBB_BBBB, True)
    assert found.text == TEXT
    unsampled = parse(TEXT[:-2] + "00")
    assert unsampled is not None
    assert not unsampled.sampled
    later = parse("cc" + TEXT[2:] + "-what comes later")
    assert later == found


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "00",
        TEXT.upper(),
        TEXT[:-1],
        "ff" + TEXT[2:],
        "00-" + "0" * 32 + "-" + "b" * 16 + "-01",
        "00-" + "a" * 32 + "-" + "0" * 16 + "-01",
        TEXT + "x",
        "\n" + TEXT,
    ],
)
def test_a_broken_header_is_none_and_the_trace_is_made_from_the_ids(broken: str) -> None:
    assert parse(broken) is None
    headers = [("traceparent", broken.encode())]
    made = trace_of(headers, created())
    assert made == trace_of([], created()) == tracing.made_of(created())
    assert parse(made.text) == made
    assert trace_of(headers, None) is None


def test_events_of_an_order_without_headers_are_one_trace() -> None:
    first, second = tracing.made_of(created()), tracing.made_of(created(event_id="another"))
    assert first.trace_id == second.trace_id
    assert first.span_id != second.span_id


@given(st.integers(1, 2**64 - 1))
def test_each_hop_has_a_span_of_its_own_and_the_same_again(span: int) -> None:
    start = Trace("a" * 32, span, "01")
    way = [start]
    for service in SERVICES:
        way.append(way[-1].at(service))
    assert {each.trace_id for each in way} == {start.trace_id}
    assert len({each.span_id for each in way}) == len(way)
    assert start.at("payment-service") == way[1]
    assert start.at("payment-service") != start.at("inventory-service")
    assert all(parse(each.text) == each for each in way)


def test_a_hop_never_has_the_invalid_span_of_zeros() -> None:
    span = tracing.hop("payment-service")
    assert Trace("a" * 32, span, "01").at("payment-service").span_id == span


def test_an_event_that_another_brought_about_continues_its_trace() -> None:
    class Record:
        headers = (("traceparent", TEXT.encode()),)

    event = created(event_id="e2", source_service="payment-service")
    made = steps.headers_of(steps.Item(Record(), None, created()), event)["traceparent"]
    assert tracing.trace_id_of(Record.headers, None) == "a" * 32
    found, cause = parse(made), parse(TEXT)
    assert found is not None
    assert cause is not None
    assert found == cause.at("payment-service")


def test_nothing_of_opentelemetry_is_loaded_where_no_spans_are_wanted() -> None:
    code = """
import sys
from config.settings import load
from ordersys.runtime.logs import Lines
from supervisor import System
environ = {"KAFKA_BROKERS": "127.0.0.1:1", "POSTGRES_DSN": "postgresql://127.0.0.1:1/x"}
System(load({**environ, "OTEL_EXPORTER_OTLP_ENDPOINT": sys.argv[1]}), Lines()).close()
print(any(name.partition(".")[0] == "opentelemetry" for name in sys.modules))
"""
    for endpoint, loaded in (("", "False"), ("http://127.0.0.1:1", "True")):
        done = subprocess.run(
            [sys.executable, "-c", code, endpoint],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert done.stdout.strip() == loaded
