"""The shop's own pages: a shopper's whole path, in a real browser against a real process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from shelfwise.schemas.events import KIND_BY_CODE
from shelfwise.store.records import Records
from shelfwise.store.tables import events, items, users
from shelfwise.testing.console import NARROW, WIDE, Console, console_of, watched_page
from shelfwise.testing.fashion_shop import BROKEN, HOSTILE_TITLES, MISSING, make_fashion_shop

pytestmark = pytest.mark.online

DRESSES = "/shop/category?path=Apparel%20%3E%20Dress"
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
FIRST_PAGE_BYTES = 150_000
LEAKED = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_fashion_shop(tmp_path_factory.mktemp("fashion") / "shop", hostile=True)


@pytest.fixture(scope="module")
def shop(folder: Path) -> Iterator[Console]:
    with console_of(folder) as found:
        yield found


@pytest.fixture
def shopper(browser: Any, shop: Console) -> Iterator[Any]:
    """A page of somebody whom the shop has never seen."""
    with watched_page(browser, shop.url) as page:
        yield page


def opened(page: Any, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("body[data-ready]", state="attached")


def share_of(page: Any, kind: str, row: str = "for-you") -> float:
    kinds = page.locator(f"[data-name={row}] .product").evaluate_all("all => all.map(one => one.dataset.kind)")
    assert kinds
    return Counter(kinds)[kind] / len(kinds)


def visitor_of(page: Any) -> str:
    return page.evaluate("JSON.parse(localStorage.getItem('shelfwise.visitor')).session_id")


def done_by(folder: Path, visitor: str) -> list[tuple[str, str]]:
    """What the store holds of a visitor: kind of event and item, impressions left out."""
    records = Records.open("sqlite:///shelfwise.db", folder)
    query = select(events.c.kind, items.c.item_id).join(users, users.c.row == events.c.user_row)
    query = query.outerjoin(items, items.c.row == events.c.item_row).where(users.c.user_id == f"visitor:{visitor}")
    with records.read() as connection:
        found = [(KIND_BY_CODE[kind].value, item) for kind, item in connection.execute(query.order_by(events.c.seq))]
    records.close()
    return [one for one in found if one[0] != "impression"]


def test_the_shop_follows_a_shopper_from_the_window_to_the_order(shopper: Any, folder: Path) -> None:
    page = shopper
    opened(page, "/shop")
    before = share_of(page, "Dresses")
    chosen: list[str] = []
    for place in range(3):
        opened(page, DRESSES)
        product = page.locator("[data-name=category] .product").nth(place)
        chosen.append(product.get_attribute("data-item-id"))
        product.locator("a").click()
        page.wait_for_url("**/shop/item?id=*")
        page.wait_for_selector("body[data-ready]", state="attached")
    assert share_of(page, "Dresses", "alternatives") == 1
    assert share_of(page, "Dresses", "complements") == 0
    opened(page, "/shop")
    assert share_of(page, "Dresses") >= before + 0.2
    assert page.locator(".mix-part").first.get_attribute("data-name") == "Dress"
    assert page.locator(".looked-at li").count() == 3

    opened(page, f"/shop/item?id={chosen[-1]}")
    page.click("#add-to-cart")
    page.wait_for_selector(".toast")
    assert page.locator("#cart-count").inner_text() == "1"
    opened(page, "/shop/cart")
    assert page.locator(".cart-line").count() == 1
    assert page.locator("[data-name=complements] .product").count() >= 4
    assert share_of(page, "Dresses", "complements") == 0
    page.click("#to-checkout")
    page.wait_for_selector("[data-name=complements] .product")
    page.click("#place-order")
    page.wait_for_selector("#ordered")
    assert page.locator("#ordered").inner_text() == "1 purchase was recorded."
    assert page.locator("#cart-count").is_hidden()

    done = done_by(folder, visitor_of(page))
    assert [item for kind, item in done if kind == "purchase"] == [chosen[-1]]
    assert ("cart", chosen[-1]) in done
    assert {("view", item) for item in chosen} | {("click", item) for item in chosen} <= set(done)


def test_a_heart_moves_the_page_without_loading_it(shopper: Any, folder: Path) -> None:
    opened(shopper, "/shop")
    shopper.evaluate("window.isSamePage = true")
    watch = shopper.locator("[data-name=for-you] .product[data-kind=Watches]").first
    liked, before = watch.get_attribute("data-item-id"), share_of(shopper, "Watches")
    watch.locator(".heart").click()
    expect(shopper.locator("#you-count")).to_have_text("1")
    expect(shopper.locator("[data-name=for-you] .section-lead")).to_contain_text("follows 1 thing")
    assert shopper.evaluate("window.isSamePage")
    assert share_of(shopper, "Watches") > before
    assert done_by(folder, visitor_of(shopper)) == [("favourite", liked)]


def test_the_drawers_say_why_and_what_is_known_and_forget(shopper: Any, folder: Path) -> None:
    opened(shopper, "/shop")
    first = visitor_of(shopper)
    shopper.locator(".heart").first.click()
    expect(shopper.locator("#you-count")).to_have_text("1")
    shopper.locator("[data-name=for-you] .why").first.click()
    drawer = shopper.locator("dialog.drawer")
    assert "Similar to" in drawer.locator(".why-reason").inner_text()
    assert drawer.locator(".sources li strong").first.inner_text() in ("words", "pictures", "breadth")
    drawer.get_by_text("none in force").wait_for()  # only the slate as it is kept tells
    shopper.keyboard.press("Escape")

    shopper.click("#you-button")
    drawer.locator(".bars").first.wait_for()
    assert "liked" in drawer.locator(".did").inner_text()
    assert len(done_by(folder, first)) == 1
    shopper.click("#forget-me")
    shopper.locator("dialog:not(.drawer) .button.danger").click()
    shopper.wait_for_selector("#forgotten")
    assert done_by(folder, first) == []
    shopper.keyboard.press("Escape")
    expect(shopper.locator("#you-count")).to_be_hidden()
    shopper.wait_for_load_state("networkidle")
    assert visitor_of(shopper) != first


def test_search_suggests_finds_and_has_something_for_those_who_find_nothing(shopper: Any, folder: Path) -> None:
    opened(shopper, "/shop")
    shopper.fill("#search", "handb")
    shopper.locator(".suggestions li").first.wait_for()
    shopper.fill("#search", "handbag")
    shopper.keyboard.press("Enter")
    shopper.wait_for_url("**/shop/search?q=handbag")
    shopper.wait_for_selector("[data-name=found] .product")
    assert share_of(shopper, "Handbags", "found") > 0.8
    opened(shopper, "/shop/search?q=zzzyx%20qqqj")
    assert shopper.get_by_text("Nothing has these words").is_visible()
    assert shopper.locator("[data-name=beside] .product").count() > 0
    assert [kind for kind, _ in done_by(folder, visitor_of(shopper))] == ["search", "search"]


def test_a_category_is_narrowed_and_widened_again(shopper: Any) -> None:
    opened(shopper, "/shop/category?path=Apparel")
    n_items = shopper.locator("[data-name=category] .product").count()
    shirts = shopper.locator(".pill[data-value=Men]")
    shirts.click()
    shopper.wait_for_load_state("networkidle")
    shopper.wait_for_timeout(200)
    assert 0 < shopper.locator("[data-name=category] .product").count() <= n_items
    assert share_of(shopper, "Dresses", "category") == 0
    shirts.click()
    expect(shopper.locator("[data-name=category] .product")).to_have_count(n_items)


ADDRESSES = [
    "/shop",
    DRESSES,
    "/shop/category?path=%3Cscript%3E",
    "/shop/item?id=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
    "/shop/search?q=%3Cimg%20src=x%20onerror=alert(1)%3E",
]
SCRIPTS = "script:not([src]):not([type='application/json'])"


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_hostile_titles_and_broken_pictures_stay_text_and_whole(browser: Any, shop: Console, size: Any) -> None:
    with watched_page(browser, shop.url, size=size, theme="dark", language="zh") as page:

        def is_whole(address: str) -> None:
            opened(page, address)
            assert not page.evaluate(LEAKED), address
            assert page.locator(SCRIPTS).count() == 0, address

        for address in ADDRESSES:
            is_whole(address)
        for item_id, title in HOSTILE_TITLES.items():
            is_whole(f"/shop/item?id={item_id}")
            assert (page.locator(".detail h1").text_content() or "").strip() == title.strip()
            page.click("#add-to-cart")
            page.wait_for_selector(".toast")
        for item_id in (BROKEN, MISSING):
            is_whole(f"/shop/item?id={item_id}")
            page.locator(".detail-face .typeset").wait_for()
        for address in ("/shop/cart", "/shop/checkout"):
            is_whole(address)
            assert page.locator(".cart-line").count() == len(HOSTILE_TITLES)


@pytest.mark.parametrize(
    ("language", "theme", "size"), [("en", "light", WIDE), ("zh", "dark", NARROW)], ids=["light", "dark"]
)
def test_every_page_and_drawer_is_accessible(
    browser: Any, shop: Console, folder: Path, language: str, theme: str, size: Any
) -> None:
    item = next(one for one in (folder / "products.csv").read_text().splitlines()[1:]).split(",")[0]
    with watched_page(browser, shop.url, language=language, theme=theme, size=size) as page:
        page.add_init_script(AXE)
        opened(page, f"/shop/item?id={item}")
        page.click("#add-to-cart")
        page.wait_for_selector(".toast")
        require_accessible(page)
        for address in ("/shop", DRESSES, "/shop/search?q=watch", "/shop/cart", "/shop/checkout", "/shop/item?id=none"):
            opened(page, address)
            assert page.locator("h1, .state h2").count() >= 1
            require_accessible(page)
        opened(page, "/shop")
        page.locator(".why").first.click()
        page.locator("dialog.drawer dd").first.wait_for()
        require_accessible(page)
        page.keyboard.press("Escape")
        page.click("#you-button")
        page.locator(".bars").first.wait_for()
        require_accessible(page)


def test_the_window_is_small_besides_its_pictures(shopper: Any) -> None:
    session = shopper.context.new_cdp_session(shopper)
    session.send("Network.enable")
    kinds: dict[str, str] = {}
    received: dict[str, float] = {}
    session.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"]}))
    session.on(
        "Network.loadingFinished", lambda event: received.update({event["requestId"]: event["encodedDataLength"]})
    )
    opened(shopper, "/shop")
    assert 10_000 < sum(size for request, size in received.items() if kinds.get(request) != "Image") < FIRST_PAGE_BYTES


def require_accessible(page: Any) -> None:
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    serious = [
        (one["id"], [node["html"][:200] for node in one["nodes"][:3]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert not serious, (page.url, serious)


def test_a_shop_that_wants_no_pages_has_none(console: Console) -> None:
    answer = console.api.get(f"{console.url}/shop")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_storefront")


def test_the_pages_key_opens_only_what_a_browser_key_does(shop: Console) -> None:
    page = shop.api.get(f"{shop.url}/shop").text
    key = page.split('data-key="')[1].split('"')[0]
    own = {"Authorization": f"Bearer {key}"}
    assert shop.api.get("/rules", headers=own).json()["code"] == "not_allowed"
    visitor = shop.api.post("/visitors", json={}, headers=own).json()
    mine = {**own, "Shelfwise-Visitor": visitor["token"]}
    slate = shop.api.post("/recommend", json={"k": 3}, headers=mine).json()
    assert shop.api.get(f"/slates/{slate['slate_id']}", headers=mine).json()["slate_id"] == slate["slate_id"]
    other = shop.api.post("/visitors", json={}, headers=own).json()
    theirs = {**own, "Shelfwise-Visitor": other["token"]}
    assert shop.api.get(f"/slates/{slate['slate_id']}", headers=theirs).json()["code"] == "unknown_slate"
    assert shop.api.get("/visitors/me", headers=theirs).json()["n_slates"] == 0
    evil = {**mine, "Origin": "https://evil.example"}
    assert shop.api.post("/recommend", json={}, headers=evil).json()["code"] == "other_origin"
    assert shop.api.post("/recommend", json={}, headers={**mine, "Origin": shop.url}).status_code == 200
