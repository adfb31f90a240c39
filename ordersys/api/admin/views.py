"""The tree of supervised children as ``/admin`` and the command line show it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from ordersys.adapters import control
from ordersys.adapters.postgres import Database
from ordersys.api.admin.actions import refusal
from ordersys.supervision import ErrorReport, NodeSnapshot


class ErrorView(msgspec.Struct, frozen=True, kw_only=True):
    """The last failure of a child. ``kind``: a word, such as error, silent or hung."""

    at_utc: datetime
    kind: str
    text: str
    traceback: str


class NodeView(msgspec.Struct, frozen=True, kw_only=True):
    """A child or supervisor. Times in seconds, null where they do not apply.

    ``restarts_in_window`` of ``restarts_max`` in ``window_s``: what of its supervisor's intensity is spent, a
    supervisor's own. ``actions``: what may be asked of it.
    """

    id: str
    path: str
    kind: str
    state: str
    ready: bool
    held: bool
    isolation: str
    since_s: float
    uptime_s: float | None
    pid: int | None
    lag_s: float | None
    restarts: int
    restarts_in_window: int
    restarts_max: int
    window_s: float
    next_retry_in_s: float | None
    beat_age_s: float | None
    silent_for_s: float | None
    done: int
    pending: int
    note: str
    last_error: ErrorView | None
    orphans: int
    actions: Sequence[str]
    children: Sequence[NodeView]

    def walk(self) -> Iterator[NodeView]:
        """This node and every node below, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """What a process publishes of itself: its tree, and the worst lag of its event loop, lately.

    Processes of two versions run side by side during an upgrade: a field that is added has a default.
    """

    loop_lag_s: float
    tree: NodeView


class ProcessView(msgspec.Struct, frozen=True, kw_only=True):
    """A process as it was ``age_s`` seconds ago. ``answering``: it is the one that was asked."""

    id: str
    host: str
    pid: int
    roles: Sequence[str]
    started_at_utc: datetime
    age_s: float
    answering: bool
    loop_lag_s: float
    tree: NodeView

    @property
    def uuid(self) -> UUID:
        """Its id."""
        return UUID(self.id)

    def has(self, path: str) -> bool:
        """Whether its tree has a child or supervisor of this path."""
        return any(node.path == path for node in self.tree.walk())


class AdminTree(msgspec.Struct, frozen=True, kw_only=True):
    """Every process. Not ``complete``: Postgres is away, and only the one that was asked is here.

    ``chaos``: faults may be injected here.
    """

    taken_at_utc: datetime
    chaos: bool
    complete: bool
    processes: Sequence[ProcessView]


def view_of(
    snapshot: NodeSnapshot,
    *,
    now: float,
    chaos: bool,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> NodeView:
    """The tree as it stands. ``now``: the supervisor's monotonic time, by which errors are dated."""

    def dated(error: ErrorReport | None) -> ErrorView | None:
        if error is None:
            return None
        at = clock() - timedelta(seconds=now - error.at)
        return ErrorView(at_utc=at, kind=error.kind, text=error.text, traceback=error.traceback)

    def viewed(node: NodeSnapshot, above: NodeSnapshot) -> NodeView:
        limits = node if node.kind == "supervisor" else above
        return NodeView(
            id=node.id,
            path=node.path,
            kind=node.kind,
            state=str(node.state),
            ready=node.ready,
            held=node.held,
            isolation=node.isolation,
            since_s=node.since_s,
            uptime_s=node.uptime_s,
            pid=node.pid,
            lag_s=node.lag_s,
            restarts=node.restarts,
            restarts_in_window=node.restarts_in_window,
            restarts_max=limits.restarts_max or 0,
            window_s=limits.window_s or 0.0,
            next_retry_in_s=node.next_retry_in_s,
            beat_age_s=node.beat_age_s,
            silent_for_s=node.silent_for_s,
            done=node.done,
            pending=node.pending,
            note=node.note,
            # Of a supervisor it would be that of a child, shown once more.
            last_error=dated(node.last_error) if node.kind == "child" else None,
            orphans=node.orphans,
            actions=tuple(_actions(node, root=snapshot.path, chaos=chaos)),
            children=[viewed(child, node) for child in node.children],
        )

    return viewed(snapshot, snapshot)


async def published(database: Database, seen_s: float) -> list[ProcessView]:
    """The processes that were seen in the last ``seen_s`` seconds, as they have published themselves.

    :raises DependencyUnavailable: Postgres is away.
    """
    async with database.session() as session:
        return [published_as(row) for row in await control.processes(session, seen_s)]


def published_as(row: control.ProcessRow) -> ProcessView:
    """A process as it has published itself."""
    said = msgspec.json.decode(row.snapshot, type=Published)
    return ProcessView(
        id=str(row.id),
        host=row.host,
        pid=row.pid,
        roles=row.roles,
        started_at_utc=row.started_at,
        age_s=round(row.age_s, 3),
        answering=False,
        loop_lag_s=said.loop_lag_s,
        tree=said.tree,
    )


def _actions(node: NodeSnapshot, *, root: str, chaos: bool) -> Iterator[str]:
    """What may be asked of a node now: what makes sense in its state, and is not refused."""
    runs = node.uptime_s is not None
    faulty = runs and node.kind == "child"
    sensible = {
        "start": not runs or node.held,
        "stop": not node.held,
        "restart": True,
        "crash": faulty,
        "block": faulty,
    }
    for action, makes_sense in sensible.items():
        if makes_sense and refusal(action, node.path, root=root, chaos=chaos) is None:
            yield action
