"""The order's state table: every transition, every fold, and that final states never change."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersys.contract.errors import Rejected
from ordersys.contract.order import (
    FINAL,
    TRANSITIONS,
    OrderState,
    OrderStatus,
    Outcome,
    Result,
    diagram,
    move,
    with_result,
)

AT = datetime(2026, 1, 2, tzinfo=UTC)
NEW = OrderState("o", OrderStatus.NEW, 0)


def result(kind: str, status: str) -> Result:
    return Result(kind, status, None, f"{kind}-{status}", AT, 0, 0)  # type: ignore[arg-type]


def fold(*results: Result) -> OrderState:
    state = NEW
    for each in results:
        state = with_result(state, each)
    return state


@pytest.mark.parametrize(
    ("results", "status", "version"),
    [
        ([("payment", "PROCESSED")], "PROCESSING", 1),
        ([("inventory", "RESERVED")], "PROCESSING", 1),
        ([("payment", "FAILED")], "CANCELLED", 1),
        ([("inventory", "FAILED")], "CANCELLED", 1),
        ([("payment", "PROCESSED"), ("inventory", "RESERVED")], "CONFIRMED", 2),
        ([("inventory", "RESERVED"), ("payment", "PROCESSED")], "CONFIRMED", 2),
        ([("payment", "PROCESSED"), ("inventory", "FAILED")], "CANCELLED", 2),
        ([("inventory", "RESERVED"), ("payment", "FAILED")], "CANCELLED", 2),
        ([("payment", "FAILED"), ("inventory", "RESERVED")], "CANCELLED", 1),
        ([("inventory", "FAILED"), ("payment", "PROCESSED")], "CANCELLED", 1),
        ([("payment", "FAILED"), ("inventory", "FAILED")], "CANCELLED", 1),
    ],
)
def test_results_fold_into_status_and_version(results, status, version) -> None:
    state = fold(*(result(*each) for each in results))
    assert (state.status, state.version) == (status, version)


def test_a_result_after_the_final_state_fills_its_column_only() -> None:
    state = fold(result("payment", "FAILED"), result("inventory", "RESERVED"))
    assert (state.payment, state.inventory) == ("FAILED", "RESERVED")
    assert state.version == 1


def test_the_first_result_of_a_kind_wins() -> None:
    first = fold(result("payment", "PROCESSED"))
    assert with_result(first, result("payment", "FAILED")) is first


def test_an_outcome_the_table_does_not_have_raises_and_changes_nothing() -> None:
    contradictory = OrderState("o", OrderStatus.NEW, 0, None, "RESERVED")
    with pytest.raises(Rejected, match="NEW cannot take a result that is COMPLETE"):
        with_result(contradictory, result("payment", "PROCESSED"))


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("status", sorted(FINAL))
def test_final_states_never_change(status: OrderStatus, outcome: Outcome) -> None:
    assert move(status, outcome) is status


def test_only_new_and_processing_have_transitions() -> None:
    assert {status for status, _ in TRANSITIONS} == set(OrderStatus) - FINAL


results_of_orders = st.lists(
    st.one_of(
        st.tuples(st.just("payment"), st.sampled_from(["PROCESSED", "FAILED"])),
        st.tuples(st.just("inventory"), st.sampled_from(["RESERVED", "FAILED"])),
    ),
    max_size=8,
)


@given(results_of_orders)
def test_any_sequence_of_results_keeps_the_rules(sequence: list[tuple[str, str]]) -> None:
    state, versions = NEW, [0]
    for kind, status in sequence:
        before, state = state, with_result(state, result(kind, status))
        versions.append(state.version)
        if before.status in FINAL:
            assert (state.status, state.version) == (before.status, before.version)
        assert (state.version > before.version) == (state.status != before.status)
    assert versions == sorted(versions)
    assert state.version <= 2
    kinds = {kind for kind, _ in sequence}
    assert (state.status in FINAL) == (
        kinds == {"payment", "inventory"} or "FAILED" in (state.payment, state.inventory)
    )


def test_the_readme_shows_the_table_as_a_diagram() -> None:
    assert diagram() in (Path(__file__).parents[2] / "README.md").read_text("utf-8")
