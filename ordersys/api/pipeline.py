"""``GET /pipeline`` and its history: how much flows, how much waits, who is behind."""

from __future__ import annotations

from collections.abc import Callable

from litestar import get
from litestar.handlers import HTTPRouteHandler

from ordersys.runtime.figures import PipelineFigures
from ordersys.runtime.recorder import PipelineHistory


def pipeline_routes(
    *, figures: Callable[[], PipelineFigures], history: Callable[[], PipelineHistory]
) -> list[HTTPRouteHandler]:
    """The routes, of what the recorder has."""

    @get(
        "/pipeline",
        summary="The pipeline now",
        description="Figures of every topic, consumer group, the outbox and parked events, at most 2 seconds "
        "old. What is not known is null: a lag where nothing was committed, and what an outage hides.",
        response_description="The figures.",
    )
    async def pipeline() -> PipelineFigures:
        """The last figures that were made."""
        return figures()

    @get(
        "/pipeline/history",
        summary="The last quarter of an hour of the pipeline",
        description="Figures by time, as columns of one length. They begin when this process did.",
        response_description="The figures by time.",
    )
    async def pipeline_history() -> PipelineHistory:
        """What is remembered."""
        return history()

    return [pipeline, pipeline_history]
