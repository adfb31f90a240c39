"""Facts and the state of supervision as Prometheus metrics. Labels are paths of the tree, a bounded set."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ordersys.supervision import (
    ChildCrashed,
    ChildOrphaned,
    ChildStarting,
    ChildStopped,
    NodeSnapshot,
    State,
)

DRAIN_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)


class SupervisionMetrics(Collector):
    """Counters fed by facts; gauges read from ``snapshot`` and ``loop_lag_s`` at each scrape."""

    def __init__(
        self,
        registry: CollectorRegistry,
        snapshot: Callable[[], NodeSnapshot],
        loop_lag_s: Callable[[], float],
    ) -> None:
        self._snapshot = snapshot
        self._loop_lag_s = loop_lag_s
        self._starts = Counter("ordersys_child_starts", "Runs begun.", ("child",), registry=registry)
        self._restarts = Counter(
            "ordersys_child_restarts", "Runs begun anew, by why.", ("child", "reason"), registry=registry
        )
        self._drains = Histogram(
            "ordersys_child_drain_seconds",
            "From being told to stop to the end.",
            ("child",),
            registry=registry,
            buckets=DRAIN_SECONDS,
        )
        self._crashes = Counter(
            "ordersys_child_crashes", "Runs that failed, by error.", ("child", "error"), registry=registry
        )
        self._orphans = Counter(
            "ordersys_child_orphans", "Runs that ignored their cancellation.", ("child",), registry=registry
        )
        registry.register(self)

    def __call__(self, fact: object) -> None:
        """Take a fact into account; facts it does not know are nothing to it."""
        if isinstance(fact, ChildStarting):
            self._starts.labels(fact.path).inc()
            if fact.attempt > 1:
                self._restarts.labels(fact.path, fact.reason).inc()
        elif isinstance(fact, ChildStopped):
            self._drains.labels(fact.path).observe(fact.drain_s)
        elif isinstance(fact, ChildCrashed):
            self._crashes.labels(fact.path, type(fact.error).__name__).inc()
        elif isinstance(fact, ChildOrphaned):
            self._orphans.labels(fact.path).inc()

    def describe(self) -> list[Metric]:
        """Nothing: asking the tree when a metric is registered would be too early."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The tree as it stands."""
        lag = GaugeMetricFamily(
            "ordersys_loop_lag_seconds", "How late the event loop was at worst in the last half minute."
        )
        lag.add_metric((), self._loop_lag_s())
        yield lag
        nodes = list(self._snapshot().walk())
        state = GaugeMetricFamily(
            "ordersys_child_state", "1 for the state a node is in.", labels=("child", "state")
        )
        for node in nodes:
            for each in State:
                state.add_metric((node.path, str(each)), float(node.state is each))
        yield state
        yield _gauge("ordersys_child_ready", "1 when ready.", nodes, lambda node: float(node.ready))
        yield _gauge("ordersys_child_uptime_seconds", "Age of the run.", nodes, lambda node: node.uptime_s)
        yield _gauge(
            "ordersys_child_restarts_in_window",
            "Restarts that count against the intensity.",
            nodes,
            lambda node: float(node.restarts_in_window),
        )
        yield _gauge(
            "ordersys_child_beat_age_seconds", "Since the last report.", nodes, lambda node: node.beat_age_s
        )
        yield _gauge(
            "ordersys_child_retry_seconds", "Until the next start.", nodes, lambda node: node.next_retry_in_s
        )


def _gauge(
    name: str, text: str, nodes: list[NodeSnapshot], value: Callable[[NodeSnapshot], float | None]
) -> Metric:
    family = GaugeMetricFamily(name, text, labels=("child",))
    for node in nodes:
        found = value(node)
        if found is not None:
            family.add_metric((node.path,), found)
    return family
