"""The tree, run: what a program holds in its hands."""

from __future__ import annotations

import asyncio
import contextvars
import random
from collections.abc import Callable, Iterator, Mapping

import anyio

from ordersys.supervision.branch import Branch
from ordersys.supervision.child import ChildNode
from ordersys.supervision.clock import Clock, MonotonicClock
from ordersys.supervision.errors import (
    NotRunning,
    StartInterrupted,
    SupervisionFailed,
    UnknownPath,
    describe,
)
from ordersys.supervision.facts import OnFact
from ordersys.supervision.kernel import Kernel, OnMessage
from ordersys.supervision.node import REQUESTED, Node
from ordersys.supervision.snapshot import NodeSnapshot
from ordersys.supervision.spec import SupervisorSpec
from ordersys.supervision.states import State


class Supervisor:
    """Runs a tree of children on the running event loop (asyncio or uvloop).

    :param root: the tree. Paths are relative to it (``payment/pipeline``); the root answers to its own id.
    :param waits_on: errors that mean an outage. A child ending with one, or with a group of nothing else,
        is WAITING and tried again; no restart is spent. A temporary child is not tried again.
    :param on_fact: called with each fact, at once, on the loop's thread; what it raises is logged.
    :param on_message: called with a child's path and what it told (``ctx.tell``), likewise.
    :param clock: time; seconds.
    :param rng: jitter.
    :raises ValueError: a child of the root bears the root's id.

    ``drain``, ``restart``, ``stop``, ``start`` and ``crash`` may be called from any thread and from signal
    handlers. They are orders: they return at once, and are carried out on the loop, in the order given.
    """

    def __init__(
        self,
        root: SupervisorSpec,
        *,
        waits_on: tuple[type[BaseException], ...] = (),
        on_fact: OnFact,
        on_message: OnMessage | None = None,
        clock: Clock | None = None,
        rng: random.Random | None = None,
    ) -> None:
        if any(child.id == root.id for child in root.children):
            raise ValueError(f"the root and a child of it have the same id: {root.id!r}")
        self._kernel = Kernel(
            clock=clock or MonotonicClock(),
            rng=rng or random.Random(),
            waits_on=waits_on,
            on_fact=on_fact,
            on_message=on_message,
            on_defect=self._collapse,
        )
        self._spec = root
        self._root = Branch(self._kernel, root, root.id, _Top(self), is_root=True)
        self._lines = {line[-1].path: line for line in _lines((self._root,))}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started = asyncio.Event()
        self._over = asyncio.Event()
        self._failure: Exception | None = None
        self._drains = 0

    async def run(self) -> None:
        """Start the tree; return when it was drained, or has ended by its ``auto_shutdown``. Once only.

        Cancelled, it cancels all children, waits for them as long as their ``cancel_timeout_s`` at most,
        and passes the cancellation on. Runs that ignore theirs are left behind (see :attr:`orphans`).

        :raises SupervisionFailed: the root's intensity was exceeded; all children are stopped.
        :raises NotRunning: it ran before.
        """
        if self._loop is not None:
            raise NotRunning("run() is for once: make another Supervisor")
        self._loop = asyncio.get_running_loop()
        self._kernel.context = contextvars.copy_context()
        if self._drains:
            self._finish(None)
            return
        self._root.start()
        try:
            await self._over.wait()
        except asyncio.CancelledError:
            self._root.kill("run() was cancelled")
            with anyio.CancelScope(shield=True):
                await self._over.wait()
            raise
        if self._failure is not None:
            raise self._failure

    async def wait_started(self) -> None:
        """Return when every child has been READY or WAITING once (or was stopped by request, or is done).

        A child that keeps crashing is waited for; bound the wait by a time-out of your own.

        :raises StartInterrupted: supervision ended before.
        """
        await self._started.wait()
        missing = list(self._root.unsettled())
        if missing:
            raise StartInterrupted(f"supervision ended before these had started: {', '.join(missing)}")

    def drain(self) -> None:
        """Begin the orderly stop, in reverse start order. A second call cancels all children at once.

        Before ``run``: it will return without starting anything. After it: nothing.
        """
        self._drains += 1
        if self._loop is None or self._over.is_set():
            return
        stop = self._root.stop if self._drains == 1 else self._root.kill
        self._post(lambda: stop("drain"))

    def ready(self) -> bool:
        """Whether every child is READY, those aside that are done and not to be restarted."""
        return self._root.ready

    def snapshot(self) -> NodeSnapshot:
        """The tree as it stands."""
        return self._root.snapshot()

    @property
    def orphans(self) -> Mapping[str, int]:
        """Runs left behind that are alive: how many, by path.

        Closing the event loop waits for every task, so while there are orphans a program ends only by
        ``os._exit``: a Python task cannot be killed.
        """
        return self._kernel.orphans()

    def orphan_tasks(self) -> tuple[asyncio.Task[None], ...]:
        """The same as tasks, to see where they hang."""
        return self._kernel.orphan_tasks()

    def restart(self, path: str, reason: str) -> None:
        """Drain a child or supervisor and start it anew, at once if it has no run. Spends no restart.

        :raises UnknownPath: the tree has no such node.
        :raises NotRunning: ``run`` has not begun, or is over.
        """
        line = self._line(path)
        self._post(lambda: _restart(line, reason))

    def stop(self, path: str) -> None:
        """Drain a child or supervisor and hold it STOPPED until :meth:`start`. The root: the same as a drain.

        :raises UnknownPath: the tree has no such node.
        :raises NotRunning: ``run`` has not begun, or is over.
        """
        node = self._line(path)[-1]
        self._post(lambda: _hold(node))

    def start(self, path: str) -> None:
        """Start a child or supervisor that is not running, and the supervisors above that are not.

        :raises UnknownPath: the tree has no such node.
        :raises NotRunning: ``run`` has not begun, or is over.
        """
        line = self._line(path)
        self._post(lambda: _start(line))

    def crash(self, path: str, error: BaseException) -> None:
        """Inject a fault: the child's run is cancelled, and its end counts as if it had raised ``error``.

        :raises UnknownPath: the tree has no such child (a supervisor has no run of its own to crash).
        :raises NotRunning: the child has no run.
        """
        node = self._line(path)[-1]
        if not isinstance(node, ChildNode):
            raise UnknownPath(
                path, tuple(p for p, line in self._lines.items() if isinstance(line[-1], ChildNode))
            )
        if not node.running:
            raise NotRunning(f"{path} is {node.state} and has no run")
        self._post(lambda: node.crash(error))

    def _line(self, path: str) -> tuple[Node, ...]:
        try:
            return self._lines[path]
        except KeyError:
            raise UnknownPath(path, tuple(self._lines)) from None

    def _post(self, order: Callable[[], None]) -> None:
        """Carry out an order on the loop: never in the middle of a transition, whoever calls."""
        if self._loop is None or self._over.is_set():
            raise NotRunning("supervision is not running")
        self._loop.call_soon_threadsafe(self._kernel.guard(order))

    def _root_moved(self) -> None:
        if not self._started.is_set() and next(self._root.unsettled(), None) is None:
            self._started.set()
        if self._root.state is State.STOPPED:
            self._finish(None)

    def _root_spent(self, error: BaseException) -> None:
        limit = self._spec.intensity
        failure = SupervisionFailed(
            self._root.path,
            f"{self._root.path} gave up: its children failed more than {limit.max_restarts} times"
            f" within {limit.within_s:g} s, the last with {describe(error)}",
            self.snapshot(),
        )
        failure.__cause__ = error
        self._finish(failure)

    def _collapse(self, defect: Exception) -> None:
        """The supervisor itself failed. Its states mean nothing now: cancel every run, and say so."""
        if self._over.is_set():
            return
        self._finish(defect)
        for line in self._lines.values():
            if isinstance(line[-1], ChildNode):
                line[-1].crash(defect)

    def _finish(self, failure: Exception | None) -> None:
        self._failure = failure
        self._over.set()
        self._started.set()


