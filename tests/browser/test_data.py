"""The data page: what was refused is seen and mended, a file is uploaded, a pasted event is checked."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shelfwise.shop import Shop
from shelfwise.testing.console import NARROW, Console, console_of, watched_page

pytestmark = pytest.mark.online

INGEST = """
[ingest.items]
path = "items.csv"
[ingest.events]
path = "events.csv"
default_event = "view"
"""
EVENTS = """\
user_id,item_id,timestamp,price
ann,mug-red,2024-05-01T10:00:00Z,5
ann,teapot,2024-05-01T10:01:00Z,5
ann,mug-red,yesterday,5
ben,<img src=x onerror=alert(1)>,2024-05-01T10:02:00Z,5
"""


@pytest.fixture(scope="module")
def data_console(tiny_shop_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console of a shop that read a file of which three lines were refused."""
    folder = shutil.copytree(tiny_shop_template, tmp_path_factory.mktemp("data") / "shop")
    with (folder / "shop.toml").open("a") as file:
        file.write(INGEST)
    (folder / "items.csv").write_text("item_id,title\nkettle,Kettle\n")
    (folder / "events.csv").write_text(EVENTS)
    with Shop.open(folder) as opened:
        opened.ingest()
    with console_of(folder) as found:
        yield found


@pytest.fixture
def data(browser: Any, data_console: Console) -> Iterator[Any]:
    with watched_page(browser, data_console.url) as page:
        yield page


def test_a_refused_line_is_seen_corrected_and_stored(data: Any, data_console: Console) -> None:
    data.goto("/console/data")
    events = data.locator("tr", has_text="events.csv")
    assert [cell.strip() for cell in events.locator("td.number").all_inner_texts()[1:]] == ["4", "1", "0", "3"]
    data.get_by_role("tab", name="Quarantine").click()
    data.locator(".chart svg").wait_for()
    line = data.locator("tr", has_text="yesterday")
    line.get_by_role("button").click()
    box = data.locator("#corrected")
    box.fill("ann,mug-red,tomorrow,5")
    data.locator("dialog button[type=submit]").click()
    data.locator("dialog .notice", has_text="Refused again").wait_for()
    box.fill("ann,mug-red,2024-05-02T10:00:00Z,5")
    data.locator("dialog button[type=submit]").click()
    data.locator(".toast", has_text="The line is stored").wait_for()
    line.wait_for(state="detached")
    counts = data_console.api.get("/quarantine").json()["counts"]
    assert {one["reason"] for one in counts} == {"unknown_item"}
    assert "2024-05-02T10:00:00" in data_console.api.get("/users/ann/export").text
    # What others wrote is text.
    assert data.locator(".raw", has_text="<img src=x").count() == 1 and data.locator(".raw img").count() == 0


def test_lines_are_tried_again_once_their_reason_is_gone(data: Any, data_console: Console) -> None:
    data_console.api.put("/items/teapot", json={"title": "Teapot"}).raise_for_status()
    data.goto("/console/data#quarantine")
    data.locator("#quarantine-file").wait_for()
    assert data.locator("#retry").is_disabled()
    data.select_option("#quarantine-file", index=1)
    data.locator("#retry:enabled").click()
    data.locator(".toast", has_text="1 stored").wait_for()
    assert "teapot" in data_console.api.get("/users/ann/export").text
    with data.expect_download() as download:
        data.get_by_role("link", name="Download CSV").click()
    text = download.value.path().read_text()
    assert text.startswith("file,line,reason,message,raw") and "unknown_item" in text


def test_a_file_is_uploaded_and_listed(data: Any, data_console: Console) -> None:
    data.goto("/console/data")
    data.locator("tr", has_text="events.csv").first.wait_for()
    file = {"name": "more.csv", "mimeType": "text/csv", "buffer": EVENTS.replace("2024-05", "2024-06").encode()}
    data.set_input_files("#upload-file", file)
    data.get_by_role("button", name="Upload").click()
    data.locator(".toast", has_text="more.csv: 2 stored, 2 refused").wait_for()
    assert data.locator("tr", has_text="more.csv").locator(".badge", has_text="Done").count() == 1
    data.set_input_files("#upload-file", {**file, "buffer": b"a,b\n1,2\n"})
    data.get_by_role("button", name="Upload").click()
    data.locator(".field-error", has_text="no column is mapped to").wait_for()
    assert data_console.api.get("/imports").json()["imports"][0]["name"].endswith("more.csv")


def test_a_pasted_event_is_checked_field_by_field(data: Any, data_console: Console) -> None:
    data.goto("/console/data#events")
    box = data.locator("#event-text")
    box.fill('{"user": "eve", "item_id": "mug-red", "event": "veiw"}')
    row = data.locator("tr", has_text="did you mean 'user_id'?")
    row.wait_for()
    data.locator("tr", has_text="did you mean 'view'?").wait_for()
    data.locator(".badge", has_text="Would be refused").wait_for()
    box.fill('{"user_id": "eve", "item_id": "mug-red", "event": "view"}')
    data.locator(".badge", has_text="Would be stored").wait_for()
    assert '"event": "view"' in data.locator(".stored").inner_text()
    box.fill('{"user_id": ')
    data.locator(".notice", has_text="Not JSON yet").wait_for()
    assert data_console.api.get("/users/eve/export").status_code == 404  # nothing was stored


def test_on_a_phone_and_in_chinese_nothing_sticks_out(browser: Any, data_console: Console) -> None:
    with watched_page(browser, data_console.url, language="zh", size=NARROW, theme="dark") as page:
        for view in ("imports", "quarantine", "events"):
            page.goto(f"/console/data#{view}")
            page.reload()
            page.locator("table").first.wait_for()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view
