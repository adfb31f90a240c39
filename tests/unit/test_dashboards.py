"""Files for Prometheus and Grafana: whole, and true to one another; what is in them is compared elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from config.settings import ROLES, load
from tests.promql import names_and_labels

INFRA = Path(__file__).parents[2] / "infra"
PROMETHEUS = INFRA / "prometheus"
GRAFANA = INFRA / "grafana"


@pytest.mark.parametrize(
    ("expression", "names", "labels"),
    [
        ("up == 0", {"up"}, set()),
        ('sum by (le) (rate(a_bucket{b=~"x|y", c!="and d"}[5m])) > 1.5e3', {"a_bucket"}, {"le", "b", "c"}),
        ("max(a:b) and on (x) c offset 5m or vector(0)", {"a:b", "c"}, {"x"}),
        ("histogram_quantile(0.99, sum(rate(x[1m])) without (y))", {"x"}, {"y"}),
    ],
)
def test_names_are_found_in_promql(expression: str, names: set[str], labels: set[str]) -> None:
    assert names_and_labels(expression) == (names, labels)


def test_every_alert_says_how_bad_it_is_and_what_to_do() -> None:
    (group,) = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text("utf-8"))["groups"]
    names = [rule["alert"] for rule in group["rules"]]
    assert len(set(names)) == len(names) >= 10
    for rule in group["rules"]:
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
        assert rule["annotations"].keys() == {"summary", "action"}, rule["alert"]


def test_prometheus_finds_its_files_and_every_role() -> None:
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text("utf-8"))
    (job,) = config["scrape_configs"]
    named = [*config["rule_files"], *job["file_sd_configs"][0]["files"]]
    assert named == ["alerts.yml", "targets.yml"]
    assert all((PROMETHEUS / name).exists() for name in named)
    port = load({})["METRICS_PORT"]
    (here,) = yaml.safe_load((PROMETHEUS / "targets.yml").read_text("utf-8"))
    assert here["targets"] == [f"127.0.0.1:{port}"]
    (spread,) = yaml.safe_load((PROMETHEUS / "targets-roles.yml").read_text("utf-8"))
    assert set(spread["targets"]) == {f"{role}:{port}" for role in ROLES}


def test_the_dashboard_is_whole() -> None:
    (source,) = yaml.safe_load(
        (GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text("utf-8")
    )["datasources"]
    board = json.loads((GRAFANA / "dashboards" / "ordersys.json").read_text("utf-8"))
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        if panel["type"] == "row":
            continue
        assert panel["description"], panel["title"]
        for asked in (panel, *panel["targets"]):
            assert asked["datasource"]["uid"] == source["uid"], panel["title"]


@pytest.mark.parametrize(
    "title",
    [
        "Written per partition",
        "Read per partition",
        "Lag by group",
        "Time from acceptance to final state",
        "Batch latency, p99",
        "Outbox age",
        "Restarts",
        "Parked events",
        "POSTs by outcome",
    ],
)
def test_the_dashboard_shows(title: str) -> None:
    board = json.loads((GRAFANA / "dashboards" / "ordersys.json").read_text("utf-8"))
    assert any(panel["title"] == title and panel["targets"] for panel in board["panels"])
