"""How many more orders a second do roles in processes of their own work off than all in one process?

The flow of ``flow.py`` in turns A B A B: all roles in one process, and ``ISOLATION`` for some or all of them.
With it goes how busy the machine was, servers included: where the cores are all taken, no division of work
finds another one.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

import anyio
import psutil

from benchmarks import harness
from benchmarks.flow import COMMANDS, measure

ALL = "process"


def main(arguments: list[str]) -> int:
    """Run the pair ``--rounds`` times; prints a line per run and the ratio."""
    parser = argparse.ArgumentParser(prog="./run bench isolation", description=__doc__)
    parser.add_argument("--orders", type=int, default=20_000, help="orders in a run")
    parser.add_argument("--rounds", type=int, default=3, help="how often the pair is run")
    parser.add_argument("--isolation", default=ALL, help="as the setting ISOLATION (default: process)")
    chosen = parser.parse_args(arguments)
    return anyio.run(_main, chosen.orders, chosen.rounds, chosen.isolation)


async def _main(orders: int, rounds: int, isolation: str) -> int:
    variants = {"one": "task", "apart": isolation}
    rates: dict[str, list[float]] = {name: [] for name in variants}
    async with harness.servers() as (brokers, dsn):
        for _ in range(rounds):
            for name, kind in variants.items():
                busy, began = _busy_s(), time.perf_counter()
                rate, _, cpu_us = await measure(name, brokers, dsn, orders, COMMANDS["ours"], ISOLATION=kind)
                rates[name].append(rate)
                cores_s = (os.cpu_count() or 1) * (time.perf_counter() - began)
                print(
                    f"{name:>5}: {rate:,.0f} orders/s, {cpu_us:,.0f} µs of Python CPU per order; the machine "
                    f"was {(_busy_s() - busy) / cores_s:.0%} busy, start and end included",
                    flush=True,
                )
    pairs = [apart / one for apart, one in zip(rates["apart"], rates["one"], strict=True)]
    one, apart = (statistics.median(rates[name]) for name in variants)
    shown = ", ".join(f"{pair:.2f}" for pair in pairs)
    print(
        f"median: one {one:,.0f}, apart {apart:,.0f} orders/s; "
        f"ratio {statistics.median(pairs):.2f} (pairs: {shown})"
    )
    return 0


def _busy_s() -> float:
    """Seconds that the cores of the machine have been busy."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0))
