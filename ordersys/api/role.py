"""The role ``api``: its children, wired of what the composition root passes in. Opens nothing by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio.to_thread
from litestar import Litestar
from litestar.types import ASGIApp, ControllerRouterHandler

from ordersys.adapters.groups import unwrapped
from ordersys.adapters.kafka import Broker, Sighting
from ordersys.adapters.orders import OrderReader, order_writer
from ordersys.adapters.postgres import Database
from ordersys.adapters.reading import ReadSessions
from ordersys.api import server
from ordersys.api.app import VERSION, build_app, utc_now
from ordersys.api.feed import frames
from ordersys.api.feed.hub import Hub
from ordersys.api.feed.reader import FeedReader
from ordersys.api.feed.routes import feed_routes
from ordersys.api.feed.window import Decode
from ordersys.api.intake import Intake
from ordersys.api.page import Page, with_page
from ordersys.api.pipeline import pipeline_routes
from ordersys.api.probes import Readiness, RenderMetrics
from ordersys.api.reading import Deployment, read_routes
from ordersys.api.waiting import Waiting
from ordersys.runtime.child import Child
from ordersys.runtime.figures import GroupOf
from ordersys.runtime.recorder import Recorder
from ordersys.runtime.ticks import look_at_postgres, tick

WRITERS = 2

Run = Callable[[Child], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiOptions:
    """What of the settings concerns the API.

    ``order_created`` and ``order_status_changed``: deployed names of the topics; ``topics`` and ``groups``:
    those of all, in the order in which they are shown. ``page``: where the built web page is, if it is there.
    """

    host: str
    port: int
    order_created: str
    order_status_changed: str
    topics: Sequence[str]
    groups: Mapping[str, GroupOf]
    deployment: Deployment
    feed_streams_max: int
    cors_origins: Sequence[str]
    intake_batch_max: int
    intake_queue_max: int
    limits: server.ServerLimits
    page: Path


class ApiRole:
    """The API: writers of the intake, and the server; beside it, what the live feed and the figures need."""

    def __init__(
        self,
        *,
        database: Database,
        broker: Broker | None,
        options: ApiOptions,
        readiness: Readiness,
        render_metrics: RenderMetrics,
        on_fact: Callable[[object], None],
        more_routes: Callable[[], Sequence[ControllerRouterHandler]] = tuple,
    ) -> None:
        self._more_routes = more_routes
        self._database = database
        self._broker = broker
        self._options = options
        self._readiness = readiness
        self._render_metrics = render_metrics
        self._on_fact = on_fact
        self._intake = Intake(
            stores=partial(order_writer, database, options.order_created),
            on_fact=on_fact,
            batch_max=options.intake_batch_max,
            queue_max=options.intake_queue_max,
        )
        self._hub = Hub(streams_max=options.feed_streams_max, clock=utc_now, on_fact=on_fact)
        self._recorder = Recorder(
            topics=options.topics, groups=options.groups, order_created=options.order_created
        )

    def children(self) -> dict[str, Run]:
        """By name, in start order; they stop in reverse, so that the server closes first."""
        writers: dict[str, Run] = {f"writer-{number}": self._intake.run for number in range(1, WRITERS + 1)}
        return {**writers, "http": self._http}

    def feed_children(self, broker: Broker | None) -> dict[str, Run]:
        """What reads for the live feed and the figures: the API takes orders without any of it.

        Without a ``broker`` there is nothing to read.
        """
        children: dict[str, Run] = {
            "figures": partial(tick, self._recorder, self._hub.pipeline),
            "postgres": partial(look_at_postgres, self._database, self._recorder),
        }
        if broker is not None:
            decoders: dict[str, Decode] = {
                self._options.order_created: frames.created,
                self._options.order_status_changed: frames.changed,
            }
            children["reader"] = FeedReader(broker=broker, hub=self._hub, decoders=decoders).run
        return children

    def saw_kafka(self, sighting: Sighting) -> None:
        """Take a look at Kafka into the figures."""
        self._recorder.saw_kafka(sighting)

    async def _http(self, child: Child) -> None:
        sessions = ReadSessions(self._database)
        orders = OrderReader(sessions)
        waiting = Waiting(orders.find_final)
        options = self._options
        try:
            async with unwrapped(), anyio.create_task_group() as group:
                group.start_soon(self._hub.attend, child)
                group.start_soon(waiting.run, child)
                await server.serve(
                    await self._with_page(self._app(sessions, orders, waiting)),
                    child,
                    host=options.host,
                    port=options.port,
                    limits=options.limits,
                    on_fact=self._on_fact,
                )
        finally:
            sessions.close()

    async def _with_page(self, app: ASGIApp) -> ASGIApp:
        if not (self._options.page / "index.html").exists():
            return app
        return with_page(app, await anyio.to_thread.run_sync(Page, self._options.page))

    def _app(self, sessions: ReadSessions, orders: OrderReader, waiting: Waiting) -> Litestar:
        return build_app(
            submit=self._intake.submit,
            reader=orders,
            wait_final=waiting.final,
            readiness=self._readiness,
            render_metrics=self._render_metrics,
            cors_origins=self._options.cors_origins,
            on_fact=self._on_fact,
            events=self._options.deployment.events(VERSION),
            more_routes=[
                *read_routes(
                    sessions=sessions,
                    broker=self._broker,
                    deployment=self._options.deployment,
                    clock=utc_now,
                ),
                *feed_routes(self._hub),
                *pipeline_routes(figures=self._recorder.pipeline, history=self._recorder.history),
                *self._more_routes(),
            ],
        )
