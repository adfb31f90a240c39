"""Figures of the pipeline: rates, lags, ages and trends from what was seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersys.adapters.kafka import Position, Sighting
from ordersys.runtime import figures
from ordersys.runtime.figures import (
    GroupOf,
    Seen,
    back,
    continues,
    group_figures,
    rate,
    topic_figures,
    written_at,
)
from ordersys.runtime.recorder import KEPT_S, STALE_S, STEP_S, Recorder, Waiting

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TOPIC, GROUP = "order.created", "payment-service-v1"
OF = GroupOf("payment", TOPIC)


def look(at: float, ends: list[int], committed: list[int | None] | None = None) -> Seen:
    return Seen(at, {TOPIC: ends}, {GROUP: committed or [None] * len(ends)})


# -- pure functions -----------------------------------------------------------------------------------------


def test_one_look_gives_no_rate() -> None:
    assert topic_figures([look(0, [7])], TOPIC).per_s is None
    assert topic_figures([look(0, [7])], TOPIC).partitions[0].end == "7"


def test_rates_are_growth_over_the_last_seconds_and_add_up() -> None:
    history = [look(0, [0, 0]), look(2, [10, 0]), look(4, [20, 4]), look(6, [30, 8])]
    found = topic_figures(history, TOPIC)
    assert [each.per_s for each in found.partitions] == [5.0, 2.0]
    assert found.per_s == 7.0


def test_a_gap_is_not_bridged() -> None:
    history = [look(0, [0]), look(2, [10]), look(100, [1000])]
    assert back(history, figures.RATE_S) is None
    assert topic_figures(history, TOPIC).per_s is None


def test_no_commit_is_never_a_lag_of_zero() -> None:
    found = group_figures([look(0, [5, 0])], GROUP, OF, 0)
    assert (found.lag, found.lag_s, found.per_s) == (None, None, None)
    assert [each.lag for each in found.partitions] == [None, None]
    assert [each.committed for each in found.partitions] == [None, None]


def test_partitions_without_a_commit_are_not_in_the_sum() -> None:
    found = group_figures([look(0, [5, 9], [3, None])], GROUP, OF, 0)
    assert found.lag == 2
    assert [each.lag for each in found.partitions] == [2, None]


def test_a_commit_past_the_end_that_was_asked_for_earlier_is_no_lag() -> None:
    assert group_figures([look(0, [5], [6])], GROUP, OF, 0).lag == 0


def test_a_growing_lag_has_a_trend_and_a_shrinking_one_too() -> None:
    history = [look(at, [at * 10, 100], [at * 4, 50 + at]) for at in range(0, 12, 2)]
    found = group_figures(history, GROUP, OF, 10)
    assert [each.trend for each in found.partitions] == [6.0, -1.0]
    assert found.per_s == 5.0


def test_a_first_commit_has_no_trend_yet() -> None:
    history = [look(0, [4], [None]), look(2, [4], [4])]
    assert group_figures(history, GROUP, OF, 2).partitions[0].trend is None


def test_lag_in_seconds_is_the_age_of_the_oldest_event_not_done() -> None:
    history = [look(0, [0], [0]), look(10, [100], [0]), look(20, [100], [50])]
    # Offset 50 was written half-way between the looks at 0 and 10.
    assert group_figures(history, GROUP, OF, 20).lag_s == pytest.approx(20 - 5.1)


def test_what_was_there_at_the_first_look_is_at_least_as_old_as_that() -> None:
    assert group_figures([look(0, [9], [3]), look(8, [9], [3])], GROUP, OF, 9).lag_s == 9.0


def test_without_lag_nothing_is_old() -> None:
    assert group_figures([look(0, [9], [9])], GROUP, OF, 50).lag_s == 0.0


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30), st.data())
def test_an_event_was_written_between_the_looks_around_it(steps: list[int], data: st.DataObject) -> None:
    ends = [sum(steps[: count + 1]) for count in range(len(steps))]
    history = [look(2.0 * number, [end]) for number, end in enumerate(ends)]
    offset = data.draw(st.integers(0, ends[-1] + 3))
    found = written_at(history, TOPIC, 0, offset)
    if offset >= ends[-1]:
        assert found is None
        return
    assert found is not None
    before = max((each.at for each in history if each.ends[TOPIC][0] <= offset), default=0.0)
    after = min(each.at for each in history if each.ends[TOPIC][0] > offset)
    assert before <= found <= after


@given(st.integers(0, 2**62), st.integers(0, 2**62), st.floats(0.1, 1000))
def test_a_rate_is_growth_by_time(then: int, now: int, seconds: float) -> None:
    assert rate(then, now, seconds) == pytest.approx((now - then) / seconds, abs=0.006)
    assert rate(None, now, seconds) is None
    assert rate(then, now, 0) is None


def test_a_log_that_was_made_anew_does_not_continue() -> None:
    assert continues(look(0, [5, 5]), look(2, [5, 6]))
    assert not continues(look(0, [5, 5]), look(2, [4, 6]))
    assert not continues(look(0, [5]), look(2, [5, 6]))


# -- the recorder -------------------------------------------------------------------------------------------


class Rig:
    """A recorder whose time is the test's."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.recorder = Recorder(
            topics=[TOPIC],
            groups={GROUP: OF},
            order_created=TOPIC,
            clock=lambda: self.now,
            wall_clock=lambda: AT + timedelta(seconds=self.now - 1000),
        )

    def kafka(self, end: int, committed: int | None = None) -> None:
        self.recorder.saw_kafka(Sighting({TOPIC: [end]}, {GROUP: [Position(TOPIC, 0, end, committed)]}))

    def postgres(self, rows: int) -> None:
        self.recorder.saw_postgres(Waiting(rows, 1.25, [("b", "held", 2), ("a", "dead", 1)]))

    def step(self) -> None:
        self.now += STEP_S


