"""Every page of the console, in a real browser against a real server: those that are added are tested here unasked."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from shelfwise.console.headers import OF_PAGES
from shelfwise.console.pages import PAGES
from shelfwise.console.static_files import StaticFiles
from shelfwise.testing.console import NARROW, WIDE, Console
from shelfwise.testing.servers import free_port

pytestmark = pytest.mark.online

LISTED = [page for page in PAGES if page.is_listed]
each_page = pytest.mark.parametrize("listed", LISTED, ids=[page.name for page in LISTED])

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
FIRST_PAGE_BYTES = 250_000

SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
"""By how many pixels a page is too wide."""


def settled(page: Any, path: str) -> None:
    """Open a page and wait until it has loaded what it shows."""
    page.goto(path)
    expect(page.locator("[aria-busy=true]")).to_have_count(0)


@each_page
def test_it_opens_in_every_look_and_is_accessible(open_page: Callable[..., Any], listed: Any) -> None:
    for language, theme, size in (("en", "light", WIDE), ("zh", "dark", NARROW)):
        with open_page(language=language, theme=theme, size=size) as page:
            settled(page, listed.path)
            assert page.locator("nav a[aria-current=page]").get_attribute("href") == listed.path
            assert page.locator("h1").count() == 1 and page.locator("html").get_attribute("lang") in ("en", "zh-CN")
            assert page.evaluate(SIDEWAYS) <= 0
            page.evaluate(AXE)
            # Without its second look at style sheets, for which it writes some into the page.
            found = page.evaluate("axe.run(document, {resultTypes: ['violations'], preload: false})")["violations"]
            serious = [
                (one["id"], one["help"], [node["html"][:200] for node in one["nodes"][:3]])
                for one in found
                if one["impact"] in ("serious", "critical")
            ]
            assert not serious, json.dumps(serious, indent=1, ensure_ascii=False)


@each_page
def test_it_is_small_and_there_at_once(open_page: Callable[..., Any], listed: Any) -> None:
    with open_page() as page:
        page.goto("about:blank")
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        sent: dict[str, str] = {}
        received: dict[str, int] = {}
        session.on("Network.responseReceived", lambda event: sent.update({event["requestId"]: event["type"]}))
        session.on(
            "Network.loadingFinished",
            lambda event: received.update({event["requestId"]: int(event["encodedDataLength"])}),
        )
        settled(page, listed.path)
        n_bytes = sum(size for request, size in received.items() if sent.get(request) != "Image")
        assert 5_000 < n_bytes < FIRST_PAGE_BYTES
        page.reload()
        page.wait_for_load_state("networkidle")
        kept = page.evaluate(
            "performance.getEntriesByType('resource').filter((one) => one.name.includes('/console/static/'))"
            ".map((one) => one.transferSize)"
        )
        assert kept and not any(kept)  # from the browser's own store


def test_keyboards_reach_everything(page: Any) -> None:
    settled(page, "/console")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    settled(page, "/console")
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_the_menu_of_small_screens(open_page: Callable[..., Any]) -> None:
    with open_page(size=NARROW) as page:
        settled(page, "/console")
        menu = page.get_by_role("button", name="Menu")
        assert (
            menu.get_attribute("aria-expanded") == "false" and not page.get_by_role("link", name="Rules").is_visible()
        )
        menu.click()
        page.get_by_role("link", name="Rules").wait_for()
        page.keyboard.press("Escape")
        assert menu.get_attribute("aria-expanded") == "false"
        assert page.evaluate("document.activeElement.id") == "menu-button"
        menu.click()
        page.get_by_role("link", name="Rules").click()
        page.wait_for_url("**/console/rules")


def test_language_and_theme_are_chosen_and_remembered(open_page: Callable[..., Any]) -> None:
    with open_page(theme="auto", color_scheme="dark") as page:
        settled(page, "/console")
        ground = "getComputedStyle(document.documentElement).backgroundColor"
        dark = page.evaluate(ground)
        page.get_by_label("Theme").select_option("light")
        assert page.evaluate(ground) != dark
        page.get_by_label("Language").select_option("zh")
        page.get_by_role("heading", name="概览").wait_for()
        assert page.locator("html").get_attribute("data-theme") == "light"
        settled(page, "/console/rules")
        assert page.locator("h1").inner_text() == "规则"


def test_a_browser_is_answered_in_its_own_language(console: Console) -> None:
    assert "概览" in httpx.get(f"{console.url}/console", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"}).text
    assert "Overview" in httpx.get(f"{console.url}/console", headers={"Accept-Language": "fr,en;q=0.5"}).text
    chosen = {"Cookie": "shelfwise-language=en", "Accept-Language": "zh"}
    assert "Overview" in httpx.get(f"{console.url}/console", headers=chosen).text
    wrong = {"Cookie": "shelfwise-language=../../x; shelfwise-theme=%22%3E%3Cscript"}
    assert 'data-theme="auto"' in httpx.get(f"{console.url}/console", headers=wrong).text


def test_pages_say_what_may_run_in_them(console: Console) -> None:
    for page in PAGES:
        answer = httpx.get(f"{console.url}{page.path}", follow_redirects=True)
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert {name: answer.headers[name] for name in OF_PAGES} == dict(OF_PAGES)
        assert not re.search(
            r"""\s(on\w+|style)=|<script(?![^>]*(src=|application/json))|https?://(?!www\.w3)""", answer.text
        )


def test_files_are_packed_kept_and_nothing_else_is_served(console: Console) -> None:
    files = StaticFiles.of_package()
    address = console.url + files.address("vendor/echarts.js")
    packed = httpx.get(address, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    smallest = httpx.head(address, headers={"Accept-Encoding": "gzip, br"})
    assert smallest.headers["content-encoding"] == "br" and smallest.headers["vary"] == "Accept-Encoding"
    assert packed.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert packed.headers["x-content-type-options"] == "nosniff"
    plain = httpx.get(address, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.content == packed.content
    base = f"/console/static/{files.version}/"
    for path in (
        base + "vendor/README.md",
        base + "../app.py",
        base + "..%2fapp.py",
        base + "..%5capp.py",
        base + "%2e%2e/app.py",
        base + "/etc/passwd",
        base,
        "/console/static/0000/tokens.css",
    ):
        raw = httpx.Request("GET", console.url)
        raw.url = raw.url.copy_with(raw_path=path.encode())
        with httpx.Client() as client:
            assert client.send(raw).status_code == 404, path


def test_what_is_in_the_way_is_told_as_a_page(open_page: Callable[..., Any], console: Console) -> None:
    with open_page() as page:
        assert page.goto("/console/none-such").status == 404
        assert page.locator("h1").inner_text() == "There is no such page"
    answer = httpx.get(f"{console.url}/console/none-such")
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_address_alone_leads_to_the_console(page: Any) -> None:
    page.goto("/")
    assert page.url.endswith("/console")


def test_the_command_line_serves_it(own_shop: Path) -> None:
    port = free_port()
    command = (sys.executable, "-m", "shelfwise.cli.main", "serve", "--shop", str(own_shop), "--port", str(port))
    environment = {name: value for name, value in os.environ.items() if name != "SHELFWISE_API_KEY"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            assert f"the console on http://127.0.0.1:{port}/console" in server.stderr.readline()
            transport = httpx.HTTPTransport(retries=8)  # until somebody listens
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", transport=transport) as client:
                answer = client.get("/console", headers={"Accept": "text/html"})
                assert answer.status_code in (200, 503) and "Shelfwise</title>" in answer.text
        finally:
            server.terminate()
            server.communicate(timeout=20)
