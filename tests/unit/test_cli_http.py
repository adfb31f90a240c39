"""How commands speak HTTP: connections that are kept, tries that are bounded, refusals that say why."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ordersys.cli import orders
from ordersys.cli.http import Client
from ordersys.cli.orders import NotDone, Posting
from ordersys.contract.errors import DependencyUnavailable, StartRefused

pytestmark = pytest.mark.anyio

BUSY = b"HTTP/1.1 503 Busy\r\nretry-after: 0\r\ncontent-length: 16\r\n\r\n" + b'{"error":"busy"}'
TAKEN = b"HTTP/1.1 201 Created\r\ncontent-length: 10\r\n\r\n" + b'{"id":"x"}'
REFUSED = b"HTTP/1.1 400 Bad\r\ncontent-length: 16\r\n\r\n" + b'{"error":"ugly"}'


class Script:
    """A server that gives each request the next of its answers; ``b""`` hangs up instead."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.requests: list[bytes] = []
        self.connections = 0
        self.url = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                size = re.search(rb"content-length: (\d+)", head)
                body = await reader.readexactly(int(size[1]) if size else 0)
                self.requests.append(head + body)
                answer = self.answers.pop(0)
                writer.write(answer)
                if not answer:
                    break
        except asyncio.IncompleteReadError:
            return
        finally:
            writer.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Client]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            async with Client(self.url, timeout_s=5) as client:
                yield client
        finally:
            server.close()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "PAUSE_CAP_S", 0.0)


async def test_a_busy_server_is_asked_again_with_the_same_key() -> None:
    script = Script(BUSY, BUSY, TAKEN)
    async with script.running() as client:
        assert await orders.post(client, Posting("key-1", b"{}"), 3) == {"id": "x"}
    assert len(script.requests) == 3
    assert all(b"idempotency-key: key-1\r\n" in request for request in script.requests)
    assert script.connections == 1  # kept


async def test_tries_are_bounded() -> None:
    script = Script(BUSY, BUSY, TAKEN)
    async with script.running() as client:
        with pytest.raises(DependencyUnavailable, match="busy"):
            await orders.post(client, Posting("key", b"{}"), 2)
    assert len(script.requests) == 2


async def test_a_refusal_is_final_and_says_why() -> None:
    script = Script(REFUSED, TAKEN)
    async with script.running() as client:
        with pytest.raises(NotDone, match=r"ugly \(400\)") as refused:
            await orders.post(client, Posting("key", b"{}"), 5)
    assert (refused.value.status, len(script.requests)) == (400, 1)


async def test_silence_is_tried_again() -> None:
    script = Script(b"", TAKEN)
    async with script.running() as client:
        assert (await orders.post(client, Posting("key", b"{}"), 2))["id"] == "x"
    assert script.connections == 2


async def test_a_connection_that_was_closed_while_idle_is_replaced() -> None:
    script = Script(TAKEN, b"", TAKEN)
    async with script.running() as client:
        await client.request("GET", "/")
        assert (await client.request("GET", "/")).status == 201  # the kept one hangs up, a new one is asked
    assert script.connections == 2


async def test_what_is_no_json_is_still_told() -> None:
    page = b"<html>"
    script = Script(
        b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 6\r\n\r\n" + page, b"HTTP/1.1 bogus\r\n\r\n"
    )
    async with script.running() as client:
        answer = await client.request("GET", "/")
        assert orders.problem_of(answer) == {"status": 502, "error": "no reason was given"}
        with pytest.raises(DependencyUnavailable):
            await client.request("GET", "/")


async def test_chunked_answers_are_put_together() -> None:
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    async with Script(chunked).running() as client:
        assert (await client.request("GET", "/")).body == b"abcde"


async def test_a_server_that_does_not_answer_is_unavailable_in_time() -> None:
    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    async with Client(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout_s=0.1) as client:
        with pytest.raises(DependencyUnavailable, match=r"no answer in 0\.1 s"):
            await client.request("GET", "/")
    server.close()


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:18080", "ftp://x", "http://", "http://x:99999", "http://x/orders"]
)
def test_what_is_no_server_is_refused(url: str) -> None:
    with pytest.raises(StartRefused, match="is not a URL such as"):
        Client(url)


def test_a_pause_grows_is_capped_and_heeds_retry_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "PAUSE_CAP_S", 5.0)
    monkeypatch.setattr(random, "uniform", lambda low, high: 1.0)
    assert [orders.pause_s(number) for number in (1, 2, 3, 9)] == [0.2, 0.4, 0.8, 5.0]
    assert orders.pause_s(1, "3") == 3.0
    assert orders.pause_s(1, "3600") == 5.0
    assert orders.pause_s(1, "Fri, 31 Dec 1999 23:59:59 GMT") == 0.2
