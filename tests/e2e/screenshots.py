"""``./run python -m tests.e2e.screenshots``: pictures of the pages of a running system, into docs/images.

Posts a few hundred orders first, so that there is something to see. The Runtime page needs ADMIN_TOKEN, the
running system's.
"""

from __future__ import annotations

import sys
from pathlib import Path
from uuid import uuid4

import anyio
import httpx
from playwright.async_api import Page, expect

from config.settings import load
from tests.e2e.browser import browser, chromium
from tests.e2e.pages import keep_token

IMAGES = Path(__file__).parents[2] / "docs" / "images"
ORDERS = 400
AT_ONCE = 20


async def main() -> int:
    """Take the pictures; 0 when all are taken."""
    url = f"http://127.0.0.1:{load()['API_PORT']}"
    token = load()["ADMIN_TOKEN"]
    order_id = await fill(url)
    pages = {"orders": "/", "order": f"/orders/{order_id}", "pipeline": "/pipeline"}
    if token is None:
        sys.stdout.write("No picture of the Runtime page: ADMIN_TOKEN is not set.\n")
    else:
        pages["runtime"] = "/runtime"
    await anyio.Path(IMAGES).mkdir(parents=True, exist_ok=True)
    executable = chromium()
    for dark in (False, True):
        theme = "dark" if dark else "light"
        async with browser(executable, dark=dark) as context:
            if token is not None:
                await keep_token(context, token)
            page = await context.new_page()
            for name, path in pages.items():
                await page.goto(url + path)
                await settled(page)
                await page.screenshot(path=IMAGES / f"{name}-{theme}.png")
                sys.stdout.write(f"{name}-{theme}.png\n")
    return 0


async def fill(url: str) -> str:
    """Post orders that succeed and orders that fail; the id of one that failed."""
    failed = ""
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        limiter = anyio.CapacityLimiter(AT_ONCE)

        async def post(number: int) -> None:
            nonlocal failed
            order = {
                "customer_email": f"customer{number % 17}@example.com",
                "item_sku": f"SKU-{number % 9 + 1}",
                "quantity": 11 if number % 23 == 0 else number % 10 + 1,
                "amount_cents": 120_000 if number % 31 == 0 else 999 + 37 * (number % 97),
            }
            async with limiter:
                answer = await http.post("/orders", json=order, headers={"Idempotency-Key": str(uuid4())})
            answer.raise_for_status()
            if order["quantity"] == 11:
                failed = answer.json()["id"]

        async with anyio.create_task_group() as group:
            for number in range(ORDERS):
                group.start_soon(post, number)
        await http.get(f"/orders/{failed}", params={"wait": "final", "timeout_s": 10})
    return failed


async def settled(page: Page) -> None:
    """Return when the page is live and shows what it has read."""
    await expect(page.get_by_role("status").filter(has_text="Live")).to_be_visible()
    await page.wait_for_load_state("load")
    await page.wait_for_timeout(2500)  # the first figures of the pipeline come every two seconds


if __name__ == "__main__":
    sys.exit(anyio.run(main))