class _Top:
    """Above the root there is no supervisor: what it cannot settle ends ``run``."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor

    def moved(self) -> None:
        self._supervisor._root_moved()

    def may_restart(self, _: Node) -> bool:
        return False

    def spent(self, _: Node, error: BaseException) -> None:
        self._supervisor._root_spent(error)

    def crashed(self, _: Node) -> None:
        raise AssertionError("the root is never restarted by anybody")

    def restart_due(self, _: Node) -> None:
        raise AssertionError("the root is never restarted by anybody")

    def done(self, _: Node) -> None:
        """It rests, and will say so: its run is over."""

    def restarts_in_window(self, _: Node) -> int:
        return 0


def _lines(line: tuple[Node, ...]) -> Iterator[tuple[Node, ...]]:
    """For each node the way to it from the root, itself included."""
    yield line
    node = line[-1]
    if isinstance(node, Branch):
        for child in node.children:
            yield from _lines((*line, child))


def _start(line: tuple[Node, ...]) -> None:
    """Start the highest node of the line that is not running: that starts those below, unless held."""
    if any(node.state is State.DRAINING for node in line[:-1]):
        return
    for node in line:
        node.held = False
    idle = next((node for node in line if not node.running), None)
    if idle is not None:
        idle.start_reason = REQUESTED
        idle.start()


def _restart(line: tuple[Node, ...], reason: str) -> None:
    node = line[-1]
    if all(above.state in (State.STARTING, State.READY) for above in line[:-1]):
        node.held = False
        node.restart(reason)
    else:
        _start(line)


def _hold(node: Node) -> None:
    node.held = True
    node.stop("stopped by request")
