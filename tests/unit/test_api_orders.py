"""The routes: what is accepted, what is refused and with which words; no input makes a 5xx."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ordersys.adapters.order_lists import Filters
from ordersys.adapters.orders import NewOrder, Order
from ordersys.api.facts import OrdersRefused, PostAnswered, RequestCrashed
from ordersys.api.outcomes import Accepted, Blamed, Mismatch, Outcome, Refused, Unknown
from ordersys.api.requests import trace_of
from ordersys.api.waiting import TooManyWaiting
from ordersys.contract import ids
from ordersys.contract.errors import DependencyUnavailable
from tests.unit.api_fakes import AT, GOOD, FakeStore, app_of, client_of, new_order, stored

pytestmark = pytest.mark.anyio
KEY = "8e03978e-40d5-43e8-bc93-6894a57f9324"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Rig:
    """The application with a submit that keeps what it is given and answers ``outcome``."""

    def __init__(self, outcome: Outcome | None = None) -> None:
        self.taken: list[NewOrder] = []
        self.told: list[object] = []
        self.store = FakeStore()
        self.outcome = outcome
        self.app = app_of(self.submit, self.store, self.told)

    @property
    def posts(self) -> list[PostAnswered]:
        """What was said of the POSTs."""
        return [fact for fact in self.told if isinstance(fact, PostAnswered)]

    @property
    def facts(self) -> list[object]:
        """Everything else that was said."""
        return [fact for fact in self.told if not isinstance(fact, PostAnswered)]

    async def submit(self, order: NewOrder) -> Outcome:
        self.taken.append(order)
        return self.outcome or Accepted(order.created_at_utc, inserted=True)

    async def post(self, body: Any, headers: Any = None) -> httpx.Response:
        content = body if isinstance(body, bytes) or hasattr(body, "__aiter__") else json.dumps(body).encode()
        base = [("content-type", "application/json")]
        async with client_of(self.app) as client:
            return await client.post("/orders", content=content, headers=base + list(headers or []))

    async def get(self, path: str, **headers: str) -> httpx.Response:
        async with client_of(self.app) as client:
            return await client.get(path, headers=headers)


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["error"] == body["detail"]
    assert {"type", "title"} <= body.keys()
    return body


async def test_an_order_is_answered_as_it_was_taken() -> None:
    rig = Rig()
    response = await rig.post(GOOD)
    assert response.status_code == 201
    order = response.json()
    assert order == GOOD | {
        "id": order["id"],
        "status": "NEW",
        "created_at_utc": "2026-01-02T03:04:05.678901Z",
        "updated_at_utc": "2026-01-02T03:04:05.678901Z",
    }
    assert response.headers["location"] == f"/orders/{order['id']}"
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", order["id"])
    (taken,) = rig.taken
    assert taken.correlation_id == taken.id == order["id"]
    assert trace_of(taken.traceparent.encode()) == taken.traceparent


async def test_the_key_makes_the_id_whatever_way_it_is_written() -> None:
    rig = Rig()
    for key in (KEY, KEY.upper(), f'"{KEY}"'):
        assert (await rig.post(GOOD, [("Idempotency-Key", key)])).json()["id"] == ids.order_id(
            "anonymous", KEY
        )


async def test_a_repetition_is_answered_with_the_first_time() -> None:
    rig = Rig(Accepted(AT.replace(year=2020), inserted=False))
    body = (await rig.post(GOOD, [("Idempotency-Key", KEY)])).json()
    assert body["created_at_utc"] == body["updated_at_utc"] == "2020-01-02T03:04:05.678901Z"


async def test_correlation_and_trace_are_taken_from_the_request() -> None:
    rig = Rig()
    answer = await rig.post(GOOD, [("X-Correlation-ID", "abc ~1"), ("traceparent", TRACE)])
    await rig.post(GOOD, [("X-Correlation-ID", ""), ("traceparent", "nonsense")])
    first, second = rig.taken
    assert first.correlation_id == "abc ~1"
    # The trace and its flags are the client's; the span is the POST's own, and so is told in the answer.
    assert answer.headers["traceparent"] == first.traceparent
    assert (first.traceparent[:36], first.traceparent[52:]) == (TRACE[:36], TRACE[52:])
    assert trace_of(first.traceparent.encode()) == first.traceparent != TRACE
    assert [(post.status, post.traceparent) for post in rig.posts] == [
        (201, first.traceparent),
        (201, second.traceparent),
    ]
    assert (b"traceparent", TRACE.encode()) in list(rig.posts[0].headers)
    assert second.correlation_id == second.id
    assert second.traceparent != "nonsense"


@pytest.mark.parametrize(
    ("raw", "valid"),
    [
        (TRACE, True),
        ("cc" + TRACE[2:] + "-what-comes", True),
        (TRACE + "-more", False),
        ("ff" + TRACE[2:], False),
        (TRACE.upper(), False),
        ("00-" + "0" * 32 + TRACE[35:], False),
        (TRACE[:36] + "0" * 16 + "-01", False),
        (TRACE[:-1], False),
    ],
)
def test_traceparent(raw: str, valid: bool) -> None:
    assert trace_of(raw.encode()) == (TRACE if valid else None)


FIELDS: list[tuple[str, Any]] = [
    ("customer_email", value)
    for value in (
        "",
        "a",
        "a@",
        "@b",
        "a b@c.d",
        "a@b\n",
        "a@b..c",
        "a@b\0",
        "ä@b.c",
        f"a@{'b' * 250}.c",
        5,
        None,
        [],
    )
]
FIELDS += [("item_sku", value) for value in ("", " ", "x" * 65, "a\0b", "a\nb", "a\x7f", 1, None, {})]
FIELDS += [("quantity", value) for value in (0, -1, 2**31, 10**400, 0.0, 1.5, -1.0, 2.0**31, 1e300)]
FIELDS += [("quantity", value) for value in ("1", True, None, [], "x")]
FIELDS += [("amount_cents", value) for value in (0, -1, 2**63, 2**64, 1e300, "5", False, None, {})]


@pytest.mark.parametrize(("field", "value"), FIELDS)
async def test_a_bad_field_is_named(field: str, value: Any) -> None:
    rig = Rig()
    body = problem(await rig.post(GOOD | {field: value}), 400)
    assert body["errors"][0]["pointer"] == f"#/{field}"
    assert f"The field {field} must be" in body["error"]
    assert rig.taken == []
    assert rig.facts == [OrdersRefused(reason="invalid", count=1)]
    assert [(post.status, post.traceparent) for post in rig.posts] == [(400, None)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("customer_email", "o'brien+x@mail.example.co.uk"),
        ("customer_email", "root@localhost"),
        ("item_sku", "x" * 64),
        ("item_sku", "Größe 42 日本 😀"),
        ("quantity", 2**31 - 1),
        ("quantity", 3.0),
        ("amount_cents", 1e5),
        ("amount_cents", 2**63 - 1),
    ],
)
async def test_a_good_field_comes_back_unchanged(field: str, value: Any) -> None:
    assert (await Rig().post(GOOD | {field: value})).json()[field] == value


async def test_missing_and_unknown_fields_are_named() -> None:
    for field in GOOD:
        body = problem(await Rig().post({name: value for name, value in GOOD.items() if name != field}), 400)
        assert body["errors"][0]["pointer"] == f"#/{field}"
    body = problem(await Rig().post(GOOD | {"a/b~c": 1}), 400)
    assert body["errors"][0]["pointer"] == "#/a~1b~0c"
    body = problem(await Rig().post(GOOD | {"x" * 1000: 1}), 400)
    assert len(body["error"]) < 200


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b'{"item_sku":"\xff"}',
        b'{"item_sku":"\\ud800"}',
        b'{"item_sku":"\\udc00\\ud800"}',
        b'{"item_sku":"\xed\xa0\x80"}',
        b'{"\\ud800":1}',
        b'{"quantity":NaN}',
        b'{"quantity":' + b"9" * 60_000 + b"}",
        b"[" * 60_000,
        b'{"x":' * 10_000,
        b'{"item_sku":' + b"[" * 60_000,
        json.dumps(GOOD).encode() + b"x",
        json.dumps(GOOD).encode("utf-16"),
    ],
)
async def test_bytes_that_are_no_order_are_a_400(raw: bytes) -> None:
    problem(await Rig().post(raw), 400)


async def test_of_a_field_given_twice_the_last_counts() -> None:
    raw = json.dumps(GOOD).encode().replace(b"}", b', "quantity": 9}')
    assert (await Rig().post(raw)).json()["quantity"] == 9


async def test_a_body_over_the_limit_is_a_413_announced_or_not() -> None:
    async def chunks() -> Any:
        for _ in range(65):
            yield b" " * 1024

    problem(await Rig().post(b" " * (64 * 1024 + 1)), 413)
    problem(await Rig().post(chunks()), 413)
    rig = Rig()
    assert (await rig.post(json.dumps(GOOD).encode().ljust(64 * 1024))).status_code == 201


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("Content-Type", "text/plain", 415),
        ("Content-Type", "application/x-www-form-urlencoded", 415),
        ("Idempotency-Key", "", 400),
        ("Idempotency-Key", "12", 400),
        ("Idempotency-Key", "{" + KEY + "}", 400),
        ("Idempotency-Key", KEY.replace("-", ""), 400),
        ("X-Correlation-ID", "x" * 129, 400),
        ("X-Correlation-ID", "ä", 400),
        ("X-Correlation-ID", "a\tb", 400),
    ],
)
async def test_a_bad_header_is_named(name: str, value: str, status: int) -> None:
    rig = Rig()
    async with client_of(rig.app) as client:
        headers = {"content-type": b"application/json", name.lower(): value.encode()}
        response = await client.post("/orders", content=json.dumps(GOOD), headers=headers)
    assert problem(response, status)["errors"][0]["header"] == name
    assert rig.taken == []


async def test_two_different_keys_are_no_key() -> None:
    headers = [("Idempotency-Key", KEY), ("Idempotency-Key", KEY.replace("8", "9"))]
    assert problem(await Rig().post(GOOD, headers), 400)["errors"][0]["header"] == "Idempotency-Key"


async def test_json_with_parameters_or_unnamed_is_json() -> None:
    async with client_of(Rig().app) as client:
        for content_type in ("application/json; charset=utf-8", "Application/JSON", None):
            headers = {"content-type": content_type} if content_type else {}
            response = await client.post("/orders", content=json.dumps(GOOD), headers=headers)
            assert response.status_code == 201


@pytest.mark.parametrize(
    ("outcome", "status", "retry_after"),
    [
        (Mismatch(), 422, None),
        (Blamed(), 400, None),
        (Refused("queue_full"), 503, "1"),
        (Refused("deadline"), 503, "1"),
        (Refused("unavailable"), 503, "2"),
        (Unknown(), 504, None),
    ],
)
async def test_what_an_order_that_was_not_accepted_is_answered(
    outcome: Outcome, status: int, retry_after: str | None
) -> None:
    rig = Rig(outcome)
    response = await rig.post(GOOD)
    body = problem(response, status)
    assert response.headers.get("retry-after") == retry_after
    if status == 504:
        assert body["order_id"] == rig.taken[0].id
        assert "same Idempotency-Key" in body["error"]
    assert rig.facts == [], "the intake has counted it"
    assert [post.traceparent for post in rig.posts] == [rig.taken[0].traceparent]


async def test_orders_are_listed_newest_first_and_every_one_is_on_one_page() -> None:
    rig = Rig()
    for number in range(7):
        order = new_order(str(number), created_at_utc=AT.replace(second=number // 2))
        rig.store.orders[order.id] = stored(order)
    seen: list[dict[str, Any]] = []
    path = "/orders?limit=3"
    for _ in range(3):
        response = await rig.get(path)
        seen += response.json()
        link = response.headers.get("link", "")
        match = re.fullmatch(r'<(/orders\?limit=3&cursor=[0-9.a-f-]+)>; rel="next"', link)
        path = match[1] if match else ""
    assert path == ""
    assert [order["id"] for order in seen] == [order.id for order in await rig.store.page(100)]
    assert seen[0].keys() == {
        *GOOD,
        *("id", "status", "order_version", "correlation_id", "payment_status", "inventory_status"),
        *("created_at_utc", "updated_at_utc"),
    }
    assert seen[0]["payment_status"] is None
    assert (await rig.get(f"/orders/{seen[0]['id'].upper()}")).json() == seen[0]
    assert (await Rig().get("/orders")).json() == []


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=x", "limit"),
        ("limit=1.5", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("cursor=", "cursor"),
        ("cursor=!!!", "cursor"),
        ("cursor=YWJj", "cursor"),
        ("cursor=OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk6eA", "cursor"),
        ("cursor=%00", "cursor"),
        ("cursor=%ff", "cursor"),
        ("cursor=null", "cursor"),
        (f"cursor={10**16}.{KEY}", "cursor"),
        (f"cursor=-1.{KEY}", "cursor"),
        (f"cursor=1.{KEY.upper()}", "cursor"),
        (f"cursor=1.{KEY}%0a", "cursor"),
        ("status=", "status"),
        ("status=new", "status"),
        ("status=NEW&status=x", "status"),
        ("status=NEW,CONFIRMED", "status"),
        ("sku=%00", "sku"),
        ("sku=" + "x" * 65, "sku"),
        ("email=a%00b", "email"),
        ("email=" + "x" * 255, "email"),
        ("created_from=", "created_from"),
        ("created_from=2026-01-01", "created_from"),
        ("created_from=2026-01-01T00:00:00", "created_from"),
        ("created_to=0001-01-01T00:00:00%2B01:00", "created_to"),
        ("created_to=9999-12-31T23:59:59-01:00", "created_to"),
        ("created_to=" + "9" * 70, "created_to"),
        ("cursor=" + "A" * 201, "cursor"),
    ],
)
async def test_a_bad_parameter_is_named(query: str, name: str) -> None:
    assert problem(await Rig().get(f"/orders?{query}"), 400)["errors"][0]["parameter"] == name


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("wait=", "wait"),
        ("wait=null", "wait"),
        ("wait=FINAL", "wait"),
        ("wait=final%0a", "wait"),
        ("wait=final&timeout_s=-0.1", "timeout_s"),
        ("wait=final&timeout_s=30.1", "timeout_s"),
        ("wait=final&timeout_s=nan", "timeout_s"),
        ("wait=final&timeout_s=inf", "timeout_s"),
        ("timeout_s=x", "timeout_s"),
    ],
)
async def test_a_bad_wait_is_named(query: str, name: str) -> None:
    body = problem(await Rig().get(f"/orders/{KEY}?{query}"), 400)
    assert body["errors"][0]["parameter"] == name


async def test_a_list_is_asked_for_with_its_filters_and_so_is_its_next_page() -> None:
    rig = Rig()
    for number in range(3):
        order = new_order(str(number))
        rig.store.orders[order.id] = stored(order)
    query = (
        "status=NEW&status=CONFIRMED&sku=a%26b%20%2B&email=Ada%40Example.com"
        "&created_from=2026-01-01T00:00:00%2B02:00&created_to=2026-02-01T00:00:00+01:00&limit=2"
    )
    response = await rig.get(f"/orders?{query}")
    assert rig.store.asked == [
        Filters(
            statuses=("NEW", "CONFIRMED"),
            sku="a&b +",
            email="Ada@Example.com",
            created_from=datetime(2025, 12, 31, 22, tzinfo=UTC),
            created_to=datetime(2026, 1, 31, 23, tzinfo=UTC),
        )
    ]
    (link,) = re.findall(r'<(/orders\?[^>]+)>; rel="next"', response.headers["link"])
    following = await rig.get(link)
    assert rig.store.asked[0] == rig.store.asked[1]
    assert len(following.json()) == 1
    assert "link" not in following.headers


async def test_orders_are_counted_by_status() -> None:
    rig = Rig()
    order = new_order("one")
    rig.store.orders[order.id] = stored(order)
    assert (await rig.get("/orders/counts")).json() == {
        "NEW": 1,
        "PROCESSING": 0,
        "CONFIRMED": 0,
        "CANCELLED": 0,
    }


async def test_an_order_that_does_not_become_final_is_answered_as_it_stands() -> None:
    waited: list[tuple[str, float]] = []

    async def wait_final(order_id: str, timeout_s: float) -> Order | None:
        waited.append((order_id, timeout_s))
        if timeout_s == 7:
            raise TooManyWaiting
        return final if timeout_s > 1 else None

    rig = Rig()
    order = stored(new_order("one"))
    final = msgspec.structs.replace(order, status="CONFIRMED")
    rig.store.orders[order.id] = order
    rig.app = app_of(rig.submit, rig.store, rig.facts, wait_final=wait_final)
    path = f"/orders/{order.id}"
    assert (await rig.get(path)).json()["status"] == "NEW"
    assert waited == []
    assert (await rig.get(f"{path}?wait=final")).json()["status"] == "CONFIRMED"
    assert (await rig.get(f"{path}?wait=final&timeout_s=0.5")).json()["status"] == "NEW"
    assert waited == [(order.id, 5.0), (order.id, 0.5)]
    busy = await rig.get(f"{path}?wait=final&timeout_s=7")
    assert problem(busy, 503)["type"] == "urn:ordersys:problem:busy"
    assert busy.headers["retry-after"] == "1"
    rig.store.orders[order.id] = final
    assert (await rig.get(f"{path}?wait=final")).json()["status"] == "CONFIRMED"
    assert len(waited) == 3, "a final order is not waited for"
    problem(await rig.get(f"/orders/{KEY}?wait=final"), 404)


@pytest.mark.parametrize(
    "path",
    [
        "/orders/x",
        f"/orders/{KEY}",
        "/orders/%00",
        "/orders/%ff",
        f"/orders/{KEY}x",
        "/nothing",
        "/orders/a/b",
    ],
)
async def test_what_is_not_there_is_a_404(path: str) -> None:
    problem(await Rig().get(path), 404)


async def test_another_method_is_a_405_that_says_which_are_allowed() -> None:
    async with client_of(Rig().app) as client:
        response = await client.delete("/orders")
        options = await client.options("/orders")
    problem(response, 405)
    for allow in (response.headers["allow"], options.headers["allow"]):
        assert {name.strip() for name in allow.split(",")} == {"GET", "POST", "OPTIONS"}


async def test_reads_without_a_database_are_a_503() -> None:
    rig = Rig()
    rig.store.on_get = DependencyUnavailable("postgres", "secret detail")
    for path in ("/orders", f"/orders/{KEY}", "/orders/counts", f"/orders/{KEY}?wait=final"):
        response = await rig.get(path)
        assert "secret" not in problem(response, 503)["error"]
        assert response.headers["retry-after"] == "2"


async def test_a_defect_is_a_500_that_tells_nothing_and_a_fact_that_tells_all() -> None:
    rig = Rig()
    error = rig.store.on_get = ValueError("secret detail")
    response = await rig.get("/orders?limit=1")
    problem(response, 500)
    assert "secret" not in response.text
    assert rig.facts == [RequestCrashed(method="GET", path="/orders", error=error)]


async def test_the_uis_origin_may_read_every_answer_and_another_none() -> None:
    rig = Rig()
    for path in ("/orders", "/orders/x", "/nothing"):
        headers = (await rig.get(path, origin="http://ui.example")).headers
        assert headers["access-control-allow-origin"] == "http://ui.example"
        assert "link" in headers["access-control-expose-headers"].lower()
        assert (
            "access-control-allow-origin" not in (await rig.get(path, origin="http://evil.example")).headers
        )
    async with client_of(rig.app) as client:
        asked = {
            "origin": "http://ui.example",
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type, idempotency-key, x-correlation-id, traceparent",
        }
        response = await client.options("/orders", headers=asked)
    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == "http://ui.example"


texts = st.text() | st.binary(max_size=8).map(lambda raw: raw.decode("latin-1"))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
bodies = st.dictionaries(st.sampled_from(sorted(GOOD)) | texts, values, max_size=6)


def check_answer(raw: bytes, headers: list[tuple[bytes, bytes]], rig_of: Callable[[], Rig] = Rig) -> None:
    async def ask() -> httpx.Response:
        rig = rig_of()
        async with client_of(rig.app) as client:
            return await client.post("/orders", content=raw, headers=headers)

    response = asyncio.run(ask())
    assert response.status_code in (201, 400, 413, 415), response.text
    if response.status_code != 201:
        problem(response, response.status_code)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    bodies.map(lambda body: json.dumps({**GOOD, **body}, ensure_ascii=True).encode())
    | st.binary(max_size=200)
)
def test_no_body_makes_a_5xx(raw: bytes) -> None:
    check_answer(raw, [(b"content-type", b"application/json")])


header_values = st.binary(max_size=60).map(lambda raw: raw.translate(None, b"\r\n\0"))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"content-type", b"idempotency-key", b"x-correlation-id", b"traceparent", b"x"]),
            header_values,
        ),
        max_size=6,
    )
)
def test_no_header_makes_a_5xx(headers: list[tuple[bytes, bytes]]) -> None:
    check_answer(json.dumps(GOOD).encode(), headers)
