"""The API against its own description: asked whatever that allows, and what it does not, by schemathesis.

SCHEMATHESIS_EXAMPLES is how many requests it makes up per operation, beside those it always makes.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import anyio
import pytest

from tests.acceptance.shop import Shop, process
from tests.stack import Environment

pytestmark = pytest.mark.anyio

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "10"))
CASES_MIN = 500
# Two idle cores need less than a minute; a machine that does ten other things at once needs many.
DEADLINE_S = 900 + EXAMPLES * 3
# An open stream is no answer that could be compared.
STREAM = "/events"
# A key that belongs to another order is a 422: every request has a key of its own, as clients do.
HOOKS = """
from uuid import uuid4

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and len(key) == 36:
        case.headers["Idempotency-Key"] = str(uuid4())
"""


@pytest.mark.timeout(DEADLINE_S + 60)
async def test_the_api_is_what_it_says_it_is(fresh: Environment, tmp_path: Path) -> None:
    (tmp_path / "own_keys.py").write_text(HOOKS)
    log = tmp_path / "system.log"
    with process(fresh.environ, log):
        await Shop(fresh.settings).ready()
        url = f"http://127.0.0.1:{fresh.settings['API_PORT']}/openapi.json"
        command = ["run", url, "--exclude-path", STREAM, "--checks", "all", "--continue-on-failure"]
        command += ["--max-examples", str(EXAMPLES), "--generation-deterministic", "--no-color"]
        command += ["--workers", "2"]
        with anyio.fail_after(DEADLINE_S):
            done = await anyio.run_process(
                [str(Path(sys.executable).parent / "schemathesis"), *command],
                cwd=tmp_path,
                env={**os.environ, "SCHEMATHESIS_HOOKS": "own_keys", "PYTHONPATH": str(tmp_path)},
                check=False,
            )
    said = done.stdout.decode()
    assert done.returncode == 0, said[-20_000:] + done.stderr.decode()
    cases = re.search(r"(\d+) generated, (\d+) passed", said)
    assert cases is not None, said
    sys.stdout.write(f"{cases[0]}\n")
    assert int(cases[1]) == int(cases[2]) >= CASES_MIN
    assert "request crashed" not in log.read_text()
