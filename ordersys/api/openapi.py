"""The OpenAPI description made complete: Litestar's, with what it cannot know of handlers.

Litestar describes parameters and answers. Added here: the body and headers of ``POST /orders``, as
:mod:`ordersys.api.requests` checks them; headers of answers; the defect that any route may answer with;
examples. Taken away: the ``null`` that no query can say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ordersys.api.order_reads import CURSOR_PATTERN, WAIT_FINAL
from ordersys.api.problems import MEDIA_TYPE
from ordersys.api.requests import CORRELATION_ID_CHARS_MAX, OrderRequest

Json = dict[str, Any]

REFS = "#/components/schemas/"
DESCRIPTION = """\
Takes orders and says what becomes of them. Orders are processed by services that talk through Kafka; the
events are described in [asyncapi.json](/asyncapi.json).

Every error is a problem (RFC 9457). Times are RFC 3339 in UTC. Offsets of the log and sums that can exceed
what a double holds are decimal strings.\
"""
TAGS = {
    "/orders": ("Orders", "Take orders, list them, and follow one."),
    "/analytics": ("Analytics", "What was counted."),
    "/pipeline": ("Pipeline", "How the events flow."),
    "/events": ("Live feed", "What happens, as it happens."),
    "": ("Operation", "The process itself, and these descriptions."),
}
ORDER_ID = "0198c2a5-7d3e-7c1a-9b43-1f4c6f1d7b2e"
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
ORDER = {"customer_email": "ada@example.com", "item_sku": "SKU-1", "quantity": 2, "amount_cents": 4999}
UUID = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
POST_HEADERS: list[Json] = [
    {
        "name": "Idempotency-Key",
        "description": "Makes the request repeatable: a UUID of the client's, new for each order. "
        "Double quotes around it are allowed.",
        "schema": {"type": "string", "format": "uuid"},
        "example": "8e03978e-40d5-43e8-bc93-6894a57f9324",
    },
    {
        "name": "X-Correlation-ID",
        "description": "Goes with the order and all of its events; by default the order's id.",
        "schema": {
            "type": "string",
            "pattern": "^[\\x20-\\x7e]*$",
            "maxLength": CORRELATION_ID_CHARS_MAX,
        },
        "example": "checkout-4711",
    },
    {
        "name": "traceparent",
        "description": "W3C Trace Context, version 00 or later. One that is not valid is ignored.",
        "schema": {"type": "string"},
        "example": TRACEPARENT,
    },
]
ANSWER_HEADERS: dict[tuple[str, str, str], Json] = {
    ("/orders", "get", "200"): {
        "Link": {
            "description": 'The next page (RFC 8288), if there is one: `</orders?…&cursor=…>; rel="next"`.',
            "schema": {"type": "string"},
        }
    },
    ("/orders", "post", "201"): {
        "Location": {"description": "Where the order is.", "schema": {"type": "string"}},
        "traceparent": {"description": "The trace of the order.", "schema": {"type": "string"}},
    },
}
RETRY_AFTER = {
    "Retry-After": {
        "description": "After how many seconds to try again.",
        "schema": {"type": "integer", "minimum": 1},
    }
}
WITHOUT_NUL = r"^[^\x00]*$"
PARAMETER_SCHEMAS: dict[str, Json] = {
    "wait": {"enum": [WAIT_FINAL]},
    "cursor": {"pattern": f"^{CURSOR_PATTERN}$"},
    "sku": {"pattern": WITHOUT_NUL},
    "email": {"pattern": WITHOUT_NUL},
    "created_from": {"format": "date-time"},
    "created_to": {"format": "date-time"},
}
PARAMETER_EXAMPLES = {
    "order_id": ORDER_ID,
    "status": ["NEW", "PROCESSING"],
    "sku": "SKU-1",
    "email": "ada@example.com",
    "created_from": "2026-01-01T00:00:00Z",
    "created_to": "2026-02-01T00:00:00Z",
    "limit": 100,
    "wait": "final",
    "timeout_s": 5,
    "minutes": 60,
}
ACCEPTED = {
    "id": ORDER_ID,
    **ORDER,
    "status": "NEW",
    "created_at_utc": "2026-01-02T03:04:05.678901Z",
    "updated_at_utc": "2026-01-02T03:04:05.678901Z",
}
FINAL = {
    **ACCEPTED,
    "status": "CONFIRMED",
    "order_version": 2,
    "correlation_id": ORDER_ID,
    "payment_status": "PROCESSED",
    "inventory_status": "RESERVED",
    "updated_at_utc": "2026-01-02T03:04:05.740113Z",
}
ANSWER_EXAMPLES: dict[tuple[str, str], Any] = {
    ("/orders", "post"): ACCEPTED,
    ("/orders", "get"): [FINAL],
    ("/orders/counts", "get"): {"NEW": 0, "PROCESSING": 1, "CONFIRMED": 40, "CANCELLED": 3},
    ("/orders/{order_id}", "get"): FINAL,
    ("/health", "get"): "ok",
    ("/livez", "get"): "ok\n",
    ("/readyz", "get"): "ok  api      ready\nok  postgres ready\n",
}


def completed(document: Json) -> Json:
    """``document`` as Litestar made it, completed; it is changed in place."""
    document["info"] |= {
        "description": DESCRIPTION,
        "license": {"name": "MIT", "identifier": "MIT"},
    }
    document["tags"] = [{"name": name, "description": text} for name, text in TAGS.values()]
    _describe_post(document)
    for path, method, operation in _operations(document):
        operation["tags"] = [_tag(path)]
        for parameter in operation.get("parameters", []):
            _say_parameter(parameter)
        _drop_litestars_own(operation["responses"])
        for status, answer in operation["responses"].items():
            _say_answer(path, method, status, answer)
        operation["responses"] |= _defect()
    for schema in document["components"]["schemas"].values():
        if "description" in schema:
            # Of docstrings: what is code there, is code in Markdown with half the backticks.
            schema["description"] = schema["description"].replace("``", "`")
    return document


def _operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def _tag(path: str) -> str:
    return next(name for prefix, (name, _) in TAGS.items() if path.startswith(prefix))


def _describe_post(document: Json) -> None:
    """The request of ``POST /orders``: its schema is that of the decoder that checks it."""
    (_, components) = msgspec.json.schema_components([OrderRequest], ref_template=REFS + "{name}")
    schema = components["OrderRequest"]
    for field in schema["properties"].values():
        if "pattern" in field:
            # Python's anchors in the dialect of JSON Schema (ECMA-262).
            field["pattern"] = field["pattern"].replace(r"\A", "^").replace(r"\Z", "$")
    document["components"]["schemas"]["OrderRequest"] = schema
    operation = document["paths"]["/orders"]["post"]
    operation["parameters"] = [{**header, "in": "header", "required": False} for header in POST_HEADERS]
    operation["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": REFS + "OrderRequest"}, "examples": _one(ORDER)}},
    }


def _say_parameter(parameter: Json) -> None:
    """A query says nothing by leaving a parameter out; it cannot say ``null``."""
    schema = parameter["schema"]
    if "oneOf" in schema:
        (one,) = [each for each in schema.pop("oneOf") if each != {"type": "null"}]
        schema |= one
    if isinstance(schema.get("type"), list):
        (schema["type"],) = [kind for kind in schema["type"] if kind != "null"]
    if None in schema.get("enum", ()):
        schema["enum"] = [value for value in schema["enum"] if value is not None]
    schema.pop("description", None)
    schema |= PARAMETER_SCHEMAS.get(parameter["name"], {})
    for bound in ("minimum", "maximum"):
        if bound in schema and schema["type"] == "integer":
            schema[bound] = int(schema[bound])
    for default in ("deprecated", "allowEmptyValue", "allowReserved"):
        parameter.pop(default, None)
    if parameter["in"] == "path":
        parameter.setdefault("description", "The order's id, a UUID.")
    if parameter["name"] in PARAMETER_EXAMPLES:
        parameter["example"] = PARAMETER_EXAMPLES[parameter["name"]]


def _say_answer(path: str, method: str, status: str, answer: Json) -> None:
    headers = dict(ANSWER_HEADERS.get((path, method, status), {}))
    if status == "503" and MEDIA_TYPE in answer.get("content", {}):
        headers |= RETRY_AFTER
    answer.pop("headers", None)
    if headers:
        answer["headers"] = headers
    example = ANSWER_EXAMPLES.get((path, method))
    if status[0] == "2" and example is not None:
        (content,) = answer["content"].values()
        content["examples"] = _one(example)


def _one(example: Any) -> Json:
    return {"example": {"value": example}}


def _drop_litestars_own(answers: Json) -> None:
    """Litestar says of every route with a parameter that it may be refused, and not as a problem."""
    if "application/json" in answers.get("400", {}).get("content", {}):
        del answers["400"]


def _defect() -> Json:
    """A 500, which any route may answer."""
    return {
        "500": {
            "description": "A defect of the server; the request may be tried again.",
            "content": {MEDIA_TYPE: {"schema": {"$ref": REFS + "ProblemDetails"}}},
        }
    }
