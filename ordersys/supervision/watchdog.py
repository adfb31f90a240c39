"""A blocked event loop: seen from a thread, shown with all stacks, and ended with its process.

Theory
------
A call that blocks the loop's thread stops every child at once, and nothing on the loop can notice. So a
thread looks on. The loop *ticks*: it notes the time every ``tick_s``, and how late it was: the loop's lag.
The thread compares that note with the time.

* Blocked for ``dump_after_s``: the stacks of all threads are written (``faulthandler``), once per blockage.
* Blocked for ``exit_after_s``: they are written again, and the process ends with ``exit_code``: whoever runs
  it starts it anew, and what depends on it (a group membership, a lock) is freed.

Three things look like a blocked loop and are none:

* The process was stopped (SIGSTOP, a frozen container, a suspended machine). Then the thread was, too: it
  woke late itself, and what happened meanwhile is forgiven.
* A debugger stands at a breakpoint: nothing is written or ended while one is at work.
* The thread does not get the interpreter's lock, for the blocking call is C code that never gives it back.
  This one *is* a blocked loop, and no Python thread can see it. So the thread keeps winding up a timer of
  the kernel (``ITIMER_VIRTUAL``); when it has not come by for ``exit_after_s`` of the process's own
  processor time, ``faulthandler``'s signal handler, which needs no lock, writes the stacks, and SIGVTALRM
  ends the process. Stopped processes and debuggers use no processor time.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from types import FrameType
from typing import Any, TextIO

from ordersys.supervision.facts import Fact, OnFact
from ordersys.supervision.kernel import tell

EXIT_CODE = 70  # EX_SOFTWARE of sysexits.h
LAG_WINDOW_S = 15.0
LATE_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopBlocked(Fact):
    """The loop is running again, having been blocked for ``blocked_s``; the stacks were written meanwhile."""

    blocked_s: float


class Watchdog:
    """Watches the event loop that runs where it is entered: ``with Watchdog() as watchdog: await …``.

    :param dump_after_s: blocked for longer, all stacks are written to ``stream``.
    :param exit_after_s: blocked for longer, the process ends by ``os._exit(exit_code)``.
    :param stream: a file with a descriptor; stderr by default.
    :param tick_s: how often the loop is measured.
    :param on_fact: told of :class:`LoopBlocked`, on the loop.
    :param name: the path in that fact.
    :raises ValueError: times not in the order 0 < tick_s < dump_after_s <= exit_after_s.
    """

    def __init__(
        self,
        *,
        dump_after_s: float = 2.0,
        exit_after_s: float = 8.0,
        exit_code: int = EXIT_CODE,
        stream: TextIO | None = None,
        tick_s: float = 0.25,
        on_fact: OnFact | None = None,
        name: str = "loop",
    ) -> None:
        if not 0 < tick_s < dump_after_s <= exit_after_s:
            raise ValueError("0 < tick_s < dump_after_s <= exit_after_s must hold")
        self.dump_after_s = dump_after_s
        self.exit_after_s = exit_after_s
        self._exit_code = exit_code
        self._stream = stream or sys.stderr
        self._tick_s = tick_s
        self._on_fact = on_fact
        self._name = name
        self._lag_s = 0.0
        self._lag_windows = (0.0, 0.0)
        self._window_at = 0.0
        self._ticked_at = 0.0
        self._dumped = False
        self._debugged = False
        self._watched = 0
        self._timer: asyncio.TimerHandle | None = None
        self._leaving = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def lag_s(self) -> float:
        """How late the loop was last time: the time everything on it waits for its turn."""
        return self._lag_s

    @property
    def lag_max_s(self) -> float:
        """The worst of the last 15 to 30 seconds."""
        return max(self._lag_windows)

    def __enter__(self) -> Watchdog:
        """Begin. Call it on the event loop."""
        self._watched = threading.get_ident()
        self._ticked_at = self._window_at = time.monotonic()
        self._schedule()
        self._leaving.clear()
        self._thread = threading.Thread(target=self._look_on, name=f"watchdog of {self._name}", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End. Nothing is watched any more."""
        if self._timer is not None:
            self._timer.cancel()
        self._leaving.set()
        if self._thread is not None:
            self._thread.join()

    # -- on the loop -----------------------------------------------------------------------------------

    def _schedule(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._tick_s, self._tick)

    def _tick(self) -> None:
        now = time.monotonic()
        since_s = now - self._ticked_at
        self._lag_s = lag_s = max(0.0, since_s - self._tick_s)
        current, before = self._lag_windows
        if now - self._window_at < LAG_WINDOW_S:
            self._lag_windows = (max(current, lag_s), before)
        else:
            self._lag_windows, self._window_at = (lag_s, current), now
        self._debugged = debugger_at_work()
        self._ticked_at = now
        self._schedule()
        if self._dumped:
            self._dumped = False
            if self._on_fact is not None:
                tell(self._on_fact, LoopBlocked(path=self._name, at=now, blocked_s=since_s))

    # -- on the thread ---------------------------------------------------------------------------------

    def _look_on(self) -> None:
        backstop = _Backstop(self.exit_after_s, self._stream)
        every_s = self.dump_after_s / 4
        forgiven_at = looked_at = time.monotonic()
        try:
            while not self._leaving.wait(every_s):
                backstop.wind_up()
                now = time.monotonic()
                if now - looked_at > every_s + LATE_S:  # The whole process was stopped.
                    forgiven_at = now
                looked_at = now
                blocked_s = now - max(self._ticked_at + self._tick_s, forgiven_at)
                if blocked_s >= self.dump_after_s:
                    self._blocked(blocked_s)
        finally:
            backstop.disarm()

    def _blocked(self, blocked_s: float) -> None:
        if self._debugged or _traced(sys._current_frames().get(self._watched)):
            return
        over = blocked_s >= self.exit_after_s
        if over or not self._dumped:
            self._dumped = True
            what = "ending the process" if over else f"ending the process at {self.exit_after_s:g} s"
            print(
                f"watchdog: the event loop ({self._name}, pid {os.getpid()}) has been blocked for"
                f" {blocked_s:.1f} s; {what}",
                file=self._stream,
                flush=True,
            )
            faulthandler.dump_traceback(self._stream)
        if over:
            os._exit(self._exit_code)


