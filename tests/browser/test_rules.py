"""The rules page: a rule is written, checked, previewed, applied, seen in an answer of the API, and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from shelfwise.testing.console import NARROW, Console

pytestmark = pytest.mark.online

PREVIEW_MS = 30_000
"""A model is loaded and hundreds of lists are made, beside whatever else the machine does."""


@pytest.fixture
def rules(console: Console, page: Any) -> Iterator[Any]:
    """The page, and the rules as they were before at the end."""
    before = console.api.get("/rules").json()["toml"]
    page.goto("/console/rules")
    page.locator("#new-rule:enabled").wait_for()
    yield page
    console.api.put("/rules", json={"toml": before, "author": "tests"}).raise_for_status()


def shown(console: Console) -> list[str]:
    query = {"user_id": "user-1", "scenario": "home", "k": 10}
    return [item["item_id"] for item in console.api.post("/recommend", json=query).json()["items"]]


def pin(page: Any, name: str, typed: str, item_id: str) -> None:
    page.click("#new-rule")
    page.fill("#rule-name", name)
    page.check("#kind-pin")
    page.locator("#rule-pins").press_sequentially(typed)
    page.locator(".completion", has_text=item_id).click()
    page.locator(".rule-form .chip", has_text=item_id).wait_for()
    page.locator(".rule-form .badge.accent", has_text="1 available items").wait_for()
    page.get_by_role("button", name="Done").click()
    page.locator(".rule-form").wait_for(state="detached")


def apply(page: Any) -> None:
    page.click("#apply-rules")
    page.fill("#apply-author", "Ada")
    page.fill("#apply-note", "spring")
    page.locator("dialog button[type=submit]").click()
    page.locator(".toast", has_text="is in force").wait_for()


def test_a_rule_made_by_form_acts_in_the_next_answer_and_is_undone(rules: Any, console: Console) -> None:
    before = shown(console)
    assert before[0] != "kite-violet"
    pin(rules, "hero", "violet kite", "kite-violet")
    rules.locator("tr", has_text="hero").locator(".badge", has_text="Draft").wait_for()
    assert shown(console) == before  # a draft is no rule
    rules.click("#show-preview")
    rules.locator(".figure-line", has_text="changes ").wait_for(timeout=PREVIEW_MS)
    assert rules.locator(".example .badge", has_text="hero").count()
    apply(rules)
    assert shown(console)[0] == "kite-violet"
    assert rules.locator("#in-force").inner_text().endswith("by Ada")
    rules.locator(".toast button", has_text="Undo").click()
    rules.locator(".toast", has_text="Taken back").wait_for()
    rules.locator("tr", has_text="hero").wait_for(state="detached")
    assert shown(console) == before


def test_a_conflict_is_named_while_it_is_written_and_asked_about(rules: Any, console: Console) -> None:
    pin(rules, "hero", "kite-violet", "kite-violet")
    rules.click("#new-rule")
    rules.fill("#rule-name", "no-kites")
    rules.check("#kind-block")
    rules.fill("#rule-items", "category und")
    rules.keyboard.press("Control+Space")
    rules.locator(".completion", has_text="under").wait_for()
    rules.keyboard.press("Enter")
    rules.locator(".completion", has_text='"Toys"').first.click()
    assert rules.input_value("#rule-items").strip() == 'category under "Toys"'
    rules.locator(".rule-form .badge.accent", has_text="10 available items").wait_for()
    rules.get_by_role("button", name="Done").click()
    conflict = rules.locator(".finding.danger", has_text="'no-kites' does not let be shown")
    conflict.wait_for()
    rules.click("#apply-rules")
    rules.fill("#apply-author", "Ada")
    assert rules.locator("dialog button[type=submit]").is_disabled()
    rules.check("#apply-accept")
    rules.locator("dialog button[type=submit]").click()
    rules.locator(".toast", has_text="is in force").wait_for()
    assert not any(item_id.startswith("kite") for item_id in shown(console))


def test_the_text_completes_and_names_problems_at_their_lines(rules: Any) -> None:
    rules.get_by_role("tab", name="Text").click()
    box = rules.locator("#rule-text")
    box.fill("[rules.cheap]\nboost = 'pri")
    box.press("End")
    rules.keyboard.press("Control+Space")
    rules.locator(".completion", has_text="price").wait_for()
    rules.keyboard.press("Enter")
    rules.keyboard.type("< 'x'")
    rules.locator(".editor .gutter .danger").wait_for()
    assert rules.locator(".editor .gutter .danger").inner_text().strip() == "2"
    assert rules.locator("#apply-rules").is_disabled()
    box.fill("[rules.cheap]\nboost = 'price < 8'\nplaces = 3\n")
    rules.get_by_role("tab", name="Rules").click()
    rules.locator("tr", has_text="cheap").wait_for()
    rules.get_by_role("button", name="Discard").click()
    rules.locator("tr", has_text="mugs-first").wait_for()


def test_history_shows_what_changed_and_restores_it(rules: Any, console: Console) -> None:
    console.api.put("/rules", json={"toml": "[rules.a]\nblock = 'price < 6'\n", "author": "Bo"}).raise_for_status()
    last = console.api.put("/rules", json={"toml": "[rules.b]\nblock = 'price < 7'\n", "author": "Cy"}).json()
    rules.reload()
    rules.get_by_role("tab", name="History").click()
    rows = rules.locator("table:visible tbody tr")
    rows.first.get_by_role("button", name="Compare").click()
    rules.locator(".diff .gone", has_text="[rules.a]").wait_for()
    assert rules.locator(".diff .new", has_text="[rules.b]").count() == 1
    rules.get_by_role("button", name="Close").click()
    rows.nth(1).get_by_role("button", name="Restore").click()
    rules.locator("dialog .button.primary").click()
    rules.locator(".toast", has_text="is in force").wait_for()
    now = console.api.get("/rules").json()
    assert now["version"] == last["version"] + 1 and list(now["document"]["rules"]) == ["a"]


def test_on_a_phone_and_in_chinese_nothing_sticks_out(open_page: Any) -> None:
    with open_page(language="zh", size=NARROW, theme="dark") as page:
        page.goto("/console/rules")
        page.locator("#new-rule:enabled").wait_for()
        page.click("#show-preview")
        page.locator(".figure-line").wait_for(timeout=PREVIEW_MS)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
