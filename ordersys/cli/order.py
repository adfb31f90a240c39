"""``ordersys order``: place orders, look at one, follow one to its final state."""

from __future__ import annotations

import argparse
from typing import Any
from uuid import UUID, uuid4

import anyio
from rich.progress import Progress, TaskID

from ordersys.cli import environment, orders
from ordersys.cli.arguments import Commands, positive, positive_number, with_json, with_url
from ordersys.cli.codes import Exit
from ordersys.cli.http import Client
from ordersys.cli.orders import FINAL, NotDone, Posting
from ordersys.cli.output import complain, document, progress, say
from ordersys.contract.errors import DependencyUnavailable

AT_ONCE = 16
POLL_FIRST_S = 0.05
POLL_CAP_S = 1.0


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("order", help="place orders, look at one, follow one to its final state")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    _add_create(actions)
    looking = actions.add_parser("get", help="an order as it stands")
    looking.add_argument("id", help="the order's id")
    following = actions.add_parser("watch", help="print each change of an order until it is final")
    following.add_argument("id", help="the order's id")
    _with_timeout(following)
    for action, function in ((looking, look), (following, follow)):
        with_url(action)
        with_json(action)
        action.set_defaults(run=function)


def _add_create(actions: Commands) -> None:
    action = actions.add_parser("create", help="place orders; the defaults become CONFIRMED")
    action.add_argument("--email", default="ada@example.com", help="customer_email (default ada@example.com)")
    action.add_argument("--sku", default="SKU-1", help="item_sku (default SKU-1)")
    action.add_argument("--quantity", type=int, default=1, help="pieces (default 1)")
    action.add_argument("--amount-cents", type=int, default=1999, help="amount in cents (default 1999)")
    action.add_argument("--count", type=positive, default=1, help="how many such orders (default 1)")
    action.add_argument(
        "--key", type=_uuid, help="Idempotency-Key (a UUID) of a single order; else a new one"
    )
    action.add_argument("--correlation-id", help="X-Correlation-ID; else the order's id")
    action.add_argument(
        "--tries", type=positive, default=5, help="tries at each order, with the same key (default 5)"
    )
    action.add_argument("--watch", action="store_true", help="then follow them to their final states")
    _with_timeout(action)
    with_url(action)
    with_json(action)
    action.set_defaults(run=create)


def _with_timeout(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--timeout-s", type=positive_number, default=60.0, help="seconds to follow an order (default 60)"
    )


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a UUID") from None


def create(chosen: argparse.Namespace) -> int:
    """Place orders."""
    if chosen.key and chosen.count > 1:
        complain("--key names one order: it cannot be used with --count")
        return Exit.USAGE
    chosen.url = environment.api_url(chosen.url)
    return environment.run(_create, chosen)


def look(chosen: argparse.Namespace) -> int:
    """Show one order."""
    chosen.url = environment.api_url(chosen.url)
    return environment.run(_look, chosen)


def follow(chosen: argparse.Namespace) -> int:
    """Follow one order."""
    chosen.url = environment.api_url(chosen.url)
    return environment.run(_follow, chosen)


async def _create(chosen: argparse.Namespace) -> int:
    body = orders.encode(
        {
            "customer_email": chosen.email,
            "item_sku": chosen.sku,
            "quantity": chosen.quantity,
            "amount_cents": chosen.amount_cents,
        }
    )
    keys = [chosen.key or str(uuid4()) for _ in range(chosen.count)]
    places = _Places(chosen)
    async with Client(chosen.url) as client:
        with progress() as display:
            bar = display.add_task("orders", total=chosen.count, visible=chosen.count > 1)
            async with anyio.create_task_group() as group:
                for _ in range(min(AT_ONCE, chosen.count)):
                    group.start_soon(places.work, client, body, keys, display, bar)
        if chosen.watch:
            for order_id in places.accepted:
                places.worst = max(places.worst, await _follow_one(client, order_id, chosen))
    return places.worst


class _Places:
    """Workers that place orders of one kind, and what came of it."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        self._chosen = chosen
        self.accepted: list[str] = []
        self.worst: int = Exit.DONE

    async def work(
        self, client: Client, body: bytes, keys: list[str], display: Progress, bar: TaskID
    ) -> None:
        while keys:
            posting = Posting(keys.pop(), body, self._chosen.correlation_id)
            try:
                self._tell(await orders.post(client, posting, self._chosen.tries))
            except NotDone as refusal:
                self._refused(refusal, refusal.problem, Exit.FAILED)
            except DependencyUnavailable as outage:
                problem = {"error": str(outage), "idempotency_key": posting.key}
                self._refused(f"{outage} (Idempotency-Key {posting.key})", problem, Exit.UNAVAILABLE)
            display.advance(bar)

    def _tell(self, order: dict[str, Any]) -> None:
        self.accepted.append(order["id"])
        if self._chosen.json:
            document(order)
        else:
            say(_words(order))

    def _refused(self, error: object, problem: dict[str, Any], code: Exit) -> None:
        self.worst = max(self.worst, code)
        if self._chosen.json:
            document(problem)
        complain(error)


async def _look(chosen: argparse.Namespace) -> int:
    async with Client(chosen.url) as client:
        order = await orders.get(client, chosen.id)
    if chosen.json:
        document(order)
        return Exit.DONE
    width = max(len(name) for name in order)
    for name, value in order.items():
        say(f"{name:<{width}}  {'—' if value is None else value}")
    return Exit.DONE


async def _follow(chosen: argparse.Namespace) -> int:
    async with Client(chosen.url) as client:
        return await _follow_one(client, chosen.id, chosen)


async def _follow_one(client: Client, order_id: str, chosen: argparse.Namespace) -> int:
    """Poll, quickly while something changes; every change is one line."""
    began = anyio.current_time()
    told: tuple[object, ...] = ()
    outage: DependencyUnavailable | None = None
    pause = POLL_FIRST_S
    while anyio.current_time() - began < chosen.timeout_s:
        try:
            order = await orders.get(client, order_id)
        except DependencyUnavailable as error:
            outage = error
        else:
            outage = None
            stand = (order["status"], order.get("payment_status"), order.get("inventory_status"))
            if stand != told:
                told, pause = stand, POLL_FIRST_S
                _tell_change(order, anyio.current_time() - began, chosen.json)
            if order["status"] in FINAL:
                return Exit.DONE
        await anyio.sleep(pause)
        pause = min(POLL_CAP_S, pause * 1.5)
    if outage is not None:
        raise outage
    complain(f"order {order_id} is not final after {chosen.timeout_s:g} s")
    return Exit.UNFINISHED


def _tell_change(order: dict[str, Any], after_s: float, as_json: bool) -> None:
    if as_json:
        document(order)
        return
    results = ", ".join(
        f"{kind} {order[f'{kind}_status']}"
        for kind in ("payment", "inventory")
        if order.get(f"{kind}_status")
    )
    say(f"{after_s:8.3f} s  {order['status']:<10}  {results}".rstrip())


def _words(order: dict[str, Any]) -> str:
    cents = order["amount_cents"]
    return (
        f"{order['id']}  {order['status']}  {order['quantity']} x {order['item_sku']}  "
        f"{cents // 100}.{cents % 100:02d}"
    )
