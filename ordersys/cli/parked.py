"""``ordersys parked``: look at parked events; have dead ones redriven or discarded by their owner."""

from __future__ import annotations

import argparse
from typing import Any

import anyio

from config.settings import Settings
from ordersys.cli import environment
from ordersys.cli.arguments import Commands, moment, positive, positive_number, with_json
from ordersys.cli.codes import Exit
from ordersys.cli.output import document, progress, say

ROWS_DEFAULT = 100
RATE_DEFAULT = 100.0
ROWS_MAX = 1_000_000
TICK_S = 0.5


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("parked", help="list, redrive or discard parked events")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="unfinished rows, oldest first")
    listing.add_argument("--rows", type=positive, default=ROWS_DEFAULT, help="at most so many (default 100)")
    listing.add_argument("--group", help="of this consumer group alone")
    with_json(listing)
    listing.set_defaults(run=show)
    for action, text in (("redrive", "try dead events once more"), ("discard", "give dead events up")):
        _add_request(actions, action, text)


def _add_request(actions: Commands, action: str, text: str) -> None:
    request = actions.add_parser(action, help=f"{text}; their owner does it between two batches")
    which = request.add_mutually_exclusive_group(required=True)
    which.add_argument("--id", type=positive, action="append", dest="ids", help="a row's id; may be repeated")
    which.add_argument("--all", action="store_true", help="every dead event that the other options leave")
    request.add_argument("--group", help="of this consumer group alone")
    request.add_argument(
        "--before",
        type=moment,
        help="only what failed first before this time: RFC 3339, or an age such as 2h",
    )
    request.add_argument("--limit", type=positive, default=ROWS_MAX, help="at most so many, the oldest first")
    request.add_argument(
        "--rate", type=positive_number, default=RATE_DEFAULT, help="so many per second (default 100)"
    )
    request.add_argument(
        "--dry-run", action="store_true", help="list what would be asked for, and do nothing"
    )
    with_json(request)
    request.set_defaults(run=ask, action=action)


def show(chosen: argparse.Namespace) -> int:
    """List unfinished rows."""
    rows = environment.run(_unfinished, environment.located(), chosen.group, chosen.rows)
    for row in rows:
        _tell(row, chosen.json)
    if not rows and not chosen.json:
        say("nothing is parked")
    return Exit.DONE


def ask(chosen: argparse.Namespace) -> int:
    """Ask for it, in batches; the owner of each row's partition does it between two of its batches."""
    if chosen.dry_run:
        rows = environment.run(_requestable, environment.located(), chosen)
        for row in rows:
            _tell(row, chosen.json)
        if not chosen.json:
            say(f"{chosen.action}: {len(rows)} dead events would be asked for")
        return Exit.DONE if rows else Exit.FAILED
    count = environment.run(_request, environment.located(), chosen)
    if chosen.json:
        document({"action": chosen.action, "requested": count})
    else:
        say(f"{chosen.action}: asked for {count} dead events")
    return Exit.DONE if count else Exit.FAILED


def _tell(row: Any, as_json: bool) -> None:
    fields = dict(row)
    if as_json:
        document({**fields, "offset": str(fields["offset"])})
        return
    state = f"{fields['state']:<8}  " if "state" in fields else ""
    attempts = f"attempts {fields['attempts']}  " if "attempts" in fields else ""
    asked = f"  ({fields['requested']} asked for)" if fields.get("requested") else ""
    say(
        f"{fields['id']:>6}  {state}{fields['group_name']}  {fields['topic']}"
        f"[{fields['partition']}]@{fields['offset']}  key {fields['key']}  "
        f"{attempts}{fields['reason']}{asked}"
    )


async def _unfinished(known: Settings, group: str | None, rows: int) -> list[Any]:
    from ordersys.adapters import parked

    async with environment.database(known).session() as session:
        return await parked.unfinished(session, group, rows)


async def _requestable(known: Settings, chosen: argparse.Namespace) -> list[Any]:
    from ordersys.adapters import parked

    async with environment.database(known).session() as session:
        return await parked.requestable(session, chosen.group, chosen.ids, chosen.before, chosen.limit)


async def _request(known: Settings, chosen: argparse.Namespace) -> int:
    """Ask for what is dead now, ``--rate`` rows a second: what dies meanwhile is for another time."""
    from ordersys.adapters import parked

    done = 0
    async with environment.database(known).session() as session:
        found = await parked.requestable(session, chosen.group, chosen.ids, chosen.before, chosen.limit)
        ids = [row["id"] for row in found]
        with progress() as display:
            bar = display.add_task(chosen.action, total=len(ids))
            began = anyio.current_time()
            sent = 0
            while sent < len(ids):
                batch = ids[sent : sent + max(1, int(chosen.rate * TICK_S))]
                done += await parked.request(session, chosen.action, None, batch)
                sent += len(batch)
                display.update(bar, completed=sent)
                if sent < len(ids):
                    await anyio.sleep(max(0.0, began + sent / chosen.rate - anyio.current_time()))
    return done
