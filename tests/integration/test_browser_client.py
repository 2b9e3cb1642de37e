"""`shelfwise.js` in a real browser, on a page of another origin, against a real server."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import select

from shelfwise.schemas.events import KIND_BY_CODE
from shelfwise.schemas.keys import KeyKind, KeyScope, KeyWanted
from shelfwise.shop import Shop
from shelfwise.store.records import Records
from shelfwise.store.tables import events, items, users
from shelfwise.testing.browsers import chromium

pytestmark = pytest.mark.online

STORED = "Object.keys(localStorage).filter((name) => name.startsWith('shelfwise.e.')).length"
NO_STORAGE = (
    """Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError'); }})"""
)
HIDEABLE = """Object.defineProperty(document, 'visibilityState', {get: () => window.isHidden ? 'hidden' : 'visible'});
window.hide = (isHidden) => {
    window.isHidden = isHidden;
    document.dispatchEvent(new Event('visibilitychange', {bubbles: true}));
};"""


class Pages:
    """A shop's web server: every path is the same page."""

    def __init__(self) -> None:
        self.script = ""
        pages = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = f"<!doctype html><title>shop</title>{pages.script}".encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.origin = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture
def pages(browser: Any, tiny_shop: Path, same_port: int) -> Iterator[Pages]:
    """Pages that load the script from the shop's server, with a key that was made for them."""
    found = Pages()
    wanted = KeyWanted(name="pages", kind=KeyKind.BROWSER, scopes=[KeyScope.EVENTS], origins=[found.origin])
    with Shop.open(tiny_shop) as shop:
        key = shop.keys.create(wanted)[1]
    found.script = f'<script src="http://127.0.0.1:{same_port}/v1/client.js" data-key="{key}"></script>'
    yield found
    found.close()


@pytest.fixture
def page(browser: Any, pages: Pages) -> Iterator[Any]:
    """A page that nothing was thrown into."""
    context = browser.new_context()
    found = context.new_page()
    thrown: list[str] = []
    found.on("pageerror", lambda error: thrown.append(str(error)))
    yield found
    context.close()
    assert not thrown


def stored(shop: Path) -> list[tuple[str, str, str, float | None]]:
    """What visitors did: who, which item, what, value."""
    records = Records.open("sqlite:///shelfwise.db", shop)
    query = select(users.c.user_id, items.c.item_id, events.c.kind, events.c.value)
    query = query.join(events, users.c.row == events.c.user_row).join(items, items.c.row == events.c.item_row)
    with records.read() as connection:
        rows = connection.execute(query.where(users.c.user_id.not_like("user-%")).order_by(events.c.seq)).fetchall()
    records.close()
    return [(str(who), str(item), KIND_BY_CODE[kind].value, value) for who, item, kind, value in rows]


def wait(until: Callable[[], bool], page: Any, seconds: float = 30) -> None:
    """The page goes on meanwhile."""
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end
        page.wait_for_timeout(50)


def kill(server: Any) -> None:
    main = psutil.Process(server.process.pid)
    for process in reversed([main, *main.children(recursive=True)]):
        process.kill()


