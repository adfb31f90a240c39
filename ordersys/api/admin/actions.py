"""What may be asked of the tree of this process: start, stop, restart; and, for tests, faults."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ordersys.supervision import NodeSnapshot, NotRunning, UnknownPath

ACTIONS = ("start", "stop", "restart")
FAULTS = ("crash", "block")
BLOCK_S = 10.0
# What the page says "stop" with, and what orders come by, cannot be stopped by such an order.
KEPT = ("api", "api/http", "control", "control/presence")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionTaken:
    """Somebody asked something of a child or supervisor. ``outcome``: accepted, refused."""

    action: str
    path: str
    reason: str
    asked_by: str
    outcome: str
    detail: str


def refusal(action: str, path: str, *, root: str, chaos: bool) -> str | None:
    """Why ``action`` is never allowed for ``path``, a sentence; None if it is. ``root``: the root's path."""
    if action in FAULTS and not chaos:
        return "faults are injected only where CHAOS_ENABLED is 1"
    if action not in ACTIONS + FAULTS:
        return f"there is no action {action!r}"
    if path == root:
        return "the whole process is stopped by a signal, and started by whoever runs it"
    if action == "stop" and path in KEPT:
        return f"without {path} nobody could start it again; restart it instead"
    return None


class Injected(Exception):
    """A fault that somebody asked for."""


class Tree(Protocol):
    """The part of a supervisor that obeys."""

    def start(self, path: str) -> None: ...

    def stop(self, path: str) -> None: ...

    def restart(self, path: str, reason: str) -> None: ...

    def crash(self, path: str, error: BaseException) -> None: ...

    def snapshot(self) -> NodeSnapshot: ...


class Actions:
    """Carries out what is asked, with an :class:`ActionTaken` for each, refused or not.

    ``chaos``: faults may be injected. ``block`` blocks the event loop of the whole process.
    """

    def __init__(
        self,
        tree: Tree,
        *,
        chaos: bool,
        on_fact: Callable[[object], None],
        block: Callable[[float], None] = time.sleep,
    ) -> None:
        self._tree = tree
        self._chaos = chaos
        self._on_fact = on_fact
        self._block = block

    def take(self, action: str, path: str, reason: str, asked_by: str) -> tuple[str, str]:
        """The outcome (accepted, refused) and a sentence; accepted orders are carried out a moment later."""
        detail = refusal(action, path, root=self._tree.snapshot().path, chaos=self._chaos)
        if detail is None:
            try:
                self._order(action, path, f"{reason or 'requested'} ({asked_by})")
            except (UnknownPath, NotRunning) as error:
                detail = str(error)
        outcome = "accepted" if detail is None else "refused"
        taken = ActionTaken(
            action=action, path=path, reason=reason, asked_by=asked_by, outcome=outcome, detail=detail or ""
        )
        self._on_fact(taken)
        return taken.outcome, taken.detail

    def _order(self, action: str, path: str, why: str) -> None:
        if action == "start":
            self._tree.start(path)
        elif action == "stop":
            self._tree.stop(path)
        elif action == "restart":
            self._tree.restart(path, why)
        elif action == "crash":
            self._tree.crash(path, Injected(why))
        else:
            # After this turn of the loop, so that what was asked can be answered.
            asyncio.get_running_loop().call_later(0.1, self._block_loop)

    def _block_loop(self) -> None:
        """A frame of its own, to be found in the stacks."""
        self._block(BLOCK_S)