def test_before_anything_was_seen_nothing_is_known() -> None:
    found = Rig().recorder.pipeline()
    assert (found.kafka, found.postgres) == ("unavailable", "unavailable")
    assert found.topics[0].per_s is None
    assert found.groups[0].lag is None
    assert (found.outbox.rows, found.outbox.age_s, found.accepted_per_s) == (None, None, None)


def test_what_was_seen_is_shown() -> None:
    rig = Rig()
    rig.kafka(100, 90)
    rig.postgres(3)
    rig.step()
    rig.kafka(110, 100)
    found = rig.recorder.tick()
    assert (found.kafka, found.postgres) == ("ok", "ok")
    assert found.accepted_per_s == 5.0
    assert found.groups[0].lag == 10
    assert found.groups[0].per_s == 5.0
    assert (found.outbox.rows, found.outbox.age_s) == (3, 1.2)
    parked = [(each.group, each.state, each.rows) for each in found.parked]
    assert parked == [("a", "dead", 1), ("b", "held", 2)]
    assert rig.recorder.pipeline() is found


def test_an_outage_hides_what_depends_on_it_and_nothing_else() -> None:
    rig = Rig()
    rig.kafka(100, 90)
    rig.postgres(0)
    rig.now += STALE_S + 0.1
    rig.postgres(5)
    found = rig.recorder.tick()
    assert (found.kafka, found.postgres) == ("unavailable", "ok")
    assert found.topics[0].per_s is None
    assert (found.groups[0].lag, found.groups[0].lag_s) == (None, None)
    assert found.outbox.rows == 5
    rig.kafka(100, 90)
    rig.now += STALE_S - 0.1
    rig.kafka(100, 90)
    rig.now += 0.2
    found = rig.recorder.tick()
    assert (found.kafka, found.postgres) == ("ok", "unavailable")
    assert (found.outbox.rows, found.outbox.age_s) == (None, None)


def test_with_kafka_away_accepted_orders_are_seen_in_the_outbox() -> None:
    rig = Rig()
    for rows in (0, 8, 16, 24):
        rig.postgres(rows)
        rig.step()
    assert rig.recorder.tick().accepted_per_s == 4.0


def test_a_shrinking_outbox_is_no_negative_acceptance() -> None:
    rig = Rig()
    rig.postgres(9)
    rig.step()
    rig.postgres(1)
    assert rig.recorder.tick().accepted_per_s == 0.0


def test_topics_that_are_not_there_yet_are_nothing_seen() -> None:
    rig = Rig()
    rig.recorder.saw_kafka(Sighting({TOPIC: []}, {GROUP: []}))
    assert rig.recorder.tick().kafka == "unavailable"


def test_topics_made_anew_begin_anew() -> None:
    rig = Rig()
    rig.kafka(100, 100)
    rig.step()
    rig.kafka(3, 1)
    found = rig.recorder.tick()
    assert found.topics[0].per_s is None
    assert found.groups[0].lag == 2


def test_the_history_is_a_quarter_of_an_hour_of_columns() -> None:
    rig = Rig()
    for step in range(500):
        rig.kafka(step * 20, step * 20 if step else None)
        rig.postgres(step)
        rig.recorder.tick()
        rig.step()
    found = rig.recorder.history()
    columns = [
        found.at,
        found.accepted_per_s,
        found.outbox_rows,
        found.outbox_age_s,
        found.topic_per_s[TOPIC],
        found.group_lag[GROUP],
    ]
    assert {len(column) for column in columns} == {KEPT_S / STEP_S}
    assert found.outbox_rows[-1] == 499
    assert found.topic_per_s[TOPIC][-1] == 10.0
    assert found.at[-1] - found.at[0] == timedelta(seconds=KEPT_S - STEP_S)
    assert len(rig.recorder._seen) <= KEPT_S / STEP_S + 1


def test_the_history_has_gaps_where_nothing_was_known() -> None:
    rig = Rig()
    rig.recorder.tick()
    rig.kafka(5, None)
    rig.recorder.tick()
    found = rig.recorder.history()
    assert found.group_lag[GROUP] == [None, None]
    assert found.topic_per_s[TOPIC] == [None, None]
