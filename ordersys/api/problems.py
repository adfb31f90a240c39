"""Errors as RFC 9457 problem details, with an extra member ``error``: one sentence, for older clients.

A member ``errors`` names what is at fault: a body field by JSON Pointer (RFC 6901), a header or a query
parameter by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.datastructures import ResponseSpec

from ordersys.api.facts import RequestCrashed
from ordersys.contract.errors import DependencyUnavailable

MEDIA_TYPE = "application/problem+json"
NAMESPACE = "urn:ordersys:problem:"
AWAY_RETRY_AFTER_S = 2

# Kinds of problems whose cause is the request as it was written.
INVALID = "invalid-request"
MALFORMED = "malformed-json"
UNSUPPORTED = "unsupported-media-type"
REQUEST_AT_FAULT = frozenset({INVALID, MALFORMED, UNSUPPORTED})

_encode = msgspec.json.Encoder().encode


class Fault(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is wrong with one part of a request; exactly one of the three names is there."""

    detail: str
    pointer: str = ""
    header: str = ""
    parameter: str = ""


class ProblemDetails(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The body of every error (RFC 9457): ``error`` is its ``detail`` again, for older clients."""

    type: str
    title: str
    status: int
    detail: str
    error: str
    errors: Sequence[Fault] = ()


BAD_QUERY = "A parameter is not valid; `errors` names it."
AWAY = "The order database cannot be asked at the moment."
UNKNOWN_ORDER = "There is no order with this id."


def answers(container: Any, description: str, media_type: str = "application/json") -> ResponseSpec:
    """What a route answers, for its ``responses`` in the OpenAPI description."""
    return ResponseSpec(container, generate_examples=False, description=description, media_type=media_type)


def described(problems: Mapping[int, str]) -> dict[int, ResponseSpec]:
    """Problems a route answers, by status, for its ``responses`` in the OpenAPI description."""
    return {
        status: answers(ProblemDetails, description, MEDIA_TYPE) for status, description in problems.items()
    }


class Problem(Exception):
    """An answer other than the one asked for. ``kind`` makes its type, ``members`` are extra members.

    ``about:blank``, the type of a problem without a ``kind``, says no more than its status
    (RFC 9457, section 4.2.1).
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        kind: str = "",
        fault: Fault | None = None,
        retry_after_s: int | None = None,
        headers: dict[str, str] | None = None,
        **members: str,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.kind = kind
        self.fault = fault
        self.members = members
        self.headers = dict(headers or {})
        if retry_after_s is not None:
            self.headers["Retry-After"] = str(retry_after_s)

    def response(self) -> Response[bytes]:
        """The problem as an answer."""
        body: dict[str, Any] = {
            "type": NAMESPACE + self.kind if self.kind else "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "error": self.detail,
            **self.members,
        }
        if self.fault is not None:
            body["errors"] = [self.fault]
        return Response(_encode(body), status_code=self.status, media_type=MEDIA_TYPE, headers=self.headers)


def away() -> Problem:
    """503: Postgres cannot be asked now."""
    return Problem(
        503,
        "The order database cannot be reached at the moment; try again shortly.",
        kind="database-unavailable",
        retry_after_s=AWAY_RETRY_AFTER_S,
    )


def unknown_order() -> Problem:
    """404: no order has this id, or it cannot be one."""
    return Problem(404, UNKNOWN_ORDER, kind="unknown-order")


ExceptionHandler = Callable[[Request[Any, Any, Any], Any], Response[bytes]]


def exception_handlers(on_fact: Callable[[object], None]) -> dict[int | type[Exception], ExceptionHandler]:
    """Litestar's exception handlers: every error of every route becomes a problem.

    A defect becomes a bare 500 and a :class:`RequestCrashed`: what went wrong is for our logs alone.
    """

    def crashed(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        on_fact(RequestCrashed(method=request.method, path=request.scope["path"], error=error))
        return Problem(500, "The server made an error; the request may be tried again.").response()

    def http(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
        if error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return crashed(request, error)
        return _translated(error).response()

    return {
        Problem: lambda _, problem: problem.response(),
        DependencyUnavailable: lambda _, __: away().response(),
        HTTPException: http,
        Exception: crashed,
    }


_DETAILS = {
    404: "There is nothing at this path.",
    405: "This method is not allowed here; the header Allow lists those that are.",
    413: "The request body is too large.",
}


def _translated(error: HTTPException) -> Problem:
    if isinstance(error, ValidationException):
        # Litestar's own validation happens for query and path parameters only: bodies are ours.
        extra = error.extra if isinstance(error.extra, list) else []
        for fault in extra:
            name, message = str(fault.get("key", "")), str(fault.get("message", "is not valid"))
            detail = f"The parameter {name} is not valid: {message}."
            return Problem(400, detail, kind=INVALID, fault=Fault(detail=message, parameter=name))
    detail = _DETAILS.get(error.status_code, error.detail)
    return Problem(error.status_code, detail, headers=error.headers)
