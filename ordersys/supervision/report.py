"""The tree as text, for the end of a program: what state it was in, what went wrong, what will not end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any

from ordersys.supervision.snapshot import NodeSnapshot

TRACEBACKS_MAX = 3
FRAMES_MAX = 30


def render(tree: NodeSnapshot) -> str:
    """One line per node, parents first; then the tracebacks of the latest errors, one per child.

    ::

        app               failed     Boom: no such table
          payment/pump    failed     spent 5; Boom: no such table
          http            stopped
    """
    rows = [(f"{'  ' * depth}{node.path}", node.state.value, _remarks(node)) for depth, node in _walk(tree)]
    width = max(len(path) for path, _, _ in rows)
    lines = [f"{path:<{width}}  {state:<11}  {remarks}".rstrip() for path, state, remarks in rows]
    failed = [node for node in tree.walk() if node.kind == "child" and node.last_error is not None]
    failed.sort(key=lambda node: node.last_error.at if node.last_error else 0.0)
    for node in failed[-TRACEBACKS_MAX:]:
        assert node.last_error is not None
        lines += ["", f"last error of {node.path}:", node.last_error.traceback.rstrip()]
    return "\n".join(lines)


def whereabouts(tasks: Iterable[asyncio.Task[Any]]) -> str:
    """For each task, by name, the calls it is suspended in, innermost last."""
    lines: list[str] = []
    for task in tasks:
        lines.append(f"task {task.get_name()} is at:")
        lines += _calls(task.get_coro())
    return "\n".join(lines)


def _walk(node: NodeSnapshot, depth: int = 0) -> Iterator[tuple[int, NodeSnapshot]]:
    yield depth, node
    for child in node.children:
        yield from _walk(child, depth + 1)


def _remarks(node: NodeSnapshot) -> str:
    remarks = [
        f"{node.orphans} left behind" if node.orphans else "",
        f"spent {node.restarts_in_window}" if node.restarts_in_window else "",
        node.last_error.text if node.last_error else node.note,
    ]
    return "; ".join(filter(None, remarks))


def _calls(awaitable: Any) -> Iterator[str]:
    """The frames of a suspended coroutine and of those it awaits."""
    for _ in range(FRAMES_MAX):
        frame = getattr(awaitable, "cr_frame", None) or getattr(awaitable, "gi_frame", None)
        if frame is not None:
            code = frame.f_code
            yield f'  File "{code.co_filename}", line {frame.f_lineno}, in {code.co_name}'
        awaitable = getattr(awaitable, "cr_await", None) or getattr(awaitable, "gi_yieldfrom", None)
        if awaitable is None:
            return
