"""One client's stream: frames written to its connection as they are, shared with all other streams.

ASGI would wake a task for each frame and client and copy the frame for each: twenty microseconds instead
of two (``benchmarks/feed.py``). So the server lends the connection's transport, whose buffer is the queue.
"""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

import anyio
from litestar import Response
from litestar.types import Receive, Scope, Send

from ordersys.api.problems import Problem
from ordersys.api.server import TRANSPORT

MEDIA_TYPE = "text/event-stream"
BEHIND_BYTES_MAX = 1_000_000
"""What a client may leave unread, besides what its socket holds."""

_HEADERS = [
    (b"content-type", MEDIA_TYPE.encode()),
    (b"cache-control", b"no-cache"),
    # nginx would collect the frames otherwise.
    (b"x-accel-buffering", b"no"),
]


def chunked(frame: bytes) -> bytes:
    """A frame as it goes over the wire (RFC 9112, section 7.1): made once for all streams."""
    return b"%x\r\n%b\r\n" % (len(frame), frame)


class Stream:
    """Chunks on their way to one client, over ``transport``; held back until :meth:`start`."""

    __slots__ = ("_ended", "_held", "_transport", "closed", "dropped")

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self._transport = transport
        self._held: list[bytes] | None = []
        self._ended = anyio.Event()
        self.closed = False
        self.dropped = False

    def start(self) -> None:
        """The head of the answer is written: go on with what was put meanwhile."""
        held, self._held = self._held or [], None
        for each in held:
            self.put(each)

    def put(self, chunk: bytes) -> None:
        """Send ``chunk``. A client that is too far behind is cut off."""
        if self.closed:
            return
        if self._held is not None:
            self._held.append(chunk)
        elif self._transport.is_closing():
            # The client has left; whoever waits for that is about to be told.
            return
        elif self._transport.get_write_buffer_size() > BEHIND_BYTES_MAX:
            self.dropped = True
            self.close()
        else:
            self._transport.write(chunk)

    def close(self) -> None:
        """End the stream at once."""
        self.closed = True
        self._ended.set()
        if self._transport.is_closing():
            return
        low, _ = self._transport.get_write_buffer_limits()
        if self._transport.get_write_buffer_size() > low:
            # The client does not read: waiting for it would have no end.
            self._transport.abort()

    async def ended(self) -> None:
        """Return when the stream is closed."""
        await self._ended.wait()


class Streams(Protocol):
    """Where streams come from and go to: the hub."""

    def join(self, last_event_id: str | None, transport: asyncio.WriteTransport) -> Stream: ...

    def leave(self, stream: Stream) -> None: ...


class EventStream(Response[bytes]):
    """The answer to ``GET /events``. The stream is joined when it is sent and left when that ends."""

    def __init__(self, streams: Streams, last_event_id: str | None) -> None:
        super().__init__(b"", media_type=MEDIA_TYPE)
        self._streams = streams
        self._last_event_id = last_event_id

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        """The application that streams."""
        return self._stream

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Before the first byte is sent: what is refused here is answered with a problem.
        stream = self._streams.join(self._last_event_id, _transport_of(scope))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            stream.start()
            async with anyio.create_task_group() as group:
                group.start_soon(_close_when_gone, receive, stream)
                await stream.ended()
                group.cancel_scope.cancel()
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._streams.leave(stream)


def _transport_of(scope: Scope) -> asyncio.WriteTransport:
    extension: dict[Any, Any] = (scope.get("extensions") or {}).get(TRANSPORT) or {}
    transport = extension.get("transport")
    if transport is None:
        raise Problem(503, "This server cannot stream.", kind="feed-unavailable")
    found: asyncio.WriteTransport = transport
    return found


async def _close_when_gone(receive: Receive, stream: Stream) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.close()
