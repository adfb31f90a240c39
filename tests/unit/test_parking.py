"""Retries: when the next attempt is due, and the bounds of what is kept of a record."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersys.runtime import steps
from ordersys.runtime.parking import RetryPolicy
from tests.unit.test_contract_events import created


def test_delays_grow_up_to_the_cap() -> None:
    policy = RetryPolicy(first_s=1, factor=4, cap_s=30)
    assert [policy.delay_s(attempts) for attempts in range(5)] == [1, 1, 4, 16, 30]


@given(
    st.builds(
        RetryPolicy, first_s=st.floats(0.01, 10), factor=st.floats(1, 10), cap_s=st.floats(10, 100_000)
    ),
    st.integers(1, 100),
)
def test_no_delay_is_shorter_than_the_one_before(policy: RetryPolicy, attempts: int) -> None:
    assert policy.delay_s(attempts) <= policy.delay_s(attempts + 1) <= policy.cap_s


@given(st.text(st.characters(exclude_categories=[]), max_size=3000))
def test_a_header_is_cut_between_characters(text: str) -> None:
    cut = steps.cut(text * 3)
    encoded = cut.encode("utf-8", "backslashreplace")
    assert len(encoded) <= steps.HEADER_BYTES_MAX
    assert (text * 3).encode("utf-8", "backslashreplace").startswith(encoded)


class Rec(NamedTuple):
    headers: list[tuple[str, bytes | None]]


@pytest.mark.parametrize("headers", [[], [("traceparent", None)], [("traceparent", b"")]])
def test_headers_of_an_event_are_whole_whatever_its_cause_had(
    headers: list[tuple[str, bytes | None]],
) -> None:
    cause, event = created(), created(event_id="e2", correlation_id="c" * 5000)
    made = steps.headers_of(steps.Item(Rec(headers), None, cause), event)
    assert made.pop("traceparent").startswith("00-")
    assert made == {"correlation_id": "c" * 2048, "event_id": "e2", "event_type": "order.created"}
