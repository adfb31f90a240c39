"""A role that cannot be kept up fails alone, and comes back."""

from __future__ import annotations

import anyio
import pytest

from ordersys.supervision import NodeSnapshot
from supervisor import System
from tests.acceptance import shop as shops
from tests.acceptance.shop import Shop
from tests.stack import Environment

pytestmark = pytest.mark.anyio


async def test_a_role_that_keeps_crashing_fails_alone(environment: Environment) -> None:
    async with shops.system(
        environment.environ, RESTARTS_MAX="1", BACKOFF_FIRST_S="0.01", BACKOFF_CAP_S="1"
    ) as system:
        shop = Shop(environment.settings)
        async with shop.http:
            await shop.ready()
            with anyio.fail_after(20):
                while not _failed(system, "payment"):
                    if any(n.path == "payment/order.created" and n.ready for n in _nodes(system)):
                        system.supervisor.crash("payment/order.created", RuntimeError("injected"))
                    await anyio.sleep(0.01)
            answer = await shop.post()
            assert answer.status_code == 201
            readiness = await shop.http.get(f"http://127.0.0.1:{environment.settings['METRICS_PORT']}/readyz")
            assert readiness.status_code == 503
            order = await shop.final(answer.json()["id"])  # the branch is tried again and comes back
            assert order["status"] == "CONFIRMED"


def _nodes(system: System) -> list[NodeSnapshot]:
    return list(system.supervisor.snapshot().walk())


def _failed(system: System, role: str) -> bool:
    return any(node.path == role and str(node.state) == "failed" for node in _nodes(system))
