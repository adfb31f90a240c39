"""The watch: where the groups stand, seen from outside their consumers.

A consumer can be silently stuck after a broker restart (aiokafka#1154, #625): its own word is not enough.
Where there is lag and the committed offsets do not move, the owner of the group is told. Kafka is asked
once in a process: whoever else wants to know is handed what was seen.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import anyio

from ordersys.adapters.kafka import Broker, Position, Sighting
from ordersys.runtime.child import Child
from ordersys.runtime.facts import ConsumerStalled, LagMeasured, OnFact


class Watch:
    """Looks every ``every_s``; ``on_stall`` is told of an owned group that stands still for ``stall_s``."""

    def __init__(
        self,
        *,
        broker: Broker,
        groups: Mapping[str, str],
        on_fact: OnFact,
        on_stall: Callable[[str], None],
        excused: Callable[[str], bool] = lambda _: False,
        topics: Collection[str] = (),
        owned: Collection[str] | None = None,
        on_sighting: Callable[[Sighting], None] = lambda _: None,
        every_s: float = 2.0,
        stall_s: float = 25.0,
    ) -> None:
        """``groups``: name of the group → name of the topic it reads; ``topics``: more to look at.

        ``owned`` are the groups this process runs, None for all: the others are looked at, not judged.
        ``excused``: whether it is known why a group stands still, as when it waits or was stopped by request.
        """
        self._broker = broker
        self._groups = groups
        self._topics = sorted({*groups.values(), *topics})
        self._owned = frozenset(groups if owned is None else owned)
        self._on_fact = on_fact
        self._on_stall = on_stall
        self._excused = excused
        self._on_sighting = on_sighting
        self._every_s = every_s
        self._stall_s = stall_s
        self._moved: dict[str, tuple[tuple[int | None, ...], float]] = {}

    async def run(self, child: Child) -> None:
        """Watch until draining.

        :raises DependencyUnavailable: Kafka is away; standing still is then nobody's fault.
        """
        self._moved.clear()
        async with self._broker.observer(self._topics) as observer:
            while not child.draining:
                sighting = await observer.look(self._groups)
                for group in self._owned:
                    self._judge(group, sighting.groups[group])
                self._on_sighting(sighting)
                child.ready()
                child.beat()
                with anyio.move_on_after(self._every_s):
                    await child.wait_draining()

    def _judge(self, group: str, positions: Sequence[Position]) -> None:
        lag = 0
        for topic, partition, end, committed in positions:
            lag += end - (committed or 0)
            self._on_fact(
                LagMeasured(
                    group=group,
                    topic=topic,
                    partition=partition,
                    end=end,
                    lag=None if committed is None else end - committed,
                )
            )
        stand, now = tuple(position.committed for position in positions), anyio.current_time()
        before, since = self._moved.get(group, (None, now))
        if lag <= 0 or stand != before or self._excused(group):
            self._moved[group] = (stand, now)
        elif now - since >= self._stall_s:
            self._moved[group] = (stand, now)
            self._on_fact(ConsumerStalled(group=group, seconds=now - since, lag=lag))
            self._on_stall(group)
