"""The page in a browser, against the running system."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.acceptance.shop import Shop
from tests.e2e.browser import browser
from tests.e2e.conftest import Serving
from tests.e2e.pages import ADMIN_TOKEN, keep_token, url_of, violations
from tests.stack import Environment

expect.set_options(timeout=30_000)
pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]


async def test_an_order_is_created_and_confirms_before_ones_eyes(
    environment: Environment, shop: Shop, chromium: str
) -> None:
    async with browser(chromium) as context:
        page = await context.new_page()
        await page.goto(url_of(environment))
        await expect(page.get_by_role("status").filter(has_text="Live")).to_be_visible()
        await page.get_by_role("button", name=re.compile("New order|Create the first order")).first.click()
        drawer = page.get_by_role("dialog")
        await drawer.get_by_label("Email").fill("grace@example.com")
        await drawer.get_by_label("SKU").fill("SKU-E2E")
        await drawer.get_by_label("Quantity").fill("2")
        await drawer.get_by_label(re.compile("Amount")).fill("19.99")
        await drawer.get_by_role("button", name="Create order").click()
        await expect(drawer.get_by_role("list", name="Created orders").get_by_role("link")).to_be_visible()
        await drawer.get_by_role("button", name="Close").click()
        row = page.get_by_role("row").filter(has_text="SKU-E2E")
        await expect(row.get_by_text("Confirmed")).to_be_visible()  # and nobody has reloaded
        await row.get_by_role("link").first.click()
        await expect(page.get_by_role("heading", name="Steps")).to_be_visible()
        steps = page.get_by_role("listitem").filter(has_text="notification")
        await expect(steps.filter(has_text="Done").first).to_be_visible()


async def test_a_filter_is_in_the_address(environment: Environment, shop: Shop, chromium: str) -> None:
    for fields in ({}, {"quantity": 11, "item_sku": "SKU-NONE"}):
        answer = await shop.post(**fields)
        await shop.final(answer.json()["id"])
    async with browser(chromium) as context:
        page = await context.new_page()
        await page.goto(url_of(environment))
        chips = page.get_by_role("group", name="Filter by status")
        await chips.get_by_role("button", name=re.compile("Cancelled")).click()
        await expect(page).to_have_url(re.compile("status=.*CANCELLED"))
        await expect(page.get_by_role("row").filter(has_text="SKU-NONE").first).to_be_visible()
        await expect(page.get_by_role("row").filter(has_text="SKU-1")).to_have_count(0)
        await page.reload()
        await expect(chips.get_by_role("button", name=re.compile("Cancelled"))).to_have_attribute(
            "aria-pressed", "true"
        )
        await expect(page.get_by_role("row").filter(has_text="SKU-1")).to_have_count(0)


async def test_an_api_that_goes_away_and_comes_back_is_said_and_nothing_is_missed(
    environment: Environment, page_built: None, serving: Serving, chromium: str
) -> None:
    shop = Shop(environment.settings)
    async with shop.http, browser(chromium) as context:
        page = await context.new_page()
        with serving():
            await shop.ready(60)
            await page.goto(url_of(environment))
            await expect(page.get_by_role("status").filter(has_text="Live")).to_be_visible()
        await expect(
            page.get_by_role("status").filter(has_text=re.compile("Reconnecting|Stale"))
        ).to_be_visible()
        with serving():
            await shop.ready(60)
            await shop.post(item_sku="SKU-MEANWHILE")
            await expect(page.get_by_role("status").filter(has_text="Live")).to_be_visible(timeout=40_000)
            await expect(page.get_by_role("row").filter(has_text="SKU-MEANWHILE")).to_be_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_axe_finds_nothing(environment: Environment, shop: Shop, chromium: str, dark: bool) -> None:
    answer = await shop.post()
    order_id = answer.json()["id"]
    await shop.final(order_id)
    async with browser(chromium, dark=dark) as context:
        await keep_token(context, ADMIN_TOKEN)
        page = await context.new_page()
        for path, heading in (
            ("/", "Orders"),
            (f"/orders/{order_id}", "Steps"),
            ("/pipeline", "Pipeline"),
            ("/runtime", "pid"),
            ("/orders/00000000-0000-0000-0000-000000000000", None),
        ):
            await page.goto(url_of(environment, path))
            if heading is not None:
                await expect(page.get_by_role("heading", name=heading).first).to_be_visible()
            await expect(page.get_by_role("status").filter(has_text="Live")).to_be_visible()
            assert await violations(page) == [], path


async def test_it_is_usable_on_a_small_screen(environment: Environment, shop: Shop, chromium: str) -> None:
    await shop.post()
    async with browser(chromium, width=360) as context:
        await keep_token(context, ADMIN_TOKEN)
        page = await context.new_page()
        for path, heading in (("/", "Orders"), ("/pipeline", "Flow"), ("/runtime", "pid")):
            await page.goto(url_of(environment, path))
            await expect(page.get_by_role("heading", name=heading).first).to_be_visible()
            assert await page.evaluate("document.documentElement.scrollWidth") <= 360
