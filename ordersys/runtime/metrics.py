"""Facts as Prometheus metrics. Names and labels are bounded: no id ever becomes a label."""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatchmethod

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from ordersys.runtime import facts, histogram

BATCH_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
ORDER_SECONDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


class Metrics:
    """A registry of its own, fed by facts; call it with each fact."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._events = self._counter(
            "ordersys_events", "Events by what became of them.", ("service", "group", "topic", "outcome")
        )
        self._batches = Histogram(
            "ordersys_batch_seconds",
            "Time from decoded batch to committed offsets.",
            ("service", "group"),
            registry=self.registry,
            buckets=BATCH_SECONDS,
        )
        self._deliveries = self._counter(
            "ordersys_deliveries",
            "Outside effects by what became of them.",
            ("service", "channel", "outcome"),
        )
        self._delivery_seconds = Histogram(
            "ordersys_delivery_seconds",
            "Time an attempt at an outside effect took.",
            ("service", "channel", "outcome"),
            registry=self.registry,
            buckets=BATCH_SECONDS,
        )
        self._again = self._counter(
            "ordersys_batches_run_again", "Batches rolled back and run again.", ("service", "group")
        )
        self._lost = self._counter(
            "ordersys_partitions_lost", "Commits that came after a rebalance.", ("service", "group")
        )
        self._lag = self._gauge(
            "ordersys_consumer_lag", "Events not yet committed.", ("group", "topic", "partition")
        )
        self._end = self._gauge("ordersys_partition_end_offset", "End of the log.", ("topic", "partition"))
        self._stalled = self._counter("ordersys_consumer_stalled", "Groups found standing still.", ("group",))
        self._published = self._counter("ordersys_outbox_published_rows", "Outbox rows acknowledged.", ())
        self._outbox_rows = self._gauge("ordersys_outbox_rows", "Outbox rows waiting.", ())
        self._outbox_age = self._gauge("ordersys_outbox_age_seconds", "Age of the oldest outbox row.", ())
        self._again_emitted = self._counter(
            "ordersys_events_emitted_again", "Events the log had lost, said again.", ()
        )
        self._parked = self._gauge("ordersys_parked_events", "Unfinished parked events.", ("group", "state"))
        self._parked_seen: set[tuple[str, str]] = set()
        self._committed = self._gauge(
            "ordersys_consumer_committed_offset",
            "Offset that a group goes on from.",
            ("group", "topic", "partition"),
        )
        self._orders = histogram.Histogram(
            "ordersys_order_seconds",
            "Time from an order's acceptance to its final state.",
            "status",
            ORDER_SECONDS,
            self.registry,
        )

    def render(self) -> tuple[bytes, str]:
        """The exposition and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST

    def __call__(self, fact: object) -> None:
        """Take a fact into account; facts it does not know are nothing to it."""
        self._take(fact)

    @singledispatchmethod
    def _take(self, fact: object) -> None:
        del fact

    @_take.register
    def _(self, fact: facts.BatchCommitted) -> None:
        self._batches.labels(fact.service, fact.group).observe(fact.seconds)
        for outcome, count in fact.outcomes.items():
            if count:
                self._events.labels(fact.service, fact.group, fact.topic, outcome).inc(count)

    @_take.register
    def _(self, fact: facts.OrdersFinalised) -> None:
        for status, seconds in fact.seconds.items():
            self._orders.observe(status, seconds)

    @_take.register
    def _(self, fact: facts.EffectsRecorded) -> None:
        labels = (fact.service, fact.channel, fact.outcome)
        self._deliveries.labels(*labels).inc(len(fact.effects))
        if fact.outcome == "delivered":
            seconds = self._delivery_seconds.labels(*labels)
            for effect in fact.effects:
                seconds.observe(effect.seconds)

    @_take.register
    def _(self, fact: facts.EffectFailed) -> None:
        labels = (fact.service, fact.channel, fact.outcome)
        self._deliveries.labels(*labels).inc()
        self._delivery_seconds.labels(*labels).observe(fact.seconds)

    @_take.register
    def _(self, fact: facts.BatchRunAgain) -> None:
        self._again.labels(fact.service, fact.group).inc()

    @_take.register
    def _(self, fact: facts.PartitionsLost) -> None:
        self._lost.labels(fact.service, fact.group).inc()

    @_take.register
    def _(self, fact: facts.LagMeasured) -> None:
        self._end.labels(fact.topic, str(fact.partition)).set(fact.end)
        # There from the start with 0: a counter that appears with 1 has not increased, to Prometheus.
        self._stalled.labels(fact.group)
        if fact.lag is not None:
            # A group that has committed nothing has no lag to show: absent, never 0.
            self._lag.labels(fact.group, fact.topic, str(fact.partition)).set(fact.lag)
            committed = fact.end - fact.lag
            self._committed.labels(fact.group, fact.topic, str(fact.partition)).set(committed)

    @_take.register
    def _(self, fact: facts.ConsumerStalled) -> None:
        self._stalled.labels(fact.group).inc()

    @_take.register
    def _(self, fact: facts.OutboxPublished) -> None:
        self._published.inc(fact.rows)

    @_take.register
    def _(self, fact: facts.EventsEmittedAgain) -> None:
        self._again_emitted.inc(fact.events)

    @_take.register
    def _(self, fact: facts.OutboxMeasured) -> None:
        self._outbox_rows.set(fact.rows)
        self._outbox_age.set(fact.age_s)

    @_take.register
    def _(self, fact: facts.ParkedMeasured) -> None:
        for group, state in self._parked_seen - fact.rows.keys():
            self._parked.labels(group, state).set(0)
        for (group, state), rows in fact.rows.items():
            self._parked.labels(group, state).set(rows)
        self._parked_seen |= fact.rows.keys()

    def _counter(self, name: str, text: str, labels: tuple[str, ...]) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, labels: tuple[str, ...]) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)


def fan_out(*subscribers: Callable[[object], None]) -> Callable[[object], None]:
    """One callable that hands each fact to all ``subscribers``."""

    def hand_on(fact: object) -> None:
        for subscriber in subscribers:
            subscriber(fact)

    return hand_on
