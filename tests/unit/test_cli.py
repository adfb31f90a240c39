"""The command line without servers: arguments, exit codes, lag as it is shown, load, percentiles."""

from __future__ import annotations

import asyncio
import random
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from config.settings import load as load_settings
from ordersys.adapters.kafka import Position
from ordersys.cli import codes, environment, lag, load, main, orders
from ordersys.cli.arguments import moment
from ordersys.cli.codes import Exit
from ordersys.cli.latency import Latencies
from ordersys.devstack.ports import free_port

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
BUSY = b"HTTP/1.1 503 Busy\r\nretry-after: 0\r\ncontent-length: 16\r\n\r\n" + b'{"error":"busy"}'
TAKEN = b"HTTP/1.1 201 Created\r\ncontent-length: 10\r\n\r\n" + b'{"id":"x"}'


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "PAUSE_CAP_S", 0.0)


# -- arguments and exit codes ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["load", "--mix", "ok=1,cash=2"],
        ["load", "--mix", "ok=0"],
        ["load", "--mix", "ok=1,ok=2"],
        ["load", "--rate", "0"],
        ["load", "--rate", "nan"],
        ["order", "create", "--count", "0"],
        ["order", "create", "--key", "not-a-uuid"],
        ["parked", "redrive", "--all", "--before", "yesterday"],
        ["parked", "redrive"],
        ["lag", "--every", "-1"],
        ["nothing"],
        [],
    ],
    ids=" ".join,
)
def test_a_wrong_call_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == Exit.USAGE
    assert "usage: ordersys" in capsys.readouterr().err


def test_the_exit_codes_are_told_by_help_and_the_docs(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert codes.HELP in capsys.readouterr().out
    docs = (ROOT / "docs" / "commands.md").read_text("utf-8")
    documented = {
        int(row[1]): row[2].split(" (")[0] for row in re.finditer(r"^\| (\d+) \| (.*) \|$", docs, re.M)
    }
    told = {int(row[1]): row[2] for row in re.finditer(r"^ +(\d+) +(.*)$", codes.HELP, re.M)}
    assert documented == told
    assert set(told) == set(Exit)


def test_one_key_is_for_one_order(capsys: pytest.CaptureFixture[str]) -> None:
    key = "9f1b2c3d-0000-4000-8000-000000000000"
    assert main(["order", "create", "--key", key, "--count", "2"]) == Exit.USAGE
    assert "--key" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["order", "get", "x"], ["order", "watch", "x", "--timeout-s", "0.2"]])
def test_without_an_api_it_is_3(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--url", f"http://127.0.0.1:{free_port()}"]) == Exit.UNAVAILABLE
    assert re.match(r"ordersys: the API at http://127\.0\.0\.1:\d+ is unavailable: ", capsys.readouterr().err)


def test_an_order_that_reaches_nobody_is_3_and_names_its_key(capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert main(["order", "create", "--tries", "2", "--json", "--url", url]) == Exit.UNAVAILABLE
    said = capsys.readouterr()
    assert msgspec.json.decode(said.out)["idempotency_key"] in said.err


def test_a_broken_setting_is_2(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("API_PORT", "door")
    assert main(["order", "get", "x"]) == Exit.USAGE
    assert "API_PORT: got 'door', takes" in capsys.readouterr().err


@pytest.mark.parametrize("group", ["nobody", ""])
def test_lag_of_an_unknown_group_is_2(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lag", "--group", group]) == Exit.USAGE
    assert "payment-service-v1" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["10.1.2.3", "example.com", "0.0.0.1"])
def test_load_goes_to_another_host_only_when_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], host: str
) -> None:
    monkeypatch.setenv("HOST", host)
    sent: list[str] = []
    monkeypatch.setattr(load.Load, "run", lambda self, url, connections: sent.append(url))
    assert main(["load"]) == Exit.USAGE
    assert "name it with --url" in capsys.readouterr().err
    assert sent == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "::1"])
def test_loopback_is_loopback(host: str) -> None:
    environment.require_loopback(host)


@pytest.mark.parametrize(
    ("host", "url"),
    [("0.0.0.0", "http://127.0.0.1:18080"), ("::", "http://127.0.0.1:18080"), ("::1", "http://[::1]:18080")],
)
def test_the_url_of_the_settings(host: str, url: str) -> None:
    assert environment.local_url(load_settings({"HOST": host})) == url


