"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import stack
from tests.stack import Environment, Servers


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Asynchronous tests run on the loop that production uses."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Kafka and Postgres, started once for all tests that need them."""
    with stack.servers() as running:
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
