"""uvicorn as a part of our event loop: no signals taken over, every wait of a connection bounded.

uvicorn bounds the time between two requests and nothing else: a client that sends its headers a byte at
a time, or none at all, could hold a connection for ever. :class:`BoundedProtocol` adds the missing bounds.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import anyio
import uvicorn
from litestar.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ordersys.api.facts import ConnectionRefused, ServerBound
from ordersys.contract.errors import StartRefused
from ordersys.runtime.child import Child

CLOSE_MARGIN_S = 2.0
TRANSPORT = "ordersys.transport"
"""Extension of the scope: the connection's transport, lent to an answer in chunks after its head is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """How long and how many. A request, body included, has ``request_timeout_s`` to arrive."""

    connections_max: int = 2000
    backlog: int = 1024
    request_timeout_s: float = 10.0
    keep_alive_timeout_s: int = 30
    drain_timeout_s: int = 10
    headers_bytes_max: int = 32 * 1024


class BoundedProtocol(HttpToolsProtocol):
    """A connection that is cut off when its request takes too long to arrive or its headers are too large."""

    limits: ServerLimits
    on_fact: Callable[[object], None]

    _arrival: asyncio.TimerHandle | None = None
    _header_bytes = 0
    _in_headers = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections_max:
            self._refuse("too_many", b"503 Service Unavailable", b"Retry-After: 1\r\n")
            return
        self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._request_arrived()
        # uvicorn forgets its own timer when the connection is reset.
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._quiet():
            # Bytes that begin no request, such as empty lines: uvicorn has stopped its timer for them.
            self._expect_request()
        if self._in_headers:
            self._header_bytes += len(data)
            if self._header_bytes > self.limits.headers_bytes_max:
                self._refuse("headers_too_large", b"431 Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: {"transport": self.transport}}
        self._in_headers = True
        self._header_bytes = 0
        if self._arrival is None:
            self._expect_request()

    def on_headers_complete(self) -> None:
        self._in_headers = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._request_arrived()

    def _quiet(self) -> bool:
        between = self.cycle is None or self.cycle.response_complete
        return between and self._arrival is None and self.timeout_keep_alive_task is None

    def _expect_request(self) -> None:
        self._arrival = self.loop.call_later(self.limits.request_timeout_s, self._too_slow)

    def _request_arrived(self) -> None:
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None

    def _too_slow(self) -> None:
        self._arrival = None
        if not self.transport.is_closing():
            self._refuse("slow", b"408 Request Timeout")

    def _refuse(self, reason: str, status: bytes, header: bytes = b"") -> None:
        self.on_fact(ConnectionRefused(reason=reason))
        # In the middle of an answer another status line would only garble it.
        if self.cycle is None or not self.cycle.response_started or self.cycle.response_complete:
            self.transport.write(
                b"HTTP/1.1 " + status + b"\r\n" + header + b"Content-Length: 0\r\nConnection: close\r\n\r\n"
            )
        self.transport.close()


async def serve(
    app: ASGIApp,
    child: Child,
    *,
    host: str,
    port: int,
    limits: ServerLimits,
    on_fact: Callable[[object], None],
    bound: Callable[[int], None] = lambda _: None,
) -> None:
    """Serve ``app`` until draining; then requests in hand are answered, within ``drain_timeout_s``.

    ``port`` 0 takes a free one; ``bound`` is told which.

    :raises StartRefused: the address is taken or not ours.
    """
    listener = _listen(host, port, limits.backlog)
    try:
        server = _server(app, limits, on_fact)
        await server.startup(sockets=[listener])
    except BaseException:
        listener.close()
        raise
    loop = asyncio.ensure_future(server.main_loop())
    try:
        port = listener.getsockname()[1]
        bound(port)
        on_fact(ServerBound(host=host, port=port))
        child.ready(f"port {port}")
        await child.wait_draining()
    finally:
        loop.cancel()
        with anyio.move_on_after(limits.drain_timeout_s + CLOSE_MARGIN_S, shield=True):
            with suppress(asyncio.CancelledError):
                await loop
            await server.shutdown(sockets=[listener])
        for connection in list(server.server_state.connections):
            connection.transport.abort()


def _server(app: ASGIApp, limits: ServerLimits, on_fact: Callable[[object], None]) -> uvicorn.Server:
    # A class of this server's own, since uvicorn makes the connections and passes nothing of ours on.
    protocol = type("Protocol", (BoundedProtocol,), {"limits": limits, "on_fact": staticmethod(on_fact)})
    config = uvicorn.Config(
        _as_uvicorn(app),
        http=protocol,
        ws="none",
        interface="asgi3",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=limits.backlog,
        timeout_keep_alive=limits.keep_alive_timeout_s,
        timeout_graceful_shutdown=limits.drain_timeout_s,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    return server


def _as_uvicorn(app: ASGIApp) -> Any:
    """Both mean ASGI 3; their type aliases only differ in how they spell it."""
    return app


def _listen(host: str, port: int, backlog: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
        )[0]
    except socket.gaierror as error:
        raise StartRefused(f"the address {host} cannot be listened on: {error.strerror}") from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind(address)
        listener.listen(backlog)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise StartRefused(
                f"port {port} of {host} is taken: stop what uses it, or set another"
            ) from error
        raise StartRefused(f"port {port} of {host} cannot be listened on: {error.strerror}") from error
    return listener
