"""``ordersys tree``: what runs, in every process; ``ordersys start|stop|restart PATH``: have it changed.

By way of Postgres, as the processes themselves: the API may be away, and no token is needed by whoever has
the database.
"""

from __future__ import annotations

import argparse
import getpass
import socket
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import anyio
from rich.console import Console
from rich.live import Live
from rich.text import Text

from config.settings import Settings
from ordersys.cli import environment
from ordersys.cli.arguments import Commands, positive, positive_number, with_json
from ordersys.cli.codes import Exit
from ordersys.cli.output import NOTHING, columns, complain, document, say
from ordersys.contract.errors import DependencyUnavailable

if TYPE_CHECKING:
    from ordersys.adapters.control import Answer
    from ordersys.api.admin.views import NodeView, ProcessView

SEEN_S = 10.0
HEAD = ("NAME", "STATE", "UPTIME", "RESTARTS", "NEXT TRY", "WAITS", "NOTE")
RIGHT = (False, False, True, True, True, True, False)
NOTE_CHARS_MAX = 80
ACTIONS = {
    "start": "start a role, or a child of one, that was stopped",
    "stop": "drain a role, or a child of one, and leave it stopped",
    "restart": "drain a role, or a child of one, and start it anew",
}


def add(commands: Commands) -> None:
    """Declare the commands."""
    parser = commands.add_parser("tree", help="what runs, in every process: states, restarts, what waits")
    parser.add_argument("--watch", action="store_true", help="again and again, until Ctrl-C")
    parser.add_argument(
        "--every", type=positive_number, default=1.0, help="seconds between looks (default 1)"
    )
    parser.add_argument("--times", type=positive, help="with --watch: look so often, then end")
    with_json(parser)
    parser.set_defaults(run=show)
    for action, text in ACTIONS.items():
        order = commands.add_parser(action, help=text)
        order.add_argument("path", metavar="PATH", help="a role, or a child of one: payment, api/http")
        order.add_argument("--process", metavar="ID", help="of this process alone (its id begins so)")
        order.add_argument("--reason", default="", help="why; it goes to the log")
        with_json(order)
        order.set_defaults(run=ask, action=action)


def show(chosen: argparse.Namespace) -> int:
    """Print it once, or watch it."""
    known = environment.located()
    if chosen.watch:
        return environment.run(_watch, known, chosen)
    found = environment.run(processes, known)
    _print(found, chosen.json)
    return Exit.DONE if found else Exit.FAILED


def ask(chosen: argparse.Namespace) -> int:
    """Have every process that has the path do it, and say what became of it."""
    return environment.run(_ask, environment.located(), chosen)


async def processes(known: Settings) -> list[ProcessView]:
    """The processes that were seen in the last ten seconds.

    :raises DependencyUnavailable: Postgres cannot be reached.
    """
    from ordersys.api.admin.views import published

    return await published(environment.database(known), SEEN_S)


async def _ask(known: Settings, chosen: argparse.Namespace) -> int:
    from ordersys.runtime import control

    meant = [
        process
        for process in await processes(known)
        if process.id.startswith(chosen.process or "") and process.has(chosen.path)
    ]
    if not meant:
        complain(f"no process has a role or child {chosen.path!r}; ordersys tree shows what there is")
        return Exit.FAILED
    answers = await control.ask(
        environment.database(known),
        [process.uuid for process in meant],
        action=chosen.action,
        path=chosen.path,
        reason=chosen.reason,
        asked_by=f"{getpass.getuser()} at {socket.gethostname()}",
    )
    for process, answer in zip(meant, answers, strict=True):
        _tell(chosen, process, answer)
    return Exit.DONE if all(answer.outcome == "accepted" for answer in answers) else Exit.FAILED


def _tell(chosen: argparse.Namespace, process: ProcessView, answer: Answer) -> None:
    if chosen.json:
        document(
            {
                "process": process.id,
                "host": process.host,
                "path": chosen.path,
                "action": chosen.action,
                "outcome": answer.outcome,
                "detail": answer.detail,
            }
        )
    else:
        why = f": {answer.detail}" if answer.detail else ""
        say(f"{chosen.action} {chosen.path} on {process.host} (process {process.pid}): {answer.outcome}{why}")


async def _watch(known: Settings, chosen: argparse.Namespace) -> int:
    """A tree that stays in place on a terminal, else one after the other."""
    console = Console()
    live = Live(console=console, auto_refresh=False) if console.is_terminal and not chosen.json else None
    looks = 0
    if live is not None:
        live.start()
    try:
        while True:
            try:
                found = await processes(known)
            except DependencyUnavailable as outage:
                if chosen.times:
                    raise
                complain(outage)
            else:
                looks += 1
                if live is not None:
                    live.update(Text("\n".join(_lines(found))), refresh=True)
                else:
                    _print(found, chosen.json)
                if looks == chosen.times:
                    return Exit.DONE
            await anyio.sleep(chosen.every)
    finally:
        if live is not None:
            live.stop()


def _print(found: Sequence[ProcessView], as_json: bool) -> None:
    if as_json:
        document({"processes": found})
    else:
        for line in _lines(found):
            say(line)


def _lines(found: Sequence[ProcessView]) -> Iterator[str]:
    if not found:
        yield "no process has been seen in the last ten seconds"
    for process in found:
        yield (
            f"{process.host}  process {process.pid}  {process.id[:8]}  {', '.join(process.roles)}"
            f"  ({process.age_s:.1f} s ago, loop lag {process.loop_lag_s * 1000:.0f} ms)"
        )
        yield from columns([HEAD, *_rows(process.tree, 0)], RIGHT)


def _rows(node: NodeView, depth: int) -> Iterator[tuple[str, ...]]:
    apart = f" (process {node.pid})" if node.isolation == "process" and node.pid else ""
    yield (
        "  " * depth + node.id + apart,
        node.state + (" (by request)" if node.held else ""),
        _seconds(node.uptime_s),
        f"{node.restarts_in_window}/{node.restarts_max}",
        _seconds(node.next_retry_in_s),
        str(node.pending) if node.pending else "",
        _note(node),
    )
    for child in node.children:
        yield from _rows(child, depth + 1)


def _note(node: NodeView) -> str:
    text = node.note if node.ready or not node.last_error else node.last_error.text
    return text if len(text) <= NOTE_CHARS_MAX else text[: NOTE_CHARS_MAX - 1] + "…"


def _seconds(value: float | None) -> str:
    """As a person says it: 4.2 s, 3 min, 5 h, 2 d."""
    if value is None:
        return NOTHING
    for limit, unit, seconds in ((60.0, "s", 1.0), (3600.0, "min", 60.0), (86_400.0, "h", 3600.0)):
        if value < limit:
            return f"{value:.1f} {unit}" if seconds == 1.0 else f"{value / seconds:.0f} {unit}"
    return f"{value / 86_400:.0f} d"