def test_commands_that_look_find_the_embedded_servers() -> None:
    known = environment.located(load_settings({"POSTGRES_PASSWORD": "a/b@c", "KAFKA_EXTERNAL_PORT": "1"}))
    assert known["KAFKA_BROKERS"] == "127.0.0.1:1"
    assert known["POSTGRES_DSN"] == "postgresql://orders:a%2Fb%40c@127.0.0.1:15432/orders"
    given = {"KAFKA_BROKERS": "k:9", "POSTGRES_DSN": "postgresql://x/y"}
    known = environment.located(load_settings(given))
    assert {name: known[name] for name in given} == given


def test_moments() -> None:
    assert moment("2026-01-31T12:00:00") == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert moment("2026-01-31T12:00:00+02:00") == datetime(2026, 1, 31, 10, tzinfo=UTC)
    ago = datetime.now(UTC) - moment("2h")
    assert abs(ago - timedelta(hours=2)) < timedelta(seconds=5)


def test_who_reads_the_output_may_go_away() -> None:
    code = (
        "import os, sys; from ordersys.cli import main; read, write = os.pipe(); os.close(read); "
        "os.dup2(write, 1); sys.exit(main(['settings']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (Exit.BROKEN_PIPE, b"")


def test_placing_an_order_does_not_wait_for_what_it_does_not_need() -> None:
    code = "import sys, ordersys.cli; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    loaded = set(done.stdout.split())
    assert "ordersys.cli.order" in loaded
    assert not loaded & {"aiokafka", "asyncpg", "litestar", "supervisor", "httpx"}


# -- lag ---------------------------------------------------------------------------------------------

STAND = {
    "a": [Position("t", 0, 10, 7), Position("t", 1, 5, None)],
    "b": [Position("t", 0, 10, None), Position("t", 1, 0, None)],
}


def test_nothing_committed_is_never_a_lag_of_0() -> None:
    found = lag.report(STAND)
    assert [group["lag"] for group in found["groups"]] == [3, None]
    assert found["groups"][0]["partitions"] == [
        {"partition": 0, "committed": "7", "end": "10", "lag": 3},
        {"partition": 1, "committed": None, "end": "5", "lag": None},
    ]
    assert found["lag"] == 3
    rows = lag._rows(STAND)
    assert rows[1][3:] == ("—", "5", "—")
    assert [row[-1] for row in rows if row[2] == "all"] == ["3", "—"]


# -- load --------------------------------------------------------------------------------------------


def test_a_mix_is_what_its_weights_say() -> None:
    weights = load.mix("ok=90, payment=5,stock=5")
    assert weights == {"ok": 90, "payment": 5, "stock": 5}
    bodies = load.Bodies(load_settings({}), weights, random.Random(1))
    made = [msgspec.json.decode(bodies.next()) for _ in range(2000)]
    dear = sum(body["amount_cents"] > 100_000 for body in made)
    many = sum(body["quantity"] > 10 for body in made)
    assert 60 < dear < 140
    assert 60 < many < 140
    assert not any(body["amount_cents"] > 100_000 and body["quantity"] > 10 for body in made)


async def _load(answer: Callable[[int], bytes], **options: Any) -> dict[str, Any]:
    count = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                size = re.search(rb"content-length: (\d+)", head)
                await reader.readexactly(int(size[1]) if size else 0)
                count += 1
                writer.write(answer(count))
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    bodies = load.Bodies(load_settings({}), {"ok": 1}, random.Random(1))
    made = load.Load(bodies=bodies, **options)
    await made.run(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", 8)
    server.close()
    return made.report()


async def test_load_sends_what_was_planned_and_counts_the_answers() -> None:
    found = await _load(lambda count: TAKEN if count % 4 else BUSY, rate=200, seconds=0.5)
    assert (found["planned"], found["sent"]) == (100, 100)
    assert (found["accepted"], found["refused"], found["unanswered"]) == (75, {"503": 25}, 0)
    assert found["reasons"] == {"busy": 25}
    latency = found["latency_ms"]
    assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"] <= latency["max"]
    assert found["seconds"] >= 0.45  # a hundred at 200 a second cannot have been faster


async def test_load_ends_in_time_when_nothing_is_answered() -> None:
    made = load.Load(
        rate=1000, seconds=0.2, bodies=load.Bodies(load_settings({}), {"ok": 1}, random.Random(1))
    )
    await made.run(f"http://127.0.0.1:{free_port()}", 4)
    found = made.report()
    assert found["accepted"] == 0
    assert found["unanswered"] == found["sent"] > 0
    assert found["latency_ms"] is None


def test_percentiles_are_right_to_one_per_cent() -> None:
    latencies = Latencies()
    for number in range(1, 10_001):
        latencies.add(number / 10_000)
    assert latencies.quantile_s(0.5) == pytest.approx(0.5, rel=0.011)
    assert latencies.quantile_s(0.99) == pytest.approx(0.99, rel=0.011)
    assert latencies.report()["max"] == 1000.0
