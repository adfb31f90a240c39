"""What do heartbeats cost? The flow of ``flow.py`` with and without them, in turns A B A B.

Without: ``ChildContext.beat`` does nothing, so nobody's silence is watched either. On a machine that is
shared, the speed of a core changes by more than heartbeats cost; so the last run puts a stopwatch around
every report and what is asked for it, and tells their share of the process's CPU, the stopwatch's included.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import anyio

from benchmarks import harness
from benchmarks.flow import COMMANDS, measure

SILENT = "--without-heartbeats"
TIMED = "--with-a-stopwatch"


def main(arguments: list[str]) -> int:
    """Run the pair ``--rounds`` times; prints a line per run and the difference."""
    parser = argparse.ArgumentParser(prog="./run bench heartbeats", description=__doc__)
    parser.add_argument("--orders", type=int, default=20_000, help="orders in a run")
    parser.add_argument("--rounds", type=int, default=5, help="how often the pair is run")
    chosen = parser.parse_args(arguments)
    return anyio.run(_main, chosen.orders, chosen.rounds)


async def _main(orders: int, rounds: int) -> int:
    commands = {"with": COMMANDS["ours"], "without": ("-m", "benchmarks.heartbeats", SILENT)}
    cpu: dict[str, list[float]] = {name: [] for name in commands}
    async with harness.servers() as (brokers, dsn):
        for number in range(rounds):
            # The second of a pair meets a warmer machine: each comes first as often.
            for name in list(commands)[:: 1 if number % 2 else -1]:
                rate, _, cpu_us = await measure(name, brokers, dsn, orders, commands[name])
                cpu[name].append(cpu_us)
                print(
                    f"{name:>7}: {cpu_us:,.0f} µs of Python CPU per order, {rate:,.0f} orders/s", flush=True
                )
        pairs = [each / other - 1 for each, other in zip(cpu["with"], cpu["without"], strict=True)]
        await measure("timed", brokers, dsn, orders, ("-m", "benchmarks.heartbeats", TIMED))
    each, other = (statistics.median(cpu[name]) for name in ("with", "without"))
    shown = ", ".join(f"{pair:+.1%}" for pair in pairs)
    print(
        f"median: with {each:,.0f} µs, without {other:,.0f} µs; "
        f"cost {statistics.median(pairs):+.1%} (pairs: {shown})"
    )
    print((harness.ROOT / ".ordersys" / "bench" / "timed.log").read_text().splitlines()[-1])
    return 0


def run_silent() -> int:
    """The program whose children report nothing."""
    import supervisor
    from ordersys.supervision import ChildContext

    def nothing(_self: ChildContext, *, done: int = 0, pending: int = 0) -> None:
        del done, pending

    ChildContext.beat = nothing  # type: ignore[method-assign]
    return supervisor.main([])


def run_timed() -> int:
    """The program that says, at its end, what its reports have cost."""
    import supervisor
    from ordersys.adapters.kafka import GroupConsumer
    from ordersys.supervision import ChildContext

    calls = spent_ns = 0

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls, spent_ns
            began = time.perf_counter_ns()
            try:
                return function(*args, **kwargs)
            finally:
                calls += 1
                spent_ns += time.perf_counter_ns() - began

        return call

    ChildContext.beat = timed(ChildContext.beat)  # type: ignore[method-assign]
    GroupConsumer.behind = timed(GroupConsumer.behind)  # type: ignore[method-assign]
    code = supervisor.main([])
    print(f"{calls:,} calls took {spent_ns / 1e9 / time.process_time():.2%} of the CPU of the process")
    return code


if __name__ == "__main__" and SILENT in sys.argv:
    raise SystemExit(run_silent())
if __name__ == "__main__" and TIMED in sys.argv:
    raise SystemExit(run_timed())
