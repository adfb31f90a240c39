"""Programs for the tests to run in a process of their own: ``python -m tests.supervision.programs NAME``.

Each does one thing to its event loop, its signals or its end that no test could survive.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable

from ordersys.supervision import (
    Backoff,
    ChildContext,
    ChildSpec,
    Fact,
    Intensity,
    ProcessStart,
    Supervisor,
    SupervisorSpec,
    Watchdog,
    run_main,
    run_tree,
    serve,
)

PROGRAMS: dict[str, Callable[[], int]] = {}
TREE_LIMITS = {"drain_timeout_s": 60.0, "cancel_timeout_s": 0.2}


def program(function: Callable[[], int]) -> Callable[[], int]:
    PROGRAMS[function.__name__] = function
    return function


def say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def watched(block: Callable[[], None]) -> int:
    """Blocks the loop of a watchdog with short limits, and goes on if it may."""

    async def main() -> int:
        with Watchdog(dump_after_s=0.4, exit_after_s=1.2, tick_s=0.05, on_fact=say) as watchdog:
            await asyncio.sleep(0.2)
            block()
            await asyncio.sleep(0.2)
            say(f"survived; worst lag {watchdog.lag_max_s:.1f} s")
        return 0

    return run_main(main)


@program
def block_for_long() -> int:
    return watched(lambda: time.sleep(30))


@program
def block_for_a_moment() -> int:
    return watched(lambda: time.sleep(0.8))


@program
def block_in_c() -> int:
    return watched(lambda: re.match(r"(a+)+$", "a" * 60 + "b"))  # Holds the interpreter's lock for hours.


@program
def be_stopped() -> int:
    def stop() -> None:
        if os.fork() == 0:
            time.sleep(2)
            os.kill(os.getppid(), signal.SIGCONT)
            os._exit(0)
        os.kill(os.getpid(), signal.SIGSTOP)

    return watched(stop)


@program
def stand_at_a_breakpoint() -> int:
    def debug() -> None:
        sys._getframe().f_trace = lambda *_: None
        time.sleep(2)

    return watched(debug)


@program
def be_traced() -> int:
    sys.settrace(lambda *_: None)
    return watched(lambda: time.sleep(2))


# -- ends ----------------------------------------------------------------------------------------------


def tree(*starts: Callable[[ChildContext], object], **options: object) -> int:
    children = tuple(
        ChildSpec(
            id=start.__name__,
            start=start,  # type: ignore[arg-type]
            backoff=Backoff(first_s=0.001),
            **TREE_LIMITS,  # type: ignore[arg-type]
        )
        for start in starts
    )
    return run_tree(SupervisorSpec(id="app", children=children, **options), on_fact=tell)  # type: ignore[arg-type]


def tell(fact: Fact) -> None:
    say(f"{type(fact).__name__} {fact.path}")


async def obedient(ctx: ChildContext) -> None:
    ctx.ready()
    await ctx.wait_draining()


async def deaf(ctx: ChildContext) -> None:
    ctx.ready()
    await asyncio.Event().wait()


async def stubborn(ctx: ChildContext) -> None:
    ctx.ready()
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await deep_inside()


async def deep_inside() -> None:
    await asyncio.Event().wait()


async def broken(ctx: ChildContext) -> None:
    raise ZeroDivisionError("an error of its own")


async def forgetful(ctx: ChildContext) -> None:
    ctx.ready()
    threading.Thread(target=threading.Event().wait, name="forgotten thread").start()
    await ctx.wait_draining()


@program
def drains() -> int:
    return tree(obedient)


@program
def does_not_drain() -> int:
    return tree(obedient, deaf)


@program
def does_not_end() -> int:
    return tree(stubborn)


@program
def gives_up() -> int:
    return tree(obedient, broken, intensity=Intensity(max_restarts=2))


@program
def has_a_blocked_worker() -> int:
    start = ProcessStart("tests.supervision.workers:blocks", block_timeout_s=60)
    child = ChildSpec(id="blocks", start=start, isolation="process")
    return run_tree(SupervisorSpec(id="app", children=(child,)), on_fact=tell)


@program
def leaves_a_thread() -> int:
    return tree(forgetful)


@program
def leaves_a_task() -> int:
    async def main() -> int:
        left = asyncio.create_task(stubborn(ChildContext("", time.monotonic, Deaf())), name="forgotten task")
        child = ChildSpec(id="obedient", start=obedient)
        supervisor = Supervisor(SupervisorSpec(id="app", children=(child,)), on_fact=tell)
        code = await serve(supervisor)
        assert not left.done()
        return code

    return run_main(main)


class Deaf:
    def said_ready(self, note: str) -> None: ...

    def said_waiting(self, reason: str) -> None: ...

    def told(self, message: object) -> None: ...


@program
def fails_outside_the_tree() -> int:
    async def main() -> int:
        raise ZeroDivisionError("before there was a tree")

    return run_main(main)


if __name__ == "__main__":
    sys.exit(PROGRAMS[sys.argv[1]]())
