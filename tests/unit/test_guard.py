"""The guard: which event was being decided when the process ended, counted from start to start."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import pytest

from ordersys.runtime.guard import Guard, Killer

GROUP = "payment-service-v1"


class Rec(NamedTuple):
    partition: int
    offset: int


def die_deciding(directory: Path, *records: Rec) -> None:
    """A process that is ended without a word while it decides the last of ``records``."""
    child = os.fork()
    if child == 0:
        guard = Guard(directory, GROUP, 3)
        for record in records:
            guard.enter(record)  # type: ignore[arg-type]
        os._exit(9)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 9


def test_the_event_under_way_at_the_end_is_refused_after_as_many_ends_as_attempts(tmp_path: Path) -> None:
    for _ in range(3):
        with Guard(tmp_path, GROUP, 3) as guard:
            guard.enter(Rec(2, 41))  # type: ignore[arg-type]
            guard.leave()
        die_deciding(tmp_path, Rec(2, 40), Rec(2, 41))
    with Guard(tmp_path, GROUP, 3) as guard:
        guard.enter(Rec(2, 40))  # type: ignore[arg-type]
        guard.leave()
        with pytest.raises(Killer, match="3 times"):
            guard.enter(Rec(2, 41))  # type: ignore[arg-type]


def test_a_batch_that_ended_well_leaves_no_trace(tmp_path: Path) -> None:
    for _ in range(5):
        with Guard(tmp_path, GROUP, 1) as guard:
            guard.enter(Rec(0, 7))  # type: ignore[arg-type]
            guard.leave()


def test_what_was_parked_may_be_tried_again(tmp_path: Path) -> None:
    for _ in range(3):
        die_deciding(tmp_path, Rec(1, 5))
    with Guard(tmp_path, GROUP, 3) as guard:
        guard.forget([Rec(1, 5)])  # type: ignore[list-item]
        guard.enter(Rec(1, 5))  # type: ignore[arg-type]
        guard.leave()
    with Guard(tmp_path, GROUP, 3) as guard:
        guard.enter(Rec(1, 5))  # type: ignore[arg-type]
        guard.leave()


def test_two_processes_of_a_group_have_a_file_each(tmp_path: Path) -> None:
    with Guard(tmp_path, GROUP, 1), Guard(tmp_path, GROUP, 1) as second:
        second.enter(Rec(0, 1))  # type: ignore[arg-type]
        assert sorted(path.name for path in tmp_path.iterdir()) == [f"{GROUP}.0", f"{GROUP}.1"]


def test_more_culprits_than_there_is_room_for_forget_the_oldest(tmp_path: Path) -> None:
    for offset in range(40):
        die_deciding(tmp_path, Rec(0, offset))
    with Guard(tmp_path, GROUP, 1) as guard:
        guard.enter(Rec(0, 0))  # type: ignore[arg-type]
        with pytest.raises(Killer):
            guard.enter(Rec(0, 39))  # type: ignore[arg-type]
