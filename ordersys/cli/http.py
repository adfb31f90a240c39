"""HTTP/1.1 for the commands: one server, connections that are kept, nothing beyond what they need.

httptools parses, as it does in the server. A load generator shares the machine with what it loads, so what
a request costs here is missing there: measured with 32 at once, 90 µs of CPU, of httpx several thousand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import NamedTuple, cast
from urllib.parse import urlsplit

import httptools

from ordersys.contract.errors import DependencyUnavailable, StartRefused

BODY_BYTES_MAX = 64 * 1024 * 1024


class Answer(NamedTuple):
    """A response; names of ``headers`` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Client:
    """Requests to one server; as many at once as the caller makes. Close it, or use it as a context.

    Each request ends within ``timeout_s``, connecting included.
    """

    def __init__(self, url: str, *, timeout_s: float = 10.0) -> None:
        """``url``: scheme, host and port.

        :raises StartRefused: it is not such a URL.
        """
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.path not in ("", "/")
            or port == -1
        ):
            raise StartRefused(f"{url!r} is not a URL such as http://127.0.0.1:18080")
        self.host = parts.hostname
        self.port = port or (443 if parts.scheme == "https" else 80)
        self.url = f"{parts.scheme}://{parts.netloc}"
        self._tls = parts.scheme == "https"
        self._name = parts.netloc.rpartition("@")[2]
        self._timeout_s = timeout_s
        self._idle: list[_Connection] = []

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

    async def request(
        self, method: str, path: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request. ``path`` is sent as it is, query included.

        Only for requests that may be repeated: one that finds its kept connection closed is sent again.

        :raises DependencyUnavailable: no answer came; whether the server acted is not known.
        """
        head = f"{method} {path} HTTP/1.1\r\nhost: {self._name}\r\ncontent-length: {len(body)}\r\n"
        more = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        message = (head + more + "\r\n").encode("latin-1") + body
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._exchange(message)
        except TimeoutError as error:
            raise DependencyUnavailable(
                f"the API at {self.url}", f"no answer in {self._timeout_s:g} s"
            ) from error
        except (OSError, httptools.HttpParserError) as error:
            raise DependencyUnavailable(
                f"the API at {self.url}", str(error) or type(error).__name__
            ) from error

    async def _exchange(self, message: bytes) -> Answer:
        while self._idle:
            connection = self._idle.pop()
            if connection.closed:
                continue
            try:
                return await self._ask(connection, message)
            except ConnectionError:
                # The server ended it while it was idle: one more, and then a new one.
                continue
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, self.host, self.port, ssl=self._tls or None)
        return await self._ask(connection, message)

    async def _ask(self, connection: _Connection, message: bytes) -> Answer:
        try:
            answer, keep = await connection.ask(message)
        except BaseException:
            connection.close()
            raise
        if keep:
            self._idle.append(connection)
        else:
            connection.close()
        return answer


class _Connection(asyncio.Protocol):
    """One connection: a request at a time, its answer collected by httptools' callbacks."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[tuple[Answer, bool]] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._size = 0

    @property
    def closed(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def ask(self, message: bytes) -> tuple[Answer, bool]:
        """The answer, and whether the connection may be kept."""
        if self._transport is None:
            raise ConnectionResetError("the connection was closed")
        self._parser = httptools.HttpResponseParser(self)
        self._headers, self._body, self._size = {}, [], 0
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(message)
        return await self._waiting

    # -- what asyncio calls -----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._end(error)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._end(exc or ConnectionResetError("the server closed the connection"))

    # -- what httptools calls ---------------------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > BODY_BYTES_MAX:
            self._end(ConnectionAbortedError(f"the answer has more than {BODY_BYTES_MAX} bytes"))
            self.close()
            return
        self._body.append(body)

    def on_message_complete(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            answer = Answer(self._parser.get_status_code(), self._headers, b"".join(self._body))
            self._waiting.set_result((answer, self._parser.should_keep_alive()))

    def _end(self, error: Exception) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)
