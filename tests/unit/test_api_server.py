"""The embedded server: how it starts, what it refuses, how long it waits, how it ends."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ordersys.api.facts import ConnectionRefused, ServerBound
from ordersys.api.server import ServerLimits, serve
from ordersys.contract.errors import StartRefused
from tests.unit.api_fakes import FakeChild

pytestmark = pytest.mark.anyio
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Rig:
    """A server of an application that answers once its gate is open."""

    def __init__(self, **limits: Any) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()
        self.facts: list[object] = []
        self.child = FakeChild()
        self.limits = ServerLimits(**({"drain_timeout_s": 2} | limits))
        self.port = 0

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.set()
        while (await receive()).get("more_body"):
            pass
        await self.gate.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    def _bound(self, port: int) -> None:
        self.port = port

    async def serve(self, port: int = 0) -> None:
        await serve(
            self.app,
            self.child,
            host="127.0.0.1",
            port=port,
            limits=self.limits,
            on_fact=self.facts.append,
            bound=self._bound,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        server = asyncio.create_task(self.serve())
        await asyncio.wait_for(self.child.is_ready.wait(), 5)
        try:
            yield server
        finally:
            self.child.drain()
            await asyncio.wait_for(server, 5)

    async def talk(self, raw: bytes, *, until: bytes = b"") -> bytes:
        """Send ``raw`` and read until ``until``, or until the server closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(raw)
        try:
            if until:
                return await asyncio.wait_for(reader.readuntil(until), 5)
            return await asyncio.wait_for(reader.read(), 5)
        finally:
            writer.close()

    def refused(self) -> list[str]:
        return [fact.reason for fact in self.facts if isinstance(fact, ConnectionRefused)]


async def test_it_says_which_port_it_got_and_frees_it_at_the_end() -> None:
    rig = Rig()
    async with rig.running():
        assert rig.facts == [ServerBound(host="127.0.0.1", port=rig.port)]
        assert (await rig.talk(GET, until=b"ok")).startswith(b"HTTP/1.1 200 OK")
    with pytest.raises(ConnectionRefusedError):
        await rig.talk(GET)
    again = Rig()
    again.port = rig.port
    async with again.running():
        pass


async def test_a_taken_port_refuses_the_start() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartRefused, match=f"port {port} of 127.0.0.1 is taken"):
            await Rig().serve(port)


async def test_an_address_that_is_not_ours_refuses_the_start() -> None:
    with pytest.raises(StartRefused, match="cannot be listened on"):
        await serve(
            Rig().app, FakeChild(), host="192.0.2.1", port=0, limits=ServerLimits(), on_fact=lambda _: None
        )


async def test_a_request_in_hand_is_answered_when_the_server_drains() -> None:
    rig = Rig()
    rig.gate.clear()
    async with rig.running() as server:
        answer = asyncio.create_task(rig.talk(GET))
        await asyncio.wait_for(rig.asked.wait(), 5)
        rig.child.drain()
        await asyncio.sleep(0.2)
        assert not server.done()
        rig.gate.set()
        assert (await answer).endswith(b"ok")


async def test_the_drain_has_an_end() -> None:
    rig = Rig(drain_timeout_s=1)
    rig.gate.clear()
    async with rig.running() as server:
        answer = asyncio.create_task(rig.talk(GET))
        await asyncio.wait_for(rig.asked.wait(), 5)
        rig.child.drain()
        await asyncio.wait_for(server, 4)
        await asyncio.wait([answer], timeout=1)
        assert answer.done()
        answer.exception()


async def test_a_cancelled_server_leaves_nothing_open() -> None:
    rig = Rig()
    server = asyncio.create_task(rig.serve())
    await rig.child.is_ready.wait()
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
    server.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(server, 5)
    assert await asyncio.wait_for(reader.read(), 1) == b""
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await rig.talk(GET)


HALF = b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n1"


@pytest.mark.parametrize("raw", [b"", b"GET", b"\r\n", b"GET / HTTP/1.1\r\nHost: x", HALF])
async def test_a_request_that_does_not_arrive_is_cut_off(raw: bytes) -> None:
    rig = Rig(request_timeout_s=0.1)
    async with rig.running():
        answer = await rig.talk(raw)
    assert b"HTTP/1.1 408 Request Timeout" in answer
    assert rig.refused() == ["slow"]


async def test_empty_lines_do_not_keep_a_connection_open() -> None:
    rig = Rig(request_timeout_s=0.1)
    async with rig.running():
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        writer.write(GET)
        await asyncio.wait_for(reader.readuntil(b"ok"), 5)
        writer.write(b"\r\n")
        assert b"408" in await asyncio.wait_for(reader.read(), 5)
        writer.close()


async def test_a_slow_answer_is_not_a_slow_request() -> None:
    rig = Rig(request_timeout_s=0.05)
    rig.gate.clear()
    async with rig.running():
        answer = asyncio.create_task(rig.talk(GET, until=b"ok"))
        await asyncio.sleep(0.2)
        rig.gate.set()
        await answer
    assert rig.refused() == []


async def test_headers_have_a_size_and_bodies_do_not_count_as_headers() -> None:
    rig = Rig(headers_bytes_max=2000)
    async with rig.running():
        answer = await rig.talk(b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 3000)
        assert answer.startswith(b"HTTP/1.1 431 ")
        post = b"POST / HTTP/1.1\r\nContent-Length: 60000\r\n\r\n" + b"x" * 60_000
        assert (await rig.talk(post * 2, until=b"ok")).startswith(b"HTTP/1.1 200")
    assert rig.refused() == ["headers_too_large"]


async def test_one_connection_too_many_is_told_so_and_the_others_go_on() -> None:
    rig = Rig(connections_max=1)
    async with rig.running():
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        await asyncio.sleep(0.05)
        assert (await rig.talk(GET)).startswith(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1")
        writer.write(GET)
        assert b"200 OK" in await asyncio.wait_for(reader.readuntil(b"ok"), 5)
        writer.close()
    assert rig.refused() == ["too_many"]
