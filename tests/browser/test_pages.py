"""Every page of the console, in a real browser against a real server."""

from __future__ import annotations

from typing import Any

import pytest

from shelfwise.console.pages import PAGES

pytestmark = pytest.mark.online

LISTED = [page for page in PAGES if page.is_listed]


@pytest.mark.parametrize("listed", LISTED, ids=[page.name for page in LISTED])
def test_every_page_opens_and_is_marked_in_the_navigation(page: Any, listed: Any) -> None:
    page.goto(listed.path)
    page.wait_for_load_state("networkidle")
    assert page.locator("nav a[aria-current=page]").get_attribute("href") == listed.path
    assert page.locator("h1").inner_text().strip()
