"""Order states as the services with state see them: locked, folded, saved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ordersys.adapters.postgres import Session, columns, statement
from ordersys.contract.order import OrderState, OrderStatus, Result

_SAVE = {"payment": "states_save_payment", "inventory": "states_save_inventory"}
_STATUS = {status.value: status for status in OrderStatus}


async def lock(session: Session, order_ids: Sequence[str]) -> dict[str, OrderState]:
    """States by order id (canonical text), each row locked until the transaction ends.

    Unknown ids are not in the answer. The row lock, taken before any outbox insert, is what keeps the
    events of one order in the order of its commits.

    :raises RowBlamed: an id is not a UUID.
    """
    rows = await session.fetch(statement("states_lock"), order_ids)
    return {
        order_id: OrderState(order_id, _STATUS[status], version, payment, inventory)
        for order_id, status, version, payment, inventory in rows
    }


async def save(
    session: Session, changes: Sequence[tuple[OrderState, Result]], now: datetime
) -> dict[str, float]:
    """Save states with the results that brought them about: at most one result of a kind per order.

    Returns the ages in seconds of those of the orders that are in a final state, by order id.
    """
    ages: dict[str, float] = {}
    for kind, name in _SAVE.items():
        rows = [
            (
                state.order_id,
                state.status,
                state.version,
                result.status,
                result.reason,
                result.event_id,
                result.at,
                result.partition,
                result.offset,
            )
            for state, result in changes
            if result.kind == kind
        ]
        if rows:
            for order_id, age_s in await session.fetch(statement(name), *columns(rows, 9), now):
                ages[order_id] = age_s
    return ages
