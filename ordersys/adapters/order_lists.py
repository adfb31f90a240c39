"""The statement of a list of orders: made of fixed pieces for the filters that are asked for.

Only what is asked for is in the statement, so that each list has the plan, and the index, that fits it:

=================== ==================================================
asked for           index (infra/postgres/0002_reads.sql)
=================== ==================================================
nothing, a time     orders_newest
a SKU, an address   orders_by_sku, orders_by_email
statuses            the primary key of order_states, once per status
both                whichever of the two has fewer rows; the other one
                    says of each row whether it fits
=================== ==================================================

What stays slow is a SKU that many orders have with a status that many have, but hardly any order both.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from ordersys.adapters.postgres import statement

STATUSES = ("NEW", "PROCESSING", "CONFIRMED", "CANCELLED")

_MERGED = "select * from (({parts})) as page order by created_at_utc desc, id::uuid desc limit $1"


class Position(NamedTuple):
    """A place in the list of all orders, newest first: that of the order with these values."""

    created_at_utc: datetime
    id: str


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """What orders of a list have in common; what is None or empty is not asked for.

    ``email`` in any case; ``created_from`` is included, ``created_to`` is not. A SKU of up to 200 characters
    and an address of up to 300 are compared as they are: so much of them is in the index.
    """

    statuses: tuple[str, ...] = ()
    sku: str | None = None
    email: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None


def page_statement(limit: int, filters: Filters, after: Position | None) -> tuple[str, list[Any]]:
    """The statement for at most ``limit`` orders, and its parameters."""
    parameters: list[Any] = [limit]

    def parameter(value: Any) -> str:
        parameters.append(value)
        return f"${len(parameters)}"

    conditions = []
    if filters.sku is not None:
        conditions.append(f"left(orders.item_sku, 200) = {parameter(filters.sku)}")
    if filters.email is not None:
        conditions.append(f"lower(left(orders.customer_email, 300)) = lower({parameter(filters.email)})")
    if filters.created_from is not None:
        conditions.append(f"place.created_at_utc >= {parameter(filters.created_from)}")
    if filters.created_to is not None:
        conditions.append(f"place.created_at_utc < {parameter(filters.created_to)}")
    if after is not None:
        at, order_id = parameter(after.created_at_utc), parameter(after.id)
        conditions.append(f"(place.created_at_utc, place.id) < ({at}::timestamptz, {order_id}::uuid)")
    statuses = sorted(set(filters.statuses))
    if not statuses or len(statuses) == len(STATUSES):
        text = statement("orders_page").replace("{conditions}", " and ".join(conditions) or "true")
        return text.replace("place.", "orders."), parameters
    # All at once, with status = any(…), no index gives the order: of each status its newest, merged.
    part = "orders_page_status" if filters.sku is None and filters.email is None else "orders_page_status_and"
    parts = [
        statement(part).replace(
            "{conditions}", " and ".join([f"place.status = {parameter(status)}", *conditions])
        )
        for status in statuses
    ]
    return parts[0] if len(parts) == 1 else _MERGED.format(parts=") union all (".join(parts)), parameters
