"""The steps of an order, made of what is known of it. Pure.

::

    accepted ─ published ─┬─ payment ───┬─ transition ─ … ─ notified ─ …
                          └─ inventory ─┘   one of each per version

What has happened is in the order in which it did; what has not follows in the order in which it will. Times
are those of the services' own clocks: where they disagree, a step is not shown before its cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Literal

import msgspec

from ordersys.adapters.orders import Order
from ordersys.adapters.timeline import OrderFacts, ParkedFacts, ResultFacts
from ordersys.api.timeline_order import Made, Step, in_order, with_pauses
from ordersys.contract import ids
from ordersys.contract.events import OrderStatusChanged
from ordersys.contract.order import FAILED, FINAL


class Timeline(msgspec.Struct, frozen=True):
    """An order with its steps. ``waiting_for``: what the first step that waits, waits for; else None."""

    order: Order
    final: bool
    waiting_for: str | None
    steps: list[Step]


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """Names as they are deployed: of topics, and of each consumer group the service it belongs to."""

    order_created: str
    payment_result: str
    inventory_result: str
    order_status_changed: str
    services: Mapping[str, str]


def timeline_of(facts: OrderFacts, names: Names, now: datetime) -> Timeline:
    """The timeline of an order at ``now`` (UTC)."""
    made = [Made(_accepted(facts.order)), _published(facts, names, now)]
    made += [_result(facts, names, "payment"), _result(facts, names, "inventory")]
    transition = 1
    for version in range(1, facts.order.order_version + 1):
        # Each version after the one before, whatever the clocks of the orchestrator's two pipelines say.
        made.append(Made(_transition(facts, names, version), cause=transition))
        transition = len(made) - 1
        made.append(_notified(facts, names, version, cause=transition))
    if facts.order.status not in FINAL:
        made += _pending(facts, names)
    ordered = in_order(made)
    waiting_for = next((each.waits_for for each in ordered if each.waits_for is not None), None)
    steps = with_pauses([each.step for each in ordered])
    return Timeline(facts.order, facts.order.status in FINAL, waiting_for, steps)


def _accepted(order: Order) -> Step:
    title = "Accepted: the order is committed"
    return Step(
        step="accepted", service="api", state="done", title=title, at=order.created_at_utc, status="NEW"
    )


def _published(facts: OrderFacts, names: Names, now: datetime) -> Made:
    topic, event_id = names.order_created, ids.created_event_id(facts.order.id)
    since = next((each.since for each in facts.waiting if each.topic == topic), None)
    if since is not None:
        title = f"Waits in the outbox to be published to {topic}"
        age_s = max(0, round((now - since).total_seconds()))
        sentence = f"The relay has not published {topic} yet; it has been in the outbox for {age_s} s."
        step = Step(
            step="published", service="relay", state="waiting", title=title, event_id=event_id, topic=topic
        )
        return Made(step, sentence)
    return Made(
        Step(
            step="published",
            service="relay",
            state="done",
            title=f"Published to {topic}",
            at=facts.written.at,
            event_id=event_id,
            topic=topic,
            partition=facts.written.partition,
            offset=_text(facts.written.offset),
        )
    )


def _result(facts: OrderFacts, names: Names, kind: Literal["payment", "inventory"]) -> Made:
    result: ResultFacts = getattr(facts, kind)
    topic: str = getattr(names, f"{kind}_result")
    if result.status is not None:
        step = Step(
            step=kind,
            service=kind,
            state="failed" if result.status == FAILED else "done",
            title=f"{kind.capitalize()} answered {result.status}",
            at=result.at,
            reason=result.reason,
            event_id=result.event_id,
            topic=topic,
            partition=result.partition,
            offset=_text(result.offset),
            status=result.status,
        )
        return Made(step, cause=1)
    if (answer := _parked(facts, names, "orchestrator", topic)) is not None:
        title = f"{kind.capitalize()} answered; the orchestrator has not taken it"
        return Made(_at_origin(Step(step=kind, service=kind, state="done", title=title), answer), cause=1)
    step = Step(step=kind, service=kind, state="waiting", title=f"{kind.capitalize()} answers")
    sentence = f"{kind.capitalize()} has not answered {names.order_created} yet."
    if facts.order.status in FINAL:
        sentence += " The order is final, whatever it says."
    return _held_up(step, sentence, _parked(facts, names, kind, names.order_created))


def _transition(facts: OrderFacts, names: Names, version: int) -> Step:
    order = facts.order
    notified = next((each for each in facts.notified if each.order_version == version), None)
    if notified is not None:
        before, after, event_id = notified.previous_state, notified.current_state, notified.event_id
        at, partition, offset = notified.occurred_at, notified.partition, notified.offset
    else:
        before, after = _path(order)[version - 1] if version <= len(_path(order)) else ("?", "?")
        event_id, partition, offset = ids.status_event_id(order.id, version), None, None
        at = next(
            (event.occurred_at_utc for event in _changes(facts) if event.order_version == version), None
        )
    if at is None and version == order.order_version and not _late_result(order):
        at = order.updated_at_utc
    return Step(
        step="transition",
        service="orchestrator",
        state="done",
        title=f"{before} → {after}",
        at=at,
        event_id=event_id,
        topic=names.order_status_changed,
        partition=partition,
        offset=_text(offset),
        status=f"{before}→{after}",
        order_version=version,
    )


def _notified(facts: OrderFacts, names: Names, version: int, cause: int) -> Made:
    topic = names.order_status_changed
    notified = next((each for each in facts.notified if each.order_version == version), None)
    if notified is not None:
        step = Step(
            step="notified",
            service="notification",
            state="done",
            title=f"Notified of {notified.current_state}",
            at=notified.notified_at,
            event_id=notified.event_id,
            topic=topic,
            partition=notified.partition,
            offset=_text(notified.offset),
            status=notified.current_state,
            order_version=version,
        )
        return Made(step, cause=cause)
    step = Step(
        step="notified",
        service="notification",
        state="waiting",
        title=f"Notification of version {version}",
        event_id=ids.status_event_id(facts.order.id, version),
        topic=topic,
        order_version=version,
    )
    if any(event.order_version == version for event in _changes(facts)):
        return Made(step, f"The relay has not published {topic}, version {version}, yet.", cause)
    sentence = f"Notification has not taken version {version} of the order yet."
    held_up = _held_up(step, sentence, _parked(facts, names, "notification", topic, version))
    return held_up._replace(cause=cause)


def _pending(facts: OrderFacts, names: Names) -> list[Made]:
    """The transition that is still to come, and its notification."""
    version = facts.order.order_version + 1
    missing = [kind for kind in ("payment", "inventory") if getattr(facts, kind).status is None]
    step = Step(
        step="transition",
        service="orchestrator",
        state="waiting",
        title="Next transition",
        order_version=version,
    )
    parked = _parked(facts, names, "orchestrator")
    sentence = f"The orchestrator waits for the answer of {' and of '.join(missing)}."
    after = Step(
        step="notified",
        service="notification",
        state="waiting",
        title="Notification of the next transition",
        order_version=version,
    )
    return [_held_up(step, sentence, parked), Made(after, "There has to be a next transition first.")]


def _held_up(step: Step, sentence: str, parked: ParkedFacts | None) -> Made:
    """A step that has not happened: what it waits for, or why its event is parked."""
    if parked is None:
        return Made(step, sentence)
    if parked.state == "discarded":
        reason, ended = f"discarded by a person: {parked.reason}", True
        sentence = f"It will not come: its event was discarded by a person ({parked.reason})."
    elif parked.state == "dead":
        reason, ended = f"dead after {parked.attempts} attempts: {parked.reason}", True
        sentence = f"A person has to redrive or discard its event, which is dead: {parked.reason}."
    else:
        reason, ended = f"parked ({parked.state}, {parked.attempts} attempts): {parked.reason}", False
        sentence = f"Its event is parked and will be tried again ({parked.state}): {parked.reason}."
    step = _at_origin(msgspec.structs.replace(step, state="failed" if ended else "waiting"), parked)
    return Made(msgspec.structs.replace(step, reason=reason), f"{step.service.capitalize()}: {sentence}")


def _parked(
    facts: OrderFacts, names: Names, service: str, topic: str | None = None, version: int | None = None
) -> ParkedFacts | None:
    """The parked event that stops a service's step: the first of a topic, or that of a version."""
    found = [
        each
        for each in facts.parked
        if names.services.get(each.group) == service
        and topic in (None, each.topic)
        and (version is None or _version(each.value) in (None, version))
    ]
    return min(found, key=lambda each: (each.state == "discarded", each.offset), default=None)


