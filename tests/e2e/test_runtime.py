"""The Runtime page in a browser: roles are stopped and started by hand, in one process or in all of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from ordersys.devstack.ports import free_port
from tests.acceptance.shop import Shop, process
from tests.e2e.browser import browser
from tests.e2e.conftest import Serving
from tests.e2e.pages import ADMIN_TOKEN, keep_token, url_of, violations
from tests.stack import Environment

expect.set_options(timeout=30_000)
pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]


def row_of(page: Page, path: str, number: int = 0) -> Locator:
    """Row of a node, by its path; in the ``number``-th tree of the page."""
    header = page.get_by_role("rowheader", name=path, exact=True)
    return page.get_by_role("treegrid").nth(number).get_by_role("row").filter(has=header)


async def ask(page: Page, row: Locator, what: str, *, everywhere: bool = False) -> None:
    """Press a button of a row, and confirm."""
    await row.get_by_role("button", name=what, exact=True).click()
    dialog = page.get_by_role("dialog", name=f"{what}?")
    if everywhere:
        await dialog.get_by_role("radio", name="In all 2 processes").check()
    await dialog.get_by_role("button", name=what, exact=True).click()
    await expect(dialog).to_have_count(0)


async def test_payment_is_stopped_and_started_and_no_order_is_lost(
    environment: Environment, shop: Shop, chromium: str
) -> None:
    async with browser(chromium) as context:
        page, orders = await context.new_page(), await context.new_page()
        await page.goto(url_of(environment, "/runtime"))
        await page.get_by_label("Token", exact=True).fill("not-the-token-at-all")
        await page.get_by_role("button", name="Show the processes").click()
        await expect(page.get_by_text("The API does not take this token.")).to_be_visible()
        assert await violations(page) == []
        await page.get_by_label("Token", exact=True).fill(ADMIN_TOKEN)
        await page.get_by_role("button", name="Show the processes").click()
        row = row_of(page, "payment")
        await expect(row.get_by_text("Ready")).to_be_visible()
        assert ADMIN_TOKEN not in page.url

        await ask(page, row, "Stop payment")
        await expect(page.get_by_role("status").filter(has_text="payment is being stopped")).to_be_visible()
        await expect(row.get_by_text("Stopped")).to_be_visible()
        order_id = (await shop.post()).json()["id"]
        await orders.goto(url_of(environment, f"/orders/{order_id}"))
        await expect(orders.get_by_role("status").filter(has_text="Payment has not answered")).to_be_visible()

        await ask(page, row, "Start payment")
        await expect(row.get_by_text("Ready")).to_be_visible()
        await expect(orders.get_by_text("Confirmed").first).to_be_visible()  # and nobody has reloaded
        assert (await shop.final(order_id))["status"] == "CONFIRMED"


async def test_a_role_is_stopped_in_all_processes_that_have_it(
    environment: Environment, shop: Shop, chromium: str, tmp_path: Path
) -> None:
    other = {"ROLES": "payment", "METRICS_PORT": str(free_port()), "ADMIN_TOKEN": ""}
    with process(environment.environ, tmp_path / "other.log", **other):
        async with browser(chromium) as context:
            await keep_token(context, ADMIN_TOKEN)
            page = await context.new_page()
            await page.goto(url_of(environment, "/runtime"))
            await expect(page.get_by_role("treegrid")).to_have_count(2)
            rows = [row_of(page, "payment", number) for number in range(2)]
            for row in rows:
                await expect(row.get_by_text("Ready")).to_be_visible()
            await ask(page, rows[1], "Stop payment", everywhere=True)
            for row in rows:
                await expect(row.get_by_text("Stopped")).to_be_visible()


async def test_by_keyboard_the_focus_is_never_lost(
    environment: Environment, shop: Shop, chromium: str
) -> None:
    async with browser(chromium) as context:
        await keep_token(context, ADMIN_TOKEN)
        page = await context.new_page()
        await page.goto(url_of(environment, "/runtime"))
        payment, inside = row_of(page, "payment"), row_of(page, "payment/order.created")
        await row_of(page, "ordersys").focus()
        for _ in range(await page.get_by_role("rowheader").count()):
            if await payment.evaluate("row => row === document.activeElement"):
                break
            await page.keyboard.press("ArrowDown")
        await expect(payment).to_be_focused()
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("ArrowRight")
        await expect(inside).to_be_focused()
        await page.keyboard.press("ArrowLeft")
        await expect(payment).to_be_focused()
        await page.keyboard.press("Tab")
        await expect(payment.get_by_role("button", name="Stop payment", exact=True)).to_be_focused()
        await page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog", name="Stop payment?")
        await expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
        assert await violations(page) == []
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(payment.get_by_text("Stopped")).to_be_visible()
        await expect(payment).to_be_focused()  # its button is gone


async def test_a_token_that_is_taken_no_longer_is_asked_for_anew(
    environment: Environment, shop: Shop, chromium: str
) -> None:
    async with browser(chromium) as context:
        await keep_token(context, "the-token-of-yesterday")
        page = await context.new_page()
        await page.goto(url_of(environment, "/runtime"))
        await expect(page.get_by_text("does not take the token that was given before")).to_be_visible()
        await page.get_by_role("button", name="Forget token").click()
        await expect(page.get_by_text("does not take the token")).to_have_count(0)
        await expect(page.get_by_label("Token", exact=True)).to_be_visible()


async def test_without_a_token_in_the_settings_control_is_off(
    environment: Environment, page_built: None, serving: Serving, chromium: str
) -> None:
    shop = Shop(environment.settings)
    async with shop.http, browser(chromium) as context:
        page = await context.new_page()
        with serving():
            await shop.ready(60)
            await page.goto(url_of(environment, "/runtime"))
            await expect(page.get_by_role("status").filter(has_text="Control is off.")).to_be_visible()
            assert await violations(page) == []


async def test_an_api_that_goes_away_leaves_the_last_tree(
    environment: Environment, page_built: None, chromium: str, tmp_path: Path
) -> None:
    shop = Shop(environment.settings)
    async with shop.http, browser(chromium) as context:
        await keep_token(context, ADMIN_TOKEN)
        page = await context.new_page()
        with process(environment.environ, tmp_path / "supervisor.log", ADMIN_TOKEN=ADMIN_TOKEN):
            await shop.ready(60)
            await page.goto(url_of(environment, "/runtime"))
            await expect(row_of(page, "payment")).to_be_visible()
        await expect(page.get_by_role("status").filter(has_text="What you see is stale")).to_be_visible()
        await expect(row_of(page, "payment")).to_be_visible()
