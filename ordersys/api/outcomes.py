"""What becomes of an order handed to the intake: a closed set.

::

    what becomes of an order              when
    Accepted    committed, or was before  also for a repetition of the same order
    Mismatch    not taken                 its id belongs to an order with other fields
    Blamed      not taken                 the database refused a value of it; found by halving the batch
    Refused     certainly not taken       queue full, Postgres away, or waited for ``deadline_s``
    Unknown     taken or not              the INSERT was sent and not answered in ``commit_timeout_s``
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Accepted:
    """The order is committed. ``inserted`` is false for a repetition; the time is the first request's."""

    created_at_utc: datetime
    inserted: bool


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The id belongs to an order with other fields."""


@dataclass(frozen=True, slots=True)
class Blamed:
    """The database refused a value of this order."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Certainly not taken."""

    reason: Literal["queue_full", "unavailable", "deadline"]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Taken or not: no answer came. Asking again with the same id is safe."""


Outcome = Accepted | Mismatch | Blamed | Refused | Unknown
