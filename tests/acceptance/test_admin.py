"""One view of all processes, and orders to each: by HTTP and from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ordersys.devstack.ports import free_port
from tests.acceptance import shop as shops
from tests.acceptance.shop import BEARER, TOKEN, Shop, command, process
from tests.driving import wait_until
from tests.stack import Environment

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]

OTHERS = "api,relay,janitor,orchestrator,inventory,notification,analytics"


async def comes_to(shop: Shop, path: str, state: str | None) -> None:
    """Return when the node is in ``state``; None: when there is none."""

    async def so() -> bool:
        node = (await shop.nodes()).get(path)
        return (node and node.state) == state

    await wait_until(so, f"{path} is {state}")


async def test_one_view_shows_all_processes_and_orders_go_to_each(fresh: Environment, tmp_path: Path) -> None:
    log = tmp_path / "payment.log"
    port = free_port(besides=(fresh.settings["API_PORT"], fresh.settings["METRICS_PORT"]))
    shop = Shop(fresh.settings)
    with process(fresh.environ, tmp_path / "others.log", ROLES=OTHERS, ADMIN_TOKEN=TOKEN):
        async with shop.http:
            with process(fresh.environ, log, ROLES="payment", METRICS_PORT=str(port)):
                await shop.ready()
                await comes_to(shop, "payment/order.created", "ready")
                await shop.final((await shop.post()).json()["id"])

                order = {"action": "stop", "path": "payment", "reason": "a test"}
                answer = await shop.http.post("/admin/actions", headers=BEARER, json=order)
                assert [each["outcome"] for each in answer.json()["results"]] == ["accepted"]
                await comes_to(shop, "payment", "stopped")
                (line,) = [
                    json.loads(each) for each in log.read_text().splitlines() if "admin action" in each
                ]
                assert (line["action"], line["child"], line["reason"]) == ("stop", "payment", "a test")
                assert line["asked_by"] == "admin at 127.0.0.1"

                waiting = (await shop.post()).json()["id"]

                async def half() -> bool:
                    return (await shop.order(waiting))["inventory_status"] == "RESERVED"

                await wait_until(half, "inventory has answered")
                assert (await shop.order(waiting))["payment_status"] is None
                done = await command(fresh.environ, "start", "payment", "--reason", "enough")
                assert (done.returncode, done.stderr) == (0, "")
                assert done.stdout.rstrip().endswith("accepted")
                assert (await shop.final(waiting))["status"] == "CONFIRMED"

                shown = await command(fresh.environ, "tree", "--json")
                assert len(json.loads(shown.stdout)["processes"]) == 2
                assert "order.created" in (await command(fresh.environ, "tree")).stdout
                refused = await command(fresh.environ, "stop", "control")
                assert refused.returncode == 1
                assert "restart it instead" in refused.stdout
                unknown = await command(fresh.environ, "restart", "cashier")
                assert unknown.returncode == 1
                assert "no process has a role or child 'cashier'" in unknown.stderr
            # It has drained, and said so.
            await comes_to(shop, "payment", None)
            assert TOKEN not in log.read_text() + (tmp_path / "others.log").read_text()


async def test_without_a_token_there_is_nothing(environment: Environment) -> None:
    async with shops.system(environment.environ):
        shop = Shop(environment.settings)
        async with shop.http:
            await shop.ready()
            for answer in (
                await shop.http.get("/admin/tree", headers=BEARER),
                await shop.http.post(
                    "/admin/actions", headers=BEARER, json={"action": "stop", "path": "api"}
                ),
            ):
                assert answer.status_code == 404
                assert answer.headers["Content-Type"] == "application/problem+json"
