"""The probes, on the API's port and on a port of their own."""

from __future__ import annotations

import pytest

from ordersys.api.app import build_probes_app
from ordersys.api.probes import Line
from tests.unit.api_fakes import FakeStore, app_of, client_of

pytestmark = pytest.mark.anyio
AWAY = Line("postgres", "waiting", ok=False, detail="connection refused")


async def test_health_and_probes_are_text() -> None:
    lines = [Line("api", "ready", ok=True), AWAY]
    facts: list[object] = []
    apps = [
        app_of(None, FakeStore(), facts, lines=lines),
        build_probes_app(
            readiness=lambda: lines,
            render_metrics=lambda: (b"metric 1\n", "text/plain"),
            on_fact=facts.append,
        ),
    ]
    for app in apps:
        async with client_of(app) as client:
            assert (await client.get("/livez")).text == "ok\n"
            response = await client.get("/readyz")
            assert response.status_code == 503
            assert response.text == "ok  api      ready\nNOT postgres waiting connection refused\n"
            lines.pop()
            assert (await client.get("/readyz")).status_code == 200
            lines.append(AWAY)
            response = await client.get("/metrics")
            assert response.text == "metric 1\n"
            assert response.headers["content-type"].startswith("text/plain")
            assert (await client.get("/nothing")).headers["content-type"] == "application/problem+json"
    async with client_of(apps[0]) as client:
        assert (await client.get("/health")).text == "ok"
        schema = (await client.get("/openapi.json")).json()
        assert {"/orders", "/orders/{order_id}", "/health"} <= schema["paths"].keys()
        assert (await client.get("/")).status_code == 404
    assert facts == []
