"""The hub and its streams: who is told what, over a real server."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import pytest
from litestar import Litestar

from ordersys.api.app import utc_now
from ordersys.api.facts import FeedFrameSent, FeedStreamDropped, FeedStreamRefused, FeedStreamsOpen
from ordersys.api.feed import hub as hubs
from ordersys.api.feed.frames import Changed, Changes
from ordersys.api.feed.hub import Hub
from ordersys.api.feed.places import Place
from ordersys.api.feed.ring import Ring
from ordersys.api.feed.routes import feed_routes
from ordersys.api.problems import exception_handlers
from ordersys.api.server import ServerLimits, serve
from tests.driving import Driver, Facts, wait_until
from tests.sse import EventSource, Sink, event_source
from tests.unit.api_fakes import AT, client_of

pytestmark = pytest.mark.anyio
LOG = "0123456789ab"
DRAIN_TIMEOUT_S = 20


def change(number: int, order_id: str = "a") -> Changes:
    """Changes are numbered, so that a test can see which were told."""
    one = Changed(id=order_id, previous_state="", current_state="", order_version=number, at=AT)
    return Changes(changes=[one])


class Rig:
    """A hub on a server, without Kafka: the test is the reader. Change ``n`` ends at place ``n``."""

    def __init__(self, *, streams_max: int = 10, ping_every_s: float = 60.0, **ring: int) -> None:
        self.facts = Facts()
        self.hub = Hub(streams_max=streams_max, clock=utc_now, on_fact=self.facts, ring=Ring(**ring))
        self.child = Driver()
        self.port = 0
        self._ping_every_s = ping_every_s

    def live(self, start: int = 0) -> None:
        self.hub.begin(Place(LOG, (start,)))
        self.hub.go_live()

    def tell(self, *numbers: int) -> None:
        for number in numbers:
            self.hub.changes(change(number), (number,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/events"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Rig]:
        app = Litestar(
            feed_routes(self.hub),
            exception_handlers=exception_handlers(self.facts),
            openapi_config=None,
            logging_config=None,
        )

        def bound(port: int) -> None:
            self.port = port

        async with anyio.create_task_group() as group:
            group.start_soon(self.hub.attend, self.child, self._ping_every_s)
            limits = ServerLimits(drain_timeout_s=DRAIN_TIMEOUT_S)
            server = asyncio.create_task(
                serve(
                    app, self.child, host="127.0.0.1", port=0, limits=limits, on_fact=self.facts, bound=bound
                )
            )
            await self.child.wait_ready()
            try:
                yield self
            finally:
                self.child.drain()
                with anyio.fail_after(5):
                    await server

    @asynccontextmanager
    async def stream(self, last_id: str | None = None) -> AsyncIterator[EventSource]:
        """A client, once it has been greeted."""
        async with event_source(self.url, last_id) as source:
            await source.until(lambda: source.of("hello"), "a hello")
            yield source

    def open_streams(self) -> int:
        counts = [fact.count for fact in self.facts.of(FeedStreamsOpen)]
        return counts[-1] if counts else 0

    async def streams_are(self, count: int) -> None:
        async def there() -> bool:
            return self.open_streams() == count

        await wait_until(there, f"{count} streams are open")


def told(source: EventSource) -> list[int]:
    return [each["order_version"] for each in source.changes()]


async def test_everybody_is_greeted_and_told_the_same() -> None:
    rig = Rig()
    rig.live()
    async with rig.running(), rig.stream() as one, rig.stream() as other:
        assert rig.open_streams() == 2
        assert set(one.of("hello")[0].data) == {"server_time"}
        assert one.retry_ms is not None
        assert 1000 <= one.retry_ms < 2000
        rig.tell(1, 2)
        for source in (one, other):
            await source.until(lambda source=source: told(source) == [1, 2], "both changes")
            assert source.last_id == f"{LOG}.2"
    await rig.streams_are(0)


async def test_who_saw_no_change_yet_can_come_back_too() -> None:
    rig = Rig()
    rig.live(7)
    async with rig.running():
        async with rig.stream() as source:
            last_id = source.last_id
        assert last_id == f"{LOG}.7"
        rig.tell(8)
        async with rig.stream(last_id) as source:
            await source.until(lambda: told(source) == [8], "what was missed")


async def test_who_comes_back_is_told_what_was_missed_and_then_what_happens() -> None:
    rig = Rig()
    rig.live()
    rig.tell(1, 2, 3)
    async with rig.running(), rig.stream(f"{LOG}.1") as source:
        rig.tell(4)
        await source.until(lambda: told(source) == [2, 3, 4], "what was missed, then the rest")
        assert not source.of("reset")


@pytest.mark.parametrize(
    "last_id",
    [f"{LOG}.1", "ffffffffffff.5", f"{LOG}.99", f"{LOG}.4.4", "42", "\xe4\xf6", "x" * 10_000],
    ids=["too old", "another log", "the future", "other partitions", "a number", "letters", "long"],
)
async def test_what_cannot_be_replayed_is_a_reset_and_the_feed_goes_on(last_id: str) -> None:
    rig = Rig(frames_max=2)
    rig.live()
    rig.tell(1, 2, 3, 4)
    async with rig.running(), httpx.AsyncClient() as http:
        source = EventSource()
        headers = [("Last-Event-ID", last_id.encode("latin-1"))]
        async with (
            http.stream("GET", rig.url, headers=headers) as answer,  # type: ignore[arg-type]
            anyio.create_task_group() as group,
        ):
            group.start_soon(source.read, answer.aiter_lines())
            await source.until(lambda: source.of("reset"), "a reset")
            assert source.of("reset")[0].data["reason"]
            assert source.last_id == f"{LOG}.4"
            rig.tell(5)
            await source.until(lambda: told(source) == [5], "what happens afterwards")
            group.cancel_scope.cancel()


async def test_too_much_to_replay_is_a_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "REPLAY_BYTES_MAX", 400)
    rig = Rig()
    rig.live()
    rig.tell(1, 2, 3, 4)
    async with rig.running():
        async with rig.stream(f"{LOG}.3") as source:
            await source.until(lambda: told(source) == [4], "one frame")
        async with rig.stream(f"{LOG}.0") as source:
            await source.until(lambda: source.of("reset"), "a reset")


async def test_before_anything_was_read_streams_wait_and_are_told_then() -> None:
    rig = Rig()
    async with (
        rig.running(),
        rig.stream() as fresh,
        rig.stream(f"{LOG}.5") as back,
        rig.stream("no.1") as lost,
    ):
        assert fresh.last_id is None
        rig.hub.begin(Place(LOG, (4,)))
        rig.tell(5, 6)
        assert rig.hub.place is None
        rig.hub.go_live()
        rig.tell(7)
        await back.until(lambda: told(back) == [6, 7], "what was missed")
        for source in (fresh, lost):
            # What happened between its greeting and now is not known to it.
            await source.until(lambda source=source: told(source) == [7], "what happens now")
            assert [event.name for event in source.events] == ["hello", "reset", "changes"]
        assert not back.of("reset")


async def test_a_log_that_is_another_one_resets_open_streams() -> None:
    rig = Rig()
    rig.live()
    async with rig.running(), rig.stream() as source:
        rig.tell(1)
        rig.hub.begin(Place("another", (0, 0)))
        rig.hub.go_live()
        await source.until(lambda: source.of("reset"), "a reset")
        assert source.last_id == "another.0.0"


async def test_figures_are_told_without_an_id_and_the_last_ones_to_who_comes() -> None:
    rig = Rig()
    rig.live()
    figures = Changed(id="f", previous_state="", current_state="", order_version=0, at=AT)
    rig.hub.pipeline(figures)
    async with rig.running(), rig.stream() as source:
        await source.until(lambda: len(source.of("pipeline")) == 1, "the last figures")
        rig.tell(1)
        rig.hub.pipeline(figures)
        await source.until(lambda: len(source.of("pipeline")) == 2, "new figures")
        assert source.last_id == f"{LOG}.1"


async def test_nobody_falls_silent() -> None:
    rig = Rig(ping_every_s=0.05)
    async with rig.running(), rig.stream() as source:
        await source.until(lambda: source.comments == ["ping"] * 3, "pings")
        assert [event.name for event in source.events] == ["hello"]


async def test_too_many_streams_are_refused_with_a_problem() -> None:
    rig = Rig(streams_max=1)
    rig.live()
    async with rig.running(), httpx.AsyncClient() as http:
        async with rig.stream():
            answer = await http.get(rig.url)
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
            assert int(answer.headers["retry-after"]) > 0
            assert "Too many streams" in answer.json()["error"]
            assert rig.facts.of(FeedStreamRefused)
        await rig.streams_are(0)
        async with rig.stream():
            assert rig.open_streams() == 1


async def test_a_drain_ends_all_streams_at_once() -> None:
    rig = Rig()
    rig.live()
    async with rig.running(), rig.stream() as one, rig.stream() as other:
        began = anyio.current_time()
        rig.child.drain()
        await one.until(lambda: one.ended, "its end", 3)
        await other.until(lambda: other.ended, "its end", 3)
    assert anyio.current_time() - began < DRAIN_TIMEOUT_S / 2
    assert rig.open_streams() == 0


class Deaf:
    """A client that asks for the feed and reads nothing."""

    def __init__(self, port: int) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")


def long_change(number: int) -> Changes:
    return change(number, "x" * 200_000)


async def _told_until_dropped(rig: Rig) -> int:
    """Large frames, one by one, until somebody is cut off; how many."""
    for number in range(1, 400):
        rig.hub.changes(long_change(number), (number,))
        await anyio.sleep(0.002)
        if rig.facts.of(FeedStreamDropped):
            return number
    raise AssertionError("nobody was cut off")


async def test_who_does_not_read_is_cut_off_and_nobody_else_notices() -> None:
    rig = Rig()
    rig.live()
    async with rig.running(), rig.stream() as source:
        deaf = Deaf(rig.port)
        await rig.streams_are(2)
        sent = await _told_until_dropped(rig)
        await rig.streams_are(1)
        rig.tell(sent + 1)
        await source.until(lambda: told(source) == list(range(1, sent + 2)), "every change", 30)
        assert len(rig.facts.of(FeedStreamDropped)) == 1
        deaf.socket.close()


async def test_who_does_not_read_holds_up_no_drain() -> None:
    rig = Rig()
    rig.live()
    async with rig.running():
        deaf = Deaf(rig.port)
        await rig.streams_are(1)
        stream = next(iter(rig.hub._streams))

        async def blocked() -> bool:
            rig.hub.changes(long_change(1), (1,))
            return stream._transport.get_write_buffer_size() > 200_000

        await wait_until(blocked, "the server has to wait for the client")
        began = anyio.current_time()
        rig.child.drain()
        await rig.streams_are(0)
    assert anyio.current_time() - began < DRAIN_TIMEOUT_S / 2
    deaf.socket.close()


async def test_a_client_that_leaves_is_forgotten() -> None:
    rig = Rig()
    async with rig.running():
        async with rig.stream():
            assert rig.open_streams() == 1
        await rig.streams_are(0)
        assert not rig.hub._unsettled


async def test_frames_are_counted() -> None:
    rig = Rig()
    rig.live()
    async with rig.running(), rig.stream(), rig.stream():
        rig.tell(1)
        assert rig.facts.of(FeedFrameSent) == [FeedFrameSent(kind="changes", streams=2)]


async def test_many_streams_get_fewer_frames() -> None:
    rig = Rig(streams_max=1000)
    rig.live()
    async with rig.running():
        assert rig.hub.frame_every_s == hubs.FRAME_EVERY_S
        streams = [rig.hub.join(None, Sink()) for _ in range(hubs.MANY_STREAMS)]
        assert rig.hub.frame_every_s == hubs.FRAME_EVERY_MANY_S
        for stream in streams:
            rig.hub.leave(stream)


def test_a_hub_without_a_server_takes_nobody() -> None:
    facts: list[Any] = []
    hub = Hub(streams_max=10, clock=utc_now, on_fact=facts.append)
    with pytest.raises(Exception, match="about to stop"):
        hub.join(None, Sink())


async def test_another_server_is_told_that_it_cannot_stream() -> None:
    app = Litestar(
        feed_routes(Rig().hub),
        exception_handlers=exception_handlers(lambda _: None),
        openapi_config=None,
        logging_config=None,
    )
    async with client_of(app) as http:
        answer = await http.get("/events")
    assert answer.status_code == 503
    assert "cannot stream" in answer.json()["error"]
