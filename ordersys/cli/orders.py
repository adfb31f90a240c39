"""How commands speak to ``/orders``: an order and its key, tries that are bounded, refusals in a sentence."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import anyio
import msgspec

from ordersys.cli.http import Answer, Client
from ordersys.contract.errors import DependencyUnavailable, OrdersysError

TRY_AGAIN = (503, 504)
PAUSE_FIRST_S = 0.2
PAUSE_CAP_S = 5.0
FINAL = ("CONFIRMED", "CANCELLED")

encode = msgspec.json.Encoder().encode


class NotDone(OrdersysError):
    """The API refused; ``problem`` is what it said."""

    def __init__(self, answer: Answer) -> None:
        self.status = answer.status
        self.problem = problem_of(answer)
        super().__init__(f"{self.problem['error']} ({answer.status})")


@dataclass(frozen=True, slots=True)
class Posting:
    """One order on its way: the body, and the key that makes every try the same order."""

    key: str
    body: bytes
    correlation_id: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The request's headers."""
        found = {"content-type": "application/json", "idempotency-key": self.key}
        if self.correlation_id:
            found["x-correlation-id"] = self.correlation_id
        return found


async def post(client: Client, posting: Posting, tries: int) -> dict[str, Any]:
    """Have an order taken, in at most ``tries`` tries with the same key; the API's answer.

    :raises NotDone: it was refused for good.
    :raises DependencyUnavailable: no try was answered by anything but 503, 504 or silence.
    """
    for number in range(1, tries + 1):
        try:
            answer = await client.request("POST", "/orders", body=posting.body, headers=posting.headers)
        except DependencyUnavailable:
            if number == tries:
                raise
            await anyio.sleep(pause_s(number))
            continue
        if answer.status == 201:
            return _object(answer)
        if answer.status not in TRY_AGAIN:
            raise NotDone(answer)
        if number < tries:
            await anyio.sleep(pause_s(number, answer.headers.get("retry-after")))
    raise DependencyUnavailable(f"the API at {client.url}", problem_of(answer)["error"])


async def get(client: Client, order_id: str) -> dict[str, Any]:
    """An order as it stands.

    :raises NotDone: there is none.
    :raises DependencyUnavailable: the API cannot answer now.
    """
    answer = await client.request("GET", f"/orders/{quote(order_id, safe='')}")
    if answer.status == 200:
        return _object(answer)
    if answer.status in TRY_AGAIN:
        raise DependencyUnavailable(f"the API at {client.url}", problem_of(answer)["error"])
    raise NotDone(answer)


def pause_s(number: int, retry_after: str | None = None) -> float:
    """Seconds before the try after the ``number``-th: as long as the server asks, else growing, jittered."""
    backoff = min(PAUSE_CAP_S, PAUSE_FIRST_S * 2.0 ** (number - 1))
    asked = float(retry_after) if retry_after and retry_after.isdecimal() else 0.0
    return min(PAUSE_CAP_S, max(asked, backoff)) * random.uniform(0.75, 1.25)


def problem_of(answer: Answer) -> dict[str, Any]:
    """What a refusal says: problem details with ``status`` and ``error``, whoever answered."""
    try:
        found = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = None
    problem = found if isinstance(found, dict) else {}
    sentence = problem.get("error") or problem.get("detail") or problem.get("title")
    return {**problem, "status": answer.status, "error": str(sentence or "no reason was given")}


def _object(answer: Answer) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = None
    if not isinstance(found, dict) or "id" not in found:
        raise NotDone(answer)
    return found
