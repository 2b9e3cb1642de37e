"""A console in service, and browser pages that tell what went wrong in them."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from shelfwise.console import APP
from shelfwise.testing.servers import Server, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page

RULES = {"rules": {"mugs-first": {"boost": 'category under "Kitchen"', "places": 2}}}

WIDE, NARROW = (1440, 900), (390, 844)

_REFUSED = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")


@dataclass
class Console:
    """A console in service.

    Attributes:
        server: Its process.
        url: Its origin.
        api: A client of its API, under `/v1`.
    """

    server: Server
    url: str
    api: httpx.Client


@contextmanager
def console_of(shop: Path, *, key: str | None = None, workers: int = 1) -> Generator[Console]:
    """Serve a shop with its console.

    Args:
        shop: The folder, with a model.
        key: That of the environment; without one the console is open.
        workers: Processes that answer.
    """
    with serving(shop, key=key, workers=workers, app=APP) as server:
        yield Console(server, f"http://127.0.0.1:{server.port}", server.http)


def live_a_little(api: httpx.Client, n_users: int = 12) -> None:
    """Put a rule in force and let users of the tiny shop see lists and answer to them: pages have something to show."""
    api.put("/rules", json={"document": RULES, "author": "tests"}).raise_for_status()
    for user in range(n_users):
        for scenario in ("home", "item", "cart"):
            query: dict[str, Any] = {"user_id": f"user-{user}", "scenario": scenario, "k": 10}
            if scenario != "home":
                query["items"] = ["mug-red"]
            answer = api.post("/recommend", json=query)
            answer.raise_for_status()
            slate = answer.json()
            shown = [
                {
                    "user_id": f"user-{user}",
                    "item_id": item["item_id"],
                    "event": "impression",
                    "slate_id": slate["slate_id"],
                    "position": item["position"],
                    "scenario": scenario,
                }
                for item in slate["items"]
            ]
            done = [{**shown[place], "event": kind} for place, kind in ((0, "view"), (1, "cart")) if place < len(shown)]
            api.post("/events", json=[*shown, *done]).raise_for_status()


@contextmanager
def watched_page(
    browser: Browser,
    url: str,
    *,
    language: str = "en",
    theme: str = "light",
    size: tuple[int, int] = WIDE,
    **context: Any,
) -> Generator[Page]:
    """A page in a browser of its own; whatever it throws, logs as an error or is forbidden fails the test at the end.

    Requests that the API refuses are no errors of the page.

    Args:
        browser: See `browsers.chromium`.
        url: Origin of the console.
        language: `en` or `zh`.
        theme: `light`, `dark` or `auto`.
        size: Of the window, width and height in pixels.
        context: Further options of Playwright's `new_context`.
    """
    width, height = size
    opened = browser.new_context(base_url=url, viewport={"width": width, "height": height}, **context)
    opened.add_cookies(
        [
            {"name": "shelfwise-language", "value": language, "url": url},
            {"name": "shelfwise-theme", "value": theme, "url": url},
        ]
    )
    page = opened.new_page()
    page.set_default_timeout(10_000)
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(f"thrown: {error}"))
    page.on("console", lambda message: found.extend(_errors_in(message)))
    page.on("dialog", lambda dialog: _refuse(dialog, found))
    try:
        yield page
    finally:
        opened.close()
    if found:
        raise AssertionError("; ".join(found))


def _errors_in(message: ConsoleMessage) -> list[str]:
    return [f"logged: {message.text}"] if message.type == "error" and not _REFUSED.match(message.text) else []


def _refuse(dialog: Dialog, found: list[str]) -> None:
    found.append(f"dialog: {dialog.message}")
    dialog.dismiss()
