"""What the tests of the page have in common: its address, its token, and what axe finds on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, Page

from tests.stack import Environment

AXE = Path(__file__).parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
ADMIN_TOKEN = "correct-horse-battery-staple"
KEPT_AS = "ordersys.admin-token"


def url_of(environment: Environment, path: str = "/") -> str:
    """Address of a page of the environment's system."""
    return f"http://127.0.0.1:{environment.settings['API_PORT']}{path}"


async def keep_token(context: BrowserContext, token: str) -> None:
    """Have every page of ``context`` find this token, as if it had been given to the page before."""
    # Not on about:blank, which has no storage.
    await context.add_init_script(
        "if (location.protocol === 'http:')"
        f" sessionStorage.setItem({json.dumps(KEPT_AS)}, {json.dumps(token)})"
    )


async def violations(page: Page) -> list[Any]:
    """What axe finds on the page as it is: rule and elements."""
    # Through the debugging protocol: the page's own policy allows no script but its own.
    await page.evaluate(AXE.read_text("utf-8"))
    found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]]
