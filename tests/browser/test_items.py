"""The page of items: found, looked at from all sides, faults listed, in a real browser."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect

from shelfwise.testing.console import NARROW, Console, console_of, watched_page
from shelfwise.testing.pictures import product

pytestmark = pytest.mark.online

SCRIPT = "<script>document.title='taken'</script>"


def test_an_item_is_found_by_words_filters_and_id(page: Any) -> None:
    page.goto("/console/items")
    page.get_by_role("heading", name="The catalogue").wait_for()
    assert page.locator("tbody tr").count() == 25
    page.get_by_role("button", name="Show more").click()
    page.locator("tbody tr").nth(49).wait_for()
    box = page.get_by_label("Find items by words or id")
    box.fill("red")
    page.get_by_role("heading", name="Items for “red”").wait_for()
    assert page.locator("tbody tr").count() == 6
    page.get_by_text("Filters", exact=True).click()
    page.get_by_label("Category path").fill("Kitchen")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_label("Condition, as in rules").fill("price <")
    page.get_by_role("alert").wait_for()  # the API says what is wrong with the condition
    page.get_by_label("Condition, as in rules").fill("")
    page.get_by_label("Category path").fill("")
    box.fill("kite-violet")
    page.locator("tbody tr").first.get_by_role("link", name="Violet kite").click()
    page.get_by_role("heading", name="Violet kite").wait_for()


def test_an_item_is_looked_at_from_all_sides(page: Any, console: Console) -> None:
    slate = console.api.post("/recommend", json={"user_id": "user-1", "k": 10}).json()
    item = slate["items"][0]["item_id"]
    page.goto(f"/console/items?id={item}")
    told = console.api.get(f"/items/{item}/insight").json()
    texts = page.locator("section", has=page.get_by_role("heading", name="By text")).last
    assert [one.inner_text() for one in texts.get_by_role("link").all()] == [
        one["title"] for one in told["neighbours"]["text"]
    ]
    page.get_by_role("heading", name="Nothing to compare by").wait_for()  # no picture anywhere in this shop
    places = page.get_by_role("region", name="By place of the shop")
    assert places.locator("tbody tr").count() == len(told["showings"]["places"]) > 0
    page.locator(".positions svg").wait_for()
    page.get_by_role("img", name="Click or view: actual").wait_for()
    assert page.get_by_text("No picture").first.is_visible()


def test_faults_are_counted_and_listed(page: Any) -> None:
    page.goto("/console/items")
    page.get_by_role("button", name="No picture").click()
    page.get_by_role("heading", name="Items with: No picture").wait_for()
    assert page.url.endswith("?warning=no_picture")
    assert page.locator("tbody tr").first.locator(".badge").inner_text() == "No picture"
    page.get_by_role("button", name="Back to all items").click()
    page.get_by_role("heading", name="The catalogue").wait_for()


@pytest.fixture(scope="module")
def hostile(tiny_shop_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A shop in which items have pictures, broken pictures, and words that want to be code."""
    import shutil

    folder = shutil.copytree(tiny_shop_template, tmp_path_factory.mktemp("hostile") / "shop")
    (folder / "images").mkdir()
    picture = io.BytesIO()
    Image.fromarray(product((200, 30, 40))).save(picture, "PNG")
    (folder / "images" / "fine.png").write_bytes(picture.getvalue())
    (folder / "images" / "broken.png").write_bytes(b"no picture")
    with console_of(folder) as found:
        for item_id, fields in {
            "fine": {"title": "Fine", "image": "fine.png"},
            "broken": {"title": SCRIPT, "description": SCRIPT, "brand": SCRIPT, "image": "broken.png"},
            "long": {"title": "W" * 10_000, "category": " > ".join(["深" * 300] * 5), "image": "missing.png"},
            "right-to-left": {"title": "\u202eכוס אדומה 👩‍👩‍👧‍👦", "attributes": {"<i>a</i>": "x" * 2_000}},
        }.items():
            found.api.put(f"/items/{item_id}", json=fields).raise_for_status()
        yield found


def test_a_picture_is_shown_and_a_broken_one_is_a_tile(browser: Any, hostile: Console) -> None:
    with watched_page(browser, hostile.url) as page:
        page.goto("/console/items?id=fine")
        page.locator(".picture.large.has-picture").wait_for()
        page.goto("/console/items?id=broken")
        page.get_by_text("Picture cannot be read").wait_for()
        expect(page.locator(".picture.large img")).to_have_count(0)
        assert page.get_by_role("heading", level=2).first.inner_text() == SCRIPT


@pytest.mark.parametrize("size", [NARROW, (1440, 900)], ids=["phone", "wide"])
def test_hostile_items_leave_pages_whole(browser: Any, hostile: Console, size: tuple[int, int]) -> None:
    with watched_page(browser, hostile.url, size=size) as page:
        for item in ("broken", "long", "right-to-left"):
            page.goto(f"/console/items?id={item}")
            page.get_by_role("heading", name="Neighbours").wait_for()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), item
            assert page.title() != "taken"
        page.goto("/console/items?query=right-to-left")
        page.locator("tbody tr").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("address", ["/console/items", "/console/items?id=mug-red", "/console/items?id=none-such"])
def test_pages_fit_a_phone_in_chinese(open_page: Any, address: str) -> None:
    with open_page(language="zh", theme="dark", size=NARROW) as page:
        page.goto(address)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.locator("h1").inner_text() == "商品"


def test_one_item_is_accessible_in_both_themes(open_page: Any, serious_findings: Any) -> None:
    for theme in ("light", "dark"):
        with open_page(theme=theme) as page:
            page.goto("/console/items?id=mug-red")
            page.get_by_role("heading", name="Neighbours").wait_for()
            assert serious_findings(page) == []