def test_the_script_is_open_to_every_page_and_kept_by_browsers(server: Any) -> None:
    answer = server.http.get("/client.js")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert len(answer.content) < 8_192
    again = server.http.get("/client.js", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_events_are_stored_once_as_one_visitors(pages: Pages, page: Any, tiny_shop: Path, serve: Any) -> None:
    with serve(tiny_shop, ready=401):
        sent: list[int] = []
        page.on("request", lambda one: sent.append(len(one.post_data_json)) if one.url.endswith("/events") else None)
        page.goto(pages.origin)
        page.evaluate(
            "for (let n = 0; n < 120; n++) shelfwise.track({event: 'view', item_id: 'mug-red', user_id: 'kim'})"
        )
        wait(lambda: len(stored(tiny_shop)) == 120, page)
        wait(lambda: page.evaluate(STORED) == 0, page)
        assert sum(sent) == 120 and max(sent) == 50 and len(sent) == 3
        page.goto(f"{pages.origin}/another")
        page.evaluate("shelfwise.track({event: 'cart', item_id: 'mug-blue'})")
        page.goto("about:blank")  # left before the second is over
        page.goto(f"{pages.origin}/back")
        wait(lambda: len(stored(tiny_shop)) == 121, page)
        found = stored(tiny_shop)
        assert len({who for who, *_ in found}) == 1 and found[0][0].startswith("visitor:")
        assert found[-1][1:3] == ("mug-blue", "cart")


def test_a_visitor_is_forgotten_and_somebody_new_goes_on(pages: Pages, page: Any, tiny_shop: Path, serve: Any) -> None:
    with serve(tiny_shop, ready=401):
        page.goto(pages.origin)
        assert page.evaluate("shelfwise.forget()") is None  # nobody was there
        page.evaluate("shelfwise.track({event: 'view', item_id: 'mug-red'})")
        wait(lambda: len(stored(tiny_shop)) == 1, page)
        before = page.evaluate("shelfwise.visitor()")
        page.evaluate("shelfwise.track({event: 'view', item_id: 'mug-blue'})")  # still waits, and is never sent
        receipt = page.evaluate("shelfwise.forget()")
        assert receipt["events"] == 1 and receipt["receipt"]
        page.evaluate("shelfwise.track({event: 'view', item_id: 'mug-green'})")
        wait(lambda: len(stored(tiny_shop)) == 1, page)
        assert stored(tiny_shop)[0][1:3] == ("mug-green", "view")
        assert page.evaluate("shelfwise.visitor()") != before


def test_what_a_server_did_not_acknowledge_waits_for_it(pages: Pages, page: Any, tiny_shop: Path, serve: Any) -> None:
    with serve(tiny_shop, ready=401, killed=True) as server:
        page.goto(pages.origin)
        page.evaluate("shelfwise.track({event: 'view', item_id: 'mug-red'})")
        wait(lambda: len(stored(tiny_shop)) == 1, page)
        kill(server)
    page.evaluate("shelfwise.track({event: 'view', item_id: 'mug-blue'})")
    page.wait_for_timeout(1_500)
    page.goto(f"{pages.origin}/while-it-is-down")  # the script comes from the browser's cache
    page.evaluate("shelfwise.track({event: 'view', item_id: 'mug-green'})")
    page.wait_for_timeout(1_500)
    assert page.evaluate(STORED) == 2
    with serve(tiny_shop, ready=401):
        wait(lambda: len(stored(tiny_shop)) == 3, page, 40)
        wait(lambda: page.evaluate(STORED) == 0, page)
    found = stored(tiny_shop)
    assert sorted(item for _, item, *_ in found) == ["mug-blue", "mug-green", "mug-red"]
    assert len({who for who, *_ in found}) == 1


def test_it_waits_as_long_as_it_is_asked_to(pages: Pages, page: Any, tiny_shop: Path, serve: Any) -> None:
    with serve(tiny_shop, ready=401):
        tried: list[float] = []

        def answer(route: Any) -> None:
            if route.request.method == "OPTIONS":
                route.continue_()
                return
            tried.append(time.monotonic())
            if len(tried) > 1:
                route.continue_()
                return
            headers = {
                "Access-Control-Allow-Origin": pages.origin,
                "Access-Control-Expose-Headers": "Retry-After",
                "Retry-After": "3",
            }
            route.fulfill(status=503, headers=headers, json={"code": "busy"})

        page.route("**/v1/events", answer)
        page.goto(pages.origin)
        page.evaluate("shelfwise.track({event: 'view', item_id: 'mug-red'})")
        wait(lambda: len(stored(tiny_shop)) == 1, page)
        assert len(tried) == 2 and tried[1] - tried[0] >= 3


def test_without_storage_it_works_while_the_page_is_there(pages: Pages, page: Any, tiny_shop: Path, serve: Any) -> None:
    with serve(tiny_shop, ready=401):
        page.add_init_script(NO_STORAGE)
        page.goto(pages.origin)
        page.evaluate("shelfwise.track({event: 'view', item_id: 'mug-red'})")
        wait(lambda: len(stored(tiny_shop)) == 1, page)
        page.evaluate("shelfwise.track({event: 'cart', item_id: 'mug-red'})")
        wait(lambda: len(stored(tiny_shop)) == 2, page)
        assert len({who for who, *_ in stored(tiny_shop)}) == 1


def test_nonsense_is_refused_aloud_and_stops_nothing(pages: Pages, page: Any, tiny_shop: Path, serve: Any) -> None:
    with serve(tiny_shop, ready=401):
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(pages.origin)
        page.evaluate("""() => {
            const ring = {event: 'view'};
            ring.ring = ring;
            const unknown = {event: 'view', item_id: 'none-such'};
            for (const one of [undefined, null, 'view', 7, {}, ring, unknown]) shelfwise.track(one);
            shelfwise.dwell(ring);
            shelfwise.dwell();
            localStorage.setItem('shelfwise.e.0', 'broken');
            shelfwise.track({event: 'view', item_id: 'mug-red'});
        }""")
        wait(lambda: page.evaluate(STORED) == 0, page)
        assert [item for _, item, *_ in stored(tiny_shop)] == ["mug-red"]
        assert any("refused" in one for one in said)


def test_dwell_counts_the_time_that_the_page_is_seen(pages: Pages, page: Any, tiny_shop: Path, serve: Any) -> None:
    with serve(tiny_shop, ready=401):
        page.add_init_script(HIDEABLE)
        page.goto(pages.origin)
        page.evaluate("shelfwise.dwell('mug-red', {scenario: 'item'})")
        page.wait_for_timeout(1_200)
        page.evaluate("hide(true)")
        page.wait_for_timeout(3_000)
        assert page.evaluate(STORED) == 1 and not stored(tiny_shop)  # kept, should the page end here
        page.evaluate("hide(false)")
        page.wait_for_timeout(500)
        page.evaluate("shelfwise.dwell()")
        wait(lambda: len(stored(tiny_shop)) == 1, page)
        _, item, kind, seconds = stored(tiny_shop)[0]
        assert (item, kind) == ("mug-red", "dwell") and seconds is not None and 1.6 <= seconds <= 2.9


def test_somebody_who_signs_in_is_told_apart(pages: Pages, page: Any, tiny_shop: Path, serve: Any) -> None:
    secret = "k" * 40
    with serve(tiny_shop, key=secret) as server:
        token = server.http.post("/visitors", json={"user_id": "kim"}).json()["token"]
        page.goto(pages.origin)
        page.evaluate(
            f"""() => {{
            shelfwise.track({{event: 'view', item_id: 'mug-red'}});
            shelfwise.identify({json.dumps(token)});
            shelfwise.track({{event: 'view', item_id: 'mug-blue'}});
            shelfwise.identify();
            shelfwise.track({{event: 'view', item_id: 'mug-green'}});
        }}"""
        )
        wait(lambda: len(stored(tiny_shop)) == 2, page)
        page.wait_for_timeout(1_500)
        assert {item for _, item, *_ in stored(tiny_shop)} == {"mug-red", "mug-green"}  # kim's waits for kim
        page.evaluate(f"shelfwise.identify({json.dumps(token)})")
        wait(lambda: len(stored(tiny_shop)) == 3, page)
        assert {item: who for who, item, *_ in stored(tiny_shop)}["mug-blue"] == "kim"
        # A page erases nobody who is signed in unless the server lets it; and then what waits goes on waiting.
        tried = page.evaluate(
            """async () => {
            shelfwise.track({event: 'view', item_id: 'mug-black'});
            return shelfwise.forget().then(() => 'forgotten', (answer) => answer.status);
        }"""
        )
        assert tried == 403
        wait(lambda: len(stored(tiny_shop)) == 4, page)
        may = server.http.post("/visitors", json={"user_id": "kim", "may_erase": True}).json()["token"]
        receipt = page.evaluate(f"(shelfwise.identify({json.dumps(may)}), shelfwise.forget())")
        assert receipt["events"] == 2 and "kim" not in {who for who, *_ in stored(tiny_shop)}
