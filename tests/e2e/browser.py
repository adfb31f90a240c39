"""Chromium, found or installed, and driven; the page, built."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import BrowserContext, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
INSTALL_TIMEOUT_S = 900


class NoBrowser(Exception):
    """There is no Chromium, and none could be installed."""


def chromium() -> str:
    """Path of a Chromium; Debian's package is installed when there is none and we are root.

    :raises NoBrowser: with a sentence that says what to do.
    """
    found = _found()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["apt-get", "update"], ["apt-get", "install", "--yes", "chromium"]):
            subprocess.run(
                command,
                check=False,
                timeout=INSTALL_TIMEOUT_S,
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                stdout=subprocess.DEVNULL,
            )
        found = _found()
    if found is None:
        raise NoBrowser("The tests of the page need Chromium: install it (Debian's package is chromium).")
    return found


def _found() -> str | None:
    return next((path for path in map(shutil.which, NAMES) if path is not None), None)


@asynccontextmanager
async def browser(executable: str, *, width: int = 1280, dark: bool = False) -> AsyncIterator[BrowserContext]:
    """A browser with a profile of its own, in a theme and a width (CSS pixels)."""
    with tempfile.TemporaryDirectory(prefix="ordersys-chromium-") as profile:
        async with async_playwright() as playwright:
            context = await playwright.chromium.launch_persistent_context(
                Path(profile),
                executable_path=executable,
                headless=True,
                args=list(FLAGS),
                viewport={"width": width, "height": 900},
                color_scheme="dark" if dark else "light",
                reduced_motion="reduce",
            )
            context.set_default_timeout(20_000)
            try:
                yield context
            finally:
                await context.close()
