"""The hub: hands each frame to every stream, and tells who comes back what was missed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

import anyio
import msgspec

from ordersys.api.facts import FeedFrameSent, FeedStreamDropped, FeedStreamRefused, FeedStreamsOpen
from ordersys.api.feed.frames import PING, Changes, Hello, Reset, frame
from ordersys.api.feed.places import Place, place_of
from ordersys.api.feed.ring import Ring
from ordersys.api.feed.stream import Stream, chunked
from ordersys.api.problems import Problem
from ordersys.runtime.child import Child

PING_EVERY_S = 10.0
FRAME_EVERY_S = 0.25
FRAME_EVERY_MANY_S = 0.5
MANY_STREAMS = 100
REPLAY_BYTES_MAX = 256_000
"""More than this is quicker read again than replayed."""
RETRY_MS = 1000
RETRY_SPREAD = 10
REFUSED_RETRY_AFTER_S = 5

NOT_OURS = "the id is of another log, or of another time"
TOO_OLD = "too much has happened since then"
BEGUN_ANEW = "the feed has begun anew"


class Hub:
    """Streams and the ring. All of it happens between two awaits: nothing here waits but :meth:`attend`."""

    def __init__(
        self,
        *,
        streams_max: int,
        clock: Callable[[], datetime],
        on_fact: Callable[[object], None],
        ring: Ring | None = None,
    ) -> None:
        self._streams_max = streams_max
        self._clock = clock
        self._on_fact = on_fact
        self._ring = ring or Ring()
        self._open = False
        self._joined = 0
        self._streams: set[Stream] = set()
        # Streams that cannot be told yet what they have missed, with what they came back with.
        self._unsettled: dict[Stream, str | None] = {}
        self._pipeline: bytes | None = None
        self._log = ""
        self._live = False
        self._place = Place("", ())

    # -- clients ----------------------------------------------------------------------------------------

    async def attend(self, child: Child, ping_every_s: float = PING_EVERY_S) -> None:
        """Take streams, and let none of them fall silent, until draining; then all end at once."""
        self._open = True
        ping = chunked(PING)
        try:
            while not child.draining:
                with anyio.move_on_after(ping_every_s):
                    await child.wait_draining()
                    break
                self._send("ping", ping)
        finally:
            self._open = False
            for stream in list(self._streams):
                stream.close()

    def join(self, last_event_id: str | None, transport: asyncio.WriteTransport) -> Stream:
        """A new stream; ``last_event_id`` is what the client saw last, if anything.

        :raises Problem: 503, there are too many already, or the server is about to stop.
        """
        if not self._open or len(self._streams) >= self._streams_max:
            self._on_fact(FeedStreamRefused())
            raise _refusal(full=self._open)
        stream = Stream(transport)
        self._streams.add(stream)
        self._joined += 1
        self._on_fact(FeedStreamsOpen(count=len(self._streams)))
        # Clients that lost their streams in one moment shall not all be back in one moment.
        retry_ms = RETRY_MS + RETRY_MS * (self._joined % RETRY_SPREAD) // RETRY_SPREAD
        fresh = last_event_id is None and self._live
        hello = Hello(self._clock())
        stream.put(chunked(frame("hello", hello, id=self._place if fresh else None, retry_ms=retry_ms)))
        if not self._live:
            self._unsettled[stream] = last_event_id
        elif last_event_id is not None:
            self._settle(stream, last_event_id)
        if self._pipeline is not None:
            stream.put(self._pipeline)
        return stream

    def leave(self, stream: Stream) -> None:
        """The stream has ended."""
        self._streams.discard(stream)
        self._unsettled.pop(stream, None)
        if stream.dropped:
            self._on_fact(FeedStreamDropped())
        self._on_fact(FeedStreamsOpen(count=len(self._streams)))

    # -- what is told -----------------------------------------------------------------------------------

    @property
    def place(self) -> Place | None:
        """The place after the last change told; None before anything was read."""
        return self._place if self._live else None

    @property
    def frame_every_s(self) -> float:
        """Seconds between two frames of changes."""
        return FRAME_EVERY_S if len(self._streams) < MANY_STREAMS else FRAME_EVERY_MANY_S

    def begin(self, start: Place) -> None:
        """A log is read from ``start``; until :meth:`go_live` its changes are kept for who comes back."""
        self._ring.begin(start.offsets)
        self._log = start.log
        self._place = start
        if self._live:
            self._live = False
            self._unsettled = dict.fromkeys(self._streams)

    def go_live(self) -> None:
        """From now on changes are told as they happen, first to those who wait for what they missed."""
        self._live = True
        unsettled, self._unsettled = self._unsettled, {}
        for stream, last_event_id in unsettled.items():
            self._settle(stream, last_event_id)

    def changes(self, changes: Changes, after: tuple[int, ...]) -> None:
        """Tell ``changes``; ``after`` is the place where they end."""
        self._place = Place(self._log, after)
        if not changes.changes and not changes.omitted:
            self._ring.pass_over(after)
            return
        encoded = chunked(frame("changes", changes, id=self._place))
        self._ring.append(encoded, after)
        if self._live:
            self._send("changes", encoded)

    def pipeline(self, figures: msgspec.Struct) -> None:
        """Tell the figures of the pipeline; who joins later is told the last ones."""
        self._pipeline = chunked(frame("pipeline", figures))
        self._send("pipeline", self._pipeline)

    def _send(self, kind: str, encoded: bytes) -> None:
        for stream in self._streams:
            stream.put(encoded)
        self._on_fact(FeedFrameSent(kind=kind, streams=len(self._streams)))

    def _settle(self, stream: Stream, last_event_id: str | None) -> None:
        """Replay what was missed, or say that it cannot be."""
        place = None if last_event_id is None else place_of(last_event_id)
        if last_event_id is None:
            missed, reason = None, BEGUN_ANEW
        elif place is None or place.log != self._log:
            missed, reason = None, NOT_OURS
        else:
            missed, reason = self._ring.since(place.offsets), TOO_OLD
        if missed is None or sum(map(len, missed)) > REPLAY_BYTES_MAX:
            stream.put(chunked(frame("reset", Reset(reason), id=self._place)))
            return
        for encoded in missed:
            stream.put(encoded)


def _refusal(*, full: bool) -> Problem:
    detail = "Too many streams are open; try again later." if full else "The server is about to stop."
    return Problem(503, detail, kind="feed-unavailable", retry_after_s=REFUSED_RETRY_AFTER_S)
