"""Facts of the API as log lines and metrics."""

from __future__ import annotations

from functools import singledispatchmethod

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from ordersys.api import facts

COMMIT_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class ApiLogs:
    """Writes facts of the API as log lines; call it with each fact."""

    def __init__(self) -> None:
        self._log = structlog.get_logger()

    def __call__(self, fact: object) -> None:
        """Log a fact; facts it does not know are not logged."""
        self._take(fact)

    @singledispatchmethod
    def _take(self, fact: object) -> None:
        del fact

    @_take.register
    def _(self, fact: facts.ServerBound) -> None:
        self._log.info("listening", host=fact.host, port=fact.port)

    @_take.register
    def _(self, fact: facts.RequestCrashed) -> None:
        self._log.error("request crashed", method=fact.method, path=fact.path, exc_info=fact.error)

    @_take.register
    def _(self, fact: facts.OrdersAccepted) -> None:
        self._log.debug(
            "orders accepted",
            service="order-api",
            count=fact.count,
            inserted=fact.inserted,
            seconds=round(fact.seconds, 4),
        )

    @_take.register
    def _(self, fact: facts.OrdersRefused) -> None:
        self._log.debug("orders refused", service="order-api", reason=fact.reason, count=fact.count)

    @_take.register
    def _(self, fact: facts.FeedStreamDropped) -> None:
        del fact
        self._log.warning("feed client cut off: it does not read")


class ApiMetrics:
    """Counts facts of the API; call it with each fact."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._orders = Counter(
            "ordersys_orders_posted", "Orders by their answer.", ("outcome",), registry=registry
        )
        self._posts = Histogram(
            "ordersys_post_seconds",
            "Time from a POST's arrival to its answer, by the answer's status.",
            ("status",),
            registry=registry,
            buckets=COMMIT_SECONDS,
        )
        self._commits = Histogram(
            "ordersys_intake_commit_seconds",
            "Time of one INSERT of the intake.",
            registry=registry,
            buckets=COMMIT_SECONDS,
        )
        self._connections = Counter(
            "ordersys_http_connections_refused", "Connections cut off.", ("reason",), registry=registry
        )
        self._crashes = Counter("ordersys_http_requests_crashed", "Answers with 500.", registry=registry)
        self._streams = Gauge("ordersys_feed_streams", "Streams of the live feed.", registry=registry)
        self._frames = Counter("ordersys_feed_frames", "Frames made, by event.", ("kind",), registry=registry)
        self._sent = Counter(
            "ordersys_feed_frames_sent", "Frames times streams they went to.", ("kind",), registry=registry
        )
        self._dropped = Counter(
            "ordersys_feed_streams_dropped", "Clients that did not read and were cut off.", registry=registry
        )
        self._turned_away = Counter(
            "ordersys_feed_streams_refused", "Streams answered with 503.", registry=registry
        )

    def __call__(self, fact: object) -> None:
        """Take a fact into account; facts it does not know are nothing to it."""
        if isinstance(fact, facts.PostAnswered):
            self._posts.labels(str(fact.status)).observe(fact.seconds)
        elif isinstance(fact, facts.OrdersAccepted):
            self._orders.labels("inserted").inc(fact.inserted)
            self._orders.labels("repeated").inc(fact.count - fact.inserted)
            self._commits.observe(fact.seconds)
        elif isinstance(fact, facts.OrdersRefused):
            self._orders.labels(fact.reason).inc(fact.count)
        elif isinstance(fact, facts.ConnectionRefused):
            self._connections.labels(fact.reason).inc()
        elif isinstance(fact, facts.RequestCrashed):
            self._crashes.inc()
        elif isinstance(fact, facts.FeedFrameSent):
            self._frames.labels(fact.kind).inc()
            self._sent.labels(fact.kind).inc(fact.streams)
        elif isinstance(fact, facts.FeedStreamsOpen):
            self._streams.set(fact.count)
        elif isinstance(fact, facts.FeedStreamDropped):
            self._dropped.inc()
        elif isinstance(fact, facts.FeedStreamRefused):
            self._turned_away.inc()
