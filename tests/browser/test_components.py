"""The modules that pages are built of, each used on a page as pages use it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.online

BASE = "document.querySelector('script[type=module]').src.replace(/\\/[^/]*$/, '')"


@pytest.fixture
def stage(page: Any) -> Any:
    """An empty page; `await module("charts")` there loads one of the modules."""
    page.goto("/console")
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    page.evaluate(
        f"""() => {{
        const base = {BASE};
        window.module = (name) => import(`${{base}}/${{name}}.js`);
        window.place = document.createElement('section');
        document.querySelector('main').replaceChildren(window.place);
    }}"""
    )
    return page


CHART = """async (more) => {
    const { lineChart } = await module('charts');
    const series = [{name: '<b>home</b>', values: [[Date.UTC(2026, 0, 1), 2.5], [Date.UTC(2026, 0, 2), 3.25]]},
                    {name: 'cart', values: [[Date.UTC(2026, 0, 1), null], [Date.UTC(2026, 0, 2), 1]]}];
    const axes = {x: {name: 'Day'}, y: {name: 'Click rate (%)'}};
    window.chart = lineChart(place, series, {title: 'Click rate', ...axes, ...more});
}"""


def test_charts_name_their_axes_and_are_tables_too(stage: Any) -> None:
    stage.evaluate(CHART, {})
    drawn = stage.locator("section svg")
    drawn.get_by_text("Click rate (%)").wait_for()
    assert stage.get_by_role("img", name="Click rate").count() == 1
    stage.get_by_text("As a table").click()
    cells = stage.locator("section table td.number").all_inner_texts()
    assert cells == ["2.5", "3.25", "–", "1"]
    assert stage.locator("section th", has_text="<b>home</b>").count() == 2  # text, and no markup
    stage.evaluate("chart.update([{name: 'home', values: [[Date.UTC(2026, 0, 1), 7]]}])")
    assert stage.locator("section table td.number").all_inner_texts() == ["7"]
    with pytest.raises(Exception, match="the chart's y axis has no name and unit"):
        stage.evaluate(CHART, {"y": {}})


def test_charts_follow_the_theme(stage: Any) -> None:
    stage.evaluate(CHART, {})
    name = stage.locator("section svg text", has_text="Click rate (%)")
    before = name.get_attribute("fill")
    stage.evaluate(
        "document.documentElement.dataset.theme = 'dark'; document.dispatchEvent(new Event('shelfwise:theme'))"
    )
    stage.wait_for_timeout(400)
    assert before and name.get_attribute("fill") != before


def test_tables_sort_and_leave_what_is_missing_to_the_end(stage: Any) -> None:
    stage.evaluate(
        """async () => {
        const { table } = await module('table');
        const columns = [{title: 'Item', cell: (row) => row[0], value: (row) => row[0]},
                         {title: 'Sold', cell: (row) => row[1], value: (row) => row[1], isNumber: true}];
        place.append(table({columns, rows: [['b', 2], ['a', null], ['c', 10]], caption: 'Sold'}));
    }"""
    )
    first = stage.locator("tbody th")
    assert first.all_inner_texts() == ["b", "a", "c"]
    stage.get_by_role("button", name="Sold").click()
    assert first.all_inner_texts() == ["c", "b", "a"]
    assert stage.get_by_role("columnheader", name="Sold").get_attribute("aria-sort") == "descending"
    stage.get_by_role("button", name="Sold").click()
    assert first.all_inner_texts() == ["b", "c", "a"]


def test_search_boxes_suggest_to_keyboards(stage: Any) -> None:
    stage.evaluate(
        """async () => {
        const { autocomplete } = await module('autocomplete');
        const input = document.createElement('input');
        input.setAttribute('aria-label', 'Item');
        place.append(input);
        const all = ['red mug', 'red lamp', 'blue mug'].map((title) => ({id: title, title, detail: '<i>'}));
        window.asked = [];
        autocomplete(input, {
            search: async (typed) => (asked.push(typed), all.filter((one) => one.title.includes(typed))),
            onPick: (one) => { window.picked = one.id; },
        });
    }"""
    )
    box, suggestions = stage.get_by_role("combobox", name="Item"), stage.get_by_role("listbox", name="Search")
    options = suggestions.get_by_role("option")
    box.press_sequentially("red", delay=10)
    options.first.wait_for()
    assert stage.evaluate("asked") == ["red"]  # once, after the last letter
    box.press("ArrowDown")
    box.press("ArrowDown")
    assert suggestions.get_by_role("option", selected=True).inner_text().startswith("red lamp")
    assert box.get_attribute("aria-activedescendant") == suggestions.get_by_role("option", selected=True).get_attribute(
        "id"
    )
    box.press("Enter")
    assert stage.evaluate("picked") == "red lamp" and box.input_value() == ""
    box.press_sequentially("blue")
    options.first.wait_for()
    box.press("Escape")
    assert box.get_attribute("aria-expanded") == "false"


def test_questions_are_answered_by_yes_no_and_escape(stage: Any) -> None:
    ask = """async () => {
        const { confirmed } = await module('dialog');
        window.answer = undefined;
        const question = {title: 'Roll back?', body: 'To version 3.', confirm: 'Roll back', isDangerous: true};
        confirmed(question).then((one) => { window.answer = one; });
    }"""
    for does, answer in (("Roll back", True), ("Cancel", False), (None, False)):
        stage.evaluate(ask)
        dialog = stage.get_by_role("dialog", name="Roll back?")
        dialog.wait_for()
        if does is None:
            stage.keyboard.press("Escape")
        else:
            dialog.get_by_role("button", name=does, exact=True).click()
        stage.wait_for_function("() => window.answer !== undefined")
        assert stage.evaluate("answer") is answer and dialog.count() == 0


def test_tabs_move_by_arrow_keys(stage: Any) -> None:
    stage.evaluate(
        """async () => {
        const { tabs } = await module('tabs');
        const panel = (text) => Object.assign(document.createElement('p'), {textContent: text});
        const part = (key, title, text) => ({key, title, panel: panel(text)});
        const parts = [part('a', 'One', 'first'), part('b', 'Two', 'second')];
        place.append(tabs(parts, {label: 'Parts'}));
    }"""
    )
    stage.get_by_role("tab", name="One").press("ArrowRight")
    assert stage.get_by_role("tabpanel", name="Two").inner_text() == "second"
    assert stage.get_by_role("tabpanel", name="One").count() == 0


def test_notes_offer_to_undo(stage: Any) -> None:
    stage.evaluate(
        """async () => {
        const { toast } = await module('toast');
        toast('Saved', {action: 'Undo', onAction: () => { window.undone = true; }});
    }"""
    )
    stage.get_by_role("status").filter(has_text="Saved").get_by_role("button", name="Undo").click()
    assert stage.evaluate("undone") and stage.get_by_role("status").filter(has_text="Saved").count() == 0


def test_refusals_of_the_api_are_told_and_can_be_tried_again(stage: Any) -> None:
    stage.evaluate(
        """async () => {
        const [{ get }, { loadInto }] = [await module('api'), await module('states')];
        window.path = '/v1/items/none-such';
        loadInto(place, () => get(path), (found) => document.createTextNode(found.title));
    }"""
    )
    stage.get_by_role("alert").get_by_text("This could not be loaded").wait_for()
    stage.evaluate("path = '/v1/items/mug-red'")
    stage.get_by_role("button", name="Try again").click()
    stage.get_by_text("Red mug").wait_for()


def test_numbers_are_written_in_the_pages_language(open_page: Any) -> None:
    written = f"""async () => {{
        const base = {BASE};
        const {{ compact, money, duration, ago, change }} = await import(`${{base}}/format.js`);
        return [
            compact(12345), money(1234.5, 'eur'), duration(5400), ago(0, 3_600_000 * 30),
            change(0.05), money(3), money(null),
        ];
    }}"""
    for language, expected in (
        ("en", ["12.3K", "€1,234.50", "1.5 hr", "yesterday", "+5%", "3.00", "–"]),
        ("zh", ["1.2万", "€1,234.50", "1.5小时", "昨天", "+5%", "3.00", "–"]),
    ):
        with open_page(language=language) as page:
            page.goto("/console")
            assert page.evaluate(written) == expected
