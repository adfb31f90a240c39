"""``ordersys lag``: where every consumer group stands in every partition, straight from Kafka."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import anyio
from rich.console import Console
from rich.live import Live
from rich.table import Table

from config.settings import Settings
from ordersys.cli import environment
from ordersys.cli.arguments import Commands, positive, positive_number, with_json
from ordersys.cli.codes import Exit
from ordersys.cli.output import NOTHING, columns, complain, document, say
from ordersys.contract import topics
from ordersys.contract.errors import DependencyUnavailable
from ordersys.services import analytics, inventory, notification, orchestrator, payment

if TYPE_CHECKING:
    from ordersys.adapters.kafka import Position

HEAD = ("GROUP", "TOPIC", "PARTITION", "COMMITTED", "END", "LAG")
RIGHT = (False, False, True, True, True, True)

Stand = Mapping[str, Sequence["Position"]]


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("lag", help="events that consumer groups have not committed yet")
    parser.add_argument("--watch", action="store_true", help="again and again, until Ctrl-C")
    parser.add_argument(
        "--every", type=positive_number, default=1.0, help="seconds between looks (default 1)"
    )
    parser.add_argument("--times", type=positive, help="with --watch: look so often, then end")
    parser.add_argument("--group", help="of this consumer group alone")
    with_json(parser)
    parser.set_defaults(run=run)


def groups(known: Settings) -> dict[str, str]:
    """Every consumer group by its deployed name → the topic it reads."""
    services = (
        payment.service(),
        inventory.service(),
        orchestrator.service(),
        notification.service(),
        analytics.service(),
    )
    found = {each.group: each.topic for service in services for each in service.subscriptions}
    if known["NOTIFY_SMTP_URL"]:
        found[topics.NOTIFICATION_MAIL_GROUP] = topics.ORDER_STATUS_CHANGED
    if known["NOTIFY_WEBHOOK_URL"]:
        found[topics.NOTIFICATION_WEBHOOK_GROUP] = topics.ORDER_STATUS_CHANGED
    return {known.name(group.env): known.name(topic.env) for group, topic in found.items()}


def run(chosen: argparse.Namespace) -> int:
    """Print it once, or watch it."""
    known = environment.located()
    wanted = groups(known)
    if chosen.group is not None:
        if chosen.group not in wanted:
            complain(f"{chosen.group!r} is none of {', '.join(wanted)}")
            return Exit.USAGE
        wanted = {chosen.group: wanted[chosen.group]}
    if chosen.watch:
        return environment.run(_watch, known, wanted, chosen)
    stand = environment.run(positions, known, wanted)
    if chosen.json:
        document(report(stand))
    else:
        for line in columns([HEAD, *_rows(stand)], RIGHT):
            say(line)
    return Exit.DONE


async def positions(known: Settings, wanted: Mapping[str, str]) -> Stand:
    """Where ``wanted`` (group → topic) stand now.

    :raises DependencyUnavailable: Kafka cannot be reached.
    """
    async with environment.broker(known).observer(sorted(set(wanted.values()))) as observer:
        return await observer.positions(wanted)


async def _watch(known: Settings, wanted: Mapping[str, str], chosen: argparse.Namespace) -> int:
    """A table that stays in place on a terminal, else a line (or document) for each look."""
    console = Console()
    live = console.is_terminal and not chosen.json
    looks = 0
    with Live(console=console, auto_refresh=False) if live else _Lines(chosen.json) as shown:
        while True:
            try:
                async with environment.broker(known).observer(sorted(set(wanted.values()))) as observer:
                    while True:
                        stand = await observer.positions(wanted)
                        if isinstance(shown, Live):
                            shown.update(_table(stand), refresh=True)
                        else:
                            shown.show(stand)
                        looks += 1
                        if looks == chosen.times:
                            return Exit.DONE
                        await anyio.sleep(chosen.every)
            except DependencyUnavailable as outage:
                if chosen.times:
                    raise
                complain(outage)
                await anyio.sleep(chosen.every)


class _Lines:
    """What is watched by something that is no terminal."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def show(self, stand: Stand) -> None:
        found = report(stand)
        if self._as_json:
            document(found)
            return
        parts = [f"{group['group']} {_shown(group['lag'])}" for group in found["groups"]]
        say(f"{found['at']:%Y-%m-%dT%H:%M:%SZ}  total {_shown(found['lag'])}  {'  '.join(parts)}")


def report(stand: Stand) -> dict[str, Any]:
    """As JSON: offsets are strings, for readers whose numbers have 53 bits; a lag not known is null."""
    return {
        "at": datetime.now(UTC),
        "lag": total([position for found in stand.values() for position in found]),
        "groups": [
            {
                "group": group,
                "topic": found[0].topic if found else None,
                "lag": total(found),
                "partitions": [
                    {
                        "partition": position.partition,
                        "committed": None if position.committed is None else str(position.committed),
                        "end": str(position.end),
                        "lag": lag_of(position),
                    }
                    for position in found
                ],
            }
            for group, found in stand.items()
        ],
    }


def lag_of(position: Position) -> int | None:
    """Events not committed; None when nothing is committed, which is not the same as 0."""
    return None if position.committed is None else max(0, position.end - position.committed)


def total(found: Sequence[Position]) -> int | None:
    """The lag of several partitions: the sum of what is known, None when nothing is."""
    known = [lag for position in found if (lag := lag_of(position)) is not None]
    return sum(known) if known else None


def _rows(stand: Stand) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for group, found in stand.items():
        for position in found:
            rows.append(
                (
                    group,
                    position.topic,
                    str(position.partition),
                    _shown(position.committed),
                    str(position.end),
                    _shown(lag_of(position)),
                )
            )
        rows.append((group, "", "all", "", "", _shown(total(found))))
    everything = [position for found in stand.values() for position in found]
    rows.append(("all groups", "", "", "", "", _shown(total(everything))))
    return rows


def _table(stand: Stand) -> Table:
    """A row per group: a terminal is not high enough for one per partition of each."""
    table = Table(title=f"lag at {datetime.now(UTC):%H:%M:%S} UTC", title_justify="left")
    table.add_column("group")
    table.add_column("topic")
    table.add_column("lag by partition")
    table.add_column("lag", justify="right")
    for group, found in stand.items():
        each = " ".join(_shown(lag_of(position)) for position in found)
        table.add_row(group, found[0].topic if found else NOTHING, each, _shown(total(found)))
    everything = [position for found in stand.values() for position in found]
    table.add_section()
    table.add_row("all groups", "", "", _shown(total(everything)))
    return table


def _shown(number: int | None) -> str:
    return NOTHING if number is None else str(number)
