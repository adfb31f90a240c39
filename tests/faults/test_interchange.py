"""A second implementation of payment and of inventory in place of ours: the same results."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.shop import Shop, process, system
from tests.driving import wait_until
from tests.stack import Environment

pytestmark = pytest.mark.anyio

CASES = (
    ({}, "CONFIRMED", "PROCESSED", "RESERVED"),
    ({"amount_cents": 100_001}, "CANCELLED", "FAILED", "RESERVED"),
    ({"quantity": 11}, "CANCELLED", "PROCESSED", "FAILED"),
)


@pytest.mark.parametrize("theirs", [("payment",), ("inventory",), ("payment", "inventory")], ids="+".join)
async def test_services_of_others_take_our_place(
    environment: Environment, tmp_path: Path, theirs: tuple[str, ...]
) -> None:
    roles = ["api", "relay", "janitor", "payment", "inventory", "orchestrator", "notification", "analytics"]
    ours = ",".join(role for role in roles if role not in theirs)
    shop = Shop(environment.settings)
    program = ("-m", "tests.faults.stand_in")
    first = process(environment.environ, tmp_path / "first.log", program=(*program, theirs[0]))
    second = process(environment.environ, tmp_path / "second.log", program=(*program, theirs[-1]))
    with first, second:
        async with shop.http, system(environment.environ, ROLES=ours):
            await shop.ready(60)
            for fields, status, payment, inventory in CASES:
                answer = await shop.post(**fields)
                order = await shop.final(answer.json()["id"], 60)
                assert order["status"] == status

                async def both(
                    order_id: str = order["id"], wanted: tuple[str, str] = (payment, inventory)
                ) -> bool:
                    found = await shop.order(order_id)
                    return (found["payment_status"], found["inventory_status"]) == wanted

                await wait_until(both, "both results are known", 30)
            await shop.exactly_once(60)
