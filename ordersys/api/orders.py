"""``/orders``: take an order, list orders, count them, look at one or wait until it is final."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Annotated, Any, Literal, Protocol
from urllib.parse import urlencode

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.exceptions import InternalServerException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from ordersys.adapters.order_lists import Filters, Position
from ordersys.adapters.orders import NewOrder, Order
from ordersys.api.facts import OrdersRefused, PostAnswered
from ordersys.api.identity import new_order_id, new_traceparent
from ordersys.api.outcomes import Accepted, Blamed, Mismatch, Outcome, Refused
from ordersys.api.problems import MALFORMED, REQUEST_AT_FAULT, Fault, Problem, away, unknown_order
from ordersys.api.requests import (
    BODY_BYTES_MAX,
    body_of,
    headers_of,
    instant_of,
    parameter_problem,
    text_of,
    uuid_of,
)
from ordersys.api.waiting import TooManyWaiting
from ordersys.contract import ids
from ordersys.contract.order import FINAL

OWNER = "anonymous"
PAGE_DEFAULT = 100
PAGE_MAX = 500
BUSY_RETRY_AFTER_S = 1
WAIT_DEFAULT_S = 5.0
WAIT_MAX_S = 30.0
JSON = "application/json"

Status = Literal["NEW", "PROCESSING", "CONFIRMED", "CANCELLED"]
STATUS_TEXT = "Orders in this status; given several times: in one of these."
SKU_TEXT = "Orders of exactly this SKU."
EMAIL_TEXT = "Orders of exactly this address, in upper or lower case."
FROM_TEXT = "Orders created at this time (RFC 3339) or later."
TO_TEXT = "Orders created before this time (RFC 3339)."
LIMIT_TEXT = "How many orders at most."
CURSOR_TEXT = "Where the page begins: from the `Link` of the page before, with the same filters."
WAIT_TEXT = "Answer once the order is final."
TIMEOUT_TEXT = "With `wait`: how many seconds to wait at most, before the order is answered as it stands."

_encode = msgspec.json.Encoder().encode
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class AcceptedOrder(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The answer to ``POST /orders``: made of what never changes, so a repetition gets the same."""

    id: str
    customer_email: str
    item_sku: str
    quantity: int
    amount_cents: int
    status: str
    created_at_utc: datetime
    updated_at_utc: datetime


class Submit(Protocol):
    """Has an order written; :meth:`ordersys.api.intake.Intake.submit` fits."""

    async def __call__(self, order: NewOrder, /) -> Outcome: ...


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


async def take(
    request: Request[Any, Any, Any],
    submit: Submit,
    clock: Callable[[], datetime],
) -> Response[bytes]:
    """``POST /orders``: check → identify → have it written → answer.

    :raises Problem: the request is at fault, or the order could not be taken.
    """
    headers = headers_of(request.scope["headers"])
    body = body_of(await _raw_body(request))
    key = headers.idempotency_key
    order_id = new_order_id() if key is None else ids.order_id(OWNER, key)
    traceparent = new_traceparent(headers.traceparent)
    outcome = await submit(
        NewOrder(
            id=order_id,
            customer_email=body.customer_email,
            item_sku=body.item_sku,
            quantity=body.quantity,
            amount_cents=body.amount_cents,
            correlation_id=headers.correlation_id or order_id,
            traceparent=traceparent,
            created_at_utc=clock(),
        )
    )
    if not isinstance(outcome, Accepted):
        problem = _problem(outcome, order_id)
        problem.headers["traceparent"] = traceparent
        raise problem
    answer = AcceptedOrder(
        id=order_id,
        customer_email=body.customer_email,
        item_sku=body.item_sku,
        quantity=body.quantity,
        amount_cents=body.amount_cents,
        status="NEW",
        created_at_utc=outcome.created_at_utc,
        updated_at_utc=outcome.created_at_utc,
    )
    about = {"Location": f"/orders/{order_id}", "traceparent": traceparent}
    return Response(_encode(answer), status_code=201, media_type=JSON, headers=about)


async def _raw_body(request: Request[Any, Any, Any]) -> bytes:
    try:
        return await request.body()
    except InternalServerException:
        # Litestar's word for a client that left in the middle of its body: no defect, nobody reads this.
        raise Problem(400, "The body ended before its announced length.", kind=MALFORMED) from None


