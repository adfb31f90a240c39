"""The reader: one in a process, whatever the number of clients; in no group, so it disturbs no service."""

from __future__ import annotations

import math
from collections.abc import Mapping

import anyio

from ordersys.adapters.kafka import Broker, Tail
from ordersys.api.feed.hub import Hub
from ordersys.api.feed.places import Place, log_name
from ordersys.api.feed.window import CHANGES_MAX, Decode, Window
from ordersys.contract.errors import DependencyUnavailable
from ordersys.runtime.child import Child

TAIL_RECORDS = 3000
"""Read again at the start, over all partitions, for clients that come back to a new process."""
TAIL_TIMEOUT_S = 15.0
IDLE_S = 0.5
PAUSE_S = 0.1
"""After records came: fewer and larger fetches."""
PROBE_EVERY_S = 2.0


class FeedReader:
    """Reads the topics of ``decoders`` from where the hub stands, and tells the hub."""

    def __init__(self, *, broker: Broker, hub: Hub, decoders: Mapping[str, Decode]) -> None:
        self._broker = broker
        self._hub = hub
        self._decoders = decoders

    async def run(self, child: Child) -> None:
        """Read until draining.

        :raises DependencyUnavailable: Kafka is away. The hub keeps its place, the next run goes on there.
        """
        async with self._broker.tail(list(self._decoders)) as tail:
            window = await self._take_up(tail)
            child.ready()
            due = probe_at = 0.0
            while not child.draining:
                wait_s = max(0.0, due - anyio.current_time()) if window.count else IDLE_S
                records = await tail.fetch(math.ceil(wait_s * 1000))
                window.add(records)
                now = anyio.current_time()
                if window.count and now >= due:
                    self._hub.changes(window.cut(), window.offsets)
                    due = now + self._hub.frame_every_s
                if records:
                    probe_at = now + PROBE_EVERY_S
                    with anyio.move_on_after(PAUSE_S):
                        await child.wait_draining()
                elif now >= probe_at:
                    await tail.probe()
                    probe_at = now + PROBE_EVERY_S
                child.beat(done=len(records))

    async def _take_up(self, tail: Tail) -> Window:
        """Go on where the hub stands; if that is nowhere in this log, begin with its tail."""
        begins, ends = await tail.bounds()
        log, place = log_name(tail.cluster, tail.partitions), self._hub.place
        if place is not None and place.log == log:
            ranges = zip(begins, place.offsets, ends, strict=True)
            if all(begin <= offset <= end for begin, offset, end in ranges):
                tail.start(place.offsets)
                return Window(tail.partitions, place.offsets, self._decoders)
        each = math.ceil(TAIL_RECORDS / len(ends))
        start = Place(log, tuple(max(begin, end - each) for begin, end in zip(begins, ends, strict=True)))
        self._hub.begin(start)
        tail.start(start.offsets)
        window = Window(tail.partitions, start.offsets, self._decoders)
        await self._read_up_to(ends, tail, window)
        self._hub.go_live()
        return window

    async def _read_up_to(self, ends: list[int], tail: Tail, window: Window) -> None:
        give_up_at = anyio.current_time() + TAIL_TIMEOUT_S
        # By the client's positions: markers of transactions have offsets and are no records.
        while any(now < end for now, end in zip(await tail.positions(), ends, strict=True)):
            if anyio.current_time() > give_up_at:
                raise DependencyUnavailable(
                    "kafka", f"the tail of the log did not come in {TAIL_TIMEOUT_S} s"
                )
            window.add(await tail.fetch(100, CHANGES_MAX))
            self._hub.changes(window.cut(), window.offsets)
