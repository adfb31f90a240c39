"""How a service is declared: what it consumes, what it emits, and a function in one of four forms.

========== ==================================================== =====================================
form       function                                             for
========== ==================================================== =====================================
Stateless  ``(event, context) -> event``                        payment, inventory
Stateful   ``(state, event, context) -> Decision``              the orchestrator
Projection ``(event, context) -> row or None``                  read models: notifications, analytics
Outside    ``async (event, idempotency key, order) -> Outcome`` notifications by mail and webhook
========== ==================================================== =====================================

The functions are pure: time and origin come in as values; the last hands what it has made to an adapter it
was given. The runtime fetches, decodes, claims, saves, publishes, parks and commits. An exception parks that
event alone and retries it; :class:`~ordersys.contract.errors.Rejected` makes it a dead letter at once.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from ordersys.contract import ids
from ordersys.contract.events import Event
from ordersys.contract.order import OrderState, Result
from ordersys.contract.topics import Group, Topic


class Context(NamedTuple):
    """What a function may know besides the event. ``now`` is UTC and the same for a whole batch.

    ``written_ms``: when the record was written to the log, in ms of the Unix epoch; None if nobody knows.
    """

    now: datetime
    topic: str
    partition: int
    offset: int
    written_ms: int | None = None


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


Outcome = Literal["delivered", "skipped"]
"""What is recorded of an outside effect."""


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What an outside effect may know of the event's order. The address is in no representation of it."""

    customer_email: str = field(repr=False)
    item_sku: str
    quantity: int
    amount_cents: int


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to one customer, in plain text; ``key`` is the same whenever it is sent again."""

    to: str = field(repr=False)
    subject: str
    text: str
    at: datetime
    key: str


class Bounds(NamedTuple):
    """Bounds of an outside effect: seconds it may take, how many go on at once, and the age in seconds
    above which a new event is recorded as skipped instead."""

    timeout_s: float = 5.0
    concurrency_max: int = 8
    age_max_s: float = 259_200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Each event that ``wants`` says so of is performed outside, and recorded once under ``channel``.

    ``perform`` is awaited with the event, its idempotency key and, if ``needs_order``, its order's facts. It
    runs outside of transactions, in sequence per key, and again with the same key if a crash comes between
    it and its record: once depends on the receiver there. ``wants`` is pure. What ``opened`` gives is entered
    for as long as the subscription runs.

    Events from before the channel first ran are not performed, nor are older ones than its bounds allow.
    """

    channel: str
    perform: Callable[[Any, str, OrderFacts | None], Awaitable[Outcome]]
    wants: Callable[[Any, Context], bool]
    bounds: Bounds
    needs_order: bool = False
    opened: Callable[[], AbstractAsyncContextManager[object]] = nullcontext


def idempotency_key(event: Event) -> str:
    """The event's id; of an id that no header could carry, another made from it. Always the same."""
    if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", event.event_id):
        return event.event_id
    return ids.deterministic_id(f"idempotency-key:{event.event_id}")


@dataclass(frozen=True, slots=True)
class Subscription:
    """One topic read by one consumer group: the unit that is run, restarted and measured."""

    topic: Topic
    group: Group
    form: Stateless | Stateful | Projection | Outside

    @property
    def name(self) -> str:
        """Its name within its service: what it reads, or the channel it serves."""
        return self.form.channel if isinstance(self.form, Outside) else self.topic.default


@dataclass(frozen=True, slots=True)
class Service:
    """A service: one stem for its role, child, metrics and logs; ``source`` names it on the wire."""

    name: str
    source: str
    dead_letters: Topic
    subscriptions: tuple[Subscription, ...]
