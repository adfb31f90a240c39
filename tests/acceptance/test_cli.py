"""The command line against a running system: orders, lag, load, doctor, parked events."""

from __future__ import annotations

import re
import subprocess
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import anyio
import anyio.to_thread
import msgspec
import pytest

from ordersys.adapters import parked
from ordersys.adapters.kafka import Message
from ordersys.cli.codes import Exit
from supervisor import System
from tests.acceptance import shop as shops
from tests.acceptance.shop import Shop, command
from tests.driving import wait_until
from tests.stack import Environment

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def system(environment: Environment) -> AsyncIterator[System]:
    async with shops.system(environment.environ) as running:
        yield running


@pytest.fixture
async def shop(environment: Environment, system: System) -> AsyncIterator[Shop]:
    made = Shop(environment.settings)
    async with made.http:
        await made.ready()
        yield made


@pytest.fixture
def ordersys(environment: Environment) -> Any:
    """Runs a command in a process of its own; its result."""

    async def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return await command({**environment.environ, **environ}, *arguments)

    return run


def _documents(done: subprocess.CompletedProcess[str]) -> list[Any]:
    return [msgspec.json.decode(line) for line in done.stdout.splitlines()]


async def test_an_order_is_placed_followed_and_looked_at(shop: Shop, ordersys: Any) -> None:
    done = await ordersys("order", "create", "--watch", "--json")
    assert (done.returncode, done.stderr) == (Exit.DONE, "")
    documents = _documents(done)
    assert [each["status"] for each in documents][-1] == "CONFIRMED"
    order_id = documents[0]["id"]
    assert {each["id"] for each in documents} == {order_id}

    watched = await ordersys("order", "watch", order_id)
    assert watched.returncode == Exit.DONE
    assert re.search(r"CONFIRMED +payment PROCESSED, inventory RESERVED", watched.stdout)

    shown = await ordersys("order", "get", order_id)
    assert re.search(r"^status +CONFIRMED$", shown.stdout, re.M)
    assert _documents(await ordersys("order", "get", order_id, "--json"))[0]["status"] == "CONFIRMED"


async def test_the_same_key_is_the_same_order(shop: Shop, ordersys: Any) -> None:
    key = str(uuid4())
    first, again = [_documents(await ordersys("order", "create", "--json", "--key", key)) for _ in range(2)]
    assert first == again
    other = await ordersys("order", "create", "--key", key, "--quantity", "2")
    assert other.returncode == Exit.FAILED
    assert "belongs to another order" in other.stderr


async def test_many_orders_at_once(shop: Shop, ordersys: Any) -> None:
    done = await ordersys("order", "create", "--count", "30", "--json")
    assert done.returncode == Exit.DONE
    assert len({each["id"] for each in _documents(done)}) == 30


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "--quantity", "0"), "quantity"),
        (("create", "--email", "nobody"), "customer_email"),
        (("get", "nothing"), "no order with this id"),
        (("watch", "5c0c5a5e-0000-4000-8000-000000000000"), "no order with this id"),
    ],
    ids=" ".join,
)
async def test_what_the_api_refuses_is_1_with_its_reason(
    shop: Shop, ordersys: Any, arguments: tuple[str, ...], said: str
) -> None:
    done = await ordersys("order", *arguments)
    assert (done.returncode, done.stdout) == (Exit.FAILED, "")
    assert said in done.stderr


async def test_an_order_that_cannot_become_final_is_4(shop: Shop, system: System, ordersys: Any) -> None:
    system.supervisor.stop("payment")
    try:
        done = await ordersys("order", "create", "--watch", "--timeout-s", "1")
        assert done.returncode == Exit.UNFINISHED
        assert "is not final after 1 s" in done.stderr
    finally:
        system.supervisor.start("payment")
    await shop.ready()


async def test_lag_is_what_kafka_says(shop: Shop, environment: Environment, ordersys: Any) -> None:
    await shop.post()
    await shop.settled()
    group = environment.name("NOTIFICATION_CONSUMER_GROUP")

    async def caught_up() -> Any:
        done = await ordersys("lag", "--json")
        assert done.returncode == Exit.DONE, done.stderr
        found = _documents(done)[0]
        return found if found["lag"] == 0 else None

    found = await wait_until(caught_up, "every group has caught up")
    assert len(found["groups"]) == 7
    notified = next(each for each in found["groups"] if each["group"] == group)
    assert [each["partition"] for each in notified["partitions"]] == list(range(environment.partitions))
    assert sum(int(each["committed"] or 0) for each in notified["partitions"]) > 0

    watched = await ordersys("lag", "--watch", "--times", "2", "--every", "0.1", "--group", group)
    assert watched.returncode == Exit.DONE
    assert [f"{group} 0" in line for line in watched.stdout.splitlines()] == [True, True]
    shown = await ordersys("lag")
    assert shown.stdout.splitlines()[0].split() == ["GROUP", "TOPIC", "PARTITION", "COMMITTED", "END", "LAG"]


async def test_load_becomes_what_its_mix_says(shop: Shop, ordersys: Any) -> None:
    before = await shop.settled()
    mix = "ok=2,payment=1,stock=1,invalid=1"
    done = await ordersys("load", "--rate", "50", "--seconds", "2", "--mix", mix, "--seed", "7", "--json")
    assert done.returncode == Exit.DONE, done.stderr
    found = _documents(done)[0]
    assert found["accepted"] + found["refused"]["400"] == found["sent"] == found["planned"] == 100
    assert found["refused"]["400"] > 0
    assert found["unanswered"] == 0
    after = await shop.settled()
    assert after["orders"] - before["orders"] == found["accepted"]


