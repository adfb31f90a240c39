"""``python -m tests.faults.injected``: supervisor.py whose payment has defects, for orders with certain SKUs.

=============== =================================================================
SKU             what payment's function does with the order
=============== =================================================================
``EXIT``        ends the process, as a crash of a C library would
``LOOP``        never returns
``RAISE``       raises, every time
=============== =================================================================
"""

from __future__ import annotations

import os
import sys
from typing import Any

import supervisor
from ordersys.contract.events import OrderCreated, PaymentResult
from ordersys.contract.service import Context
from ordersys.services import payment

_decide = payment.decide


def decide(order: OrderCreated, context: Context, **limits: Any) -> PaymentResult:
    """Payment's function, with defects."""
    if order.item_sku == "EXIT":
        os._exit(9)
    while order.item_sku == "LOOP":
        pass
    if order.item_sku == "RAISE":
        raise ZeroDivisionError("injected")
    return _decide(order, context, **limits)


if __name__ == "__main__":
    payment.decide = decide
    sys.exit(supervisor.main())
