"""One view of all processes, and orders to each: by HTTP and from the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx
import pytest

from ordersys.devstack.ports import free_port
from tests.acceptance import shop as shops
from tests.acceptance.shop import ROOT, Shop, process
from tests.driving import wait_until
from tests.stack import Environment

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]

TOKEN = "a-token-nobody-can-guess"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
OTHERS = "api,relay,janitor,orchestrator,inventory,notification,analytics"


async def states(http: httpx.AsyncClient) -> dict[str, str]:
    """State by path, over all processes."""
    answer = await http.get("/admin/tree", headers=BEARER)
    assert answer.status_code == 200, answer.text
    assert answer.json()["complete"]

    def walk(node: dict[str, Any]) -> dict[str, str]:
        found = {node["path"]: node["state"]}
        for child in node["children"]:
            found |= walk(child)
        return found

    found: dict[str, str] = {}
    for each in answer.json()["processes"]:
        found |= walk(each["tree"])
    return found


async def comes_to(http: httpx.AsyncClient, path: str, state: str | None) -> None:
    async def so() -> bool:
        return (await states(http)).get(path) == state

    await wait_until(so, f"{path} is {state}")


async def command(environment: Environment, *arguments: str) -> subprocess.CompletedProcess[str]:
    def work() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ordersys.cli", *arguments],
            cwd=ROOT,
            env={**os.environ, **environment.environ},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return await anyio.to_thread.run_sync(work)


async def test_one_view_shows_all_processes_and_orders_go_to_each(fresh: Environment, tmp_path: Path) -> None:
    log = tmp_path / "payment.log"
    port = free_port(besides=(fresh.settings["API_PORT"], fresh.settings["METRICS_PORT"]))
    shop = Shop(fresh.settings)
    with process(fresh.environ, tmp_path / "others.log", ROLES=OTHERS, ADMIN_TOKEN=TOKEN):
        async with shop.http:
            with process(fresh.environ, log, ROLES="payment", METRICS_PORT=str(port)):
                await shop.ready()
                await comes_to(shop.http, "payment/order.created", "ready")
                await shop.final((await shop.post()).json()["id"])

                order = {"action": "stop", "path": "payment", "reason": "a test"}
                answer = await shop.http.post("/admin/actions", headers=BEARER, json=order)
                assert [each["outcome"] for each in answer.json()["results"]] == ["accepted"]
                await comes_to(shop.http, "payment", "stopped")
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
                done = await command(fresh, "start", "payment", "--reason", "enough")
                assert (done.returncode, done.stderr) == (0, "")
                assert done.stdout.rstrip().endswith("accepted")
                assert (await shop.final(waiting))["status"] == "CONFIRMED"

                shown = await command(fresh, "tree", "--json")
                assert len(json.loads(shown.stdout)["processes"]) == 2
                assert "order.created" in (await command(fresh, "tree")).stdout
                refused = await command(fresh, "stop", "control")
                assert refused.returncode == 1
                assert "restart it instead" in refused.stdout
                unknown = await command(fresh, "restart", "cashier")
                assert unknown.returncode == 1
                assert "no process has a role or child 'cashier'" in unknown.stderr
            # It has drained, and said so.
            await comes_to(shop.http, "payment", None)
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
