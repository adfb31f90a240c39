"""Children to be run in processes of their own: found there by name."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time

from ordersys.supervision import ChildContext
from tests.supervision.lab import Away, Boom


async def happy(ctx: ChildContext, *told: object) -> None:
    ctx.ready("serving")
    for message in told:
        ctx.tell(message)
    await ctx.wait_draining()
    ctx.tell("drained")


async def fails(ctx: ChildContext) -> None:
    ctx.ready()
    raise Boom("over there")


async def away(ctx: ChildContext) -> None:
    raise ExceptionGroup("two", [Away("the broker"), Away("the database")])


async def waits(ctx: ChildContext) -> None:
    ctx.waiting("for the broker")
    await ctx.wait_draining()


async def returns(ctx: ChildContext) -> None:
    ctx.ready()


async def hangs(ctx: ChildContext) -> None:
    await asyncio.Event().wait()


async def deaf(ctx: ChildContext) -> None:
    ctx.ready()
    try:
        await asyncio.Event().wait()
    finally:
        ctx.tell("cancelled")


async def stubborn(ctx: ChildContext) -> None:
    ctx.ready()
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


async def blocks(ctx: ChildContext) -> None:
    ctx.ready()
    await asyncio.sleep(0.01)
    os.write(1, b"blocked\n")
    time.sleep(60)  # noqa: ASYNC251


async def stops(ctx: ChildContext) -> None:
    ctx.ready()
    await asyncio.sleep(0.5)
    os.kill(os.getpid(), signal.SIGSTOP)


async def exits(ctx: ChildContext) -> None:
    ctx.ready()
    os._exit(3)


async def works(ctx: ChildContext) -> None:
    ctx.ready()
    for _ in range(5):
        ctx.beat(done=2, pending=7)
        await asyncio.sleep(0)
    await ctx.wait_draining()


async def floods(ctx: ChildContext) -> None:
    ctx.ready()
    for _ in range(400):
        ctx.tell(b"x" * 100_000)
    await ctx.wait_draining()


class Unreadable:
    """Comes with the arguments of a child, but not back."""

    def __init__(self, error: type[Exception]) -> None:
        self.error = error

    def __reduce__(self) -> tuple[object, ...]:
        return read, (self.error, os.getpid())


def read(error: type[Exception], writer: int) -> Unreadable:
    if os.getppid() != writer:
        raise error("unreadable")
    return Unreadable(error)
