"""What may be asked of a tree and how it is shown, without a database: against a small tree that runs."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import anyio
import msgspec
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from ordersys.adapters.control import ProcessRow
from ordersys.adapters.postgres import Database
from ordersys.api.admin.actions import Actions, ActionTaken
from ordersys.api.admin.routes import Admin, admin_routes
from ordersys.api.admin.views import NodeView, Published, published_as, view_of
from ordersys.api.problems import exception_handlers
from ordersys.runtime.control import Identity
from ordersys.supervision import Backoff, ChildContext, ChildSpec, State, Supervisor, SupervisorSpec
from tests.driving import Facts, wait_until

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 2, tzinfo=UTC)
TOKEN = "a-token-nobody-can-guess"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
AWAY = Database(dsn="postgresql://nobody@127.0.0.1:1/nothing", connect_timeout_s=0.5)


async def works(child: ChildContext) -> None:
    child.ready("at work")
    await child.wait_draining()


def one(name: str) -> SupervisorSpec:
    slow = Backoff(first_s=30, cap_s=30)
    return SupervisorSpec(
        id=name, children=(ChildSpec(id="main", start=works, backoff=slow),), on_give_up="mark_failed"
    )


class Shop:
    """A tree that runs, what may be asked of it, and what was said."""

    def __init__(self, *, chaos: bool = False) -> None:
        self.facts = Facts()
        self.blocked: list[float] = []
        self.supervisor = Supervisor(
            SupervisorSpec(id="shop", children=(one("control"), one("payment"), one("api"))),
            on_fact=lambda _: None,
        )
        self.chaos = chaos
        self.actions = Actions(self.supervisor, chaos=chaos, on_fact=self.facts, block=self.blocked.append)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Shop]:
        async with anyio.create_task_group() as group:
            group.start_soon(self.supervisor.run)
            await self.supervisor.wait_started()
            yield self
            self.supervisor.drain()

    def take(self, action: str, path: str) -> tuple[str, str]:
        return self.actions.take(action, path, "because", "a test")

    def view(self) -> dict[str, NodeView]:
        tree = view_of(self.supervisor.snapshot(), now=time.monotonic(), chaos=self.chaos)
        return {node.path: node for node in tree.walk()}

    async def comes_to(self, path: str, state: State) -> None:
        async def so() -> bool:
            return self.view()[path].state == state

        await wait_until(so, f"{path} is {state}")

    def client(self) -> AsyncTestClient[Litestar]:
        admin = Admin(
            database=AWAY,
            identity=Identity(roles=("payment", "api")),
            view=lambda: Published(loop_lag_s=0.0, tree=self.view()["shop"]),
            actions=self.actions,
            chaos=self.chaos,
            clock=lambda: NOW,
        )
        return AsyncTestClient(
            Litestar(
                [admin_routes(admin, TOKEN)],
                exception_handlers=exception_handlers(self.facts),
                openapi_config=None,
            )
        )


# -- what is asked ------------------------------------------------------------------------------------


async def test_stop_start_and_restart_do_that() -> None:
    async with Shop().running() as shop:
        assert shop.take("stop", "payment") == ("accepted", "")
        await shop.comes_to("payment", State.STOPPED)
        assert shop.view()["payment"].held
        assert shop.take("start", "payment") == ("accepted", "")
        await shop.comes_to("payment", State.READY)
        assert shop.take("restart", "payment/main") == ("accepted", "")

        async def restarted() -> bool:
            return shop.view()["payment/main"].restarts == 1

        await wait_until(restarted, "payment/main was restarted")


async def test_every_order_leaves_a_line_refused_or_not() -> None:
    async with Shop().running() as shop:
        shop.take("restart", "payment")
        shop.take("stop", "nobody")
        said = [(fact.action, fact.path, fact.outcome, fact.asked_by) for fact in shop.facts.of(ActionTaken)]
        assert said == [
            ("restart", "payment", "accepted", "a test"),
            ("stop", "nobody", "refused", "a test"),
        ]
        assert "payment" in shop.facts.of(ActionTaken)[1].detail  # it says what there is


@pytest.mark.parametrize("path", ["api", "control"])
async def test_what_orders_come_by_is_not_stopped(path: str) -> None:
    async with Shop().running() as shop:
        outcome, detail = shop.take("stop", path)
        assert outcome == "refused"
        assert "restart it instead" in detail
        assert "stop" not in shop.view()[path].actions
        assert shop.take("restart", path) == ("accepted", "")


@pytest.mark.parametrize("action", ["start", "stop", "restart", "crash"])
async def test_the_root_obeys_nobody(action: str) -> None:
    async with Shop(chaos=True).running() as shop:
        assert shop.take(action, "shop")[0] == "refused"
        assert shop.view()["shop"].actions == ()


@pytest.mark.parametrize("action", ["crash", "block"])
async def test_faults_are_injected_only_where_that_is_allowed(action: str) -> None:
    async with Shop().running() as shop:
        outcome, detail = shop.take(action, "payment/main")
        assert outcome == "refused"
        assert "CHAOS_ENABLED" in detail
        assert action not in shop.view()["payment/main"].actions
    async with Shop(chaos=True).running() as shop:
        assert action in shop.view()["payment/main"].actions
        assert shop.take(action, "payment/main")[0] == "accepted"
        if action == "crash":
            await shop.comes_to("payment/main", State.BACKING_OFF)
            assert shop.view()["payment/main"].actions == ("start", "stop", "restart")
        else:

            async def blocked() -> bool:
                return shop.blocked == [10.0]

            await wait_until(blocked, "the loop was blocked")


async def test_an_action_that_is_none_is_refused() -> None:
    async with Shop().running() as shop:
        assert shop.take("explode", "payment")[0] == "refused"


# -- how it is shown ----------------------------------------------------------------------------------


async def test_an_error_is_dated_and_shown_once() -> None:
    async with Shop().running() as shop:
        shop.supervisor.crash("payment/main", ValueError("a bad day"))
        await shop.comes_to("payment/main", State.BACKING_OFF)
        later = time.monotonic() + 60
        tree = view_of(shop.supervisor.snapshot(), now=later, chaos=False, clock=lambda: NOW)
        found = {node.path: node for node in tree.walk()}
        error = found["payment/main"].last_error
        assert error is not None
        assert error.text == "ValueError: a bad day"
        assert error.kind == "error"
        assert timedelta(seconds=60) <= NOW - error.at_utc < timedelta(seconds=70)
        assert found["payment"].last_error is None
        assert (found["payment/main"].restarts_in_window, found["payment/main"].restarts_max) == (1, 5)


async def test_what_a_process_publishes_is_read_as_it_was() -> None:
    async with Shop().running() as shop:
        published = Published(loop_lag_s=0.25, tree=shop.view()["shop"])
        row = ProcessRow(uuid4(), "host", 7, ["api"], NOW, 1.5, msgspec.json.encode(published).decode())
        process = published_as(row)
        assert process.loop_lag_s == 0.25
        assert process.uuid == row.id
        assert [node.path for node in process.tree.walk()] == list(shop.view())


# -- over HTTP ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}, {"Authorization": TOKEN}],
)
async def test_without_the_token_nothing_is_shown_or_done(headers: dict[str, str]) -> None:
    async with Shop().running() as shop, shop.client() as http:
        for answer in (
            await http.get("/admin/tree", headers=headers),
            await http.post("/admin/actions", headers=headers, json={"action": "stop", "path": "payment"}),
        ):
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert TOKEN not in answer.text
        assert shop.facts.of(ActionTaken) == []


async def test_with_postgres_away_this_process_is_shown_and_obeys() -> None:
    async with Shop().running() as shop, shop.client() as http:
        answer = await http.get("/admin/tree", headers=BEARER)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        tree = answer.json()
        assert not tree["complete"]
        assert [process["answering"] for process in tree["processes"]] == [True]
        done = await http.post("/admin/actions", headers=BEARER, json={"action": "stop", "path": "payment"})
        assert [result["outcome"] for result in done.json()["results"]] == ["accepted"]
        await shop.comes_to("payment", State.STOPPED)


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({"action": "stop"}, 400, "path"),
        ({"action": 1, "path": "payment"}, 400, "action"),
        ({"action": "stop", "path": "payment", "process": "x"}, 400, "process"),
        ({"action": "stop", "path": "payment", "reason": "a\nb"}, 400, "reason"),
        ({"action": "stop", "path": "payment", "force": True}, 400, "force"),
        ({"action": "stop", "path": "nobody"}, 404, "nobody"),
        ({"action": "stop", "path": "payment", "process": str(uuid4())}, 404, "payment"),
        ({"action": "stop", "path": "api"}, 409, "api"),
        ({"action": "explode", "path": "payment"}, 409, "explode"),
    ],
)
async def test_what_cannot_be_done_is_said_in_a_sentence(
    body: dict[str, object], status: int, named: str
) -> None:
    async with Shop().running() as shop, shop.client() as http:
        answer = await http.post("/admin/actions", headers=BEARER, json=body)
        assert answer.status_code == status
        assert named in answer.json()["detail"]
