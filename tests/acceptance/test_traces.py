"""A trace from a client's POST to the last event, its log lines and its spans."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from ordersys.adapters.kafka import Message
from ordersys.runtime.tracing import Trace, hop, parse
from tests.acceptance.shop import ORDER, Shop, process
from tests.driving import wait_until
from tests.otlp import Collector, Span, collector
from tests.stack import Environment

pytestmark = pytest.mark.anyio

CLIENT = "00-{trace}-00f067aa0ba902b7-01"
TOPICS = (
    "TOPIC_ORDER_CREATED",
    "TOPIC_PAYMENT_RESULT",
    "TOPIC_INVENTORY_RESULT",
    "TOPIC_ORDER_STATUS_CHANGED",
)


@pytest.fixture(scope="module")
def spans() -> Iterator[Collector]:
    with collector() as kept:
        yield kept


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("traces") / "supervisor.log"


@pytest.fixture(scope="module")
def program(environment: Environment, spans: Collector, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    more = {"OTEL_EXPORTER_OTLP_ENDPOINT": spans.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    with process(environment.environ, log, **more) as running:
        yield running


@pytest.fixture
async def shop(environment: Environment, program: subprocess.Popen[bytes]) -> AsyncIterator[Shop]:
    made = Shop(environment.settings)
    async with made.http:
        await made.ready()
        yield made


async def test_every_event_of_an_order_is_in_the_trace_of_its_post(
    shop: Shop, environment: Environment
) -> None:
    posted, order_id = await _post(shop)
    events = await _events(environment, order_id)
    assert len(events) == 5  # created, two results, two transitions
    traces = [_trace(headers) for _, headers in events]
    assert {trace.trace_id for trace in traces} == {posted.trace_id}
    created, *caused = traces
    assert created == posted
    assert len({trace.span_id for trace in traces}) == 5
    payment, inventory, folding = (
        hop(name) for name in ("payment-service", "inventory-service", "order-orchestrator")
    )
    assert {trace.span_id ^ posted.span_id for trace in caused} == {
        payment,
        inventory,
        payment ^ folding,
        inventory ^ folding,
    }


async def test_an_order_is_one_tree_of_spans(shop: Shop, spans: Collector) -> None:
    posted, order_id = await _post(shop)
    wanted = {"order-api", "order-relay", "payment-service", "inventory-service", "order-orchestrator"}
    wanted |= {"notification-service", "analytics-service"}

    async def complete() -> list[Span]:
        found = spans.of(posted.trace_id)
        # The POST, two decisions, two foldings, three read models: two of both transitions.
        processed = [span for span in found if span.attributes.get("ordersys.order_id") == order_id]
        return found if len(processed) == 9 and wanted <= {span.service for span in found} else []

    found = await wait_until(complete, "all spans of the order are exported")
    by_id = {span.span_id: span for span in found}
    assert len(by_id) == len(found)
    (post,) = (span for span in found if span.service == "order-api")
    assert (post.name, post.span_id, post.parent) == (
        "POST /orders",
        f"{posted.span_id:016x}",
        "00f067aa0ba902b7",
    )
    assert post.attributes["http.response.status_code"] == 201
    assert all(span.parent in by_id for span in found if span is not post)
    assert not any(span.failed for span in found)
    payment = next(span for span in found if span.service == "payment-service")
    assert payment.parent == post.span_id
    assert payment.links == ((posted.trace_id, post.span_id),)
    assert payment.attributes["messaging.batch.message_count"] == 1
    assert payment.seconds > 0


async def test_a_trace_that_is_not_sampled_has_no_spans(shop: Shop, spans: Collector) -> None:
    unwanted, _ = await _post(shop, flags="00")
    assert unwanted.flags == "00"
    later, _ = await _post(shop)

    async def exported() -> bool:
        return {span.service for span in spans.of(later.trace_id)} >= {"order-api", "notification-service"}

    await wait_until(exported, "spans of a later order are exported")
    assert spans.of(unwanted.trace_id) == []


async def test_log_lines_name_the_trace(shop: Shop, environment: Environment, log: Path) -> None:
    posted, order_id = await _post(shop)
    poison = Trace(uuid4().hex, 7, "01")
    bad = Message(
        environment.name("TOPIC_ORDER_CREATED"), b"k", b"no event", [("traceparent", poison.text.encode())]
    )
    async with environment.broker.publisher() as publisher:
        await publisher.publish([bad])

    async def told() -> list[dict[str, Any]]:
        lines = _lines(log)
        parked = [line for line in lines if line["event"] == "event parked"]
        changed = [line for line in lines if line.get("order_id") == order_id]
        return [*parked, *changed] if len(parked) >= 3 and len(changed) >= 2 else []

    lines = await wait_until(told, "the transitions and the parked events are in the log")
    assert {line["trace_id"] for line in lines if line["event"] == "event parked"} == {poison.trace_id}
    assert {line["trace_id"] for line in lines if line.get("order_id") == order_id} == {posted.trace_id}


def _lines(log: Path) -> list[dict[str, Any]]:
    whole = log.read_bytes().rpartition(b"\n")[0]
    return [msgspec.json.decode(line) for line in whole.splitlines() if line.startswith(b"{")]


async def _post(shop: Shop, flags: str = "01") -> tuple[Trace, str]:
    """A settled order of a client that has a trace: where its POST is in that trace, and its id."""
    trace = uuid4().hex
    client = CLIENT.format(trace=trace)[:-2] + flags
    answer = await shop.http.post("/orders", json=ORDER, headers={"traceparent": client})
    assert answer.status_code == 201
    posted = parse(answer.headers["traceparent"])
    assert posted is not None
    assert (posted.trace_id, posted.flags) == (trace, flags)
    assert posted.text != client
    shop.accepted.append(answer.json()["id"])
    await shop.settled()
    return posted, answer.json()["id"]


def _trace(headers: dict[str, bytes]) -> Trace:
    found = parse(headers["traceparent"].decode())
    assert found is not None
    return found


async def _events(environment: Environment, order_id: str) -> list[tuple[str, dict[str, bytes]]]:
    """(topic, headers) of every event of an order, created first."""
    topics = [environment.name(name) for name in TOPICS]
    async with environment.broker.tail(topics) as tail:
        begins, ends = await tail.bounds()
        tail.start(begins)
        found = []
        while await tail.positions() != ends:
            found += await tail.fetch(200)
    events = [(each.topic, dict(each.headers)) for each in found if each.key == order_id.encode()]
    return sorted(events, key=lambda event: topics.index(event[0]))
