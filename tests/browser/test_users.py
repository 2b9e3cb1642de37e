"""The page of users: found, read, and erased, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shelfwise import Shop
from shelfwise.store import people
from shelfwise.testing.console import NARROW, Console, console_of

pytestmark = pytest.mark.online


def test_a_user_is_found_by_the_start_of_the_id_and_opened(page: Any, console: Console) -> None:
    page.goto("/console/users")
    page.get_by_role("row").nth(1).wait_for()
    page.get_by_label("Find a user by the start of the id").fill("user-3")
    page.get_by_role("heading", name="Users whose id starts with “user-3”").wait_for()
    assert page.locator("tbody tr").count() == 11
    assert page.url.endswith("?query=user-3")
    page.get_by_role("link", name="user-31", exact=True).click()
    page.get_by_role("heading", name="user-31").wait_for()
    interests = page.locator("section.card", has=page.get_by_role("heading", name="Interests"))
    interests.get_by_text("Home > Lamps").wait_for()
    told = console.api.get("/users/user-31").json()
    share = round(told["interests"]["categories"][0]["share"] * 100)
    assert f"{share}%" in interests.inner_text() and "Purchase × 10" in interests.inner_text()
    nearest = page.locator("section.card", has=page.get_by_role("heading", name="Nearest users"))
    assert nearest.get_by_role("listitem").count() == len(told["alike"]) > 0
    nearest.get_by_role("link", name=told["alike"][0]["user_id"], exact=True).click()
    page.get_by_role("heading", name=told["alike"][0]["user_id"]).wait_for()


def test_what_was_shown_stands_with_what_came_of_it(page: Any, console: Console) -> None:
    page.goto("/console/users?id=user-1")
    page.locator(".moment").first.wait_for()
    without = page.locator(".moment").count()
    assert page.locator(".moment", has_text="Impression").count() == 0
    page.get_by_label("Show impressions").check()
    page.locator(".moment", has_text="Impression").first.wait_for()
    assert page.locator(".moment").count() > without
    page.get_by_role("tab", name="Timeline").press("ArrowRight")
    shown = console.api.get("/users/user-1/slates").json()["slates"]
    lists = page.get_by_role("tabpanel", name="Shown lists").locator("details")
    lists.first.wait_for()
    assert lists.count() == len(shown)
    place = next(place for place, one in enumerate(shown) if one["outcomes"].get("cart"))
    answered = lists.nth(place)
    assert "Into cart" in answered.locator("summary").inner_text()
    answered.locator("summary").click()
    taken = next(item for item in shown[place]["items"] if item["outcomes"].get("cart"))
    assert "Into cart" in answered.locator("li.has-outcome", has_text=taken["title"]).inner_text()


def test_whose_attributes_were_altered_is_listed_with_the_others(own_shop: Path, open_page: Callable[..., Any]) -> None:
    with Shop.open(own_shop) as shop, shop.records.write() as connection:
        people.upsert(connection, [("user-30", {"city": "Ulm"})])
        altered = "UPDATE users SET attributes = 'sealed:1:00000000:AAAA' WHERE user_id = 'user-31'"
        connection.exec_driver_sql(altered)
    with console_of(own_shop) as found, open_page(url=found.url) as page:
        page.goto("/console/users?query=user-3")
        row = page.locator("tbody tr")
        row.filter(has_text="user-30").get_by_text("city: Ulm").wait_for()
        row.filter(has_text="user-31").get_by_text("Unreadable").wait_for()
        page.get_by_role("link", name="user-31", exact=True).click()
        page.get_by_text("altered since it was sealed").wait_for()


def test_a_user_is_erased_after_a_question(page: Any, console: Console) -> None:
    event = {"user_id": "to <b>erase</b>", "item_id": "mug-red", "event": "view"}
    console.api.post("/events", json=event).raise_for_status()
    page.goto("/console/users?id=to+%3Cb%3Eerase%3C%2Fb%3E")
    page.get_by_role("heading", name="to <b>erase</b>").wait_for()
    page.get_by_role("button", name="Erase…").click()
    page.get_by_role("button", name="Cancel").click()
    assert console.api.get("/users/to%20%3Cb%3Eerase%3C%2Fb%3E").status_code == 200
    page.get_by_role("button", name="Erase…").click()
    page.get_by_role("dialog").get_by_role("button", name="Erase for good").click()
    page.get_by_role("heading", name="to <b>erase</b> was erased").wait_for()
    page.get_by_text("1 events and 0 kept answers are gone. Receipt").wait_for()
    assert console.api.get("/users/to%20%3Cb%3Eerase%3C%2Fb%3E").status_code == 404
    page.goto("/console/users?id=to+%3Cb%3Eerase%3C%2Fb%3E")
    page.get_by_role("heading", name="There is no such user").wait_for()


def test_an_export_is_downloaded(page: Any) -> None:
    page.goto("/console/users?id=user-2")
    with page.expect_download() as found:
        page.get_by_role("link", name="Export data").click()
    assert found.value.suggested_filename == "user-2.json"
    assert b'"user_id":"user-2"' in found.value.path().read_bytes()


@pytest.mark.parametrize("address", ["/console/users", "/console/users?id=user-1", "/console/users?id=nobody"])
def test_pages_fit_a_phone_in_chinese(open_page: Any, address: str) -> None:
    with open_page(language="zh", theme="dark", size=NARROW) as page:
        page.goto(address)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.locator("h1").inner_text() == "用户"


def test_one_person_is_accessible_in_both_themes(open_page: Any, serious_findings: Any) -> None:
    for theme in ("light", "dark"):
        with open_page(theme=theme) as page:
            page.goto("/console/users?id=user-1")
            page.get_by_role("tab", name="Shown lists").click()
            page.get_by_role("tabpanel", name="Shown lists").locator("summary").first.click()
            assert serious_findings(page) == []
