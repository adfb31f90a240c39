"""The supervision tree as the lines of ``/readyz``."""

from __future__ import annotations

from collections.abc import Sequence

from ordersys.api.probes import Line
from ordersys.supervision import NodeSnapshot


def lines(tree: NodeSnapshot, only: Sequence[str] | None = None) -> list[Line]:
    """A line per child of the root; ``only`` names the ones to tell of."""
    return [_line(node) for node in tree.children if only is None or node.id in only]


def _line(node: NodeSnapshot) -> Line:
    return Line(node.id, str(node.state), node.ready, _detail(node))


def _detail(node: NodeSnapshot) -> str:
    """Why it is not ready, from the first of its children that is not; else nothing."""
    if node.ready:
        return ""
    for child in node.walk():
        if child.kind == "child" and not child.ready:
            if child.note:
                return child.note
            if child.last_error is not None:
                return child.last_error.text
    return ""
