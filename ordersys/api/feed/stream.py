"""One client's stream: a bounded queue of shared frames, and the answer that empties it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import anyio
from litestar import Response
from litestar.types import Receive, Scope, Send

from ordersys.api.server import ABORT

MEDIA_TYPE = "text/event-stream"
QUEUE_BYTES_MAX = 1_000_000
"""What a client may be behind, besides what the socket holds."""

_HEADERS = [
    (b"content-type", MEDIA_TYPE.encode()),
    (b"cache-control", b"no-cache"),
    # nginx would collect the frames otherwise.
    (b"x-accel-buffering", b"no"),
]


class Stream:
    """Frames on their way to one client. ``abort`` cuts the client off; ``retry_ms`` as in SSE."""

    __slots__ = ("_abort", "_bytes", "_frames", "_waiter", "_writing", "closed", "dropped")

    def __init__(self, abort: Callable[[], None]) -> None:
        self._abort = abort
        self._frames: deque[bytes] = deque()
        self._bytes = 0
        self._waiter: asyncio.Future[None] | None = None
        self._writing = False
        self.closed = False
        self.dropped = False

    def put(self, frame: bytes) -> None:
        """Send ``frame`` when its turn comes. A client that is too far behind is cut off."""
        if self.closed:
            return
        self._frames.append(frame)
        self._bytes += len(frame)
        if self._bytes > QUEUE_BYTES_MAX:
            self.dropped = True
            self.close()
        else:
            self._wake()

    def close(self) -> None:
        """End the stream at once; what is queued is not sent any more."""
        self.closed = True
        self._frames.clear()
        self._wake()
        if self._writing:
            # The client does not read: waiting for it would have no end.
            self._abort()

    async def pump(self, send: Send) -> None:
        """Send what is put until the stream is closed."""
        while not self.closed:
            if not self._frames:
                self._waiter = asyncio.get_running_loop().create_future()
                await self._waiter
                continue
            body = self._frames.popleft() if len(self._frames) == 1 else b"".join(self._frames)
            self._frames.clear()
            self._bytes = 0
            self._writing = True
            await send({"type": "http.response.body", "body": body, "more_body": True})
            self._writing = False
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Streams(Protocol):
    """Where streams come from and go to: the hub."""

    def join(self, last_event_id: str | None, abort: Callable[[], None]) -> Stream: ...

    def leave(self, stream: Stream) -> None: ...


class EventStream(Response[bytes]):
    """The answer to ``GET /events``. The stream is joined when it is sent and left when that ends."""

    def __init__(self, streams: Streams, last_event_id: str | None) -> None:
        super().__init__(b"", media_type=MEDIA_TYPE)
        self._streams = streams
        self._last_event_id = last_event_id

    def to_asgi_response(self, *_: Any, **__: Any) -> Callable[..., Coroutine[Any, Any, None]]:  # type: ignore[override]
        """The application that streams."""
        return self._stream

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        extension: dict[Any, Any] = (scope.get("extensions") or {}).get(ABORT) or {}
        abort: Callable[[], None] = extension.get("now", _nothing)
        # Before the first byte is sent: what is refused here is answered with a problem.
        stream = self._streams.join(self._last_event_id, abort)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            async with anyio.create_task_group() as group:
                group.start_soon(_close_when_gone, receive, stream)
                await stream.pump(send)
                group.cancel_scope.cancel()
        finally:
            self._streams.leave(stream)


async def _close_when_gone(receive: Receive, stream: Stream) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.close()


def _nothing() -> None:
    """A server without the extension is left to notice by itself."""
