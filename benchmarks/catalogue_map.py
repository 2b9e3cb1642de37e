"""The catalogue's map: how long it takes to draw, how large it is on the wire, and how smoothly it moves.

The synthetic shop of `serving.py` is drawn and served with its console; Chromium opens the page and drags the map to
and fro for some seconds. Frames are told by the browser's own tracing: those that came to the screen during the drag.
Without a graphics card WebGL is drawn by the processor (SwiftShader), which is the case on machines of CI: a
shopkeeper's browser is faster.

    python benchmarks/catalogue_map.py            100,000 items; drawing takes minutes the first time
    python benchmarks/catalogue_map.py --quick    4,000 items
"""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import CDPSession, Page
from rich.console import Console

from record import Record, arguments
from serving import free_port, running, shop_of
from shelfwise.shop import Shop
from shelfwise.store.maps import Maps
from shelfwise.testing.browsers import chromium
from shelfwise.testing.console import WIDE, watched_page
from tables import show

N_ITEMS, QUICK_ITEMS = 100_000, 4_000
FRAMES_PER_S = 30.0
MAX_MB = 1.5
DRAG_S = 6.0
PRESENTED = "AnimationFrame::Presentation"
"""What Chromium's tracing (category `devtools.timeline`) calls a frame that came to the screen."""

DRAG = """seconds => new Promise(done => {
  // One move a frame, as a hand on a mouse makes: 200 pixels a second to and fro, so that all of the map stays in view.
  const frame = document.querySelector("#map-frame");
  const box = frame.getBoundingClientRect();
  const began = performance.now();
  function move() {
    const now = (performance.now() - began) / 1000;
    if (now > seconds) return done();
    const away = Math.abs((now * 200) % 400 - 200) - 100;
    const at = { clientX: box.x + box.width / 2 + away, clientY: box.y + box.height / 2 + away / 2 };
    frame.dispatchEvent(new PointerEvent("pointermove", { pointerId: 1, bubbles: true, ...at }));
    requestAnimationFrame(move);
  }
  move();
})"""


def drawn(folder: Path, say: Any) -> dict[str, Any]:
    """How the map was drawn; done once per shop."""
    with Shop.open(folder) as shop:
        version = shop.versions.current().name
        found = Maps(shop.versions.folder).get(version)
        if found is None:
            say("drawing the map")
            found = shop.draw_map()
    return found.about


def frames(cdp: CDPSession, page: Page) -> list[float]:
    """Drag the map and tell when frames came to the screen, in seconds."""
    events: list[dict[str, Any]] = []
    cdp.on("Tracing.dataCollected", lambda found: events.extend(found["value"]))
    is_over: list[bool] = []
    cdp.on("Tracing.tracingComplete", lambda _: is_over.append(True))
    cdp.send("Tracing.start", {"traceConfig": {"includedCategories": ["devtools.timeline"]}})
    box = page.locator("#map-frame").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.evaluate(DRAG, DRAG_S)
    page.mouse.up()
    cdp.send("Tracing.end")
    until = time.monotonic() + 60
    while not is_over and time.monotonic() < until:
        page.wait_for_timeout(50)
    return sorted({event["ts"] / 1e6 for event in events if event["name"] == PRESENTED})


def panned(url: str, n_items: int) -> dict[str, Any]:
    """Frames per second while the map is dragged, and how long the page took to show it."""
    with chromium() as browser, watched_page(browser, url, size=WIDE) as page:
        page.set_default_timeout(120_000)
        started = time.perf_counter()
        page.goto("/console/map")
        page.locator("#map-facts").get_by_text(f"{n_items:,} items").wait_for()
        shown_s = time.perf_counter() - started
        page.wait_for_timeout(1_000)
        found = frames(page.context.new_cdp_session(page), page)
        size = page.locator("#map-canvas").evaluate("canvas => [canvas.width, canvas.height]")
    gaps = [after - before for before, after in itertools.pairwise(found)]
    return {
        "frames": len(found),
        "frames_per_s": round((len(found) - 1) / (found[-1] - found[0]), 1),
        "longest_frame_ms": round(max(gaps) * 1e3, 1),
        "shown_after_s": round(shown_s, 2),
        "canvas": size,
    }


def main() -> int:
    """Draw, serve, look."""
    options = arguments(__doc__ or "", "4,000 items").parse_args()
    record, console, people = Record("catalogue_map", options.quick), Console(width=140), Console(stderr=True)
    n_items = QUICK_ITEMS if options.quick else N_ITEMS
    with people.status("") as status:
        folder = shop_of(n_items, n_items, status.update)  # as many shoppers as items: the shop of `serving.py`
        about = drawn(folder, status.update)
        port = free_port()
        command = [sys.executable, "-m", "shelfwise.cli.main", "serve", "--shop", str(folder), "--port", str(port)]
        with tempfile.TemporaryDirectory() as logs, running(command, port, Path(logs) / "server.log"):
            status.update("looking at it")
            url = f"http://127.0.0.1:{port}"
            started = time.perf_counter()
            with httpx.stream("GET", f"{url}/v1/map/points", timeout=120) as answer:
                sent = sum(len(part) for part in answer.iter_raw())
            first_s = time.perf_counter() - started
            n_points = httpx.get(f"{url}/v1/map", timeout=120).json()["n_items"]
            found = panned(url, n_points)
    found |= {
        "n_points": n_points,
        "drawn_s": about["seconds"],
        "sent_mb": round(sent / 1e6, 2),
        "first_points_s": round(first_s, 2),
    }
    record.results["map"] = found
    lines = [[name.replace("_", " "), json.dumps(value)] for name, value in found.items()]
    show(console, f"catalogue map, {n_points:,} points, Chromium by SwiftShader", ("", "found"), lines)
    record.promise("map-frames-per-s", found["frames_per_s"], FRAMES_PER_S, "at least")
    record.promise("map-sent-mb", found["sent_mb"], MAX_MB, "below")
    return record.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
