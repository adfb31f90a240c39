"""A child in a process of its own: the supervisor's end.

To the rest of the supervisor such a child is a coroutine like any other, which happens to spend its time
listening to a process: what the worker says, the context hears. So every rule of supervision holds as it
stands. What is more: a process can be killed. Cancelled once, the worker is told to cancel the child; the
second time, at half of ``cancel_timeout_s``, it is killed. No process is left behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pickle
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process

from ordersys.supervision.clock import Timer
from ordersys.supervision.context import ChildContext
from ordersys.supervision.errors import ProcessDied, ProcessHung, WorkerError, WorkerOutage, WorkerTraceback
from ordersys.supervision.facts import MessagesLost, ProcessEnded, ProcessStarted
from ordersys.supervision.kernel import Kernel
from ordersys.supervision.spec import ProcessStart
from ordersys.supervision.watchdog import EXIT_CODE
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
    name_of,
    receive,
)

logger = logging.getLogger("ordersys.supervision")
CHECKS = 4  # Of the pulse, within the time it may stay away.
EXIT_TIMEOUT_S = 6.0
HUNG_CODES = (EXIT_CODE, -signal.SIGVTALRM)


async def run_process(kernel: Kernel, context: ChildContext, start: ProcessStart) -> None:
    """Run a child in a new process; return or raise as the child does there.

    :raises WorkerError: the child raised; :class:`WorkerOutage` if that was one of ``waits_on``.
    :raises ProcessHung: the process was not responding and was ended.
    :raises ProcessDied: the process ended without a word.
    """
    ours, theirs = socket.socketpair()
    lifeline, ours_of_lifeline = os.pipe()
    try:
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                f"{__package__}.worker",
                str(theirs.fileno()),
                str(lifeline),
                stdin=DEVNULL,
                pass_fds=(theirs.fileno(), lifeline),
            )
        finally:
            theirs.close()
            os.close(lifeline)
        await _Worker(kernel, context, start, process).run(ours)
    finally:
        os.close(ours_of_lifeline)
        ours.close()


class _Worker:
    """One worker process, from its first message to its end."""

    def __init__(self, kernel: Kernel, context: ChildContext, start: ProcessStart, process: Process) -> None:
        self._kernel = kernel
        self._context = context
        self._start = start
        self._process = process
        self._writer: asyncio.StreamWriter | None = None
        self._ended: Ended | None = None
        self._cancels = 0
        self._hung = False
        self._killed = False
        self._lost = 0
        self._missed: int | None = None  # Checks since the last message; None before the first.
        self._timer: Timer | None = None

    async def run(self, link: socket.socket) -> None:
        path = self._context.id
        self._context.pid = pid = self._process.pid
        self._kernel.emit(ProcessStarted(path=path, at=self._kernel.now(), pid=pid))
        draining = asyncio.create_task(self._pass_on_drain())
        try:
            await self._until_done(asyncio.create_task(self._to_the_end(link)))
        finally:
            draining.cancel()
            if self._timer is not None:
                self._timer.cancel()
            code = self._process.returncode
            self._kernel.emit(
                ProcessEnded(path=path, at=self._kernel.now(), pid=pid, code=code, killed=self._killed)
            )
        self._conclude(self._process.returncode)

    async def _until_done(self, task: asyncio.Task[None]) -> None:
        """Wait for it, whatever comes: who is cancelled passes it on and waits for the effect."""
        while not task.done():
            try:
                await asyncio.wait({task})
            except asyncio.CancelledError:
                self._cancels += 1
                if self._cancels == 1 and self._writer is not None:
                    self._say(Cancel())
                else:
                    self._kill()
        task.result()

    async def _to_the_end(self, link: socket.socket) -> None:
        """Until the worker has said all and is gone. When one has come, the other is not waited for long."""
        listening = asyncio.create_task(self._listen(link))
        exiting = asyncio.create_task(self._process.wait())
        await asyncio.wait({listening, exiting}, return_when=asyncio.FIRST_COMPLETED)
        _, late = await asyncio.wait({listening, exiting}, timeout=EXIT_TIMEOUT_S)
        if exiting in late:
            self._kill()
            await exiting
        if listening in late:  # Somebody the worker has started holds its end of the link.
            listening.cancel()
        else:
            listening.result()

    async def _listen(self, link: socket.socket) -> None:
        reader, self._writer = await asyncio.open_connection(sock=link)
        self._say(
            Boot(
                path=self._context.id,
                target=self._start.target,
                args=self._start.args,
                waits_on=frozenset(map(name_of, self._kernel.waits_on)),
                sys_path=tuple(sys.path),
                block_timeout_s=self._start.block_timeout_s,
            )
        )
        self._check_pulse()
        try:
            while True:
                self._hear(await receive(reader))
                self._missed = 0
        except EOFError:
            pass
        finally:
            self._writer.close()

    def _hear(self, message: object) -> None:
        context = self._context
        match message:
            case Pulse():
                if message.beat:
                    context.beat(done=message.done, pending=message.pending)
                context.lag_s = message.lag_s
                if message.lost > self._lost:
                    count, self._lost = message.lost - self._lost, message.lost
                    self._kernel.emit(MessagesLost(path=context.id, at=self._kernel.now(), count=count))
            case Told():
                self._hand_on(message.message)
            case Ready():
                context.ready(message.note)
            case Waiting():
                context.waiting(message.reason)
            case Ended():
                self._ended = message

    def _hand_on(self, pickled: bytes) -> None:
        try:
            message = pickle.loads(pickled)
        except Exception:
            logger.exception("a message of %s could not be read", self._context.id)
        else:
            self._context.tell(message)

    async def _pass_on_drain(self) -> None:
        await self._context.wait_draining()
        self._say(Drain())

    def _check_pulse(self) -> None:
        """Kill the process when no message has come for too long.

        Counted in checks, not in seconds: when this process was stopped for a while, one check comes late,
        and the messages that came meanwhile are read before the next.
        """
        if self._missed is not None:
            self._missed += 1
            if self._missed > CHECKS:
                self._hung = True
                self._kill()
                return
        # A little more than the worker's own watchdog needs, which knows where it hangs.
        self._timer = self._kernel.after(1.5 * self._start.block_timeout_s / CHECKS, self._check_pulse)

    def _say(self, message: object) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(encode(message))

    def _kill(self) -> None:
        if self._process.returncode is None:
            self._killed = True
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def _conclude(self, code: int | None) -> None:
        """Return or raise as the child did."""
        where = f"{self._context.id}, process {self._process.pid},"
        ended = self._ended
        if ended is not None and ended.error is not None:
            error = (WorkerOutage if ended.outage else WorkerError)(ended.error)
            raise error from WorkerTraceback(ended.traceback)
        if self._cancels:
            raise asyncio.CancelledError
        if self._hung:
            raise ProcessHung(f"{where} gave no sign of life and was killed")
        if ended is None and code in HUNG_CODES:
            raise ProcessHung(f"{where} was ended by its watchdog: its event loop was blocked")
        if ended is None:
            raise ProcessDied(f"{where} ended without a word, {_manner(code)}")
        if ended.cancelled:
            raise ProcessDied(f"{where} ended: the child was cancelled, and not by its supervisor")


def _manner(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"by {signal.Signals(-code).name}"
    return f"with exit code {code}"
