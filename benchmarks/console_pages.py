"""How much a page of the console loads, and how soon it can be used, in Chromium on this machine.

    python benchmarks/console_pages.py --shop demo-shop          each page three times, with nothing kept by the browser
    python benchmarks/console_pages.py --shop demo-shop --quick  once

Bytes are those that travel, pictures apart. A page can be used when its document and scripts have run; its content
stands when nothing on it is loading any more. The budget is 250 kB and one second.
"""

from __future__ import annotations

import os
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from record import Record, arguments
from shelfwise.console.pages import PAGES
from shelfwise.testing.browsers import chromium
from shelfwise.testing.console import console_of

VISITS = 3
USABLE = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
NOW = "performance.now()"


def main() -> int:
    """Measure, and print what was found."""
    parser = arguments(__doc__ or "", "each page once")
    parser.add_argument("--shop", type=Path, required=True, help="folder of a shop with a model")
    asked = parser.parse_args()
    record = Record("console-pages", asked.quick)
    os.environ.pop("SHELFWISE_API_KEY", None)
    with console_of(asked.shop.resolve()) as console, chromium() as browser:
        _visit(browser, console.url + PAGES[0].path)  # the server warms up
        for page in PAGES:
            if page.is_listed:
                visits = [_visit(browser, console.url + page.path) for _ in range(1 if asked.quick else VISITS)]
                record.results[page.name] = {what: median(visit[what] for visit in visits) for what in visits[0]}
    pages = record.results.values()
    record.promise("largest_page_kb", max(found["loaded_kb"] for found in pages), 250, "below")
    record.promise("slowest_usable_ms", max(found["usable_ms"] for found in pages), 1_000, "below")
    table = Table("page", *next(iter(pages)))
    for name, found in record.results.items():
        table.add_row(name, *(f"{value:,.0f}" for value in found.values()))
    Console().print(table)
    return record.finish(asked.json)


def _visit(browser: Any, address: str) -> dict[str, float]:
    """Open a page in a browser that has kept nothing."""
    context = browser.new_context()
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    kinds: dict[str, str] = {}
    sizes: dict[str, float] = {}
    session.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"]}))
    session.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    page.goto(address, wait_until="domcontentloaded")
    page.locator("[aria-busy=true]").first.wait_for(state="detached")
    content_ms = page.evaluate(NOW)
    page.wait_for_load_state("networkidle")
    found = {
        "loaded_kb": sum(size for request, size in sizes.items() if kinds.get(request) != "Image") / 1_000,
        "requests": float(len(sizes)),
        "usable_ms": page.evaluate(USABLE),
        "content_ms": content_ms,
    }
    context.close()
    return found


if __name__ == "__main__":
    raise SystemExit(main())
