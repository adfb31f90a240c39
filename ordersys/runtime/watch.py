"""The watch: lag of the process's groups, seen from outside their consumers.

A consumer can be silently stuck after a broker restart (aiokafka#1154, #625): its own word is not enough.
Where there is lag and the committed offsets do not move, the owner of the group is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import anyio

from ordersys.adapters.kafka import Broker, Position
from ordersys.runtime.child import Child
from ordersys.runtime.facts import ConsumerStalled, LagMeasured, OnFact


class Watch:
    """Measures lag every ``every_s``; ``on_stall`` is told of a group that stands still for ``stall_s``."""

    def __init__(
        self,
        *,
        broker: Broker,
        groups: Mapping[str, str],
        on_fact: OnFact,
        on_stall: Callable[[str], None],
        every_s: float = 2.0,
        stall_s: float = 25.0,
    ) -> None:
        """``groups``: name of the group → name of the topic it reads."""
        self._broker = broker
        self._groups = groups
        self._on_fact = on_fact
        self._on_stall = on_stall
        self._every_s = every_s
        self._stall_s = stall_s
        self._moved: dict[str, tuple[tuple[int | None, ...], float]] = {}

    async def run(self, child: Child) -> None:
        """Watch until draining.

        :raises DependencyUnavailable: Kafka is away; standing still is then nobody's fault.
        """
        topics = sorted(set(self._groups.values()))
        self._moved.clear()
        async with self._broker.observer(topics) as observer:
            while not child.draining:
                for group, positions in (await observer.positions(self._groups)).items():
                    self._judge(group, positions)
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
        if lag <= 0 or stand != before:
            self._moved[group] = (stand, now)
        elif now - since >= self._stall_s:
            self._moved[group] = (stand, now)
            self._on_fact(ConsumerStalled(group=group, seconds=now - since, lag=lag))
            self._on_stall(group)
