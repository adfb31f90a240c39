"""A client of ``text/event-stream``, as a browser's EventSource reads it (WHATWG HTML, 9.2.6)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import anyio
import httpx
import msgspec


class Event(NamedTuple):
    """One event; ``at`` is when it arrived, in seconds of the monotonic clock."""

    name: str
    data: Any
    at: float


@dataclass
class EventSource:
    """What a stream has said. ``last_id`` is what to come back with; ``ended`` when it is over."""

    events: list[Event] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    last_id: str | None = None
    retry_ms: int | None = None
    ended: bool = False
    _news: anyio.Event = field(default_factory=anyio.Event)

    def of(self, name: str) -> list[Event]:
        """Events with this name, in order."""
        return [event for event in self.events if event.name == name]

    def changes(self) -> list[Any]:
        """All changes told, in order."""
        return [change for event in self.of("changes") for change in event.data["changes"]]

    def versions(self, order_id: str) -> list[int]:
        """Versions of one order that were told, in order; 0 is its creation."""
        told = []
        for change in self.changes():
            if change["kind"] == "created" and change["order"]["id"] == order_id:
                told.append(0)
            elif change["kind"] == "changed" and change["id"] == order_id:
                told.append(change["order_version"])
        return told

    async def until(self, condition: Callable[[], Any], what: str, deadline_s: float = 15.0) -> None:
        """Return when ``condition`` is true; it is asked at everything that arrives.

        :raises AssertionError: it is not in ``deadline_s``.
        """
        with anyio.move_on_after(deadline_s):
            while not condition():
                await self._news.wait()
        assert condition(), f"not in {deadline_s:g} s: {what}; last events: {self.events[-3:]}"

    async def read(self, lines: AsyncIterator[str]) -> None:
        """Take what arrives."""
        name, data, event_id = "message", "", None
        async for line in lines:
            key, _, value = line.partition(": ")
            if line.startswith(":"):
                self.comments.append(value)
            elif key == "event":
                name = value
            elif key == "data":
                data += value
            elif key == "id":
                event_id = value
            elif key == "retry":
                self.retry_ms = int(value)
            elif not line:
                self.last_id = event_id or self.last_id
                if data:
                    self.events.append(Event(name, msgspec.json.decode(data), time.monotonic()))
                name, data, event_id = "message", "", None
            self._tell()
        self.ended = True
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = anyio.Event()


class Sink(asyncio.WriteTransport):
    """The transport of a client without a server, who reads everything at once."""

    def __init__(self) -> None:
        super().__init__()
        self.said = b""

    def write(self, data: Any) -> None:
        self.said += data

    def get_write_buffer_size(self) -> int:
        return 0

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return 0, 0

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None: ...


@asynccontextmanager
async def event_source(url: str, last_id: str | None = None) -> AsyncIterator[EventSource]:
    """A stream of ``url``, read beside the block; ``last_id`` is what an earlier one ended with."""
    headers = {} if last_id is None else {"Last-Event-ID": last_id}
    source = EventSource(last_id=last_id)
    async with (
        httpx.AsyncClient(timeout=30) as http,
        http.stream("GET", url, headers=headers) as answer,
        anyio.create_task_group() as group,
    ):
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"] == "text/event-stream"

        async def read() -> None:
            try:
                await source.read(answer.aiter_lines())
            except httpx.TransportError:
                source.ended = True
                source._tell()

        group.start_soon(read)
        yield source
        group.cancel_scope.cancel()
