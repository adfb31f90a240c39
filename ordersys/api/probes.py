"""``/livez``, ``/readyz``, ``/metrics``: how the process is, for machines that watch it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from litestar import MediaType, Response, get
from litestar.handlers import HTTPRouteHandler

from ordersys.api.problems import answers

TEXT = "text/plain"


@dataclass(frozen=True, slots=True)
class Line:
    """One role or dependency in ``/readyz``. ``state`` is a word, ``detail`` a sentence or empty."""

    name: str
    state: str
    ok: bool
    detail: str = ""


Readiness = Callable[[], Sequence[Line]]
RenderMetrics = Callable[[], tuple[bytes, str]]


def probe_routes(*, readiness: Readiness, render_metrics: RenderMetrics) -> list[HTTPRouteHandler]:
    """The routes. ``render_metrics`` gives the exposition and its content type."""

    @get(
        "/livez",
        media_type=MediaType.TEXT,
        summary="Whether the process lives",
        description="For whoever restarts processes: it says that the event loop turns, and nothing more.",
        responses={200: answers(str, "It does.", TEXT)},
    )
    async def livez() -> str:
        """That the event loop turns is all there is to say."""
        return "ok\n"

    @get(
        "/readyz",
        media_type=MediaType.TEXT,
        summary="Whether the process is ready",
        description="A line per role and dependency, with its state.",
        responses={
            200: answers(str, "All are well.", TEXT),
            503: answers(str, "At least one is not; its line says so.", TEXT),
        },
    )
    async def readyz() -> Response[str]:
        """200 if every line is well, else 503; a line each."""
        lines = readiness()
        status = 200 if all(line.ok for line in lines) else 503
        return Response(_text(lines), status_code=status, media_type=MediaType.TEXT)

    @get(
        "/metrics",
        summary="Metrics",
        description="The metrics of the process, as Prometheus reads them.",
        responses={200: answers(str, "The exposition.", TEXT)},
    )
    async def metrics() -> Response[bytes]:
        """The Prometheus exposition."""
        body, content_type = render_metrics()
        return Response(body, media_type=content_type)

    return [livez, readyz, metrics]


def _text(lines: Sequence[Line]) -> str:
    width = max((len(line.name) for line in lines), default=0)
    return "".join(
        f"{'ok ' if line.ok else 'NOT'} {line.name:<{width}} {line.state} {line.detail}".rstrip() + "\n"
        for line in lines
    )
