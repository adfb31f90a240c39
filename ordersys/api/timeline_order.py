"""A step of an order, and steps in their order: by time, but not before their cause."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

StepName = Literal["accepted", "published", "payment", "inventory", "transition", "notified"]
StepState = Literal["done", "failed", "waiting"]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step. ``at`` is None while it waits, and where nobody noted it; ``offset`` is a decimal string."""

    step: StepName
    service: str
    state: StepState
    title: str
    at: datetime | None = None
    since_previous_ms: int | None = None
    reason: str | None = None
    event_id: str | None = None
    topic: str | None = None
    partition: int | None = None
    offset: str | None = None
    status: str | None = None
    order_version: int | None = None


class Made(NamedTuple):
    """A step, what it waits for, and the number (in causal order) of the step that it cannot precede."""

    step: Step
    waits_for: str | None = None
    cause: int = 0


def in_order(made: Sequence[Made]) -> list[Made]:
    """What happened by its time, but not before its cause; then what has not, as it will come."""
    times: list[datetime] = []
    for each in made:
        bound = times[each.cause] if times else each.step.at
        assert bound is not None, "the first step has a time"
        times.append(max(each.step.at or bound, bound))
    happened = [each.step.state == "done" or each.step.at is not None for each in made]
    order = sorted(range(len(made)), key=lambda n: (0, times[n], n) if happened[n] else (1, times[0], n))
    return [made[n] for n in order]


def with_pauses(steps: Sequence[Step]) -> list[Step]:
    """The steps with the time each took since the last one whose time is known."""
    before: datetime | None = None
    found = []
    for step in steps:
        if before is not None and step.at is not None:
            pause_ms = max(0, round((step.at - before).total_seconds() * 1000))
            step = msgspec.structs.replace(step, since_previous_ms=pause_ms)
        before = step.at or before
        found.append(step)
    return found
