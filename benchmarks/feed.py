"""What do open streams of the live feed cost those who post orders?

POSTs a second with no stream and with 500 open ones, in turns A B A B against one process, on the same
servers; between two turns what was posted is worked off. Quote the ratio: the machine's own speed changes
from minute to minute, and the clients of both kinds run on it too. On a busy machine the ratio is blurred
itself; what the streams cost is then told by the CPU of the process: what it takes with streams, less what
the same POSTs take without.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from subprocess import Popen
from typing import Any

import anyio
import httpx
import psutil

from benchmarks import harness
from config.settings import Settings, load
from ordersys.adapters.postgres import Database

BODY = b'{"customer_email":"bench@example.com","item_sku":"SKU-1","quantity":1,"amount_cents":1999}'
POST = (
    b"POST /orders HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n" % len(BODY)
) + BODY
GET = b"GET /events HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n\r\n"
WARM_UP_S = 2.0
SETTLE_S = 120.0
_WAITING = """
select (select count(*) from outbox)
     + (select count(*) from orders where status not in ('CONFIRMED', 'CANCELLED'))
"""


def main(arguments: list[str]) -> int:
    """Run the pair ``--rounds`` times, ``--seconds`` each; prints a line per turn and the ratio."""
    parser = argparse.ArgumentParser(prog="./run bench feed", description=__doc__)
    parser.add_argument("--streams", type=int, default=500, help="open streams in every second turn")
    parser.add_argument("--seconds", type=float, default=6.0, help="length of a turn")
    parser.add_argument("--rounds", type=int, default=5, help="how often the pair is run")
    parser.add_argument("--customers", type=int, default=64, help="connections that post")
    parser.add_argument("--roles", default="all", help="roles of the measured process")
    return anyio.run(_main, parser.parse_args(arguments), backend_options={"use_uvloop": True})


@dataclass
class Counted:
    """What the clients saw; bytes and frames are those of the streams."""

    posted: int = 0
    refused: int = 0
    bytes: int = 0
    ended: int = 0
    transports: list[asyncio.Transport] = field(default_factory=list)


class Customer(asyncio.Protocol):
    """Posts the next order when the last is answered."""

    def __init__(self, counted: Counted) -> None:
        self._counted = counted

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._counted.transports.append(transport)
        transport.write(POST)

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"HTTP/1.1 201"):
            self._counted.posted += 1
        elif data.startswith(b"HTTP/1.1"):
            self._counted.refused += 1
        if data.endswith(b"}"):
            self._transport.write(POST)


class Watcher(asyncio.Protocol):
    """Reads a stream and throws it away."""

    def __init__(self, counted: Counted) -> None:
        self._counted = counted

    def connection_made(self, transport: Any) -> None:
        self._counted.transports.append(transport)
        transport.write(GET)

    def data_received(self, data: bytes) -> None:
        self._counted.bytes += len(data)

    def connection_lost(self, _: Exception | None) -> None:
        self._counted.ended += 1


async def _main(chosen: argparse.Namespace) -> int:
    rates: dict[int, list[float]] = {0: [], chosen.streams: []}
    costs: dict[int, list[float]] = {0: [], chosen.streams: []}
    async with harness.servers() as (brokers, dsn):
        environ = await harness.clean_environment(brokers, dsn, ROLES=chosen.roles, LOG_LEVEL="warning")
        settings = load(environ)
        command = [sys.executable, "supervisor.py"]
        log = harness.ROOT / ".ordersys" / "bench" / "feed.log"
        with harness.running(command, environ, log) as process:
            await _ready(settings)
            await _turn(settings, process, 0, WARM_UP_S, chosen.customers)
            for _ in range(chosen.rounds):
                for streams in rates:
                    await _settled(settings)
                    rate, cpu_ms = await _turn(settings, process, streams, chosen.seconds, chosen.customers)
                    rates[streams].append(rate)
                    costs[streams].append(cpu_ms)
    turns = list(zip(rates[0], costs[0], rates[chosen.streams], costs[chosen.streams], strict=True))
    ratios = [with_ / without for without, _, with_, _ in turns]
    taken = [cpu - with_ * (cpu_without / without) for without, cpu_without, with_, cpu in turns]
    print(
        f"median: {statistics.median(rates[0]):,.0f} POSTs/s without streams, "
        f"{statistics.median(rates[chosen.streams]):,.0f} with {chosen.streams}; "
        f"ratio {statistics.median(ratios):.2f} (pairs: {', '.join(f'{ratio:.2f}' for ratio in ratios)}); "
        f"the streams took {statistics.median(taken):,.0f} ms of CPU a second, "
        f"{statistics.median(taken) / 10:.1f} % of what one process can have"
    )
    return 0


async def _turn(
    settings: Settings, process: Popen[bytes], streams: int, seconds: float, customers: int
) -> tuple[float, float]:
    """POSTs a second, and CPU of the process in ms a second."""
    watched, posted = Counted(), Counted()
    try:
        await _connect(settings, Watcher, watched, streams)
        if streams:
            await _streams_open(settings, streams)
        await _connect(settings, Customer, posted, customers)
        await anyio.sleep(1)
        before, cpu, seen, started = posted.posted, _cpu_s(process), watched.bytes, time.perf_counter()
        await anyio.sleep(seconds)
        took = time.perf_counter() - started
        rate, cpu_ms = (posted.posted - before) / took, (_cpu_s(process) - cpu) / took * 1000
        each = (watched.bytes - seen) / took / max(1, streams)
        print(
            f"{streams:>4} streams: {rate:,.0f} POSTs/s, {cpu_ms:,.0f} ms of CPU a second, "
            f"{each / 1000:,.1f} kB/s a stream, {posted.refused} refused, {watched.ended} cut off",
            flush=True,
        )
        return rate, cpu_ms
    finally:
        for transport in [*posted.transports, *watched.transports]:
            transport.abort()


async def _connect(settings: Settings, kind: Any, counted: Counted, count: int) -> None:
    loop = asyncio.get_running_loop()
    for _ in range(count):
        await loop.create_connection(lambda: kind(counted), "127.0.0.1", settings["API_PORT"])


async def _streams_open(settings: Settings, streams: int) -> None:
    """Return when the process says so.

    :raises TimeoutError: it does not in 20 s.
    """
    wanted = f"ordersys_feed_streams {float(streams)}"
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings['METRICS_PORT']}") as http:
        with anyio.fail_after(20):
            while True:
                if wanted in (await http.get("/metrics")).text:
                    return
                await anyio.sleep(0.1)


async def _ready(settings: Settings) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings['METRICS_PORT']}") as http:
        with anyio.fail_after(60):
            while True:
                with suppress(httpx.TransportError):
                    if (await http.get("/readyz")).status_code == 200:
                        return
                await anyio.sleep(0.1)


async def _settled(settings: Settings) -> None:
    """Return when what was posted is worked off, as far as the roles of the process do it."""
    async with Database(dsn=settings["POSTGRES_DSN"]).session() as session:
        left, at = None, time.monotonic()
        while time.monotonic() - at < SETTLE_S:
            was, left = left, (await session.fetch(_WAITING))[0][0]
            if left == 0 or left == was:
                return
            await anyio.sleep(1)


def _cpu_s(process: Popen[bytes]) -> float:
    times = psutil.Process(process.pid).cpu_times()
    return float(times.user + times.system)
