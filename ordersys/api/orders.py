"""``/orders``: take an order, list orders, look at one."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Protocol

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.exceptions import InternalServerException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, Parameter

from ordersys.adapters.orders import NewOrder, Order, Position
from ordersys.api.facts import OrdersRefused
from ordersys.api.identity import new_order_id, new_traceparent
from ordersys.api.outcomes import Accepted, Blamed, Mismatch, Outcome, Refused
from ordersys.api.problems import INVALID, MALFORMED, REQUEST_AT_FAULT, Fault, Problem, away
from ordersys.api.requests import BODY_BYTES_MAX, body_of, headers_of, uuid_of
from ordersys.contract import ids

OWNER = "anonymous"
PAGE_DEFAULT = 100
PAGE_MAX = 500
BUSY_RETRY_AFTER_S = 1
JSON = "application/json"

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

    Both raise :class:`~ordersys.contract.errors.DependencyUnavailable` within a bounded time.
    """

    async def get(self, order_id: str) -> Order | None: ...

    async def page(self, limit: int, after: Position | None = None) -> list[Order]: ...


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
    outcome = await submit(
        NewOrder(
            id=order_id,
            customer_email=body.customer_email,
            item_sku=body.item_sku,
            quantity=body.quantity,
            amount_cents=body.amount_cents,
            correlation_id=headers.correlation_id or order_id,
            traceparent=headers.traceparent or new_traceparent(),
            created_at_utc=clock(),
        )
    )
    if not isinstance(outcome, Accepted):
        raise _problem(outcome, order_id)
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
    location = {"Location": f"/orders/{order_id}"}
    return Response(_encode(answer), status_code=201, media_type=JSON, headers=location)


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
        message = "is not one that this server gave"
        fault = Fault(detail=message, parameter="cursor")
        raise Problem(400, f"The parameter cursor {message}.", kind=INVALID, fault=fault)
    return Position(at, order_id)


async def look_at_page(reader: Reader, limit: int, cursor: str | None) -> Response[bytes]:
    """``GET /orders``: a page; ``Link`` (RFC 8288) leads to the next one if there is one."""
    orders = await reader.page(limit + 1, position_of(cursor) if cursor is not None else None)
    headers = {}
    if len(orders) > limit:
        orders.pop()
        headers["Link"] = f'</orders?limit={limit}&cursor={cursor_of(orders[-1])}>; rel="next"'
    return Response(_encode(orders), media_type=JSON, headers=headers)


async def look_at(reader: Reader, text: str) -> Response[bytes]:
    """``GET /orders/{id}``.

    :raises Problem: 404, also for an id that cannot be one.
    """
    order_id = uuid_of(text)
    order = await reader.get(order_id) if order_id is not None else None
    if order is None:
        raise Problem(404, "There is no order with this id.", kind="unknown-order")
    return Response(_encode(order), media_type=JSON)


def order_routes(
    *,
    submit: Submit,
    reader: Reader,
    clock: Callable[[], datetime],
    on_fact: Callable[[object], None],
) -> list[HTTPRouteHandler]:
    """The routes. ``clock`` gives the time in UTC.

    The body of a POST is decoded here and not by Litestar, which would take ``"5"`` for a number and
    would not say which field is at fault in our words.
    """

    @post("/orders", request_max_body_size=BODY_BYTES_MAX, media_type=MediaType.JSON)
    async def create_order(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Take an order."""
        try:
            return await take(request, submit, clock)
        except Problem as problem:
            if problem.kind in REQUEST_AT_FAULT:
                on_fact(OrdersRefused(reason="invalid", count=1))
            raise

    @get("/orders", media_type=MediaType.JSON)
    async def list_orders(
        limit: Annotated[int, Parameter(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT,
        cursor: Annotated[str | None, Parameter(max_length=200)] = None,
    ) -> Response[bytes]:
        """List orders, the newest first."""
        return await look_at_page(reader, limit, cursor)

    @get("/orders/{order_id:str}", media_type=MediaType.JSON)
    async def get_order(order_id: FromPath[str]) -> Response[bytes]:
        """Look at one order."""
        return await look_at(reader, order_id)

    return [create_order, list_orders, get_order]
