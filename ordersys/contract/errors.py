"""Every typed error of the system, and what becomes of the event it concerns.

::

    OrdersysError
    ├── EventError                 one event is at fault; its batch goes on without it
    │   ├── Undecodable            dead letter at once: reading it again cannot help
    │   ├── Rejected               dead letter at once: the service says no attempt can succeed
    │   ├── UnknownOrder           parked and retried: the order may be about to appear
    │   └── NotPerformed           parked and retried: an outside effect failed or took too long
    ├── BatchError                 the work of a batch did not commit; no event is at fault yet
    │   ├── RowBlamed              the batch is run again key by key, so that only the culprit is parked
    │   └── Conflict               the batch is run again as it was
    ├── DependencyUnavailable      nothing is committed; the child waits and comes back (an outage)
    │   └── OutsideUnavailable     the same of a receiver outside: a mail server, a webhook's endpoint
    ├── CommitOutcomeUnknown       the commit was sent and not answered: ids make asking again safe
    ├── Stalled                    the child is restarted: there is work and it does not move
    └── StartRefused               the process stops with one sentence: a person has to act

Any other exception raised by a service's function is a defect of one event (parked and retried); any
other exception of the runtime is a defect of the runtime (the child crashes and is restarted).

Who is at fault when an outside effect fails, the event or its receiver? What the answer says of the event
alone is :class:`Rejected`. A receiver that cannot be reached, or that refuses before it has heard of the
event (connection, TLS, login, sender), is :class:`OutsideUnavailable`. Everything else (an error, a time
limit) says little: it parks that event alone as long as others are served. When several different events have
failed so and none has been served in between, it is the receiver: then nothing more is parked and the child
waits, until any event at all is served.
"""

from __future__ import annotations


class OrdersysError(Exception):
    """Root of the system's own errors."""


class EventError(OrdersysError):
    """One event cannot be handled; the rest of its batch is not concerned."""


class Undecodable(EventError):
    """The bytes are not the event the topic carries: dead letter at once."""


class Rejected(EventError):
    """A service declares that no attempt can ever succeed: dead letter at once."""


class UnknownOrder(EventError):
    """A result names an order that is not in the database: parked, retried with back-off."""


class NotPerformed(EventError):
    """An outside effect failed or took too long: parked, retried with back-off. See the module."""


class BatchError(OrdersysError):
    """A batch's transaction was rolled back; it can be run again."""


class RowBlamed(BatchError):
    """The database refused a value (SQLSTATE class 22 or 23): the batch is run again key by key."""


class Conflict(BatchError):
    """Serialisation failure or deadlock (SQLSTATE class 40), or a stale plan: the batch is run again."""


class DependencyUnavailable(OrdersysError):
    """Kafka or Postgres cannot be reached or refuses everybody: an outage, not a failure.

    Nothing is committed, nothing is parked, and the supervisor spends no restart on it.
    """

    def __init__(self, dependency: str, detail: str) -> None:
        super().__init__(f"{dependency} is unavailable: {detail}")
        self.dependency = dependency
        self.detail = detail


class OutsideUnavailable(DependencyUnavailable):
    """A receiver outside (``dependency`` is its channel) cannot be reached or fails everybody: an outage."""


class CommitOutcomeUnknown(DependencyUnavailable):
    """COMMIT was sent and no answer came: it may or may not have happened."""


class Stalled(OrdersysError):
    """A consumer's position does not move although there is lag."""


class StartRefused(OrdersysError):
    """The process cannot start as it is configured; the message says what a person has to do."""
