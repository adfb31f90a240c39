"""What does poison cost the good events? The flow with one record in a hundred unreadable, and without.

In turns on the same servers, as in ``flow``; good orders a second until all of them are final, notified and
counted. Quote the ratio.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from functools import partial
from uuid import uuid4

import anyio

from benchmarks import harness
from benchmarks.flow import ROLES, wait_ready
from config.settings import load
from ordersys.adapters.outbox import OutboxRow

GARBAGE = b'{"event_id": '


def main(arguments: list[str]) -> int:
    """Run the pair ``--rounds`` times; prints a line per run and the ratio."""
    parser = argparse.ArgumentParser(prog="./run bench poison", description=__doc__)
    parser.add_argument("--orders", type=int, default=20_000, help="good orders in a run")
    parser.add_argument("--rounds", type=int, default=4, help="how often the pair is run")
    parser.add_argument("--every", type=int, default=100, help="one poisoned record for so many orders")
    chosen = parser.parse_args(arguments)
    return anyio.run(partial(_main, chosen.orders, chosen.rounds, chosen.every))


async def _main(orders: int, rounds: int, every: int) -> int:
    pairs = []
    async with harness.servers() as (brokers, dsn):
        for number in range(rounds):
            # The second of a pair meets what the first has left to the servers: each is second as often.
            rates = {}
            for kind in (0, every) if number % 2 else (every, 0):
                rates[kind] = await _measure(brokers, dsn, orders, kind)
            clean, poisoned = rates[0], rates[every]
            pairs.append(poisoned / clean)
            print(f"clean {clean:,.0f}, poisoned {poisoned:,.0f} good orders/s: {pairs[-1]:.2f}", flush=True)
    print(f"ratio: median {statistics.median(pairs):.2f}")
    return 0


async def _measure(brokers: str, dsn: str, orders: int, every: int) -> float:
    environ = await harness.clean_environment(brokers, dsn, ROLES=ROLES)
    settings = load(environ)
    log = harness.ROOT / ".ordersys" / "bench" / "poison.log"
    with harness.running([sys.executable, "supervisor.py"], environ, log) as process:
        wait_ready("ours", settings["METRICS_PORT"], log, process)
        poison = partial(_poison, settings.name("TOPIC_ORDER_CREATED")) if every else None
        await harness.fill(settings, orders, every=every, extra=poison)
        started = time.perf_counter()
        await harness.finished(settings, orders, process)
        return orders / (time.perf_counter() - started)


def _poison(topic: str) -> OutboxRow:
    return OutboxRow(topic, uuid4().hex.encode(), GARBAGE, "{}")
