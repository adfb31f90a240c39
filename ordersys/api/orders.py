"""``POST /orders``: take an order. How orders are read is in :mod:`ordersys.api.order_reads`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from time import perf_counter
from typing import Any, Literal, Protocol

import msgspec
from litestar import MediaType, Request, Response, post
from litestar.handlers import HTTPRouteHandler

from ordersys.adapters.orders import NewOrder
from ordersys.api.facts import OrdersRefused, PostAnswered
from ordersys.api.identity import new_order_id, new_traceparent
from ordersys.api.outcomes import Accepted, Blamed, Mismatch, Outcome, Refused
from ordersys.api.problems import REQUEST_AT_FAULT, Fault, Problem, answers, away, described
from ordersys.api.requests import BODY_BYTES_MAX, body_of, headers_of, raw_body
from ordersys.contract import ids

OWNER = "anonymous"
BUSY_RETRY_AFTER_S = 1
JSON = "application/json"
DESCRIPTION = """\
The order is committed before the answer comes. With an `Idempotency-Key` the request can be repeated: the
order is taken once, and every repetition is answered as the first time. After a 503 the order was not taken;
after a 504 that is not known, and the same request with the same key finds out.\
"""
REFUSALS = {
    400: "A header or a field is not valid, or the body is no JSON; `errors` names what is at fault.",
    413: "The body is too large.",
    415: "The body is not announced as JSON.",
    422: "The Idempotency-Key belongs to another order.",
    503: "The order was not taken: too many are waiting, or the database cannot be asked.",
    504: "Whether the order was taken is not known; `order_id` is its id.",
}

_encode = msgspec.json.Encoder().encode


class AcceptedOrder(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The answer to ``POST /orders``: made of what never changes, so a repetition gets the same."""

    id: str
    customer_email: str
    item_sku: str
    quantity: int
    amount_cents: int
    status: Literal["NEW"]
    created_at_utc: datetime
    updated_at_utc: datetime


class Submit(Protocol):
    """Has an order written; :meth:`ordersys.api.intake.Intake.submit` fits."""

    async def __call__(self, order: NewOrder, /) -> Outcome: ...


async def take(
    request: Request[Any, Any, Any],
    submit: Submit,
    clock: Callable[[], datetime],
) -> Response[bytes]:
    """``POST /orders``: check → identify → have it written → answer.

    :raises Problem: the request is at fault, or the order could not be taken.
    """
    headers = headers_of(request.scope["headers"])
    body = body_of(await raw_body(request))
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


def order_routes(
    *,
    submit: Submit,
    clock: Callable[[], datetime],
    on_fact: Callable[[object], None],
) -> list[HTTPRouteHandler]:
    """The routes. ``clock`` gives the time in UTC.

    The body of a POST is decoded here and not by Litestar, which would take ``"5"`` for a number and
    would not say which field is at fault in our words.
    """

    @post(
        "/orders",
        request_max_body_size=BODY_BYTES_MAX,
        media_type=MediaType.JSON,
        summary="Take an order",
        description=DESCRIPTION,
        responses={201: answers(AcceptedOrder, "The order is committed."), **described(REFUSALS)},
    )
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

    return [create_order]