class _Backstop:
    """Ends the process when ``wind_up`` is not called for ``limit_s`` of processor time."""

    def __init__(self, limit_s: float, stream: TextIO) -> None:
        self._limit_s = limit_s
        # Another one's handler for the signal, or another timer, is left alone.
        self._armed = (
            hasattr(signal, "setitimer")
            and signal.getsignal(signal.SIGVTALRM) is signal.SIG_DFL
            and signal.getitimer(signal.ITIMER_VIRTUAL)[0] == 0
        )
        if self._armed:
            faulthandler.register(signal.SIGVTALRM, stream, all_threads=True, chain=True)
            self.wind_up()

    def wind_up(self) -> None:
        if self._armed:
            signal.setitimer(signal.ITIMER_VIRTUAL, self._limit_s)

    def disarm(self) -> None:
        if self._armed:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            faulthandler.unregister(signal.SIGVTALRM)


def debugger_at_work() -> bool:
    """Whether this thread is traced, or a debugger has registered with ``sys.monitoring`` (3.12)."""
    monitoring: Any = getattr(sys, "monitoring", None)
    if monitoring is not None and monitoring.get_tool(monitoring.DEBUGGER_ID) is not None:
        return True
    return sys.gettrace() is not None


def _traced(frame: FrameType | None) -> bool:
    """Whether a debugger holds a frame below: at a breakpoint it has set since the last tick."""
    while frame is not None:
        if frame.f_trace is not None:
            return True
        frame = frame.f_back
    return False
