"""What the API says of itself: every route, every error, and a page that asks nobody else."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

import ordersys.api
from ordersys.api.analytics import analytics_routes
from ordersys.api.feed.routes import feed_routes
from ordersys.api.openapi import ORDER
from ordersys.api.pipeline import pipeline_routes
from ordersys.api.timeline import timeline_routes
from tests.unit.api_fakes import FakeStore, app_of, client_of

pytestmark = pytest.mark.anyio

STATIC = Path(ordersys.api.__file__).parent / "static" / "docs"
PROBLEM = "application/problem+json"


def whole_app() -> Litestar:
    """Every route there is; none of them is asked for data here."""
    nothing: Any = None
    return app_of(
        nothing,
        FakeStore(),
        [],
        more_routes=[
            *analytics_routes(nothing),
            *timeline_routes(reader=nothing, log=None, names=nothing, clock=nothing),
            *pipeline_routes(figures=nothing, history=nothing),
            *feed_routes(nothing),
        ],
    )


async def get(path: str, **headers: str) -> httpx.Response:
    async with client_of(whole_app()) as client:
        return await client.get(path, headers=headers)


async def document() -> dict[str, Any]:
    answer = await get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = answer.json()
    return found


def operations(found: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in found["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


async def test_every_route_is_described() -> None:
    described = {(path, method.upper()) for path, method, _ in operations(await document())}
    routes = {
        (route.path_format, method)
        for route in whole_app().routes
        if isinstance(route, HTTPRoute)
        for method in route.methods - {"OPTIONS"}
    }
    assert routes - described == {("/docs/rapidoc-min.js", "GET")}
    assert described <= routes


async def test_every_operation_says_what_it_does_and_every_error_is_a_problem() -> None:
    found = await document()
    names = [operation["operationId"] for _, _, operation in operations(found)]
    assert len(names) == len(set(names))
    tags = {tag["name"] for tag in found["tags"]}
    for path, method, operation in operations(found):
        assert operation["summary"], (path, method)
        assert operation["description"], (path, method)
        assert set(operation["tags"]) <= tags
        assert "500" in operation["responses"]
        if any(parameter["in"] == "query" for parameter in operation.get("parameters", ())):
            assert "400" in operation["responses"], path
        for parameter in operation.get("parameters", ()):
            assert parameter["description"], (path, parameter["name"])
            assert "null" not in str(parameter["schema"])
        for status, answer in operation["responses"].items():
            assert answer["description"]
            if status[0] in "45" and (path, status) != ("/readyz", "503"):
                assert list(answer["content"]) == [PROBLEM], (path, status)


async def test_examples_fit_their_schemas() -> None:
    found = await document()
    checked = 0

    def check(schema: dict[str, Any], example: Any) -> None:
        nonlocal checked
        whole = {**schema, "components": found["components"]}
        jsonschema_rs.Draft202012Validator(whole, validate_formats=True).validate(example)
        checked += 1

    for _, _, operation in operations(found):
        for parameter in operation.get("parameters", ()):
            if "example" in parameter:
                check(parameter["schema"], parameter["example"])
        contents = [answer.get("content", {}) for answer in operation["responses"].values()]
        contents.append(operation.get("requestBody", {}).get("content", {}))
        for content in contents:
            for media in content.values():
                for example in media.get("examples", {}).values():
                    check(media["schema"], example["value"])
    assert checked > 15


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        (
            "customer_email",
            ["root@localhost", "o'brien+x@mail.example.co.uk"],
            ["a", "a@b..c", "a b@c.d", 1, None],
        ),
        ("item_sku", ["Größe 42 日本 😀", "x" * 64], ["", " ", "x" * 65, "a\0b", "a\nb", 7]),
        ("quantity", [1, 2**31 - 1], [0, 2**31, 1.5, "1", True]),
        ("amount_cents", [1, 2**63 - 1], [0, 2**63, "5"]),
    ],
)
async def test_the_body_is_described_as_it_is_checked(field: str, good: list[Any], bad: list[Any]) -> None:
    found = await document()
    schema = {"$ref": "#/components/schemas/OrderRequest", "components": found["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema)
    for value in good:
        assert validator.is_valid({**ORDER, field: value}), value
    for value in bad:
        assert not validator.is_valid({**ORDER, field: value}), value
    assert not validator.is_valid({**ORDER, "more": 1})
    assert not validator.is_valid({name: value for name, value in ORDER.items() if name != field})


async def test_headers_are_described() -> None:
    found = (await document())["paths"]["/orders"]
    headers = {parameter["name"]: parameter["in"] for parameter in found["post"]["parameters"]}
    assert headers == dict.fromkeys(("Idempotency-Key", "X-Correlation-ID", "traceparent"), "header")
    assert "Link" in found["get"]["responses"]["200"]["headers"]
    assert "Location" in found["post"]["responses"]["201"]["headers"]
    assert "Retry-After" in found["post"]["responses"]["503"]["headers"]


async def test_the_page_asks_only_this_origin() -> None:
    page = await get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "//" not in re.sub(r"<!doctype html>", "", page.text), "an address of another host"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    (script,) = re.findall(r'<script[^>]* src="([^"]+)"', page.text)
    assert 'load-fonts="false"' in page.text
    raw = await get(script, **{"accept-encoding": "identity"})
    assert raw.headers["content-type"].startswith("text/javascript")
    small = await get(script, **{"accept-encoding": "gzip"})
    assert small.headers["content-encoding"] == "gzip"
    assert small.content == raw.content == (STATIC / "rapidoc-min.js").read_bytes()
    assert len(gzip.compress(raw.content)) < len(raw.content) / 3


def test_the_viewer_is_the_one_its_note_names() -> None:
    digest = sha256((STATIC / "rapidoc-min.js").read_bytes()).hexdigest()
    assert digest in (STATIC / "README.md").read_text("utf-8")


async def test_what_is_not_there_is_a_problem_beside_the_documents_too() -> None:
    for path in ("/docs/x", "/docs/README.md", "/openapi.json/x", "/openapi", "/schema"):
        answer = await get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, PROBLEM)
