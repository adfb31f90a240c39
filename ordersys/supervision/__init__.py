"""Supervision for asyncio, after Erlang/OTP: children that are restarted, waited for, drained, and reported.

A library of its own; README.md beside this file teaches it in five minutes and says what is in which file.
Reading order: ``states`` (the whole life of a node, in one table), ``spec`` and ``policy`` (what can be asked
for), ``context`` (a child's view), ``run`` and ``silence`` (one run of a child), ``node``, ``child``,
``branch`` and ``order`` (what becomes of it), ``supervisor`` (the tree, run), ``process`` (a child in a
process of its own), ``program`` and ``watchdog`` (the program around it).
"""

from __future__ import annotations

from ordersys.supervision.clock import Clock, MonotonicClock, Timer
from ordersys.supervision.context import ChildContext
from ordersys.supervision.errors import (
    ErrorReport,
    IllegalTransition,
    NotRunning,
    ProcessDied,
    ProcessHung,
    Silent,
    StartInterrupted,
    StartTimeout,
    SupervisionError,
    SupervisionFailed,
    UnexpectedEnd,
    UnknownPath,
    WorkerError,
    WorkerOutage,
)
from ordersys.supervision.facts import (
    ChildCrashed,
    ChildDraining,
    ChildOrphaned,
    ChildReady,
    ChildStarting,
    ChildStopped,
    ChildWaiting,
    Fact,
    MessagesLost,
    OnFact,
    OrphanEnded,
    ProcessEnded,
    ProcessStarted,
    SupervisorCrashed,
    SupervisorDraining,
    SupervisorFailed,
    SupervisorGaveUp,
    SupervisorStarted,
    SupervisorStarting,
    SupervisorStopped,
)
from ordersys.supervision.policy import Backoff, Intensity
from ordersys.supervision.program import run_main, run_tree, serve
from ordersys.supervision.report import render
from ordersys.supervision.snapshot import NodeSnapshot
from ordersys.supervision.spec import ChildSpec, Probe, ProcessStart, Start, SupervisorSpec
from ordersys.supervision.states import State
from ordersys.supervision.supervisor import Supervisor
from ordersys.supervision.watchdog import LoopBlocked, Watchdog

__all__ = [
    "Backoff",
    "ChildContext",
    "ChildCrashed",
    "ChildDraining",
    "ChildOrphaned",
    "ChildReady",
    "ChildSpec",
    "ChildStarting",
    "ChildStopped",
    "ChildWaiting",
    "Clock",
    "ErrorReport",
    "Fact",
    "IllegalTransition",
    "Intensity",
    "LoopBlocked",
    "MessagesLost",
    "MonotonicClock",
    "NodeSnapshot",
    "NotRunning",
    "OnFact",
    "OrphanEnded",
    "Probe",
    "ProcessDied",
    "ProcessEnded",
    "ProcessHung",
    "ProcessStart",
    "ProcessStarted",
    "Silent",
    "Start",
    "StartInterrupted",
    "StartTimeout",
    "State",
    "SupervisionError",
    "SupervisionFailed",
    "Supervisor",
    "SupervisorCrashed",
    "SupervisorDraining",
    "SupervisorFailed",
    "SupervisorGaveUp",
    "SupervisorSpec",
    "SupervisorStarted",
    "SupervisorStarting",
    "SupervisorStopped",
    "Timer",
    "UnexpectedEnd",
    "UnknownPath",
    "Watchdog",
    "WorkerError",
    "WorkerOutage",
    "render",
    "run_main",
    "run_tree",
    "serve",
]
