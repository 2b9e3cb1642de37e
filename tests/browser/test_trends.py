"""Trends: what rose is told with how sure that is, in a stretch that one chooses; what was searched for in vain too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

pytestmark = pytest.mark.online

NOW = datetime.now(UTC)
HOSTILE = "<img src=x onerror=alert(1)> boot"


def event(user: str, days_ago: float, **more: Any) -> dict[str, Any]:
    at = (NOW - timedelta(days=days_ago)).isoformat()
    return {"event_id": f"{user}-{more}-{days_ago}", "user_id": user, "timestamp": at, **more}


@pytest.fixture(scope="module")
def moved(console: Any) -> Iterator[None]:
    """Boots in red rose, boots in blue fell, a hostile one is new; three people searched for what is not there."""
    console.api.put("/items/boot-new", json={"title": HOSTILE, "created_at": (NOW - timedelta(days=3)).isoformat()})
    events = [event("t-lonely", 1, event="search", query="my name is jane doe")]
    for place in range(60):
        events += [
            event(f"t{place}", 1 if place < 52 else 9, item_id="boot-red", event="view"),
            event(f"t{place}", 9 if place < 52 else 1, item_id="boot-blue", event="view"),
        ]
    for place in range(4):
        events += [event(f"t{place}", 1, event="search", query=query) for query in ("zeppelin", "red boot", HOSTILE)]
        events.append(event(f"t{place}", 1, item_id="boot-new", event="view"))
    console.api.post("/events", json=events).raise_for_status()
    yield
    console.api.delete("/items/boot-new")


def test_what_rose_and_fell_is_told_for_the_days_chosen(page: Any, moved: None) -> None:
    page.goto("/console/trends")
    page.get_by_role("button", name="7 days").click()
    rising = page.locator("#rising tbody tr")
    rising.first.wait_for()
    assert rising.first.locator("th").inner_text() == "Red boot"
    _, before, people, least = rising.first.locator("td").all_inner_texts()
    assert int(people) >= 52 and int(before) >= 8 and 1 < float(least.removeprefix("× ")) < int(people) / int(before)
    assert page.locator("#falling tbody tr").first.locator("th").inner_text() == "Blue boot"
    assert "days=week" in page.url
    # The week before: it was the other way round.
    page.locator("#as-of").fill(f"{NOW - timedelta(days=7):%Y-%m-%d}")
    page.locator("#as-of").dispatch_event("change")
    page.locator("#rising tbody th", has_text="Blue boot").wait_for()
    page.reload()
    page.locator("#rising tbody th", has_text="Blue boot").wait_for()


def test_what_nothing_can_be_told_of_says_why(page: Any, moved: None) -> None:
    page.goto("/console/trends?by=brand")
    page.locator("#rising .state").wait_for()
    assert "The catalogue has none of these" in page.locator("#rising").inner_text()
    page.locator("#as-of").fill("1999-01-01")
    page.locator("#as-of").dispatch_event("change")
    page.get_by_text("Nobody did anything in this time").wait_for()


def test_what_is_new_stands_there_as_text(page: Any, moved: None) -> None:
    page.goto("/console/trends?days=week")
    row = page.locator("#arrivals tbody tr", has_text="onerror")
    row.wait_for()
    assert row.locator("th").inner_text() == HOSTILE
    assert row.locator("td").nth(1).inner_text() == "4"
    assert row.locator("a").get_attribute("href") == "/console/items?id=boot-new"
    assert page.locator("main img").count() == 0


def test_searches_in_vain_are_told_and_lonely_ones_only_when_asked_for(page: Any, moved: None) -> None:
    page.goto("/console/trends?days=week")
    vain = page.locator("#without tbody tr", has_text="zeppelin")
    vain.wait_for()
    assert vain.locator("td").last.inner_text() == "Nothing"
    assert page.locator("#without", has_text="red boot").count() == 0
    assert page.locator("#most tbody tr", has_text="red boot").locator("td").last.inner_text() == "Found"
    assert page.get_by_text("jane doe").count() == 0
    page.get_by_label("Show what fewer than 3 people searched for").check()
    page.get_by_text("my name is jane doe").first.wait_for()
