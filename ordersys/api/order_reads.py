"""Orders as they are read: listed, counted, looked at, awaited until they are final."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Protocol
from urllib.parse import urlencode

import msgspec
from litestar import MediaType, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from ordersys.adapters.order_lists import Filters, Position
from ordersys.adapters.orders import Order
from ordersys.api.problems import AWAY, BAD_QUERY, UNKNOWN_ORDER, Problem, answers, described, unknown_order
from ordersys.api.requests import instant_of, parameter_problem, text_of, uuid_of
from ordersys.api.waiting import TooManyWaiting
from ordersys.contract.order import FINAL

PAGE_DEFAULT = 100
PAGE_MAX = 500
BUSY_RETRY_AFTER_S = 1
WAIT_DEFAULT_S = 5.0
WAIT_MAX_S = 30.0
WAIT_FINAL = "final"
JSON = "application/json"

Status = Literal["NEW", "PROCESSING", "CONFIRMED", "CANCELLED"]
STATUS_TEXT = "Orders in this status; given several times: in one of these."
SKU_TEXT = "Orders of exactly this SKU."
EMAIL_TEXT = "Orders of exactly this address, in upper or lower case."
FROM_TEXT = "Orders created at this time (RFC 3339) or later."
TO_TEXT = "Orders created before this time (RFC 3339)."
LIMIT_TEXT = "How many orders at most."
CURSOR_TEXT = "Where the page begins: from the `Link` of the page before, with the same filters."
# At most 16 digits of µs: all of them are years that Python and Postgres have.
CURSOR_PATTERN = r"[0-9]{1,16}\.[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
WAIT_TEXT = "Answer once the order is final."
LIST_DESCRIPTION = """\
Orders that fit all filters, the newest first. If there are more, `Link` leads to the next page, with the
same filters; orders that come in the meantime are on no later page.\
"""
ORDER_DESCRIPTION = """\
The order as it stands. With `wait=final` the answer comes as soon as the order is CONFIRMED or CANCELLED, or
after `timeout_s`, then with the order as it stands.\
"""
TIMEOUT_TEXT = "With `wait`: how many seconds to wait at most, before the order is answered as it stands."

_encode = msgspec.json.Encoder().encode
_CURSOR = re.compile(CURSOR_PATTERN)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Reader(Protocol):
    """Where orders are read; :class:`ordersys.adapters.orders.OrderReader` fits.

    All raise :class:`~ordersys.contract.errors.DependencyUnavailable` within a bounded time.
    """

    async def get(self, order_id: str) -> Order | None: ...

    async def page(
        self, limit: int, after: Position | None = None, filters: Filters = ...
    ) -> list[Order]: ...

    async def counts(self) -> dict[str, int]: ...


class WaitFinal(Protocol):
    """Waits for an order to be final; :meth:`ordersys.api.waiting.Waiting.final` fits."""

    async def __call__(self, order_id: str, timeout_s: float, /) -> Order | None: ...


class Counts(msgspec.Struct, frozen=True):
    """How many orders are in each status."""

    NEW: int
    PROCESSING: int
    CONFIRMED: int
    CANCELLED: int


def cursor_of(order: Order) -> str:
    """An order's place in the list: its time in µs of the Unix epoch, and its id."""
    micros = (order.created_at_utc - _EPOCH) // _MICROSECOND
    return f"{micros}.{order.id}"


