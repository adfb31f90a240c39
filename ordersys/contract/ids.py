"""Deterministic ids: the same cause gives the same id, on every machine and at every attempt.

UUIDv5 (RFC 9562, section 5.5) of one fixed namespace. Written out instead of :func:`uuid.uuid5` because
an id is made for every event and the standard function takes three times as long.
"""

from __future__ import annotations

from hashlib import sha1
from uuid import UUID

NAMESPACE = UUID("6c1d2f58-4d0e-5a0b-9a43-1f4c6f1d7b2e")
"""The namespace of every id of this system. It never changes: an id made again must be the same."""

_NAMESPACE_BYTES = NAMESPACE.bytes


def deterministic_id(name: str) -> str:
    """UUIDv5 of ``name`` in :data:`NAMESPACE`, in canonical text form."""
    digest = bytearray(sha1(_NAMESPACE_BYTES + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def order_id(owner: str, idempotency_key: str) -> str:
    """Id of the order an owner asks for with an Idempotency-Key: the primary key is the record of it."""
    return deterministic_id(f"order:{owner}:{idempotency_key}")


def created_event_id(order_id: str) -> str:
    """Id of an order's ``order.created`` event."""
    return deterministic_id(f"order.created:{order_id}")


def result_event_id(service: str, source_event_id: str) -> str:
    """Id of what ``service`` answers to one event."""
    return deterministic_id(f"{service}:{source_event_id}")


def status_event_id(order_id: str, order_version: int) -> str:
    """Id of the ``order.status.changed`` event of an order's transition number ``order_version``."""
    return deterministic_id(f"order.status.changed:{order_id}:{order_version}")
