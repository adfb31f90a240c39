"""The applications, built of what is passed in. Nothing is opened here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
from litestar import HttpMethod, Litestar, MediaType, Response, get, route
from litestar.config.cors import CORSConfig
from litestar.types import ControllerRouterHandler

from ordersys.api.docs import document_routes, openapi_document
from ordersys.api.order_reads import Reader, WaitFinal, order_read_routes
from ordersys.api.orders import Submit, order_routes
from ordersys.api.probes import Readiness, RenderMetrics, probe_routes
from ordersys.api.problems import answers, exception_handlers
from ordersys.api.requests import BODY_BYTES_MAX

CORS_MAX_AGE_S = 600
VERSION = "1"
NO_EVENTS: Mapping[str, Any] = {}


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def build_app(
    *,
    submit: Submit,
    reader: Reader,
    wait_final: WaitFinal,
    readiness: Readiness,
    render_metrics: RenderMetrics,
    cors_origins: Sequence[str],
    on_fact: Callable[[object], None],
    clock: Callable[[], datetime] = utc_now,
    more_routes: Sequence[ControllerRouterHandler] = (),
    events: Mapping[str, Any] = NO_EVENTS,
    version: str = VERSION,
) -> Litestar:
    """What API_PORT serves.

    ``readiness`` speaks of the API alone; ``cors_origins`` are the UI's; ``events`` is the AsyncAPI document.
    """

    @get(
        "/health",
        media_type=MediaType.TEXT,
        summary="Whether the server answers",
        description="The word `ok`, for older clients; `/readyz` says more.",
        responses={200: answers(str, "It does.", "text/plain")},
    )
    async def health() -> str:
        """That the server answers."""
        return "ok"

    @route("/orders", http_method=HttpMethod.OPTIONS, include_in_schema=False)
    async def order_methods() -> Response[None]:
        """Both methods: Litestar's own answer knows of the one that was registered first."""
        return Response(None, status_code=204, headers={"Allow": "GET, OPTIONS, POST"})

    routes: list[ControllerRouterHandler] = [
        order_methods,
        *order_routes(submit=submit, clock=clock, on_fact=on_fact),
        *order_read_routes(reader=reader, wait_final=wait_final),
        *more_routes,
        *document_routes(
            openapi=cache(lambda: msgspec.json.encode(openapi_document(routes, version))),
            asyncapi=lambda: msgspec.json.encode(events),
        ),
        *probe_routes(readiness=readiness, render_metrics=render_metrics),
        health,
    ]
    return Litestar(
        routes,
        cors_config=CORSConfig(
            allow_origins=list(cors_origins),
            allow_methods=["GET", "POST"],
            allow_headers=[
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "X-Correlation-ID",
                "traceparent",
            ],
            expose_headers=["Link", "Location", "Retry-After", "traceparent"],
            max_age=CORS_MAX_AGE_S,
        ),
        exception_handlers=exception_handlers(on_fact),
        openapi_config=None,
        request_max_body_size=BODY_BYTES_MAX,
        logging_config=None,
    )


def build_probes_app(
    *, readiness: Readiness, render_metrics: RenderMetrics, on_fact: Callable[[object], None]
) -> Litestar:
    """What METRICS_PORT serves, whatever the roles of the process."""
    return Litestar(
        probe_routes(readiness=readiness, render_metrics=render_metrics),
        exception_handlers=exception_handlers(on_fact),
        openapi_config=None,
        request_max_body_size=BODY_BYTES_MAX,
        logging_config=None,
    )