def position_of(cursor: str) -> Position:
    """The place a cursor names.

    :raises Problem: 400, it is not one of ours.
    """
    if not _CURSOR.fullmatch(cursor):
        raise parameter_problem("cursor", "must be one that this server gave")
    micros, _, order_id = cursor.partition(".")
    return Position(_EPOCH + timedelta(microseconds=int(micros)), order_id)


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The query of ``GET /orders`` as it came; :meth:`filters` checks it."""

    status: Sequence[str] = ()
    sku: str | None = None
    email: str | None = None
    created_from: str | None = None
    created_to: str | None = None
    limit: int = PAGE_DEFAULT

    def filters(self) -> Filters:
        """What is asked for.

        :raises Problem: 400, naming the parameter at fault.
        """
        return Filters(
            statuses=tuple(self.status),
            sku=text_of("sku", self.sku),
            email=text_of("email", self.email),
            created_from=instant_of("created_from", self.created_from),
            created_to=instant_of("created_to", self.created_to),
        )

    def link(self, cursor: str) -> str:
        """The ``Link`` (RFC 8288) to the page after ``cursor``, with the same filters."""
        pairs = [(name, getattr(self, name)) for name in self.__struct_fields__]
        given = {name: value for name, value in pairs if value is not None}
        return f'</orders?{urlencode({**given, "cursor": cursor}, doseq=True)}>; rel="next"'


async def look_at_page(reader: Reader, query: ListQuery, cursor: str | None) -> Response[bytes]:
    """``GET /orders``: a page; ``Link`` leads to the next one if there is one."""
    after = position_of(cursor) if cursor is not None else None
    orders = await reader.page(query.limit + 1, after, query.filters())
    headers = {}
    if len(orders) > query.limit:
        orders.pop()
        headers["Link"] = query.link(cursor_of(orders[-1]))
    return Response(_encode(orders), media_type=JSON, headers=headers)


async def find(reader: Reader, text: str) -> Order:
    """The order with this id.

    :raises Problem: 404, also for an id that cannot be one.
    """
    order_id = uuid_of(text)
    order = await reader.get(order_id) if order_id is not None else None
    if order is None:
        raise unknown_order()
    return order


async def look_when_final(reader: Reader, wait_final: WaitFinal, text: str, timeout_s: float) -> Order:
    """The order once it is final; as it stands when it is not in ``timeout_s``.

    :raises Problem: 404; 503 when too many wait already.
    """
    order = await find(reader, text)
    if order.status in FINAL:
        return order
    try:
        return await wait_final(order.id, timeout_s) or await find(reader, text)
    except TooManyWaiting:
        raise Problem(
            503,
            "Too many requests wait for an order to be final; ask again shortly.",
            kind="busy",
            retry_after_s=BUSY_RETRY_AFTER_S,
        ) from None


def order_read_routes(*, reader: Reader, wait_final: WaitFinal) -> list[HTTPRouteHandler]:
    """The routes."""

    @get(
        "/orders",
        media_type=MediaType.JSON,
        summary="List orders",
        description=LIST_DESCRIPTION,
        responses={200: answers(list[Order], "A page of orders."), **described({400: BAD_QUERY, 503: AWAY})},
    )
    async def list_orders(
        status: Annotated[list[Status] | None, QueryParameter(description=STATUS_TEXT)] = None,
        sku: Annotated[str | None, QueryParameter(max_length=64, description=SKU_TEXT)] = None,
        email: Annotated[str | None, QueryParameter(max_length=254, description=EMAIL_TEXT)] = None,
        created_from: Annotated[str | None, QueryParameter(max_length=64, description=FROM_TEXT)] = None,
        created_to: Annotated[str | None, QueryParameter(max_length=64, description=TO_TEXT)] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=PAGE_MAX, description=LIMIT_TEXT)] = PAGE_DEFAULT,
        cursor: Annotated[str | None, QueryParameter(description=CURSOR_TEXT)] = None,
    ) -> Response[bytes]:
        """List orders, the newest first."""
        query = ListQuery(
            status=status or (),
            sku=sku,
            email=email,
            created_from=created_from,
            created_to=created_to,
            limit=limit,
        )
        return await look_at_page(reader, query, cursor)

    @get(
        "/orders/counts",
        media_type=MediaType.JSON,
        summary="Count orders",
        description="How many orders are in each status, all as of one moment.",
        responses={200: answers(Counts, "The counts."), **described({503: AWAY})},
    )
    async def count_orders() -> Response[bytes]:
        """How many orders are in each status."""
        return Response(_encode(Counts(**await reader.counts())), media_type=JSON)

    @get(
        "/orders/{order_id:str}",
        media_type=MediaType.JSON,
        summary="Look at an order",
        description=ORDER_DESCRIPTION,
        responses={
            200: answers(Order, "The order."),
            **described({400: BAD_QUERY, 404: UNKNOWN_ORDER, 503: AWAY}),
        },
    )
    async def get_order(
        order_id: FromPath[str],
        wait: Annotated[str | None, QueryParameter(description=WAIT_TEXT)] = None,
        timeout_s: Annotated[
            float, QueryParameter(ge=0, le=WAIT_MAX_S, description=TIMEOUT_TEXT)
        ] = WAIT_DEFAULT_S,
    ) -> Response[bytes]:
        """Look at one order, as it is or once it is final."""
        if wait is None:
            order = await find(reader, order_id)
        elif wait != WAIT_FINAL:
            raise parameter_problem("wait", f"must be {WAIT_FINAL}")
        else:
            order = await look_when_final(reader, wait_final, order_id, timeout_s)
        return Response(_encode(order), media_type=JSON)

    return [list_orders, count_orders, get_order]
