"""``GET /orders/{id}/timeline``: the steps of an order, those it waits for included."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from ordersys.adapters.timeline import OrderFacts
from ordersys.api.problems import unknown_order
from ordersys.api.requests import uuid_of
from ordersys.api.timeline_steps import Names, Timeline, timeline_of

DESCRIPTION = """\
Every step of an order: when it happened, how long after the step before, what it said and where in the log
it is. Steps that have not happened are listed with the state `waiting`; `waiting_for` says in a sentence
what the first of them waits for. A step whose event is parked says so in its `reason`.\
"""


class ReadsFacts(Protocol):
    """Where it is read; :class:`ordersys.adapters.timeline.TimelineReader` fits."""

    async def facts(self, order_id: str) -> OrderFacts | None: ...


def timeline_routes(
    reader: ReadsFacts, names: Names, clock: Callable[[], datetime]
) -> list[HTTPRouteHandler]:
    """The route. ``clock`` gives the time in UTC."""

    @get(
        "/orders/{order_id:str}/timeline",
        summary="The steps of an order",
        description=DESCRIPTION,
        response_description="The order and its steps.",
    )
    async def order_timeline(order_id: FromPath[str]) -> Timeline:
        """What has become of an order, step by step."""
        known = uuid_of(order_id)
        facts = await reader.facts(known) if known is not None else None
        if facts is None:
            raise unknown_order()
        return timeline_of(facts, names, clock())

    return [order_timeline]
