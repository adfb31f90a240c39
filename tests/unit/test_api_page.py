"""The page in front of the API: which of the two answers, and with what headers."""

from __future__ import annotations

import gzip
from pathlib import Path

import httpx
import pytest
from litestar.types import ASGIApp, Receive, Scope, Send

from ordersys.api.page import Page, with_page

pytestmark = pytest.mark.anyio

INDEX = b"<!doctype html>" + b" " * 2000
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def client(tmp_path: Path) -> httpx.AsyncClient:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_bytes(INDEX)
    (tmp_path / "assets" / "index-1a2b.js").write_bytes(b"1")
    (tmp_path / ".stamp").write_bytes(b"no file of the page")

    async def api(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}", "more_body": False})

    app: ASGIApp = with_page(api, Page(tmp_path))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api")  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/", "/orders", "/orders/7", "/pipeline"])
async def test_a_browser_gets_the_page_at_its_paths(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers=BROWSER)
    assert answer.content == INDEX
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "Accept" in answer.headers["vary"]
    assert "default-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/orders", "/orders/7", "/pipeline", "/orders/7/timeline", "/.stamp"])
async def test_everybody_else_gets_the_api(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.content == b"{}"


async def test_what_shares_its_path_with_the_page_says_so(client: httpx.AsyncClient) -> None:
    assert (await client.get("/orders/7")).headers["vary"] == "Accept"
    assert "vary" not in (await client.get("/orders/7/timeline")).headers


async def test_a_post_is_the_apis_whoever_sends_it(client: httpx.AsyncClient) -> None:
    assert (await client.post("/orders", headers=BROWSER)).content == b"{}"


async def test_files_with_a_hash_in_their_name_are_kept_for_ever(client: httpx.AsyncClient) -> None:
    answer = await client.get("/assets/index-1a2b.js")
    assert answer.content == b"1"
    assert "immutable" in answer.headers["cache-control"]
    assert (await client.get("/", headers=BROWSER)).headers["cache-control"] == "no-cache"


async def test_what_is_unchanged_is_not_sent_again(client: httpx.AsyncClient) -> None:
    first = await client.get("/")
    again = await client.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_large_files_are_compressed_for_who_takes_it(client: httpx.AsyncClient) -> None:
    plain = await client.get("/", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    small = await client.get("/", headers={"Accept-Encoding": "gzip"})
    assert small.headers["content-encoding"] == "gzip"
    assert int(small.headers["content-length"]) == len(gzip.compress(INDEX, mtime=0)) < len(INDEX)
    assert small.content == INDEX


async def test_head_has_the_same_headers_and_no_body(client: httpx.AsyncClient) -> None:
    answer = await client.head("/", headers={"Accept-Encoding": "identity"})
    assert (answer.content, answer.headers["content-length"]) == (b"", str(len(INDEX)))


def test_a_page_that_is_not_built_is_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="not built"):
        Page(tmp_path)