def _problem(outcome: Outcome, order_id: str) -> Problem:
    """What an order that was not accepted is answered."""
    if isinstance(outcome, Mismatch):
        return Problem(
            422,
            "This Idempotency-Key belongs to another order; use a new key for a new order.",
            kind="idempotency-mismatch",
            fault=Fault(detail="belongs to another order", header="Idempotency-Key"),
        )
    if isinstance(outcome, Blamed):
        detail = "The order database refused a value of this order."
        return Problem(400, detail, kind="value-refused", fault=Fault(detail=detail, pointer="#"))
    if isinstance(outcome, Refused):
        if outcome.reason == "unavailable":
            return away()
        return Problem(
            503,
            "Too many orders are waiting; this one was not taken, try again shortly.",
            kind="busy",
            retry_after_s=BUSY_RETRY_AFTER_S,
        )
    return Problem(
        504,
        "Whether the order was taken is not known: try again with the same Idempotency-Key, "
        "or ask for the order by its id.",
        kind="outcome-unknown",
        order_id=order_id,
    )


def cursor_of(order: Order) -> str:
    """An opaque name of an order's place in the list: for a client it is only to be sent back."""
    micros = (order.created_at_utc - _EPOCH) // _MICROSECOND
    return base64.urlsafe_b64encode(f"{micros}:{order.id}".encode()).decode().rstrip("=")


def position_of(cursor: str) -> Position:
    """The place a cursor names.

    :raises Problem: 400, it is not one of ours.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        micros, _, text = raw.decode("ascii").partition(":")
        order_id = uuid_of(text)
        at = _EPOCH + timedelta(microseconds=int(micros))
    except (binascii.Error, ValueError, OverflowError):
        order_id = None
    if order_id is None:
        raise parameter_problem("cursor", "is not one that this server gave")
    return Position(at, order_id)


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


def order_routes(
    *,
    submit: Submit,
    reader: Reader,
    wait_final: WaitFinal,
    clock: Callable[[], datetime],
    on_fact: Callable[[object], None],
) -> list[HTTPRouteHandler]:
    """The routes. ``clock`` gives the time in UTC.

    The body of a POST is decoded here and not by Litestar, which would take ``"5"`` for a number and
    would not say which field is at fault in our words.
    """

    @post("/orders", request_max_body_size=BODY_BYTES_MAX, media_type=MediaType.JSON, summary="Take an order")
    async def create_order(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Take an order."""
        started = perf_counter()
        status, traceparent = 500, None
        try:
            answer = await take(request, submit, clock)
            status, traceparent = 201, answer.headers["traceparent"]
            return answer
        except Problem as problem:
            status, traceparent = problem.status, problem.headers.get("traceparent")
            if problem.kind in REQUEST_AT_FAULT:
                on_fact(OrdersRefused(reason="invalid", count=1))
            raise
        finally:
            seconds, headers = perf_counter() - started, request.scope["headers"]
            on_fact(PostAnswered(status=status, seconds=seconds, traceparent=traceparent, headers=headers))

    @get("/orders", media_type=MediaType.JSON, summary="List orders")
    async def list_orders(
        status: Annotated[list[Status] | None, QueryParameter(description=STATUS_TEXT)] = None,
        sku: Annotated[str | None, QueryParameter(max_length=64, description=SKU_TEXT)] = None,
        email: Annotated[str | None, QueryParameter(max_length=254, description=EMAIL_TEXT)] = None,
        created_from: Annotated[str | None, QueryParameter(max_length=64, description=FROM_TEXT)] = None,
        created_to: Annotated[str | None, QueryParameter(max_length=64, description=TO_TEXT)] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=PAGE_MAX, description=LIMIT_TEXT)] = PAGE_DEFAULT,
        cursor: Annotated[str | None, QueryParameter(max_length=200, description=CURSOR_TEXT)] = None,
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

    @get("/orders/counts", media_type=MediaType.JSON, summary="Count orders")
    async def count_orders() -> Response[bytes]:
        """How many orders are in each status."""
        return Response(_encode(Counts(**await reader.counts())), media_type=JSON)

    @get("/orders/{order_id:str}", media_type=MediaType.JSON, summary="Look at an order")
    async def get_order(
        order_id: FromPath[str],
        wait: Annotated[Literal["final"] | None, QueryParameter(description=WAIT_TEXT)] = None,
        timeout_s: Annotated[
            float, QueryParameter(ge=0, le=WAIT_MAX_S, description=TIMEOUT_TEXT)
        ] = WAIT_DEFAULT_S,
    ) -> Response[bytes]:
        """Look at one order, as it is or once it is final."""
        if wait is None:
            order = await find(reader, order_id)
        else:
            order = await look_when_final(reader, wait_final, order_id, timeout_s)
        return Response(_encode(order), media_type=JSON)

    return [create_order, list_orders, count_orders, get_order]
