"""What the API reports, as typed facts. No address of a customer is ever in one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersAccepted:
    """``count`` requests were answered with 201 by one INSERT that took ``seconds``.

    ``inserted`` of them are new orders; the others repeat an earlier request.
    """

    count: int
    inserted: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersRefused:
    """``count`` orders were not answered with 201.

    ``reason``: ``invalid`` (the request is at fault), ``mismatch`` (its key belongs to another order),
    ``blamed`` (the database refused a value), ``queue_full``, ``unavailable`` (Postgres is away),
    ``deadline`` (waited too long, dropped before it was written), ``unknown`` (written or not, nobody knows).
    """

    reason: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PostAnswered:
    """A POST of an order was answered with ``status``, after ``seconds``.

    ``traceparent`` is the answer's, None where the request was at fault; ``headers`` are the request's, to be
    looked at while the fact is told.
    """

    status: int
    seconds: float
    traceparent: str | None
    headers: Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCrashed:
    """A defect of ours: a request was answered with 500. ``path`` is without its query."""

    method: str
    path: str
    error: BaseException


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerBound:
    """An HTTP server accepts connections on ``host``:``port``."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionRefused:
    """A connection was turned away or cut off. ``reason``: ``too_many``, ``slow``, ``headers_too_large``."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedStreamsOpen:
    """So many streams of the live feed are open now."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFrameSent:
    """A frame was handed to ``streams`` streams. ``kind``: ``changes``, ``pipeline``, ``ping``."""

    kind: str
    streams: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedStreamDropped:
    """A client of the live feed did not read what it was sent, and was cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedStreamRefused:
    """A stream was answered with 503: there are too many, or the server is about to stop."""
