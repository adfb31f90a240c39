"""Latencies counted in bounded memory, for percentiles of any number of requests."""

from __future__ import annotations

import math
from collections import Counter

# Neighbouring buckets differ by 1 %, so that is the error of a percentile.
STEP = math.log(1.01)
SMALLEST_S = 1e-6
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


class Latencies:
    """Seconds go in, percentiles in milliseconds come out."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self._worst_s = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self._buckets[math.ceil(math.log(max(seconds, SMALLEST_S) / SMALLEST_S) / STEP)] += 1
        self._worst_s = max(self._worst_s, seconds)

    def quantile_s(self, share: float) -> float:
        """The seconds in which ``share`` (0 to 1) of them were done, to 1 %; 0 when there are none."""
        wanted, seen = share * self._buckets.total(), 0
        for bucket, count in sorted(self._buckets.items()):
            seen += count
            if seen >= wanted:
                return min(self._worst_s, SMALLEST_S * math.exp(bucket * STEP))
        return 0.0

    def report(self) -> dict[str, float] | None:
        """p50, p95, p99 and the longest, in milliseconds; None when there are none."""
        if not self._buckets:
            return None
        found = {name: round(self.quantile_s(share) * 1000, 2) for name, share in QUANTILES.items()}
        return {**found, "max": round(self._worst_s * 1000, 2)}
