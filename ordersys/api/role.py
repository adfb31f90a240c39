"""The role ``api``: its children, wired of what the composition root passes in. Opens nothing by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio.to_thread
from litestar import Litestar
from litestar.types import ASGIApp

from ordersys.adapters.orders import OrderReader, order_writer
from ordersys.adapters.postgres import Database
from ordersys.api import server
from ordersys.api.app import build_app
from ordersys.api.intake import Intake
from ordersys.api.page import Page, with_page
from ordersys.api.probes import Readiness, RenderMetrics
from ordersys.runtime.child import Child

WRITERS = 2

Run = Callable[[Child], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiOptions:
    """What of the settings concerns the API.

    ``order_created``: the deployed name of the topic. ``page``: where the built web page is, if it is there.
    """

    host: str
    port: int
    order_created: str
    cors_origins: Sequence[str]
    intake_batch_max: int
    intake_queue_max: int
    limits: server.ServerLimits
    page: Path


class ApiRole:
    """The API: writers of the intake, and the server."""

    def __init__(
        self,
        *,
        database: Database,
        options: ApiOptions,
        readiness: Readiness,
        render_metrics: RenderMetrics,
        on_fact: Callable[[object], None],
    ) -> None:
        self._database = database
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

    def children(self) -> dict[str, Run]:
        """By name, in start order; they stop in reverse, so that the server closes first."""
        writers: dict[str, Run] = {f"writer-{number}": self._intake.run for number in range(1, WRITERS + 1)}
        return {**writers, "http": self._http}

    async def _http(self, child: Child) -> None:
        reader = OrderReader(self._database)
        options = self._options
        try:
            await server.serve(
                await self._with_page(self._app(reader)),
                child,
                host=options.host,
                port=options.port,
                limits=options.limits,
                on_fact=self._on_fact,
            )
        finally:
            reader.close()

    async def _with_page(self, app: ASGIApp) -> ASGIApp:
        if not (self._options.page / "index.html").exists():
            return app
        return with_page(app, await anyio.to_thread.run_sync(Page, self._options.page))

    def _app(self, reader: OrderReader) -> Litestar:
        return build_app(
            submit=self._intake.submit,
            reader=reader,
            readiness=self._readiness,
            render_metrics=self._render_metrics,
            cors_origins=self._options.cors_origins,
            on_fact=self._on_fact,
        )
