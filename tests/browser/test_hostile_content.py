"""A shop whose texts are meant to harm: every page stays whole, and nothing of them runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from shelfwise.console.pages import PAGES
from shelfwise.testing.console import NARROW, WIDE, Console, console_of, live_a_little, watched_page

pytestmark = pytest.mark.online

RUNS = "window.harmed = true"
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

TITLES = {
    "script": f"<script>{RUNS}</script>",
    "attribute": f"\"'><img src=x onerror='{RUNS}'>",
    "template": "{{ 7 * 7 }} ${7 * 7} {% raw %}",
    "script-end": f"</script><script>{RUNS}</script><!--",
    "long": "endless " * 1_250,
    "unbroken": "W" * 10_000,
    "right-to-left": "كوب أحمر للقهوة \u202e والشاي",
    "emoji": "👩🏽‍🚀🏳️‍🌈" * 40,
    "marks": "Z" + "\u0351\u0322" * 200,
}
HOSTILE_USER = f"<img src=x onerror='{RUNS}'>"


@pytest.fixture(scope="module")
def hostile(tiny_shop_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console over such items, which somebody with such an id has looked at."""
    folder = shutil.copytree(tiny_shop_template, tmp_path_factory.mktemp("hostile") / "shop")
    with console_of(folder) as found:
        live_a_little(found.api, n_users=2)
        items = [
            {
                "item_id": f"{name}/<b>&amp;",
                "title": title,
                "description": title,
                "category": f"Kitchen > {title[:200]}",
                "brand": title[:200],
                "price": 5.0,
                "image": "javascript:alert(1)" if name == "script" else f"https://pictures.invalid/{name}.png",
            }
            for name, title in TITLES.items()
        ]
        answer = found.api.post("/items", json=items)
        assert answer.json()["refused"] == 0, answer.text[:500]
        stored = [one["item_id"] for one in items]
        for user in (HOSTILE_USER, "user-1"):
            events = [
                {"user_id": user, "item_id": item_id, "event": kind}
                for item_id in stored
                for kind in ("view", "purchase")
            ]
            found.api.post("/events", json=events).raise_for_status()
            found.api.post("/recommend", json={"user_id": user, "k": 20}).raise_for_status()
        yield found


@pytest.mark.parametrize("listed", [page for page in PAGES if page.is_listed], ids=lambda page: page.name)
def test_pages_stay_whole_and_safe(browser: Any, hostile: Console, listed: Any) -> None:
    addresses = [listed.path]
    if listed.name in ("items", "users"):
        ids = (
            [HOSTILE_USER, "user-1"]
            if listed.name == "users"
            else [f"{name}/<b>&amp;" for name in ("script", "unbroken")]
        )
        addresses += [f"{listed.path}?id={quote(one, safe='')}" for one in ids]
        addresses.append(f"{listed.path}?query={quote(HOSTILE_USER, safe='')}")
    for size in (WIDE, NARROW):
        with watched_page(browser, hostile.url, size=size) as page:
            for address in addresses:
                page.goto(address)
                expect(page.locator("[aria-busy=true]")).to_have_count(0)
                page.wait_for_timeout(200)
                assert not page.evaluate("window.harmed"), address
                assert page.evaluate(SIDEWAYS) <= 0, (address, size)
                assert page.locator("h1").count() == 1
