"""How a service is declared: what it consumes, what it emits, and a function in one of three forms.

========== ============================================== =====================================
form       function                                       for
========== ============================================== =====================================
Stateless  ``(event, context) -> event``                  payment, inventory
Stateful   ``(state, event, context) -> Decision``        the orchestrator
Projection ``(event, context) -> row or None``            read models: notifications, analytics
========== ============================================== =====================================

The functions are pure: time and origin come in as values. The runtime fetches, decodes, claims, saves,
publishes, parks and commits. An exception parks that event alone and retries it;
:class:`~ordersys.contract.errors.Rejected` makes it a dead letter at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from ordersys.contract.events import Event
from ordersys.contract.order import OrderState, Result
from ordersys.contract.topics import Group, Topic


class Context(NamedTuple):
    """What a function may know besides the event. ``now`` is UTC and the same for a whole batch."""

    now: datetime
    topic: str
    partition: int
    offset: int


class Decision(NamedTuple):
    """What a service with state decided.

    ``state`` is the same object when nothing changed, ``result`` what the order keeps of the event, and
    ``events`` what the transition says to the world.
    """

    state: OrderState
    result: Result | None = None
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Stateless:
    """Each event is answered by one event on ``emits``."""

    decide: Callable[[Any, Context], Event]
    emits: Topic


@dataclass(frozen=True, slots=True)
class Stateful:
    """The order's state is loaded, locked and saved by the runtime; ``emits`` goes through the outbox."""

    decide: Callable[[OrderState, Any, Context], Decision]
    emits: Topic


@dataclass(frozen=True, slots=True)
class Projection:
    """Each event becomes at most one row, stored by the statement named ``into``.

    ``key`` names the row's fields that are its natural key: of several rows with one key the first stays,
    however often an event is delivered. ``notice`` is the log event written for each row really stored,
    with the row's fields.
    """

    project: Callable[[Any, Context], Any]
    into: str
    key: tuple[str, ...]
    notice: str | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """One topic read by one consumer group: the unit that is run, restarted and measured."""

    topic: Topic
    group: Group
    form: Stateless | Stateful | Projection


@dataclass(frozen=True, slots=True)
class Service:
    """A service: one stem for its role, child, metrics and logs; ``source`` names it on the wire."""

    name: str
    source: str
    dead_letters: Topic
    subscriptions: tuple[Subscription, ...]
