"""``GET /events``."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter

from ordersys.api.feed.stream import MEDIA_TYPE, EventStream, Streams
from ordersys.api.problems import described

DESCRIPTION = """\
Server-sent events, made for a browser's `EventSource`:

* `hello` (`{"server_time"}`) comes first;
* `changes` (`{"changes", "omitted"}`), 2 to 4 a second at most: orders that were accepted (`kind` `created`)
  and transitions (`kind` `changed`), 200 at most; with `omitted` above 0 there were more, and lists have to
  be read again. A change may be told twice and in any order; the higher `order_version` is right;
* `pipeline`, every 2 seconds: what `GET /pipeline` answers;
* `reset` (`{"reason"}`): what the client has cannot be brought up to date, everything has to be read again.

The stream stays open. A client that was cut off sends the last id it saw as `Last-Event-ID`, as `EventSource`
does by itself, and is told what it missed.\
"""


def feed_routes(streams: Streams) -> list[HTTPRouteHandler]:
    """The route; ``streams`` is the hub."""

    @get(
        "/events",
        media_type=MEDIA_TYPE,
        summary="Live feed of orders and pipeline",
        description=DESCRIPTION,
        responses={
            200: ResponseSpec(
                str,
                generate_examples=False,
                description="A stream of events that stays open.",
                media_type=MEDIA_TYPE,
            ),
            **described(
                {
                    400: "A header is not valid.",
                    503: "Too many streams are open, or the server is about to stop.",
                }
            ),
        },
    )
    async def events(
        last_event_id: Annotated[
            str | None,
            HeaderParameter(name="Last-Event-ID", description="The id of the last event seen."),
        ] = None,
    ) -> EventStream:
        """What happens from now on."""
        return EventStream(streams, last_event_id or None)

    return [events]
