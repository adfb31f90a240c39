"""``ordersys load``: orders at a steady rate, whatever the answers: an open-loop load generator.

Each order has a time at which it is due, and its latency counts from then, also when all connections are
busy at that time: a server that stalls is not spared the orders that would have come meanwhile
("coordinated omission").
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import anyio

from config.settings import Settings
from ordersys.cli import environment, orders
from ordersys.cli.arguments import Commands, positive, positive_number, with_json, with_url
from ordersys.cli.codes import Exit
from ordersys.cli.http import Client
from ordersys.cli.latency import Latencies
from ordersys.cli.orders import Posting, problem_of
from ordersys.cli.output import document, progress, say
from ordersys.contract.errors import DependencyUnavailable

KINDS = ("ok", "payment", "stock", "both", "invalid")
MIX_DEFAULT = {"ok": 100}
RATE_MAX = 50_000.0
SECONDS_MAX = 3600.0
SKUS = 20
PROGRESS_S = 0.2


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("load", help="post orders at a steady rate and say how that went")
    parser.add_argument("--rate", type=positive_number, default=50.0, help="orders per second (default 50)")
    parser.add_argument("--seconds", type=positive_number, default=10.0, help="for how long (default 10)")
    parser.add_argument(
        "--mix",
        type=mix,
        default=MIX_DEFAULT,
        help=f"weights of kinds of orders, such as ok=90,payment=5,stock=5 (kinds: {', '.join(KINDS)}; "
        "payment, stock and both fail there, invalid is refused by the API; default ok=100)",
    )
    parser.add_argument("--connections", type=positive, default=64, help="requests at once (default 64)")
    parser.add_argument("--seed", type=int, help="makes the order of the mix repeatable")
    with_url(parser)
    with_json(parser)
    parser.set_defaults(run=run)


def mix(text: str) -> dict[str, int]:
    """Weights by kind of order, from ``kind=weight,…``."""
    found: dict[str, int] = {}
    for part in text.split(","):
        kind, _, weight = part.strip().partition("=")
        if kind not in KINDS or kind in found or not weight.isdecimal() or len(weight) > 6:
            raise argparse.ArgumentTypeError(
                f"{part!r} is not one of {', '.join(KINDS)}, each once, with a whole weight, such as ok=90"
            )
        found[kind] = int(weight)
    if not sum(found.values()):
        raise argparse.ArgumentTypeError("all weights are 0")
    return found


def run(chosen: argparse.Namespace) -> int:
    """Do it, and say how it went."""
    known = environment.settings()
    url = environment.api_url(chosen.url)
    if chosen.url is None:
        environment.require_loopback(urlsplit(url).hostname or "")
    load = Load(
        rate=min(chosen.rate, RATE_MAX),
        seconds=min(chosen.seconds, SECONDS_MAX),
        bodies=Bodies(known, chosen.mix, random.Random(chosen.seed)),
    )
    environment.run(load.run, url, chosen.connections)
    report = load.report()
    if chosen.json:
        document(report)
    else:
        for line in _lines(report):
            say(line)
    if report["accepted"]:
        return Exit.DONE
    return Exit.UNAVAILABLE if load.silent or load.refused_busy else Exit.FAILED


class Bodies:
    """Bodies of orders, by chance as the mix has it."""

    def __init__(self, known: Settings, weights: dict[str, int], chance: random.Random) -> None:
        dear, many = known["PAYMENT_AMOUNT_CENTS_MAX"] + 1, known["INVENTORY_QUANTITY_MAX"] + 1
        fields = {
            "ok": (1, min(1999, dear - 1)),
            "payment": (1, dear),
            "stock": (many, min(1999, dear - 1)),
            "both": (many, dear),
            "invalid": (0, 1999),
        }
        self._kinds = list(weights)
        self._weights = list(weights.values())
        self._chance = chance
        self._bodies = {
            kind: [
                orders.encode(
                    {
                        "customer_email": f"load-{number}@example.com",
                        "item_sku": f"SKU-{number}",
                        "quantity": fields[kind][0],
                        "amount_cents": fields[kind][1],
                    }
                )
                for number in range(1, SKUS + 1)
            ]
            for kind in weights
        }

    def next(self) -> bytes:
        """One of them."""
        kind = self._chance.choices(self._kinds, self._weights)[0]
        return self._chance.choice(self._bodies[kind])


class Load:
    """One run: ``rate`` orders a second for ``seconds``; what is due later than that is not sent."""

    def __init__(self, *, rate: float, seconds: float, bodies: Bodies) -> None:
        self._rate = rate
        self._seconds = seconds
        self._bodies = bodies
        self._due = 0
        self._planned = max(1, round(rate * seconds))
        self._began = 0.0
        self._ended = 0.0
        self._latencies = Latencies()
        self._answers: Counter[int] = Counter()
        self._errors: Counter[str] = Counter()
        self._silence: Counter[str] = Counter()

    @property
    def silent(self) -> int:
        """Orders that got no answer at all."""
        return self._silence.total()

    @property
    def refused_busy(self) -> int:
        """Orders answered with 503 or 504."""
        return sum(self._answers[status] for status in orders.TRY_AGAIN)

    async def run(self, url: str, connections: int) -> None:
        """Send them, over at most so many connections."""
        async with Client(url) as client:
            self._began = perf_counter()
            with progress() as display:
                bar = display.add_task("orders", total=self._planned)
                async with anyio.create_task_group() as group:

                    async def show() -> None:
                        while True:
                            await anyio.sleep(PROGRESS_S)
                            display.update(bar, completed=self._answers.total() + self.silent)

                    async def work() -> None:
                        async with anyio.create_task_group() as workers:
                            for _ in range(min(connections, self._planned)):
                                workers.start_soon(self._work, client)
                        group.cancel_scope.cancel()

                    group.start_soon(show)
                    group.start_soon(work)
            self._ended = perf_counter()

    async def _work(self, client: Client) -> None:
        while self._due < self._planned:
            due = self._began + self._due / self._rate
            self._due += 1
            now = perf_counter()
            if now < due:
                await anyio.sleep(due - now)
            elif now > self._began + self._seconds:
                # The end has come with orders still waiting for a connection: they are not sent.
                self._due = self._planned
                return
            await self._post(client, due)

    async def _post(self, client: Client, due: float) -> None:
        posting = Posting(str(uuid4()), self._bodies.next())
        try:
            answer = await client.request("POST", "/orders", body=posting.body, headers=posting.headers)
        except DependencyUnavailable as outage:
            self._silence[outage.detail] += 1
            return
        self._answers[answer.status] += 1
        if answer.status == 201:
            self._latencies.add(perf_counter() - due)
        else:
            self._errors[problem_of(answer)["error"]] += 1

    def report(self) -> dict[str, Any]:
        """What came of it; latencies are of accepted orders, in milliseconds from when they were due."""
        seconds = self._ended - self._began
        sent = self._answers.total() + self.silent
        accepted = self._answers[201]
        return {
            "rate_wanted": self._rate,
            "rate_sent": round(sent / seconds, 1),
            "rate_accepted": round(accepted / seconds, 1),
            "seconds": round(seconds, 3),
            "planned": self._planned,
            "sent": sent,
            "accepted": accepted,
            "refused": {
                str(status): count for status, count in sorted(self._answers.items()) if status != 201
            },
            "unanswered": self.silent,
            "latency_ms": self._latencies.report(),
            "reasons": dict((self._errors + self._silence).most_common(5)),
        }


def _lines(report: dict[str, Any]) -> list[str]:
    refused = ", ".join(f"{count} with {status}" for status, count in report["refused"].items())
    latency = report["latency_ms"]
    lines = [
        f"sent        {report['sent']} of {report['planned']} in {report['seconds']:.1f} s",
        f"accepted    {report['accepted']}",
        f"refused     {refused or 'none'}",
        f"unanswered  {report['unanswered']}",
        f"rate        {report['rate_sent']:.1f}/s sent, {report['rate_accepted']:.1f}/s accepted, "
        f"{report['rate_wanted']:g}/s wanted",
    ]
    if latency is not None:
        shown = ", ".join(f"{name} {value:.1f}" for name, value in latency.items())
        lines.append(f"latency     {shown} ms")
    return lines + [f"reason      {count} x {reason}" for reason, count in report["reasons"].items()]
