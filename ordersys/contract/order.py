"""The life of an order: every transition in one table, and the fold that applies it.

An order has two results to wait for, payment and inventory. Each result that is new sets its column, and
moves the order by what both columns then say together (its *outcome*):

- FAILED: this result is a failure;
- COMPLETE: both results are in and neither is a failure;
- PARTIAL: this result is a success and the other is not in yet.

Final states never change: a result after one fills its column, without a new version and without an
event. A result that is already set is ignored: the first commit wins. An outcome that the table does not
have raises and changes nothing.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

from ordersys.contract.errors import Rejected


class OrderStatus(StrEnum):
    """Where an order stands."""

    NEW = "NEW"
    PROCESSING = "PROCESSING"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"


class Outcome(StrEnum):
    """What a new result means, seen with the other one."""

    PARTIAL = "PARTIAL"
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"


TRANSITIONS: dict[tuple[OrderStatus, Outcome], OrderStatus] = {
    (OrderStatus.NEW, Outcome.PARTIAL): OrderStatus.PROCESSING,
    (OrderStatus.NEW, Outcome.FAILED): OrderStatus.CANCELLED,
    (OrderStatus.PROCESSING, Outcome.COMPLETE): OrderStatus.CONFIRMED,
    (OrderStatus.PROCESSING, Outcome.FAILED): OrderStatus.CANCELLED,
}
FINAL = frozenset({OrderStatus.CONFIRMED, OrderStatus.CANCELLED})

FAILED = "FAILED"


class OrderState(msgspec.Struct, frozen=True, gc=False):
    """What the orchestrator knows of an order.

    ``version`` counts its transitions; ``payment`` and ``inventory`` are the results' statuses, None until
    they are in.
    """

    order_id: str
    status: OrderStatus
    version: int
    payment: str | None = None
    inventory: str | None = None


class Result(msgspec.Struct, frozen=True, gc=False):
    """One result as the order keeps it for its timeline: what was said, when, and where in the log."""

    kind: Literal["payment", "inventory"]
    status: str
    reason: str | None
    event_id: str
    at: datetime
    partition: int
    offset: int


def move(status: OrderStatus, outcome: Outcome) -> OrderStatus:
    """The status after ``outcome``; a final status stays.

    :raises Rejected: the table has no such transition, so the order's columns contradict one another.
    """
    if status in FINAL:
        return status
    try:
        return TRANSITIONS[status, outcome]
    except KeyError:
        raise Rejected(f"an order that is {status} cannot take a result that is {outcome}") from None


def with_result(state: OrderState, result: Result) -> OrderState:
    """``state`` after ``result``; the same object when a result of its kind is already set."""
    payment, inventory = state.payment, state.inventory
    if result.kind == "payment":
        if payment is not None:
            return state
        payment = result.status
    else:
        if inventory is not None:
            return state
        inventory = result.status
    status = move(state.status, _outcome(result.status, payment, inventory))
    version = state.version if status is state.status else state.version + 1
    return OrderState(state.order_id, status, version, payment, inventory)


def _outcome(new: str, payment: str | None, inventory: str | None) -> Outcome:
    if new == FAILED:
        return Outcome.FAILED
    return Outcome.PARTIAL if payment is None or inventory is None else Outcome.COMPLETE


def diagram() -> str:
    """The table as a Mermaid state diagram, as the documentation shows it."""
    lines = ["stateDiagram-v2", f"    [*] --> {OrderStatus.NEW}"]
    lines += [f"    {source} --> {target}: {outcome}" for (source, outcome), target in TRANSITIONS.items()]
    lines += [f"    {status} --> [*]" for status in OrderStatus if status in FINAL]
    return "\n".join(lines)
