"""``/admin``: the tree of every process, live, and what may be asked of it. For whoever has the token.

Not in the OpenAPI description: there is nothing at these paths unless ADMIN_TOKEN is set.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import MediaType, Request, Response, Router, get, post
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from ordersys.adapters.postgres import Database
from ordersys.api.admin.actions import ACTIONS, FAULTS, Actions
from ordersys.api.admin.views import AdminTree, ProcessView, Published, published
from ordersys.api.problems import Problem
from ordersys.api.requests import decoded, headers_of, raw_body
from ordersys.contract.errors import DependencyUnavailable
from ordersys.runtime.control import Identity, ask

SEEN_S = 60.0
REASON_CHARS_MAX = 200
UNCACHED = {"Cache-Control": "no-store"}
RULES = {
    "action": f"must be one of {', '.join(ACTIONS + FAULTS)}",
    "path": "must be the path of a child or supervisor, such as payment",
    "process": "must be the id of a process, or null",
    "reason": f"must be a text of at most {REASON_CHARS_MAX} characters without control characters",
}
Line = Annotated[str, msgspec.Meta(max_length=REASON_CHARS_MAX, pattern=r"\A[^\x00-\x1f\x7f]*\Z")]


class ActionRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of ``POST /admin/actions``. ``process``: None for all that have the path."""

    action: str
    path: Line
    process: UUID | None = None
    reason: Line = ""


class ActionResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a process made of it. ``outcome``: accepted, refused, unanswered."""

    process: str
    host: str
    outcome: str
    detail: str


class ActionResults(msgspec.Struct, frozen=True, kw_only=True):
    """What each process made of it."""

    results: Sequence[ActionResult]


_decode_action = msgspec.json.Decoder(ActionRequest).decode


class Admin:
    """All processes as one: this one from memory, whatever is away, the others by way of Postgres."""

    def __init__(
        self,
        *,
        database: Database,
        identity: Identity,
        view: Callable[[], Published],
        actions: Actions,
        chaos: bool,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._identity = identity
        self._view = view
        self._actions = actions
        self._chaos = chaos
        self._clock = clock

    async def tree(self) -> AdminTree:
        """Every process, the one that answers first."""
        here = self._here()
        try:
            seen = await published(self._database, SEEN_S)
        except DependencyUnavailable:
            seen, complete = [], False
        else:
            complete = True
        others = [process for process in seen if process.id != here.id]
        return AdminTree(
            taken_at_utc=self._clock(), chaos=self._chaos, complete=complete, processes=[here, *others]
        )

    async def act(self, body: ActionRequest, asked_by: str) -> ActionResults:
        """Have it done by every process that is meant.

        :raises Problem: 404, there is none; 409, the only one there is refuses.
        """
        meant = [
            process
            for process in (await self.tree()).processes
            if body.process in (None, process.uuid) and process.has(body.path)
        ]
        if not meant:
            raise Problem(404, f"No process has a child or supervisor {body.path!r}.", kind="unknown-path")
        here = [process for process in meant if process.answering]
        others = [process for process in meant if not process.answering]
        asked = await self._ask_others(others, body, asked_by) if others else []
        # Last: it may be the API itself that is restarted.
        own = [
            self._result(process, *self._actions.take(body.action, body.path, body.reason, asked_by))
            for process in here
        ]
        found = [*own, *asked]
        if all(result.outcome == "refused" for result in found):
            raise Problem(409, f"Refused: {found[0].detail}.", kind="refused")
        return ActionResults(results=found)

    async def _ask_others(
        self, others: Sequence[ProcessView], body: ActionRequest, asked_by: str
    ) -> list[ActionResult]:
        answers = await ask(
            self._database,
            [process.uuid for process in others],
            action=body.action,
            path=body.path,
            reason=body.reason,
            asked_by=asked_by,
        )
        return [
            self._result(process, answer.outcome, answer.detail)
            for process, answer in zip(others, answers, strict=True)
        ]

    def _result(self, process: ProcessView, outcome: str, detail: str) -> ActionResult:
        return ActionResult(process=process.id, host=process.host, outcome=outcome, detail=detail)

    def _here(self) -> ProcessView:
        who, published = self._identity, self._view()
        return ProcessView(
            id=str(who.id),
            host=who.host,
            pid=who.pid,
            roles=who.roles,
            started_at_utc=who.started_at,
            age_s=0.0,
            answering=True,
            loop_lag_s=published.loop_lag_s,
            tree=published.tree,
        )


def admin_routes(admin: Admin, token: str) -> Router:
    """The routes, behind ``Authorization: Bearer`` and ``token``."""
    wanted = sha256(token.encode()).digest()

    def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        scheme, _blank, given = connection.headers.get("Authorization", "").partition(" ")
        # Digests: compared in constant time, whatever their lengths.
        same = hmac.compare_digest(sha256(given.strip().encode()).digest(), wanted)
        if scheme.lower() != "bearer" or not same:
            raise Problem(
                401,
                "This needs the administrator's token, as Authorization: Bearer.",
                kind="unauthorized",
                headers={"WWW-Authenticate": 'Bearer realm="ordersys"', **UNCACHED},
            )

    @get("/tree", include_in_schema=False)
    async def tree() -> Response[bytes]:
        """Every process with its tree."""
        return _answer(await admin.tree())

    @post("/actions", include_in_schema=False, status_code=200)
    async def act(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Have something done to a part of the tree."""
        headers_of(request.scope["headers"])  # as for an order: a body that is not JSON is refused
        body = decoded(_decode_action, await raw_body(request), RULES, "an action")
        client = request.client.host if request.client else "unknown"
        return _answer(await admin.act(body, f"admin at {client}"))

    return Router("/admin", route_handlers=[tree, act], guards=[guard])


def _answer(value: AdminTree | ActionResults) -> Response[bytes]:
    return Response(msgspec.json.encode(value), media_type=MediaType.JSON, headers=UNCACHED)
