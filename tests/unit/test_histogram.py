"""Our histogram counts as the library's does."""

from __future__ import annotations

import prometheus_client
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from ordersys.runtime.histogram import Histogram

BOUNDS = (0.1, 1, 10.0)


@given(st.lists(st.lists(st.floats(0, 100, width=16) | st.sampled_from(BOUNDS)), max_size=4))
def test_it_says_what_the_librarys_says(batches: list[list[float]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    mine = Histogram("x_seconds", "Text.", "status", BOUNDS, ours)
    other = prometheus_client.Histogram("x_seconds", "Text.", ("status",), registry=theirs, buckets=BOUNDS)
    for number, batch in enumerate(batches):
        status = "ab"[number % 2]
        mine.observe(status, batch)
        for each in batch:
            other.labels(status).observe(each)
    kept = [line for line in generate_latest(theirs).decode().splitlines() if "_created" not in line]
    found = generate_latest(ours).decode().splitlines()
    empty = {status for status in "ab" if not any(batches["ab".index(status) :: 2])}
    assert _values(found, empty) == _values(kept, empty)


def _values(lines: list[str], empty: set[str]) -> dict[str, float | str]:
    """Samples by name and labels; a label of which nothing was observed counts as not there."""
    found: dict[str, float | str] = {}
    for line in lines:
        name, _, value = line.rpartition(" ")
        if line.startswith("#"):
            found[line] = ""
        elif not any(f'status="{status}"' in name for status in empty):
            found[name] = round(float(value), 6)
    return found
