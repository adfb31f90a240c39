"""Facts of supervision as log lines: one when something changes, none for each further try."""

from __future__ import annotations

from functools import singledispatchmethod

import structlog

from ordersys import supervision as facts
from ordersys.api.admin.actions import ActionTaken


class SupervisionLogs:
    """Writes facts of supervision as log lines; call it with each fact."""

    def __init__(self) -> None:
        self._log = structlog.get_logger()
        self._waiting: dict[str, str] = {}

    def __call__(self, fact: object) -> None:
        """Log a fact; facts it does not know are not logged."""
        self._take(fact)

    @singledispatchmethod
    def _take(self, fact: object) -> None:
        del fact

    @_take.register
    def _(self, fact: facts.ChildReady) -> None:
        self._waiting.pop(fact.path, None)
        self._log.info("child ready", child=fact.path, note=fact.note, after_s=round(fact.after_s, 3))

    @_take.register
    def _(self, fact: facts.ChildWaiting) -> None:
        # An outage is many tries, each with the same answer: told once, until it is over or different.
        told = self._waiting.get(fact.path)
        self._waiting[fact.path] = fact.reason
        say = self._log.debug if told == fact.reason else self._log.warning
        say("child waiting", child=fact.path, reason=fact.reason)

    @_take.register
    def _(self, fact: facts.ChildCrashed) -> None:
        self._log.error(
            "child crashed",
            child=fact.path,
            error=str(fact.error) or type(fact.error).__name__,
            restart_in_s=None if fact.restart_in_s is None else round(fact.restart_in_s, 3),
            traceback=fact.traceback,
        )

    @_take.register
    def _(self, fact: facts.ChildStopped) -> None:
        self._log.info(
            "child stopped",
            child=fact.path,
            drain_s=round(fact.drain_s, 3),
            cancelled=fact.cancelled,
            error=None if fact.error is None else str(fact.error) or type(fact.error).__name__,
        )

    @_take.register
    def _(self, fact: facts.ChildOrphaned) -> None:
        self._log.error("child ignored its cancellation", child=fact.path, after_s=round(fact.after_s, 1))

    @_take.register
    def _(self, fact: facts.SupervisorGaveUp) -> None:
        self._log.error(
            "supervisor gave up",
            supervisor=fact.path,
            error=str(fact.error) or type(fact.error).__name__,
            max_restarts=fact.max_restarts,
            within_s=fact.within_s,
        )

    @_take.register
    def _(self, fact: facts.SupervisorFailed) -> None:
        self._log.error("supervisor failed", supervisor=fact.path, retry_in_s=fact.retry_in_s)

    @_take.register
    def _(self, fact: ActionTaken) -> None:
        say = self._log.info if fact.outcome == "accepted" else self._log.warning
        say(
            "admin action",
            action=fact.action,
            child=fact.path,
            asked_by=fact.asked_by,
            reason=fact.reason,
            outcome=fact.outcome,
            detail=fact.detail,
        )
