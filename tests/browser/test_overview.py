"""The overview: figures of what the shop does appear, move on by themselves and follow the chosen period."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shelfwise.testing.console import NARROW, console_of, watched_page

pytestmark = pytest.mark.online

TILES = "#tiles [data-figure]"


def figure(page: Any, name: str) -> str:
    return page.locator(f"[data-figure={name}] .figure").inner_text()


def number(text: str) -> float:
    return float(re.sub(r"[^\d.]", "", text))


def test_figures_are_there_and_move_on_by_themselves(page: Any, console: Any) -> None:
    page.goto("/console#hour")
    page.locator(TILES).nth(9).wait_for()
    before = number(figure(page, "answers"))
    assert before >= 36
    home = page.locator("#scenarios tbody tr", has_text="home")
    n_home = number(home.locator("td").first.inner_text())
    for _ in range(3):
        console.api.post("/recommend", json={"user_id": "user-1", "k": 3}).raise_for_status()
    page.wait_for_function(
        "([selector, n]) => Number(document.querySelector(selector).textContent) >= n",
        arg=["[data-figure=answers] .figure", before + 3],
    )
    assert number(home.locator("td").first.inner_text()) >= n_home + 3
    # A third of what `live_a_little` showed was looked at.
    assert page.locator("[data-figure=clicked] .figure").inner_text().endswith("%")
    assert page.locator("#model dd").first.inner_text() == console.api.get("/health/ready").json()["model_version"]


def test_every_chart_names_its_units_and_can_be_read_as_a_table(page: Any) -> None:
    page.goto("/console#hour")
    charts = page.locator("[data-chart]")
    page.locator("[data-chart] svg").nth(3).wait_for()
    for place, unit in enumerate(("Requests per 1 min", "Milliseconds", "Events per 1 min", "Share of answers (%)")):
        assert unit in charts.nth(place).locator("svg").text_content()
    page.locator("[data-chart=requests] summary").click()
    heads = page.locator("[data-chart=requests] thead th").all_inner_texts()
    assert heads == ["", "Time", "Requests per 1 min"]


def test_the_period_is_chosen_with_the_keyboard_and_stands_in_the_address(page: Any) -> None:
    page.goto("/console")
    page.locator(TILES).nth(9).wait_for()
    week = page.get_by_role("button", name="7 days")
    week.focus()
    page.keyboard.press("Enter")
    # A function: an expression would be evaluated anew at each look, which the page's policy forbids.
    drawn = "() => document.querySelector('[data-chart=requests] svg')?.textContent.includes('per 1 hr')"
    page.wait_for_function(drawn)
    assert week.get_attribute("aria-pressed") == "true"
    assert page.evaluate("location.hash") == "#week"


def test_a_table_that_was_sorted_stays_so_while_figures_move_on(page: Any, console: Any) -> None:
    page.goto("/console#hour")
    page.locator("#routes tbody tr").nth(1).wait_for()
    page.locator("#routes").get_by_role("button", name="Route").click()
    page.locator("h1").click()
    console.api.get("/items/mug-red").raise_for_status()
    page.locator("#routes", has_text="GET /v1/items/{item_id}").wait_for()
    routes = page.locator("#routes tbody th").all_inner_texts()
    assert routes == sorted(routes) and len(routes) > 1


def test_a_shop_that_nobody_asked_says_so_and_a_server_that_stops_too(browser: Any, own_shop: Path) -> None:
    with console_of(own_shop) as console, watched_page(browser, console.url, size=NARROW) as page:
        page.goto("/console#hour")
        page.get_by_text("Nothing was counted yet").wait_for()
        assert figure(page, "requests") == "0"
        page.route("**/v1/insight/**", lambda route: route.fulfill(status=429, json={"code": "busy", "detail": "busy"}))
        page.get_by_text(re.compile("Not updated since")).wait_for()
        page.unroute("**/v1/insight/**")
        page.get_by_text("Live", exact=True).wait_for()


@pytest.mark.parametrize("path", ["/console#hour", "/console/trends"])
def test_nothing_is_wider_than_a_phone_and_all_is_in_the_chosen_language(
    open_page: Callable[..., Any], path: str
) -> None:
    with open_page(language="zh", theme="dark", size=NARROW) as page:
        page.goto(path)
        page.wait_for_load_state("networkidle")
        page.locator("tbody tr").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.locator("html").get_attribute("lang") == "zh-CN"
        assert re.search("[一-鿿]", page.locator("h2").last.inner_text())


def test_drift_says_what_moved_and_what_to_do(browser: Any, own_shop: Path) -> None:
    with console_of(own_shop) as console, watched_page(browser, console.url) as page:
        for turn in range(100):
            user = f"user-{turn % 40}"
            about_one_kind = {"scenario": "item", "items": ["mug-red"]}
            for more in ({}, about_one_kind):
                console.api.post("/recommend", json={"user_id": user, "k": 10, **more}).raise_for_status()
        page.goto("/console#hour")
        home = page.locator("#drift tbody tr", has_text="home")
        item = page.locator("#drift tbody tr", has_text="item")
        item.locator("[data-reading=changed]").first.wait_for(timeout=30_000)
        assert home.locator("[data-reading=stable]").count() == 2
        assert "Kitchen > Mugs" in item.inner_text()
        assert page.locator("#drift-reading").inner_text() == "changed"
        assert page.locator("#drift tbody tr", has_text="cart").locator("[data-reading=too_few]").count() == 1
        advice = page.locator("#drift .notice")
        advice.get_by_role("link", name="Models and training").click()
        page.wait_for_url("**/console/models")


def test_a_version_that_noted_nothing_cannot_tell_drift(browser: Any, own_shop: Path) -> None:
    for noted in own_shop.glob("models/*/as_trained.json"):
        noted.unlink()
    with console_of(own_shop) as console, watched_page(browser, console.url) as page:
        page.goto("/console#hour")
        page.get_by_text("This version cannot tell").wait_for()
        assert page.locator("#drift table").count() == 0
