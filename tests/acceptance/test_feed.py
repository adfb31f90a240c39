"""The live feed and the figures of a whole system: what people see, also when something is away."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance import shop as shops
from tests.acceptance.shop import Shop, process
from tests.driving import wait_until
from tests.sse import EventSource, event_source
from tests.stack import Environment, Servers

pytestmark = pytest.mark.anyio
DRAIN_DEADLINE_S = 20.0
BACK_DEADLINE_S = 90.0


@pytest.fixture(scope="module")
def servers(mortal_servers: Servers) -> Servers:
    return mortal_servers


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "supervisor.log"


@pytest.fixture
def running(environment: Environment, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with process(environment.environ, log, BACKOFF_CAP_S="1") as started:
        yield started


@asynccontextmanager
async def shop_of(environment: Environment) -> AsyncIterator[Shop]:
    """A client of the running system, once that is ready."""
    shop = Shop(environment.settings)
    async with shop.http:
        await shop.ready()
        yield shop


def feed_of(environment: Environment) -> str:
    return f"http://127.0.0.1:{environment.settings['API_PORT']}/events"


async def whole(source: EventSource, order_id: str) -> None:
    """Return when the whole way of an order was told."""
    await source.until(lambda: set(source.versions(order_id)) == {0, 1, 2}, f"the way of {order_id}")


async def figures(shop: Shop) -> Any:
    answer = await shop.http.get("/pipeline")
    answer.raise_for_status()
    return answer.json()


async def test_an_order_is_seen_live_from_its_acceptance_to_its_end(environment: Environment) -> None:
    async with (
        shops.system(environment.environ),
        shop_of(environment) as shop,
        event_source(feed_of(environment)) as one,
        event_source(feed_of(environment)) as other,
    ):
        await one.until(lambda: one.of("hello"), "a hello")
        posted = (await shop.post(item_sku="SKU-9")).json()
        for source in (one, other):
            await whole(source, posted["id"])
        order = next(
            c["order"] for c in one.changes() if c["kind"] == "created" and c["order"]["id"] == posted["id"]
        )
        assert order == {
            **{
                name: posted[name]
                for name in ("id", "customer_email", "item_sku", "quantity", "amount_cents")
            },
            "status": "NEW",
            "order_version": 0,
            "created_at_utc": posted["created_at_utc"],
        }
        final = [c for c in one.changes() if c.get("id") == posted["id"]][-1]
        assert (final["previous_state"], final["current_state"]) == ("PROCESSING", "CONFIRMED")
        assert await shop.metric("ordersys_feed_streams") == 2
        assert await shop.metric("ordersys_feed_frames_total") > 0


async def test_figures_are_told_every_two_seconds_and_asked_for(environment: Environment) -> None:
    async with shops.system(environment.environ), shop_of(environment) as shop:
        async with event_source(feed_of(environment)) as source:
            await shop.post()
            await source.until(lambda: len(source.of("pipeline")) >= 4, "figures", 20)
        times = [event.at for event in source.of("pipeline")][1:]
        assert (times[-1] - times[0]) / (len(times) - 1) == pytest.approx(2, abs=1)
        told = source.of("pipeline")[-1].data
        assert (told["kafka"], told["postgres"]) == ("ok", "ok")

        async def settled() -> Any:
            found = await figures(shop)
            return found if all(group["lag"] == 0 for group in found["groups"]) else None

        found = await wait_until(settled, "every group is done")
        assert set(found) == set(told)
        name = environment.name
        assert {group["group"]: (group["service"], group["topic"]) for group in found["groups"]} == {
            name(f"{group}_GROUP"): (service, name(f"TOPIC_{topic}"))
            for group, service, topic in [
                ("PAYMENT_CONSUMER", "payment", "ORDER_CREATED"),
                ("INVENTORY_CONSUMER", "inventory", "ORDER_CREATED"),
                ("ANALYTICS_CONSUMER", "analytics", "ORDER_CREATED"),
                ("ORCHESTRATOR_PAYMENT", "orchestrator", "PAYMENT_RESULT"),
                ("ORCHESTRATOR_INVENTORY", "orchestrator", "INVENTORY_RESULT"),
                ("NOTIFICATION_CONSUMER", "notification", "ORDER_STATUS_CHANGED"),
                ("ANALYTICS_STATUS_CONSUMER", "analytics", "ORDER_STATUS_CHANGED"),
            ]
        }
        assert len(found["topics"]) == 9
        ends = sum(int(each["end"]) for each in found["topics"][0]["partitions"])
        assert ends == (await shop.totals())["orders"]
        assert found["outbox"]["rows"] == 0
        assert found["parked"] == []
        history = (await shop.http.get("/pipeline/history")).json()
        assert history["step_s"] == 2
        length = len(history["at"])
        assert length >= 4
        columns = [history["accepted_per_s"], history["outbox_rows"], history["outbox_age_s"]]
        columns += [*history["topic_per_s"].values(), *history["group_lag"].values()]
        assert {len(column) for column in columns} == {length}
        assert history["topic_per_s"].keys() == {topic["topic"] for topic in found["topics"]}
        assert history["group_lag"].keys() == {group["group"] for group in found["groups"]}


async def test_groups_of_other_processes_are_in_the_figures_too(environment: Environment) -> None:
    async with shops.system(environment.environ, ROLES="api,relay"), shop_of(environment) as shop:
        await shop.post()

        async def behind() -> Any:
            found = {group["service"]: group for group in (await figures(shop))["groups"]}
            return found if found["payment"]["lag"] else None

        # Nobody pays: those groups have committed before, in this module's other tests.
        found = await wait_until(behind, "payment is behind")
        assert found["payment"]["lag_s"] > 0
        assert found["notification"]["lag"] == 0


async def test_a_group_that_never_committed_has_no_lag(fresh: Environment) -> None:
    async with shops.system(fresh.environ, ROLES="api,relay"), shop_of(fresh) as shop:
        await shop.post()

        async def written() -> Any:
            found = await figures(shop)
            return found if any(each["end"] != "0" for each in found["topics"][0]["partitions"]) else None

        found = await wait_until(written, "the order is in the log")
        assert {(group["lag"], group["lag_s"]) for group in found["groups"]} == {(None, None)}
        parts = [part for group in found["groups"] for part in group["partitions"]]
        assert {(part["committed"], part["lag"]) for part in parts} == {(None, None)}


async def test_a_restart_ends_streams_and_replays_what_they_missed(
    environment: Environment, log: Path
) -> None:
    with process(environment.environ, log) as first:
        async with shop_of(environment) as shop, event_source(feed_of(environment)) as source:
            before = (await shop.post()).json()["id"]
            await whole(source, before)
            began = time.monotonic()
            first.send_signal(signal.SIGTERM)
            await source.until(lambda: source.ended, "the end of the stream", 5)
            missed_from = source.last_id
            await wait_until(lambda: ended(first), "the end of the process", DRAIN_DEADLINE_S)
            assert time.monotonic() - began < DRAIN_DEADLINE_S
    with process(environment.environ, log):
        async with shop_of(environment) as shop:
            missed = (await shop.post()).json()["id"]
            await shop.final(missed)
            async with event_source(feed_of(environment), missed_from) as source:
                await whole(source, missed)
                assert source.versions(before) == []
                assert not source.of("reset")
            async with event_source(feed_of(environment), "0123456789ab.1.2.3") as source:
                await source.until(lambda: source.of("reset"), "a reset")


async def test_with_kafka_away_streams_stay_orders_are_taken_and_nothing_false_is_told(
    servers: Servers, environment: Environment, running: subprocess.Popen[bytes]
) -> None:
    assert servers.stack is not None, "this test stops the embedded Kafka"
    async with shop_of(environment) as shop, event_source(feed_of(environment)) as source:
        await whole(source, (await shop.post()).json()["id"])
        await servers.stack.stop_kafka("kill")
        try:
            await source.until(
                lambda: source.of("pipeline")[-1].data["kafka"] == "unavailable", "the outage is told", 30
            )
            away = (await shop.post()).json()["id"]
            pings = len(source.comments)
            await source.until(lambda: len(source.comments) > pings, "a ping", 20)
            assert (await shop.http.get("/readyz")).status_code == 200
            await wait_until(lambda: outbox_grows(shop), "the outbox is told")
            told = await figures(shop)
            assert {topic["per_s"] for topic in told["topics"]} == {None}
            assert {(group["lag"], group["lag_s"]) for group in told["groups"]} == {(None, None)}
            assert told["postgres"] == "ok"
            assert not source.ended
        finally:
            await servers.stack.start_kafka()
        await source.until(
            lambda: set(source.versions(away)) == {0, 1, 2}, "the order taken meanwhile", BACK_DEADLINE_S
        )
        await source.until(
            lambda: source.of("pipeline")[-1].data["kafka"] == "ok", "the end of the outage", BACK_DEADLINE_S
        )
        assert not source.of("reset")
        await shop.ready(BACK_DEADLINE_S)
        assert await shop.metric("ordersys_child_crashes_total") == 0


async def test_an_api_alone_is_ready_without_kafka_and_says_so(environment: Environment) -> None:
    nobody = {**environment.environ, "KAFKA_BROKERS": "127.0.0.1:9"}
    async with shops.system(nobody, ROLES="api"), event_source(feed_of(environment)) as source:
        shop = Shop(environment.settings)
        async with shop.http:
            assert (await shop.http.get("/readyz")).status_code == 200
            assert (await shop.post()).status_code == 201
            await source.until(lambda: source.of("pipeline"), "figures")
            await wait_until(lambda: outbox_grows(shop), "the outbox is told")
            assert (await figures(shop))["kafka"] == "unavailable"
            await source.until(lambda: source.comments, "a ping", 20)


async def test_an_api_that_knows_no_kafka_needs_none(environment: Environment) -> None:
    async with (
        shops.system({**environment.environ, "KAFKA_BROKERS": ""}, ROLES="api"),
        event_source(feed_of(environment)) as source,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{environment.settings['METRICS_PORT']}") as probes,
    ):
        await source.until(lambda: source.of("pipeline"), "figures")
        assert source.of("pipeline")[-1].data["kafka"] == "unavailable"

        async def ready() -> bool:
            return (await probes.get("/readyz")).status_code == 200

        await wait_until(ready, "all of the process is ready")


async def ended(running: subprocess.Popen[bytes]) -> bool:
    return running.poll() is not None


async def outbox_grows(shop: Shop) -> bool:
    return bool((await figures(shop))["outbox"]["rows"])
