"""What operators scrape: /metrics of a running system against the docs, the alerts and the dashboard."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator

import pytest
import yaml
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from supervisor import System
from tests.acceptance import shop as shops
from tests.acceptance.shop import ROOT, Shop
from tests.driving import wait_until
from tests.promql import names_and_labels
from tests.stack import Environment

pytestmark = pytest.mark.anyio

ALERTS = ROOT / "infra" / "prometheus" / "alerts.yml"
DASHBOARD = ROOT / "infra" / "grafana" / "dashboards" / "ordersys.json"
DOCS = ROOT / "docs" / "metrics.md"
OF_PROMETHEUS = {"up"}
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| ([\w, ]*?) ?\|", re.M)
SCRAPED = {"job", "instance", "le"}


@pytest.fixture(scope="module")
async def system(environment: Environment) -> AsyncIterator[System]:
    async with shops.system(environment.environ) as running:
        yield running


@pytest.fixture
async def shop(environment: Environment, system: System) -> AsyncIterator[Shop]:
    made = Shop(environment.settings)
    async with made.http:
        await made.ready()
        yield made


async def families(shop: Shop) -> dict[str, Metric]:
    """What /metrics has, by the name under which the docs have it."""
    text = (await shop.http.get("/metrics")).text
    found = {}
    for family in text_string_to_metric_families(text):
        if not family.name.endswith("_created"):
            found[family.name + ("_total" if family.type == "counter" else "")] = family
    return found


def documented() -> dict[str, tuple[str, frozenset[str]]]:
    """Type and labels of every metric of the docs."""
    return {
        name: (kind, frozenset(labels.replace(" ", "").split(",")) - {""})
        for name, kind, labels in ROW.findall(DOCS.read_text("utf-8"))
    }


def expressions() -> Iterator[tuple[str, str]]:
    """(where, PromQL) of every alert and panel."""
    for group in yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]
    for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


async def test_the_docs_have_every_metric_and_no_other(shop: Shop) -> None:
    await shop.post()
    await shop.settled()
    found, docs = await families(shop), documented()
    assert {name: family.type for name, family in found.items()} == {
        name: kind for name, (kind, _) in docs.items()
    }
    for name, family in found.items():
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                assert sample.labels.keys() - {"le"} == docs[name][1], name


async def test_alerts_and_panels_ask_for_what_there_is(shop: Shop) -> None:
    known: dict[str, frozenset[str]] = {}
    for name, (kind, labels) in documented().items():
        for ending in ("_bucket", "_sum", "_count") if kind == "histogram" else ("",):
            known[name + ending] = labels
    there = await families(shop)
    asked: set[str] = set()
    for where, expression in expressions():
        names, labels = names_and_labels(expression)
        asked |= names
        assert names, where
        assert names <= known.keys() | OF_PROMETHEUS, where
        assert labels <= SCRAPED.union(*(known.get(name, ()) for name in names)), where
    plain = {re.sub("_(bucket|sum|count)$", "", name) for name in asked}
    assert plain - OF_PROMETHEUS <= there.keys()


async def test_what_is_said_with_values_is_measured(shop: Shop, environment: Environment) -> None:
    for amount_cents in (1, 100_001):
        await shop.post(amount_cents=amount_cents)
    await shop.post(quantity=0)
    await shop.settled()

    async def measured() -> dict[str, Metric] | None:
        found = await families(shop)
        count = sum(sample.value for sample in found["ordersys_consumer_committed_offset"].samples)
        # Eight events at least were handled, and the watch has seen it.
        return found if count >= 8 else None

    found = await wait_until(measured, "the committed offsets are measured")
    assert found is not None
    orders = _values(found, "ordersys_order_seconds", "_count", "status")
    assert orders["CONFIRMED"] >= 1
    assert orders["CANCELLED"] >= 1
    took = _values(found, "ordersys_order_seconds", "_sum", "status")
    assert all(0 < seconds < 60 for seconds in took.values())
    assert _values(found, "ordersys_post_seconds", "_count", "status").keys() == {"201", "400"}
    stalls = _values(found, "ordersys_consumer_stalled_total", "_total", "group")
    assert stalls[environment.name("PAYMENT_CONSUMER_GROUP")] == 0


def _values(found: dict[str, Metric], name: str, ending: str, label: str) -> dict[str, float]:
    samples = (sample for sample in found[name].samples if sample.name.endswith(ending))
    return {sample.labels[label]: sample.value for sample in samples}
