"""Ids and traces for orders whose request brings none."""

from __future__ import annotations

import os
from time import time_ns


def new_order_id() -> str:
    """A new UUIDv7 (RFC 9562, section 5.7), in canonical text form.

    Version 7 and not 4 because it starts with the time, to the millisecond: the rows of a busy minute lie
    together in the primary key's index, instead of each touching a page of its own. The 74 other bits are
    the operating system's randomness.
    """
    raw = bytearray((time_ns() // 1_000_000).to_bytes(6, "big") + os.urandom(10))
    raw[6] = raw[6] & 0x0F | 0x70
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def new_traceparent(given: str | None = None) -> str:
    """A span of ours (W3C Trace Context, version 00): in the trace of ``given``, a valid traceparent.

    Without one it is in a trace that starts here, and is sampled.
    """
    if given is not None:
        return f"{given[:36]}{os.urandom(8).hex()}{given[52:]}"
    text = os.urandom(24).hex()
    return f"00-{text[:32]}-{text[32:]}-01"
