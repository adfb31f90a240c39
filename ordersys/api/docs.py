"""``/openapi.json``, ``/asyncapi.json``, ``/docs``: what the system says of itself, all of local files."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from typing import Any

from anyio import to_thread
from litestar import Litestar, MediaType, Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.types import ControllerRouterHandler

from ordersys.api.openapi import completed
from ordersys.api.problems import answers

TITLE = "ordersys"
SCRIPT = "rapidoc-min.js"
SCRIPT_TYPE = "text/javascript; charset=utf-8"
# The viewer builds its styles at run time; scripts, data and everything else come from this origin alone.
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; "
        "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ordersys API</title>
<link rel="icon" href="data:,">
<script type="module" src="/docs/rapidoc-min.js"></script>
</head>
<body>
<rapi-doc spec-url="/openapi.json" render-style="read" theme="light" load-fonts="false"
  regular-font="system-ui, sans-serif" mono-font="ui-monospace, monospace" show-header="false"
  fill-request-fields-with-example="false" allow-authentication="false" allow-server-selection="false"
  schema-style="table" primary-color="#2563eb"></rapi-doc>
<noscript>This page needs JavaScript. What it shows is <a href="/openapi.json">openapi.json</a>.</noscript>
</body>
</html>
"""


def _operation_id(handler: HTTPRouteHandler, _method: object, _path: object) -> str:
    """The name of the function, as a client made of the description would call it."""
    return handler.handler_name


def openapi_document(routes: Sequence[ControllerRouterHandler], version: str) -> dict[str, Any]:
    """The OpenAPI description of ``routes``, whose handlers say what they take and answer."""
    described_app = Litestar(
        list(routes),
        openapi_config=OpenAPIConfig(title=TITLE, version=version, operation_id_creator=_operation_id),
        logging_config=None,
    )
    return completed(described_app.openapi_schema.to_schema())


@cache
def _script() -> tuple[bytes, bytes]:
    """The viewer, as it is and compressed."""
    raw = (resources.files("ordersys.api") / "static" / "docs" / SCRIPT).read_bytes()
    return raw, gzip.compress(raw, mtime=0)


def document_routes(*, openapi: Callable[[], bytes], asyncapi: Callable[[], bytes]) -> list[HTTPRouteHandler]:
    """The routes. The documents, as JSON, are made in a thread when they are asked for."""

    @get(
        "/openapi.json",
        media_type=MediaType.JSON,
        summary="This description",
        description="The HTTP interface as an OpenAPI 3.1 document.",
        responses={200: answers(dict[str, Any], "The document.")},
    )
    async def openapi_json() -> Response[bytes]:
        """The HTTP interface."""
        return Response(await to_thread.run_sync(openapi), media_type=MediaType.JSON)

    @get(
        "/asyncapi.json",
        media_type=MediaType.JSON,
        summary="The events",
        description="Topics, events and who sends and receives them, as an AsyncAPI 3.0 document.",
        responses={200: answers(dict[str, Any], "The document.")},
    )
    async def asyncapi_json() -> Response[bytes]:
        """The events."""
        return Response(await to_thread.run_sync(asyncapi), media_type=MediaType.JSON)

    @get(
        "/docs",
        media_type=MediaType.HTML,
        summary="The API reference",
        description="A page that shows this description and sends requests.",
        responses={200: answers(str, "The page.", "text/html")},
    )
    async def docs_page() -> Response[str]:
        """The reference, for people."""
        return Response(PAGE, media_type=MediaType.HTML, headers=SECURITY)

    @get(f"/docs/{SCRIPT}", include_in_schema=False)
    async def script(request: Request[Any, Any, Any]) -> Response[bytes]:
        """The viewer, which is the page's only file."""
        raw, small = _script()
        headers = {"Cache-Control": "public, max-age=86400", "Vary": "Accept-Encoding", **SECURITY}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(small, media_type=SCRIPT_TYPE, headers={**headers, "Content-Encoding": "gzip"})
        return Response(raw, media_type=SCRIPT_TYPE, headers=headers)

    return [openapi_json, asyncapi_json, docs_page, script]
