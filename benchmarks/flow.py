"""How many orders a second go the whole way, and how near is that to the same flow without a framework?

From orders in the outbox to final, notified and counted, all roles but the API in one process: ours
(``supervisor.py``) and ``bare_flow``, in turns A B A B on the same servers. Quote the ratio: the machine's
own speed changes from minute to minute.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from subprocess import Popen

import anyio
import psutil

from benchmarks import harness
from config.settings import load

COMMANDS = {"ours": ("supervisor.py",), "bare": ("-m", "benchmarks.bare_flow")}
ROLES = "janitor,relay,orchestrator,payment,inventory,notification,analytics"


def main(arguments: list[str]) -> int:
    """Run the pair ``--rounds`` times with ``--orders`` orders each; prints a line per run and the ratio."""
    parser = argparse.ArgumentParser(prog="./run bench flow", description=__doc__)
    parser.add_argument("--orders", type=int, default=20_000, help="orders in a run")
    parser.add_argument("--rounds", type=int, default=3, help="how often the pair is run")
    parser.add_argument("--only", choices=("ours", "bare"), help="run one of the two alone")
    chosen = parser.parse_args(arguments)
    return anyio.run(_main, chosen.orders, chosen.rounds, chosen.only)


async def _main(orders: int, rounds: int, only: str | None) -> int:
    rates: dict[str, list[float]] = {"ours": [], "bare": []}
    async with harness.servers() as (brokers, dsn):
        for _ in range(rounds):
            for name in rates:
                if only in (None, name):
                    rate, partitions, cpu_us = await measure(name, brokers, dsn, orders, COMMANDS[name])
                    rates[name].append(rate)
                    print(
                        f"{name}: {rate:,.0f} orders/s, {rate / partitions:,.0f} per partition, "
                        f"{cpu_us:,.0f} µs of Python CPU per order",
                        flush=True,
                    )
    if not only:
        medians = {name: statistics.median(values) for name, values in rates.items()}
        pairs = [ours / bare for ours, bare in zip(rates["ours"], rates["bare"], strict=True)]
        print(
            f"median: ours {medians['ours']:,.0f}, bare {medians['bare']:,.0f} orders/s; "
            f"ratio {statistics.median(pairs):.2f} (pairs: {', '.join(f'{pair:.2f}' for pair in pairs)})"
        )
    return 0


async def measure(
    name: str, brokers: str, dsn: str, orders: int, command: Sequence[str], **extra: str
) -> tuple[float, int, float]:
    """Orders a second, the number of partitions, and µs of CPU of the program's processes per order.

    ``command``: arguments to Python; ``extra``: more of its environment.
    """
    environ = await harness.clean_environment(brokers, dsn, ROLES=ROLES, **extra)
    settings = load(environ)
    log = harness.ROOT / ".ordersys" / "bench" / f"{name}.log"
    with harness.running([sys.executable, *command], environ, log) as process:
        wait_ready(name, settings["METRICS_PORT"], log, process)
        await harness.fill(settings, orders)
        started, before = time.perf_counter(), _cpu_s(process)
        await harness.finished(settings, orders, process)
        seconds, cpu_us = time.perf_counter() - started, (_cpu_s(process) - before) / orders * 1e6
        return orders / seconds, settings["PARTITIONS"], cpu_us


def _cpu_s(process: Popen[bytes]) -> float:
    root = psutil.Process(process.pid)
    times = [each.cpu_times() for each in (root, *root.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


def wait_ready(name: str, metrics_port: int, log: Path, process: Popen[bytes]) -> None:
    """Return when the measured process has joined every group.

    :raises RuntimeError: it has not in a minute.
    """
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if name == "bare" and b"ready" in log.read_bytes():
            return
        if name != "bare":
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{metrics_port}/readyz", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        time.sleep(0.05)
    raise RuntimeError(f"{name} did not become ready; see {log}")
