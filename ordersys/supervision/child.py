"""A child: one run after the other, and what becomes of each end."""

from __future__ import annotations

from collections.abc import Iterator

from ordersys.supervision.errors import (
    ErrorReport,
    Silent,
    StartTimeout,
    UnexpectedEnd,
    describe,
    format_traceback,
    reason_of,
)
from ordersys.supervision.facts import (
    ChildCrashed,
    ChildDraining,
    ChildReady,
    ChildStarting,
    ChildStopped,
    ChildWaiting,
)
from ordersys.supervision.kernel import Kernel
from ordersys.supervision.node import Node, Parent
from ordersys.supervision.policy import Backoff, Delays
from ordersys.supervision.run import Ending, Run
from ordersys.supervision.silence import SilenceWatch
from ordersys.supervision.snapshot import NodeSnapshot
from ordersys.supervision.spec import ChildSpec
from ordersys.supervision.states import Event, State


class ChildNode(Node):
    """One child of a supervisor."""

    def __init__(
        self, kernel: Kernel, spec: ChildSpec, path: str, parent: Parent, wait_backoff: Backoff
    ) -> None:
        super().__init__(kernel, spec, path, parent)
        self._settled = False
        self._spec = spec
        self._crash_delays = Delays(spec.backoff, kernel.rng)
        self._wait_delays = Delays(wait_backoff, kernel.rng)
        self._run: Run | None = None
        self._silence: SilenceWatch | None = None
        self._attempt = 0
        self._done = False
        self._note = ""
        self._last_error: ErrorReport | None = None

    @property
    def running(self) -> bool:
        """Whether it has a run."""
        return self._run is not None

    @property
    def ready(self) -> bool:
        """READY and not about to be cancelled; or done, where being done is no failure."""
        if self.state is State.READY:
            return self._run is not None and not self._run.leaving
        return self.state is State.STOPPED and self._done

    def unsettled(self) -> Iterator[str]:
        """Its path, until it was ready, waiting, or done."""
        if not (self._settled or self.held):
            yield self.path

    def start(self) -> None:
        """Begin a run."""
        self._attempt += 1
        self._done = False
        reason = self._take_start_reason()
        self._move(Event.START, ChildStarting, attempt=self._attempt, reason=reason)
        self._run = Run(self._kernel, self._spec, self.path, self)
        self._silence = SilenceWatch(self._kernel, self._spec, self._run.context, self._wait_delays, self)
        self._arm(self._spec.start_timeout_s, self._start_timed_out)
        self._parent.moved()

    def stop(self, reason: str, *, then_start: bool = False) -> None:
        """Drain its run, if it has one."""
        self._wish(then_start=then_start)
        if self._run is None:
            self._rest()
        elif self.state is not State.DRAINING:
            self._disarm()
            self._watch_silence(False)
            self._move(Event.DRAIN, ChildDraining, reason=reason)
            self._run.drain()
            self._parent.moved()

    def kill(self, reason: str) -> None:
        """Cancel its run, if it has one."""
        self.stop(reason)
        if self._run is not None:
            self._run.cancel()

    def crash(self, error: BaseException) -> None:
        """End its run with ``error``, if it has one."""
        if self._run is not None:
            self._watch_silence(False)
            self._run.doom(error)

    def run_ready(self, note: str) -> None:
        """Its run can work."""
        self._note = note
        if self.state is not State.READY and self._run is not None:
            self._disarm()
            after_s = self._kernel.now() - self._run.began_at
            self._move(Event.JOIN, ChildReady, note=note, after_s=after_s)
            self._watch_silence(True)
            self._settle()

    def run_waiting(self, reason: str) -> None:
        """Its run waits for what it depends on."""
        self._note = reason
        self._watch_silence(False)
        if self.state is not State.WAITING:
            self._disarm()
            self._move(Event.WAIT, ChildWaiting, reason=reason, retry_in_s=None)
            self._settle()

    def fell_silent(self, error: Silent) -> None:
        """Its run does nothing though it could."""
        self.crash(error)

    def dependency_away(self, reason: str) -> None:
        """Its run does nothing, for what it depends on is away."""
        self._note = f"silent: {reason}"
        self._move(Event.WAIT, ChildWaiting, reason=self._note, retry_in_s=None)
        self._parent.moved()

    def dependency_back(self) -> None:
        """Its run, silent while what it depends on was away, has its chance."""
        self._note = "its dependency is back"
        self._move(Event.JOIN, ChildReady, note=self._note, after_s=self._since_s())
        self._parent.moved()

    def run_ended(self, ending: Ending) -> None:
        """Decide what becomes of a run's end. First match wins."""
        run, self._run = self._run, None
        self._disarm()
        self._watch_silence(False)
        error = ending.error
        ready_for_s = 0.0 if run is None else run.ready_for_s
        if self.state is State.DRAINING:
            self._stopped(cancelled=ending.cancelled, error=error)
        elif error is None and self._spec.restart != "permanent":
            self._done = True
            self._stopped(cancelled=False, error=None)
        elif error is None:
            self._failed(UnexpectedEnd(f"{self.path} is permanent and returned"), ready_for_s)
        elif self._kernel.is_outage(error) and self._spec.restart != "temporary":
            self._wait_out(error, ready_for_s)
        else:
            self._failed(error, ready_for_s)

    def snapshot(self) -> NodeSnapshot:
        """This child as it stands."""
        now = self._kernel.now()
        run = self._run
        said = None if run is None else run.context
        return NodeSnapshot(
            id=self.id,
            path=self.path,
            kind="child",
            state=self.state,
            ready=self.ready,
            held=self.held,
            isolation=self._spec.isolation,
            since_s=self._since_s(),
            uptime_s=None if run is None else now - run.began_at,
            pid=None if said is None else said.pid,
            lag_s=None if said is None else said.lag_s,
            restarts=self.restarts,
            restarts_in_window=self._parent.restarts_in_window(self),
            last_error=self._last_error,
            next_retry_in_s=self._next_retry_in_s(),
            beat_age_s=None if said is None or said.beat_at is None else now - said.beat_at,
            silent_for_s=None if said is None or not said.pending else now - said.progress_at,
            done=0 if said is None else said.done,
            pending=0 if said is None else said.pending,
            note=self._note,
            orphans=self._kernel.orphans_of(self.path),
        )

    def _start_timed_out(self) -> None:
        limit_s = self._spec.start_timeout_s
        self.crash(StartTimeout(f"{self.path} said neither ready nor waiting within {limit_s:g} s"))

    def _wait_out(self, error: BaseException, ready_for_s: float) -> None:
        self._remember(error)
        self._note = describe(error)
        delay_s = self._wait_delays.next(ready_for_s=ready_for_s)
        self._move(Event.WAIT, ChildWaiting, reason=self._note, retry_in_s=delay_s)
        self.start_reason = "outage"
        self._arm(delay_s, self.start, retry=True)
        self._settle()

    def _failed(self, error: BaseException, ready_for_s: float) -> None:
        report = self._remember(error)
        said = {"error": error, "traceback": report.traceback}
        if self._spec.restart == "temporary":
            self._done = self._settled = True
            self._move(Event.END, ChildCrashed, **said, restart_in_s=None)
            self._parent.done(self)
            self._parent.moved()
        elif self._parent.may_restart(self):
            delay_s = self._crash_delays.next(ready_for_s=ready_for_s)
            self.start_reason = reason_of(error)
            self._move(Event.CRASH, ChildCrashed, **said, restart_in_s=delay_s)
            self._arm(delay_s, self._retry, retry=True)
            self._parent.crashed(self)
        else:
            self._move(Event.GIVE_UP, ChildCrashed, **said, restart_in_s=None)
            self._parent.spent(self, error)

    def _retry(self) -> None:
        self.restarts += 1
        self._parent.restart_due(self)

    def _rest(self) -> None:
        """Stop where there is no run: drop what was planned."""
        self._disarm()
        if self.state not in (State.STOPPED, State.FAILED):
            self._stopped(cancelled=False, error=None)

    def _stopped(self, *, cancelled: bool, error: BaseException | None) -> None:
        if error is not None:
            self._remember(error)
        self._note = ""
        by_itself = self._done
        if self._spec.restart == "temporary" and not self.held:
            self._done = True  # Nobody starts it again, so nobody may wait for it.
        drain_s = self._drain_s()
        self._move(Event.END, ChildStopped, drain_s=drain_s, cancelled=cancelled, error=error)
        self._settled |= self._done
        if by_itself:
            self._parent.done(self)
        self._rested()

    def _watch_silence(self, on: bool) -> None:
        if self._silence is not None:
            (self._silence.begin if on else self._silence.end)()

    def _settle(self) -> None:
        self._settled = True
        self._parent.moved()

    def _remember(self, error: BaseException) -> ErrorReport:
        self._last_error = ErrorReport(
            at=self._kernel.now(),
            text=describe(error),
            traceback=format_traceback(error),
            kind=reason_of(error),
        )
        return self._last_error
