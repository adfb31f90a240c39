"""The whole system with its outside channels: from a POST to the customer's mail and the webhook."""

from __future__ import annotations

import pytest

from ordersys.supervision import NodeSnapshot
from supervisor import System
from tests.acceptance import shop as shops
from tests.acceptance.shop import Shop
from tests.driving import wait_until
from tests.integration.receivers import endpoint, mail_server
from tests.stack import Environment

pytestmark = pytest.mark.anyio


def node(system: System, path: str) -> NodeSnapshot:
    """A node of the tree, by ids of its supervisors and its own."""
    found = system.supervisor.snapshot()
    for part in path.split("/"):
        found = next(child for child in found.children if child.id == part)
    return found


async def test_orders_are_told_outside_and_a_receiver_that_is_away_is_waited_for(fresh: Environment) -> None:
    async with endpoint() as receiver, mail_server() as server:
        outside = {
            "NOTIFY_SMTP_URL": f"smtp://127.0.0.1:{server.port}",
            "NOTIFY_SMTP_FROM": "Shop <orders@shop.example>",
            "NOTIFY_WEBHOOK_URL": receiver.url,
            "NOTIFY_WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        }
        async with shops.system(fresh.environ, BACKOFF_CAP_S="1", **outside) as system:
            shop = Shop(fresh.settings)

            async def all_told() -> bool:
                totals = await shop.totals()
                posted = len(set(receiver.ids))
                return (len(server.mails), posted) == (totals["orders"], totals["transitions"])

            async with shop.http:
                await shop.ready()
                for number in range(5):
                    await shop.post(customer_email=f"c{number}@mail.example", quantity=1 if number else 11)
                await shop.settled()
                await wait_until(all_told, "the first orders are told")
                await receiver.close()
                await server.close()
                for number in range(5, 10):
                    await shop.post(customer_email=f"c{number}@mail.example")
                await shop.ready(wanted=False)

                async def both_wait() -> bool:
                    states = [node(system, f"notification/{each}").state for each in ("mail", "webhook")]
                    return [state.value for state in states] == ["waiting", "waiting"]

                await wait_until(both_wait, "both channels wait")
                assert node(system, "notification/order.status.changed").ready
                await receiver.open()
                await server.open()
                await shop.ready()
                # The outage was nobody's fault: nothing is parked, and no restart was spent.
                await shop.exactly_once()
                await wait_until(all_told, "everything is told")
                for each in ("mail", "webhook"):
                    assert node(system, f"notification/{each}").restarts_in_window == 0
                assert await shop.metric("ordersys_deliveries_total") >= 10 + len(set(receiver.ids))
    assert sorted(server.recipients) == [f"c{number}@mail.example" for number in range(10)]
    subjects = [mail["Subject"].rpartition(" is ")[2] for mail in server.mails]
    assert sorted(subjects) == ["cancelled"] + ["confirmed"] * 9
