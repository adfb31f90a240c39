"""``GET /analytics/summary``: what analytics has counted."""

from __future__ import annotations

from typing import Annotated, Protocol

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from ordersys.adapters.analytics import Summary
from ordersys.api.problems import AWAY, BAD_QUERY, answers, described

MINUTES_DEFAULT = 60
MINUTES_MAX = 1440
DESCRIPTION = """\
Of the last `minutes`, the present one included: totals, each minute (oldest first), and the SKUs with the
most orders. Every order is counted once when it is created and once when it is final, in the minutes in
which that happened; amounts and quantities are those of created orders.\
"""


class Summaries(Protocol):
    """Where the counts are read; :class:`ordersys.adapters.analytics.AnalyticsReader` fits."""

    async def summary(self, minutes: int) -> Summary: ...


def analytics_routes(summaries: Summaries) -> list[HTTPRouteHandler]:
    """The route."""

    @get(
        "/analytics/summary",
        summary="Orders by the minute and by SKU",
        description=DESCRIPTION,
        responses={200: answers(Summary, "The counts."), **described({400: BAD_QUERY, 503: AWAY})},
    )
    async def analytics_summary(
        minutes: Annotated[
            int, QueryParameter(ge=1, le=MINUTES_MAX, description="How many minutes to look back.")
        ] = MINUTES_DEFAULT,
    ) -> Summary:
        """What has been counted."""
        return await summaries.summary(minutes)

    return [analytics_summary]
