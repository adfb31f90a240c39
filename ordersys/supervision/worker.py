"""The other end of ``isolation="process"``: one child, run in a process of its own.

Started by ``process.py`` as ``python -m ordersys.supervision.worker LINK LIFELINE``, two inherited file
descriptors. What to run comes over the link. Nobody writes to the lifeline; it closes when the supervisor's
process is gone, however it went, and a thread that waits for that ends this one: not even a blocked event
loop outlives its parent.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import pickle
import signal
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from types import FrameType

from ordersys.supervision.context import ChildContext
from ordersys.supervision.program import run_main
from ordersys.supervision.watchdog import Watchdog
from ordersys.supervision.wire import (
    Boot,
    Cancel,
    Drain,
    Ended,
    Pulse,
    Ready,
    Told,
    Waiting,
    encode,
    receive,
    receive_blocking,
    resolve,
)

PULSE_S = 0.25
BUFFER_BYTES_MAX = 8 * 1024 * 1024
FLUSH_TIMEOUT_S = 2.0

Child = Callable[..., Awaitable[None]]


def main() -> int:
    """Run what the supervisor asks for; how it ended goes over the link, so the code says little."""
    link, lifeline = (int(text) for text in sys.argv[1:])
    threading.Thread(target=_end_with_parent, args=(lifeline,), name="lifeline", daemon=True).start()
    for descriptor in (link, lifeline):
        os.set_inheritable(descriptor, False)
    faulthandler.enable()
    for number in (signal.SIGINT, signal.SIGTERM):  # Meant for the supervisor, which will tell us.
        signal.signal(number, _pass_over)
    end = socket.socket(fileno=link)
    boot = receive_blocking(end)
    assert isinstance(boot, Boot)
    sys.path[:] = boot.sys_path
    try:
        child = resolve(boot.target)
    except Exception as error:  # noqa: BLE001 - whatever importing it raises is the child's failure
        end.sendall(encode(Ended.of(error, boot.waits_on)))
        return 0
    return run_main(lambda: _run(end, boot, child))


class _Voice:
    """What the child says of itself, put on the link."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.lost = 0

    def say(self, message: object) -> None:
        self._writer.write(encode(message))

    def said_ready(self, note: str) -> None:
        self.say(Ready(note))

    def said_waiting(self, reason: str) -> None:
        self.say(Waiting(reason))

    def told(self, message: object) -> None:
        if self._writer.transport.get_write_buffer_size() > BUFFER_BYTES_MAX:
            self.lost += 1
        else:
            self.say(Told(pickle.dumps(message, pickle.HIGHEST_PROTOCOL)))


async def _run(end: socket.socket, boot: Boot, child: Child) -> int:
    reader, writer = await asyncio.open_connection(sock=end)
    voice = _Voice(writer)
    context = ChildContext(boot.path, time.monotonic, voice)
    task = asyncio.ensure_future(_call(child, context, boot))
    listening = asyncio.create_task(_listen(reader, context, task))
    with Watchdog(
        dump_after_s=boot.block_timeout_s / 4,
        exit_after_s=boot.block_timeout_s,
        tick_s=min(PULSE_S, boot.block_timeout_s / 8),
        name=boot.path,
    ) as watchdog:
        pulse = _Pulses(context, voice, watchdog)
        while not task.done():
            pulse.send()
            await asyncio.wait({task}, timeout=PULSE_S)
        pulse.send()
    listening.cancel()
    error = asyncio.CancelledError() if task.cancelled() else task.exception()
    voice.say(Ended.of(error, boot.waits_on))
    writer.close()
    async with asyncio.timeout(FLUSH_TIMEOUT_S):
        await writer.wait_closed()
    return 0


async def _call(child: Child, context: ChildContext, boot: Boot) -> None:
    await child(context, *boot.args)


async def _listen(reader: asyncio.StreamReader, context: ChildContext, task: asyncio.Future[None]) -> None:
    while True:
        try:
            order = await receive(reader)
        except EOFError:
            os._exit(0)  # The supervisor has given this run up.
        if isinstance(order, Drain):
            context.signal_draining()
        elif isinstance(order, Cancel):
            task.cancel()


class _Pulses:
    """Tells, again and again, that the loop turns, and what was beaten since the last time."""

    def __init__(self, context: ChildContext, voice: _Voice, watchdog: Watchdog) -> None:
        self._context = context
        self._voice = voice
        self._watchdog = watchdog
        self._sent: tuple[float | None, int] = (None, 0)

    def send(self) -> None:
        said = self._context
        beat_at, done = self._sent
        self._sent = (said.beat_at, said.done)
        self._voice.say(
            Pulse(
                beat=said.beat_at != beat_at,
                done=said.done - done,
                pending=said.pending,
                lag_s=self._watchdog.lag_max_s,
                lost=self._voice.lost,
            )
        )


def _pass_over(number: int, frame: FrameType | None) -> None:
    """Not SIG_IGN, which the processes started by the child would inherit."""


def _end_with_parent(lifeline: int) -> None:
    os.read(lifeline, 1)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
