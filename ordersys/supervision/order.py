"""Children up in start order, down in reverse, and which of them a failure of one takes along.

A supervisor's children are either going *up* (some still to be started) or *down* (a :class:`Halt`: some
are stopped one after the other, and then something is done). ``advance`` takes the next steps of whichever
it is, and is called after everything that happens to a child.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ordersys.supervision.node import Node
from ordersys.supervision.spec import Strategy
from ordersys.supervision.states import State


@dataclass(kw_only=True)
class Halt:
    """Children going down. ``at_once``: cancelled together instead of drained one after the other."""

    nodes: Sequence[Node]
    reason: str
    then: Callable[[], None]
    at_once: bool = False


class StartOrder:
    """The children of one supervisor, in start order.

    :param on_up: called whenever none is left to be started.
    """

    def __init__(self, children: Sequence[Node], strategy: Strategy, on_up: Callable[[], None]) -> None:
        self._children = children
        self._strategy = strategy
        self._on_up = on_up
        self._to_start: deque[Node] = deque()
        self._begun: Node | None = None
        self._leader: Node | None = None  # Backing off, its fellows stopped until it starts.
        self._halt: Halt | None = None
        self._advancing = False
        self._again = False

    @property
    def going_down(self) -> bool:
        """Whether children are being stopped."""
        return self._halt is not None

    def awaits(self, node: Node) -> bool:
        """Whether ``node`` is still to be started."""
        return node in self._to_start and not node.held

    def up(self, nodes: Sequence[Node]) -> None:
        """Have these started in order, with what is still to be started from before."""
        wanted = {*self._to_start, *nodes}
        self._leader = None
        self._begun = None
        self._to_start = deque(node for node in self._children if node in wanted)

    def down(self, halt: Halt) -> None:
        """Have these stopped, and the rest of the start order wait for it."""
        self._leader = None
        self._to_start = deque(node for node in self._to_start if node not in halt.nodes)
        self._halt = halt
        self.advance()

    def crashed(self, node: Node) -> None:
        """``node`` is backing off: stop those that are to be restarted with it.

        One that fails while its group is going down anyway just goes down with it.
        """
        fellows = self._fellows(node)
        if fellows and (self._halt is None or node not in self._halt.nodes):
            # The halt is over when the fellows rest; they start when the child's back-off is over, too.
            self.down(Halt(nodes=fellows, reason=f"restarted with {node.path}", then=lambda: None))
            self._leader = node

    def due(self, node: Node) -> None:
        """The back-off of ``node`` is over: start it, and those restarted with it."""
        if not self._fellows(node):
            node.start()
        elif self._halt is not None:  # Some fellow is still draining.
            self._halt.then = partial(self.due, node)
        else:
            self.up([node, *self._rejoining(node)])
            self.advance()

    def advance(self) -> None:
        """Take steps until one changes nothing. Called from within a step, it only notes it."""
        self._again = True
        if self._advancing:
            return
        self._advancing = True
        try:
            while self._again:
                self._again = False
                if self._halt is not None:
                    self._step_down(self._halt)
                else:
                    self._step_up()
        finally:
            self._advancing = False

    def _step_up(self) -> None:
        if self._leader is not None and self._leader.state is not State.BACKING_OFF:
            # Stopped or started by request before its back-off was over: its fellows wait no longer.
            if not self._leader.released:
                return
            self.up(self._rejoining(self._leader))
        while self._to_start:
            node = self._to_start[0]
            if node is not self._begun:
                self._begun = node
                if node.idle and not node.held:
                    node.start()
            if self._halt is not None or not node.released:
                return
            self._to_start.popleft()
        self._on_up()

    def _step_down(self, halt: Halt) -> None:
        for node in halt.nodes:
            if not (node.running or node.at_rest):
                node.stop(halt.reason)  # Or its retry could fall due before its turn.
        for node in reversed(halt.nodes):
            if not node.at_rest:
                (node.kill if halt.at_once else node.stop)(halt.reason)
            if not node.at_rest and not halt.at_once:
                return
        if self._halt is halt and all(node.at_rest for node in halt.nodes):
            self._halt = None
            self._again = True
            halt.then()

    def _rejoining(self, leader: Node) -> list[Node]:
        fellows = [fellow for fellow in self._fellows(leader) if fellow.restartable]
        for fellow in fellows:
            if not fellow.running:
                fellow.start_reason = "sibling"
        return fellows

    def _fellows(self, node: Node) -> Sequence[Node]:
        """The children that are restarted with ``node``."""
        if self._strategy == "one_for_one":
            return ()
        if self._strategy == "one_for_all":
            return tuple(each for each in self._children if each is not node)
        return self._children[self._children.index(node) + 1 :]
