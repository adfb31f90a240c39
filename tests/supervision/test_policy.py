"""Back-off and restart intensity, as pure arithmetic."""

from __future__ import annotations

import random

import pytest

from ordersys.supervision import Backoff, ChildSpec, Intensity, SupervisorSpec
from ordersys.supervision.policy import Budget, Delays


def delays(backoff: Backoff, count: int) -> list[float]:
    source = Delays(backoff, random.Random(7))
    return [source.next(ready_for_s=0.0) for _ in range(count)]


def test_without_jitter_delays_grow_by_the_factor_up_to_the_cap() -> None:
    assert delays(Backoff(first_s=1, factor=2, cap_s=10, jitter="none"), 6) == [1, 2, 4, 8, 10, 10]


def test_full_jitter_takes_each_delay_from_zero_to_the_ceiling() -> None:
    some = delays(Backoff(first_s=1, factor=2, cap_s=10), 6)
    assert all(0 <= delay <= ceiling for delay, ceiling in zip(some, [1, 2, 4, 8, 10, 10], strict=True))
    capped = Delays(Backoff(first_s=10, factor=1, cap_s=10), random.Random(7))
    sample = [capped.next(ready_for_s=0.0) for _ in range(1000)]
    assert min(sample) < 0.5
    assert max(sample) > 9.5
    assert 4.5 < sum(sample) / len(sample) < 5.5


def test_the_same_seed_gives_the_same_delays() -> None:
    assert delays(Backoff(), 5) == delays(Backoff(), 5)


def test_delays_stay_finite_for_ever() -> None:
    assert delays(Backoff(first_s=1, factor=1e9, cap_s=30, jitter="none"), 2000)[-1] == 30


def test_having_been_ready_long_enough_starts_from_the_first_delay() -> None:
    source = Delays(Backoff(first_s=1, factor=2, cap_s=10, jitter="none", reset_after_s=60), random.Random())
    assert [source.next(ready_for_s=ready) for ready in (0, 0, 59.9, 60, 0)] == [1, 2, 4, 1, 2]


def test_the_budget_counts_restarts_within_its_window_only() -> None:
    budget = Budget(Intensity(max_restarts=2, within_s=10))
    assert budget.spend(0, "a")
    assert budget.spend(5, "b")
    assert not budget.spend(10, "a")
    assert budget.count(10) == 2
    assert budget.count(10, "a") == 1
    assert budget.spend(10.1, "a")
    assert not budget.spend(14, "a")


def test_a_refused_restart_is_not_counted() -> None:
    budget = Budget(Intensity(max_restarts=1, within_s=10))
    assert budget.spend(0, "a")
    assert not budget.spend(9, "a")
    assert budget.spend(10.1, "a")


def test_an_intensity_of_zero_allows_no_restart() -> None:
    assert not Budget(Intensity(max_restarts=0)).spend(0, "a")


async def start(context: object) -> None: ...


@pytest.mark.parametrize(
    "make",
    [
        lambda: Backoff(first_s=0),
        lambda: Backoff(first_s=2, cap_s=1),
        lambda: Backoff(factor=0.5),
        lambda: Intensity(max_restarts=-1),
        lambda: Intensity(within_s=0),
        lambda: ChildSpec(id="", start=start),
        lambda: ChildSpec(id="a/b", start=start),
        lambda: ChildSpec(id="a", start=start, drain_timeout_s=0),
        lambda: SupervisorSpec(
            id="a", children=(ChildSpec(id="b", start=start), ChildSpec(id="b", start=start))
        ),
    ],
)
def test_nonsense_is_refused_when_it_is_made(make) -> None:
    with pytest.raises(ValueError, match=r"must|id"):
        make()
