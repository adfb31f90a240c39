"""``ordersys parked``: look at parked events; have dead ones redriven or discarded by their owner."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import Any

import anyio
import msgspec

from config.settings import Settings
from ordersys.adapters import parked
from ordersys.cli import environment
from ordersys.cli.settings import Commands
from supervisor import database_of

ROWS_DEFAULT = 100


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("parked", help="list, redrive or discard parked events")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="unfinished rows, oldest first")
    listing.add_argument("--rows", type=int, default=ROWS_DEFAULT, help="at most so many (default 100)")
    listing.add_argument("--json", action="store_true", help="a JSON object a line")
    listing.add_argument("--group", help="of this consumer group alone")
    listing.set_defaults(run=show)
    for action, text in (("redrive", "try dead events once more"), ("discard", "give dead events up")):
        request = actions.add_parser(action, help=text)
        request.add_argument("--group", help="of this consumer group alone")
        which = request.add_mutually_exclusive_group(required=True)
        which.add_argument("--id", type=int, action="append", dest="ids", help="a row's id; may be repeated")
        which.add_argument("--all", action="store_true", help="every dead event (of the group)")
        request.set_defaults(run=ask, action=action)


def show(chosen: argparse.Namespace) -> int:
    """List unfinished rows."""
    rows = anyio.run(partial(_unfinished, environment.settings(), chosen.group, chosen.rows))
    for row in rows:
        fields = dict(row)
        if chosen.json:
            line = msgspec.json.encode(fields).decode()
        else:
            line = (
                f"{fields['id']:>6}  {fields['state']:<8}  {fields['group_name']}  {fields['topic']}"
                f"[{fields['partition']}]@{fields['offset']}  key {fields['key']}  "
                f"attempts {fields['attempts']}  {fields['reason']}"
            )
        sys.stdout.write(line + "\n")
    if not rows and not chosen.json:
        sys.stdout.write("nothing is parked\n")
    return 0


def ask(chosen: argparse.Namespace) -> int:
    """Ask for it; the owner of each row's partition does it between two of its batches."""
    count = anyio.run(partial(_request, environment.settings(), chosen.action, chosen.group, chosen.ids))
    sys.stdout.write(f"{chosen.action}: asked for {count} dead events\n")
    return 0 if count else 1


async def _unfinished(settings: Settings, group: str | None, rows: int) -> list[Any]:
    async with database_of(settings).session() as session:
        return await parked.unfinished(session, group, rows)


async def _request(settings: Settings, action: str, group: str | None, ids: list[int] | None) -> int:
    async with database_of(settings).session() as session:
        return await parked.request(session, action, group, ids)
