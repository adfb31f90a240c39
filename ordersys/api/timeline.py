"""``GET /orders/{id}/timeline`` and ``/events``: the steps of an order, and what was written about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import msgspec
from litestar import MediaType, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from ordersys.adapters.order_log import LoggedEvent, waiting_events
from ordersys.adapters.timeline import OrderFacts
from ordersys.api.problems import AWAY, UNKNOWN_ORDER, answers, described, unknown_order
from ordersys.api.requests import uuid_of
from ordersys.api.timeline_steps import Names, Timeline, timeline_of
from ordersys.contract.errors import DependencyUnavailable

_encode = msgspec.json.Encoder().encode

DESCRIPTION = """\
Every step of an order: when it happened, how long after the step before, what it said and where in the log
it is. Steps that have not happened are listed with the state `waiting`; `waiting_for` says in a sentence
what the first of them waits for. A step whose event is parked says so in its `reason`.\
"""


EVENTS_DESCRIPTION = """\
The events of an order as they were written: those that the log still has, then those that wait in the
outbox, which have no partition and offset yet. An event that no service has noted yet is looked for in a
bounded stretch of the log. When Kafka cannot be read, `note` says so and the outbox is all there is.\
"""
NO_KAFKA = "This process has no connection to Kafka: only what waits in the outbox is listed."
KAFKA_AWAY = "Kafka cannot be read at the moment: only what waits in the outbox is listed."


class OrderEvents(msgspec.Struct, frozen=True):
    """The raw events of an order; ``note`` says why some of them cannot be listed."""

    events: list[LoggedEvent]
    note: str | None


class ReadsFacts(Protocol):
    """Where it is read; :class:`ordersys.adapters.timeline.TimelineReader` fits."""

    async def facts(self, order_id: str) -> OrderFacts | None: ...


class ReadsEvents(Protocol):
    """Where the log is read; :class:`ordersys.adapters.order_log.OrderLog` fits."""

    async def events(self, facts: OrderFacts) -> list[LoggedEvent]: ...


async def events_of(facts: OrderFacts, log: ReadsEvents | None) -> OrderEvents:
    """The raw events of an order, as many as can be had."""
    waiting = waiting_events(facts)
    if log is None:
        return OrderEvents(waiting, NO_KAFKA)
    try:
        return OrderEvents([*await log.events(facts), *waiting], None)
    except DependencyUnavailable:
        return OrderEvents(waiting, KAFKA_AWAY)


def timeline_routes(
    *, reader: ReadsFacts, log: ReadsEvents | None, names: Names, clock: Callable[[], datetime]
) -> list[HTTPRouteHandler]:
    """The routes. ``clock`` gives the time in UTC; ``log`` is None in a process that has no Kafka."""

    async def facts_of(order_id: str) -> OrderFacts:
        known = uuid_of(order_id)
        facts = await reader.facts(known) if known is not None else None
        if facts is None:
            raise unknown_order()
        return facts

    @get(
        "/orders/{order_id:str}/timeline",
        summary="The steps of an order",
        description=DESCRIPTION,
        responses={
            200: answers(Timeline, "The order and its steps."),
            **described({404: UNKNOWN_ORDER, 503: AWAY}),
        },
    )
    async def order_timeline(order_id: FromPath[str]) -> Timeline:
        """What has become of an order, step by step."""
        return timeline_of(await facts_of(order_id), names, clock())

    @get(
        "/orders/{order_id:str}/events",
        summary="The raw events of an order",
        description=EVENTS_DESCRIPTION,
        responses={
            200: answers(OrderEvents, "The events."),
            **described({404: UNKNOWN_ORDER, 503: AWAY}),
        },
    )
    async def order_events(order_id: FromPath[str]) -> Response[bytes]:
        """What was written about an order."""
        events = await events_of(await facts_of(order_id), log)
        return Response(_encode(events), media_type=MediaType.JSON)

    return [order_timeline, order_events]