async def test_load_of_refusals_alone_is_1(shop: Shop, ordersys: Any) -> None:
    done = await ordersys("load", "--rate", "20", "--seconds", "0.2", "--mix", "invalid=1")
    assert done.returncode == Exit.FAILED
    assert "refused     4 with 400" in done.stdout


async def test_doctor_finds_nothing_wrong_here(shop: Shop, environment: Environment, ordersys: Any) -> None:
    done = await ordersys("doctor", "--json")
    found = _documents(done)[0]
    assert found["ok"], done.stdout
    assert done.returncode == Exit.DONE
    names = {each["name"] for each in found["findings"]}
    assert {"kafka", "postgres", "schema", "role payment", "role api"} <= names
    assert f"topic {environment.name('TOPIC_PAYMENT_DLQ')}" in names
    assert f"group {environment.name('PAYMENT_CONSUMER_GROUP')}" in names


async def test_doctor_says_what_is_wrong_and_what_to_do(
    shop: Shop, environment: Environment, ordersys: Any
) -> None:
    done = await ordersys(
        "doctor",
        PARTITIONS="9",
        TOPIC_NOTIFICATION_DLQ="no.such.topic",
        POSTGRES_DSN="postgresql://127.0.0.1:1/x",
    )
    assert done.returncode == Exit.UNAVAILABLE
    wrong = (
        rf"^NOT ok +topic \S+order\.created +{environment.partitions} partitions, PARTITIONS is 9\n +to do: "
    )
    assert re.search(wrong, done.stdout, re.M)
    assert re.search(r"^NOT ok +topic no\.such\.topic +is not there\n +to do: create it", done.stdout, re.M)
    assert re.search(r"^NOT ok +postgres .*\n +to do: start it", done.stdout, re.M)
    assert re.search(r"^ok +kafka ", done.stdout, re.M)


async def test_doctor_sees_a_group_that_stands_still(
    shop: Shop, system: System, environment: Environment, ordersys: Any
) -> None:
    group = environment.name("INVENTORY_CONSUMER_GROUP")
    system.supervisor.stop("inventory")
    try:
        for _ in range(3):
            await shop.post()

        async def seen() -> str | None:
            done = await ordersys("doctor")
            assert done.returncode in (Exit.DONE, Exit.FAILED)
            return done.stdout if f"NOT ok  group {group}" in done.stdout else None

        said = await wait_until(seen, "the group is found standing still")
        assert re.search(rf"group {group} +lag .*, does not move\n +to do: run its role", said)
        assert re.search(r"^NOT ok +role inventory +", said, re.M)
    finally:
        system.supervisor.start("inventory")
    await shop.ready()
    await shop.exactly_once()


async def test_dead_events_are_redriven_in_batches(
    shop: Shop, environment: Environment, ordersys: Any
) -> None:
    group, topic = environment.name("PAYMENT_CONSUMER_GROUP"), environment.name("TOPIC_ORDER_CREATED")
    async with environment.broker.publisher() as publisher:
        await publisher.publish([Message(topic, str(uuid4()).encode(), b"no event", []) for _ in range(6)])

    async def dead() -> list[Any]:
        async with environment.database.session() as session:
            rows = await parked.unfinished(session, group, 100)
        return [row for row in rows if row["state"] == "dead" and row["requested"] is None]

    async def all_dead() -> list[Any]:
        found = await dead()
        return found if len(found) == 6 else []

    rows = await wait_until(all_dead, "six events are dead")
    listed = _documents(await ordersys("parked", "list", "--json", "--group", group))
    assert [each["id"] for each in listed] == [row["id"] for row in rows]

    arguments = ("parked", "redrive", "--all", "--group", group)
    nothing = await ordersys(*arguments, "--before", "1h", "--dry-run")
    assert (nothing.returncode, nothing.stdout) == (
        Exit.FAILED,
        "redrive: 0 dead events would be asked for\n",
    )
    dry = await ordersys(*arguments, "--limit", "4", "--dry-run", "--json")
    assert [each["id"] for each in _documents(dry)] == [row["id"] for row in rows[:4]]
    assert len(await dead()) == 6

    before = anyio.current_time()
    asked = await ordersys(*arguments, "--limit", "4", "--rate", "4", "--json")
    assert _documents(asked) == [{"action": "redrive", "requested": 4}]
    assert anyio.current_time() - before > 0.5  # the second two came half a second after the first

    async def tried() -> bool:
        async with environment.database.session() as session:
            counts = await session.fetch("select attempts from parked_events where group_name = $1", group)
        return sorted(row[0] for row in counts) == [1, 1, 2, 2, 2, 2]

    await wait_until(tried, "four of six were tried once more, and are dead still")

    given_up = await ordersys("parked", "discard", "--all", "--group", group)
    assert given_up.stdout == "discard: asked for 6 dead events\n"

    async def none_left() -> bool:
        done = await ordersys("parked", "list", "--group", group)
        return done.stdout == "nothing is parked\n"

    await wait_until(none_left, "all six are discarded")
    async with environment.database.session() as session:
        await session.execute("delete from parked_events")
