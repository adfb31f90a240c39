"""What all tests share."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests import stack
from tests.stack import Environment, Servers

START_TIMEOUT_S = 600
E2E = Path(__file__).parent / "e2e"

# Of the random trees of supervision; set it to repeat a run. In the environment, for the workers of this run.
SEED = int(os.environ.setdefault("SUPERVISION_SEED", str(random.randrange(2**32))))

# How long one example takes says more of the machine than of us.
hypothesis.settings.register_profile("unhurried", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("unhurried")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who needs servers first also waits for their start: a first download, or a busy machine.

    Where several workers share the run, a file goes to one of them; so do all files that build the page.
    """
    seen: set[object] = set()
    for item in items:
        together = "page" if E2E in item.path.parents else str(item.path)
        item.add_marker(pytest.mark.xdist_group(together))
        module = item.getparent(pytest.Module)
        if "servers" in getattr(item, "fixturenames", ()) and module not in seen:
            seen.add(module)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(START_TIMEOUT_S))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"random trees of supervision: SUPERVISION_SEED={SEED}")


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Asynchronous tests run on the loop that production uses."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Kafka and Postgres, started once for all tests that need them."""
    with stack.servers() as running:
        yield running


@pytest.fixture(scope="session")
def mortal_servers() -> Iterator[Servers]:
    """Embedded ones that a test may stop and start again: few use them, so they are back soon.

    A module that does overrides ``servers`` with them.
    """
    with stack.embedded_servers() as running:
        yield running


@pytest.fixture(scope="module")
def partitions() -> int:
    """Partitions of each topic; a module that needs another number overrides it."""
    return 2


@pytest.fixture(scope="module")
def environment(servers: Servers, partitions: int) -> Iterator[Environment]:
    """Topics, groups and a database of the module's own."""
    with stack.environment(servers, partitions) as made:
        yield made


@pytest.fixture
def fresh(servers: Servers, partitions: int) -> Iterator[Environment]:
    """Topics, groups and a database of the test's own."""
    with stack.environment(servers, partitions) as made:
        yield made
