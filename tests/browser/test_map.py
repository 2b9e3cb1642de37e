"""The page of the catalogue's map: it is drawn, drawn around, searched, and worked with keys alone."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shelfwise.store.maps import Maps
from shelfwise.store.versions import Versions
from shelfwise.testing.console import NARROW, Console, console_of, watched_page

pytestmark = pytest.mark.online

KINDS = 6
PER_KIND = 10
RADIUS = 0.6


@pytest.fixture(scope="module")
def own(tiny_shop_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console of a shop whose six kinds of things lie on a ring."""
    shop = shutil.copytree(tiny_shop_template, tmp_path_factory.mktemp("map") / "shop")
    angles = np.repeat(np.arange(KINDS), PER_KIND) * 2 * np.pi / KINDS
    around = np.random.default_rng(0).uniform(-0.1, 0.1, (KINDS * PER_KIND, 2))
    positions = RADIUS * np.stack([np.cos(angles), np.sin(angles)], axis=1) + around
    about = {"drawn_at": "2026-01-01T00:00:00+00:00", "method": "UMAP"}
    Maps(shop / "models").put(str(Versions(shop / "models").current_name()), positions.astype(np.float32), about)
    with console_of(shop) as found:
        yield found


@pytest.fixture
def page(browser: Any, own: Console) -> Iterator[Any]:
    with watched_page(browser, own.url) as found:
        found.goto("/console/map")
        found.locator("#map-facts").get_by_text("60 items").wait_for()
        yield found


def colours_on(page: Any) -> int:
    """How many clearly coloured pixels the map shows."""
    picture = np.asarray(Image.open(io.BytesIO(page.locator("#map-canvas").screenshot())).convert("RGB")).astype(int)
    return int((picture.max(axis=2) - picture.min(axis=2) > 60).sum())


def middle_of(page: Any, kind: int) -> tuple[float, float, float]:
    """Where a kind of thing lies on the screen, and pixels per unit."""
    box = page.locator("#map-frame").bounding_box()
    scale = min(box["width"], box["height"]) / 2 * 0.94
    angle = kind * 2 * np.pi / KINDS
    x = box["x"] + box["width"] / 2 + RADIUS * np.cos(angle) * scale
    return x, box["y"] + box["height"] / 2 - RADIUS * np.sin(angle) * scale, scale


def picked(page: Any) -> list[str]:
    return page.locator("#map-selection li a").all_inner_texts()


def test_the_map_is_drawn_and_what_is_drawn_around_is_listed(page: Any) -> None:
    page.wait_for_timeout(300)
    assert colours_on(page) > 300
    assert page.locator(".map-group").count() == KINDS
    x, y, scale = middle_of(page, 1)
    page.get_by_role("button", name="Draw around items").click()
    page.mouse.move(x + 0.2 * scale, y)
    page.mouse.down()
    for step in range(1, 25):
        angle = step * 2 * np.pi / 24
        page.mouse.move(x + 0.2 * scale * np.cos(angle), y - 0.2 * scale * np.sin(angle))
    page.mouse.up()
    page.locator("#map-selection").get_by_text("10 items").wait_for()
    assert len(picked(page)) == PER_KIND and all(title.endswith(" lamp") for title in picked(page))
    assert page.locator("#map-selection li a").first.get_attribute("href").startswith("/console/items?id=lamp-")
    page.get_by_role("button", name="Clear").click()
    page.get_by_text("No items picked").wait_for()


def test_hovering_names_an_item_and_dragging_moves_the_map(page: Any) -> None:
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Show everything").click()
    x, y, scale = middle_of(page, 0)
    for dx in np.linspace(-0.1, 0.1, 9):
        page.mouse.move(x + dx * scale, y)
        page.wait_for_timeout(120)
        if page.locator("#map-tip").is_visible():
            break
    assert "mug" in page.locator("#map-tip").inner_text()
    # The middle of the ring is empty; the mugs come into view where the map is dragged to the left.
    zoom = 1.4**4
    for _ in range(4):
        page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="List items in view").click()
    page.locator("#map-selection").get_by_text("There are no items here.").wait_for()
    box = page.locator("#map-frame").bounding_box()
    middle = box["x"] + box["width"] / 2
    page.mouse.move(middle + RADIUS * scale * zoom / 2, y)
    page.mouse.down()
    page.mouse.move(middle - RADIUS * scale * zoom / 2, y, steps=6)
    page.mouse.up()
    page.get_by_role("button", name="List items in view").click()
    page.locator("#map-selection").get_by_text("10 items").wait_for()
    assert all(title.endswith(" mug") for title in picked(page))


def test_search_marks_and_a_colour_lists_its_items(page: Any) -> None:
    page.get_by_label("Find on the map").fill("kite")
    page.locator("#map-selection").get_by_text("Found for “kite”").wait_for()
    assert picked(page) and all("kite" in title for title in picked(page))
    page.get_by_role("button", name="Shoes 10").click()
    page.locator("#map-selection h2").get_by_text("Shoes").wait_for()
    assert all(title.endswith(" boot") for title in picked(page))
    page.get_by_role("button", name="Popularity").click()
    page.get_by_text("Events of interest so far").wait_for()
    assert page.get_by_role("button", name="Popularity").get_attribute("aria-pressed") == "true"


def test_keys_alone_move_zoom_and_list(page: Any) -> None:
    frame = page.locator("#map-frame")
    frame.focus()
    page.keyboard.press("Enter")
    page.locator("#map-selection").get_by_text("60 items").wait_for()
    for key in ("+", "+", "+", "+", "ArrowRight"):
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    page.locator("#map-selection").get_by_text("60 items").wait_for(state="hidden")
    page.keyboard.press("Escape")
    page.get_by_text("No items picked").wait_for()


def test_a_phone_shows_it_without_scrolling_sideways(browser: Any, own: Console) -> None:
    with watched_page(browser, own.url, size=NARROW, language="zh", theme="dark") as page:
        page.goto("/console/map")
        page.locator("#map-facts").get_by_text("60").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_shop_without_a_map_offers_to_draw_one(page: Any) -> None:
    page.route("**/v1/map/points", lambda route: route.fulfill(status=409, json={"code": "no_map", "detail": "none"}))
    page.reload()
    page.get_by_role("button", name="Draw the map").wait_for()
