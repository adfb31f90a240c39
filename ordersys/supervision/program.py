"""A whole program around a tree: signals in, exit code out, and an end that is certain to come.

Its exit codes: 0, drained; 1, the root gave up; 70, something is broken: the supervisor, or a child that
will not end. ``128 + n``: signal ``n`` came a third time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, NoReturn, TextIO

from ordersys.supervision.errors import SupervisionFailed
from ordersys.supervision.facts import OnFact
from ordersys.supervision.kernel import OnMessage
from ordersys.supervision.report import render, whereabouts
from ordersys.supervision.spec import SupervisorSpec
from ordersys.supervision.supervisor import Supervisor
from ordersys.supervision.watchdog import Watchdog

EXIT_GAVE_UP = 1
EXIT_BROKEN = 70  # EX_SOFTWARE of sysexits.h
SIGNALS = (signal.SIGTERM, signal.SIGINT)
CLOSE_TIMEOUT_S = 2.0


def run_tree(
    root: SupervisorSpec,
    *,
    waits_on: tuple[type[BaseException], ...] = (),
    on_fact: OnFact,
    on_message: OnMessage | None = None,
    watchdog: Watchdog | None = None,
) -> int:
    """Run a tree as a program of its own: ``sys.exit(run_tree(root, on_fact=…))``.

    On uvloop if it is installed. Parameters as for :class:`Supervisor`; a watchdog of the usual limits
    unless one is given.
    """

    async def main() -> int:
        supervisor = Supervisor(root, waits_on=waits_on, on_fact=on_fact, on_message=on_message)
        return await serve(supervisor, watchdog=watchdog or Watchdog(on_fact=on_fact))

    return run_main(main)


async def serve(
    supervisor: Supervisor, *, watchdog: Watchdog | None = None, out: TextIO | None = None
) -> int:
    """Run ``supervisor`` on the main thread's loop until it is over; the exit code.

    The first SIGTERM or SIGINT drains, the second cancels, the third ends the process where it stands. If
    the root gave up, or a child ignored its cancellation, a report goes to ``out`` (stderr). Orphans end
    the process here, by ``os._exit``: the event loop could not be closed with them.
    """
    out = out or sys.stderr
    code = 0
    with watchdog or contextlib.nullcontext(), _signals(supervisor, out):
        try:
            await supervisor.run()
        except SupervisionFailed as failure:
            code = EXIT_GAVE_UP
            _say(out, f"{failure}\n{render(failure.snapshot)}")
        except Exception:  # noqa: BLE001 - a program ends with a code and a report, whatever broke it
            code = EXIT_BROKEN
            _say(out, f"the supervisor itself failed:\n{traceback.format_exc()}")
    orphans = supervisor.orphan_tasks()
    if orphans:
        _say(out, f"these ignored their cancellation; ending the process:\n{whereabouts(orphans)}")
        end_process(code or EXIT_BROKEN)
    return code


def run_main(main: Callable[[], Coroutine[Any, Any, int]], *, out: TextIO | None = None) -> int:
    """``asyncio.run`` for programs that have to end: ``sys.exit(run_main(main))``. On uvloop if installed.

    What is left when ``main`` has returned is cancelled. Tasks and non-daemon threads that have not ended
    ``CLOSE_TIMEOUT_S`` later are named, and the process ends by ``os._exit`` with the same code, where
    ``asyncio.run`` and the interpreter would wait for them for ever.
    """
    out = out or sys.stderr
    loop = _new_loop()
    try:
        code = loop.run_until_complete(main())
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except Exception:  # noqa: BLE001 - as above
        code = EXIT_BROKEN
        _say(out, traceback.format_exc())
    stuck = loop.run_until_complete(_sweep())
    if stuck:
        _say(out, f"these tasks do not end; ending the process:\n{whereabouts(stuck)}")
        end_process(code)
    loop.close()
    threads = _threads_left()
    if threads:
        _say(out, f"these threads do not end; ending the process: {', '.join(threads)}")
        end_process(code)
    return code


def end_process(code: int) -> NoReturn:
    """End by ``os._exit``, with what was printed and logged written out."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # Closed, or nobody reads it.
            stream.flush()
    os._exit(code)


@contextlib.contextmanager
def _signals(supervisor: Supervisor, out: TextIO) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    came = 0

    def handle(number: signal.Signals) -> None:
        nonlocal came
        came += 1
        if came <= 2:
            _say(out, f"{number.name}: {'draining' if came == 1 else 'cancelling'}")
            supervisor.drain()
        else:
            _say(out, f"{number.name}: ending the process\n{render(supervisor.snapshot())}")
            end_process(128 + number)

    for number in SIGNALS:
        loop.add_signal_handler(number, handle, number)
    try:
        yield
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


def _new_loop() -> asyncio.AbstractEventLoop:
    if os.environ.get("PYTHONASYNCIODEBUG"):  # uvloop crashes in asyncio's debug mode.
        return asyncio.new_event_loop()
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def _sweep() -> set[asyncio.Task[Any]]:
    """Cancel what is left on the loop; the tasks that do not end."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        _, left = await asyncio.wait(left, timeout=CLOSE_TIMEOUT_S)
    if not left:
        await asyncio.get_running_loop().shutdown_asyncgens()
    return left


def _threads_left() -> list[str]:
    deadline = time.monotonic() + CLOSE_TIMEOUT_S
    others = [t for t in threading.enumerate() if t is not threading.current_thread() and not t.daemon]
    for thread in others:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [thread.name for thread in others if thread.is_alive()]


def _say(out: TextIO, text: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # Closed, or nobody reads it: no reason not to end.
        print(text.rstrip(), file=out, flush=True)
