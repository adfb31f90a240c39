"""The table of states: what it allows, what it refuses, and that the README shows it as it is."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

import ordersys.supervision
from ordersys.supervision import IllegalTransition, State
from ordersys.supervision.states import TRANSITIONS, WORST_FIRST, Event, diagram, next_state

README = Path(ordersys.supervision.__file__).with_name("README.md")


def test_an_event_the_table_lacks_is_refused() -> None:
    for state, event in product(State, Event):
        if event in TRANSITIONS[state]:
            assert next_state(state, event) is TRANSITIONS[state][event]
        else:
            with pytest.raises(IllegalTransition):
                next_state(state, event)


def test_every_state_has_a_row_can_be_reached_and_can_come_to_rest() -> None:
    assert set(TRANSITIONS) == set(State) == set(WORST_FIRST)
    reached = {after for row in TRANSITIONS.values() for after in row.values()}
    assert reached == set(State)
    assert all(row.keys() & {Event.END, Event.START} for row in TRANSITIONS.values())


def test_a_draining_node_cannot_become_ready_again() -> None:
    with pytest.raises(IllegalTransition):
        next_state(State.DRAINING, Event.JOIN)


def test_the_readme_shows_the_table() -> None:
    assert diagram() in README.read_text()