def _at_origin(step: Step, parked: ParkedFacts) -> Step:
    return msgspec.structs.replace(
        step, topic=parked.topic, partition=parked.partition, offset=str(parked.offset)
    )


def _path(order: Order) -> Sequence[tuple[str, str]]:
    """The transitions that have led to an order's status."""
    if order.status == "CANCELLED" and order.order_version == 1:
        return (("NEW", "CANCELLED"),)
    states = ("NEW", "PROCESSING") if order.status == "PROCESSING" else ("NEW", "PROCESSING", order.status)
    return list(pairwise(states))


def _late_result(order: Order) -> bool:
    """Whether ``updated_at_utc`` may be that of a result that came after the last transition."""
    both = order.payment_status is not None and order.inventory_status is not None
    return order.status == "CANCELLED" and order.order_version == 1 and both


def _changes(facts: OrderFacts) -> Iterable[OrderStatusChanged]:
    """The transitions whose events wait in the outbox."""
    for each in facts.waiting:
        event = _changed(each.value)
        if event is not None:
            yield event


_decode_changed = msgspec.json.Decoder(OrderStatusChanged).decode


def _changed(value: bytes | None) -> OrderStatusChanged | None:
    try:
        return _decode_changed(value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _version(value: bytes | None) -> int | None:
    event = _changed(value)
    return None if event is None else event.order_version


def _text(offset: int | None) -> str | None:
    return None if offset is None else str(offset)
