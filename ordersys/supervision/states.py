"""The life of a supervised node: everything that decides its state is in this file.

Theory
------
A child and a supervisor live the same life, so there is one table.

* STARTING: the start function runs and has not yet said it can work. A supervisor: its children are being
  started, in order.
* READY: it works. A supervisor: its start order has been gone through.
* WAITING: something it depends on is away. Either its run goes on and said so (``ctx.waiting``), or its
  run ended with one of the errors in ``waits_on`` and the next attempt is due later. An outage is not a
  failure: no restart is spent.
* BACKING_OFF: its run failed; it is started again when the delay is over.
* DRAINING: it was told to stop and still has a run. What it says of itself no longer counts.
* STOPPED: it has no run and nothing is planned: never started, told to stop, or done.
* FAILED: restarts are spent. A supervisor may be tried again later; a child waits for its supervisor.

An *event* is what happened to a node. The pair (state, event) is looked up in the table: no pair, no such
arrow, and ``IllegalTransition`` is raised with nothing changed. An arrow back to the same state changes no
more than a note and is no fact.

In a FAILED, STOPPED or BACKING_OFF node no run is alive, save one that ignored its cancellation and was
given up as an orphan: a Python task cannot be killed.

Supervisors, restart types and strategies are OTP's, https://www.erlang.org/doc/apps/stdlib/supervisor and
https://www.erlang.org/doc/system/sup_princ; WAITING is ours. That one file holds the machine is after h11.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from ordersys.supervision.errors import IllegalTransition


class State(StrEnum):
    """Where a node is in its life."""

    STARTING = "starting"
    READY = "ready"
    WAITING = "waiting"
    BACKING_OFF = "backing_off"
    DRAINING = "draining"
    STOPPED = "stopped"
    FAILED = "failed"


class Event(StrEnum):
    """What happened to a node."""

    START = "start"  # a run begins
    JOIN = "join"  # it can work
    WAIT = "wait"  # what it depends on is away
    CRASH = "crash"  # it failed and is started again after a delay
    GIVE_UP = "give_up"  # it failed and its restarts are spent
    DRAIN = "drain"  # it is told to stop and has a run
    END = "end"  # it has no run any more and none is planned


_ALIVE: Mapping[Event, State] = {
    Event.JOIN: State.READY,
    Event.WAIT: State.WAITING,
    Event.CRASH: State.BACKING_OFF,
    Event.GIVE_UP: State.FAILED,
    Event.DRAIN: State.DRAINING,
    Event.END: State.STOPPED,
}

TRANSITIONS: Mapping[State, Mapping[Event, State]] = MappingProxyType(
    {
        State.STOPPED: {Event.START: State.STARTING},
        State.STARTING: _ALIVE,
        State.READY: _ALIVE,
        State.WAITING: {**_ALIVE, Event.START: State.STARTING},
        State.BACKING_OFF: {Event.START: State.STARTING, Event.END: State.STOPPED},
        # A supervisor stops its children before it counts as crashed or failed itself.
        State.DRAINING: {
            Event.END: State.STOPPED,
            Event.CRASH: State.BACKING_OFF,
            Event.GIVE_UP: State.FAILED,
        },
        State.FAILED: {Event.START: State.STARTING, Event.END: State.STOPPED},
    }
)

# What a supervisor that is READY itself shows of its children: the first of these that any of them is in.
WORST_FIRST = (
    State.FAILED,
    State.BACKING_OFF,
    State.DRAINING,
    State.STOPPED,
    State.STARTING,
    State.WAITING,
    State.READY,
)


def next_state(state: State, event: Event) -> State:
    """Where ``event`` leads from ``state``.

    :raises IllegalTransition: the table has no such arrow.
    """
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise IllegalTransition(f"{event} cannot happen to a node that is {state}") from None


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    arrows = (
        f"    {state} --> {after}: {event}"
        for state, row in TRANSITIONS.items()
        for event, after in row.items()
    )
    return "\n".join(["stateDiagram-v2", "    [*] --> stopped", *arrows])
