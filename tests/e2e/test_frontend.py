"""The page's own checks: types, lint, the tests of its logic, and what a first visit loads."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ordersys.devstack.web import npm

FRONTEND = Path(__file__).parents[2] / "frontend"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("script", ["typecheck", "lint", "test", "size"])
def test_script(page_built: None, script: str) -> None:
    command = npm()
    path = f"{Path(command[0]).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [*command, "run", script],
        cwd=FRONTEND,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
