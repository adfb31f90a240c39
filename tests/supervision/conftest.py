"""All tests of supervision run on uvloop and on stock asyncio: the library promises both."""

from __future__ import annotations

import os
import random

import pytest

# Of the random trees of test_machine.py; set it to repeat a run.
SEED = int(os.environ.get("SUPERVISION_SEED") or random.randrange(2**32))


@pytest.fixture(params=[True, False], ids=["uvloop", "asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"random trees of supervision: SUPERVISION_SEED={SEED}")
