"""A real browser for tests of what runs in a shop's pages: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from shelfwise.testing.databases import REQUIRED

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium() -> Generator[Browser]:
    """A browser that talks to this machine only; without one the test is skipped, or fails where it is required."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        absent = "no Chromium for tests, see `make services`"
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(absent)
        pytest.skip(absent)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Its sandbox needs rights that containers do not have; it opens our own pages only.
        browser = playwright.chromium.launch(
            executable_path=path,
            # Without a graphics card WebGL is drawn by the processor (SwiftShader), which has to be asked for.
            args=[
                "--no-sandbox",
                "--disable-background-networking",
                "--disable-dev-shm-usage",
                "--enable-unsafe-swiftshader",
            ],
        )
        try:
            yield browser
        finally:
            browser.close()
