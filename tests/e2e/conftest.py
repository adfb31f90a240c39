"""The built page, a browser, and a system that serves the page."""

from __future__ import annotations

import fcntl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import anyio
import pytest

from ordersys.devstack.web import build_page
from tests.acceptance.shop import Shop, process
from tests.e2e import browser
from tests.e2e.pages import ADMIN_TOKEN
from tests.stack import Environment

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def page_built() -> None:
    """The page's packages installed, and the page built from the present sources; by one worker, for all."""
    (ROOT / ".ordersys").mkdir(exist_ok=True)
    with (ROOT / ".ordersys" / "test-page.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        anyio.run(build_page, ROOT / "frontend", ROOT / ".ordersys" / "test-page.log", print)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium."""
    try:
        return browser.chromium()
    except browser.NoBrowser as error:
        pytest.fail(str(error))


@pytest.fixture
async def shop(environment: Environment, page_built: None, tmp_path: Path) -> AsyncIterator[Shop]:
    """A system that serves the page and may be controlled, and a client of it."""
    made = Shop(environment.settings)
    with process(
        environment.environ, tmp_path / "supervisor.log", WATCHDOG_EXIT_S="0", ADMIN_TOKEN=ADMIN_TOKEN
    ):
        async with made.http:
            await made.ready(60)
            yield made


Serving = Callable[[], AbstractContextManager[object]]


@pytest.fixture
def serving(environment: Environment, tmp_path: Path) -> Serving:
    """Starts (a context manager) a process of the module's environment that nobody may control."""
    return partial(
        process, environment.environ, tmp_path / "supervisor.log", WATCHDOG_EXIT_S="0", ADMIN_TOKEN=""
    )
