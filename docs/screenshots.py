"""Take pictures of every page, of the console or of the shop: light and dark, English and Chinese, wide and narrow.

    python docs/screenshots.py demo-shop                        docs/images/console/PAGE-LANGUAGE-THEME-WIDTH.webp
    python docs/screenshots.py demo-shop --pages rules map      only these
    python docs/screenshots.py demo-shop/fashion --storefront   docs/images/storefront/PAGE-…

The shop is served as it is, without a key, on a free port; it should hold real data, as the shop of `shelfwise demo`
does. `--address users=/console/users?id=12748` opens a page at somebody or something.
"""

from __future__ import annotations

import argparse
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from shelfwise.console.pages import PAGES
from shelfwise.testing.browsers import chromium
from shelfwise.testing.console import NARROW, WIDE, console_of, watched_page

PICTURES = Path(__file__).parent / "images"
MAX_HEIGHT_PX = 2_400
"""Of a picture; longer pages are cut off."""

QUALITY = 72
READY = "body[data-ready]"
DRESSES = "Apparel%20%3E%20Dress%20%3E%20Dresses"
LATEST_MS = 20_000
"""How long a page may take to show what it has: the first picture warms the server up."""


def main() -> None:
    """Serve, open, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shop", type=Path, help="folder of a shop with a model")
    parser.add_argument("--pages", nargs="*", help="names of pages; all where omitted")
    parser.add_argument("--address", action="append", default=[], metavar="PAGE=ADDRESS", help="what to open instead")
    parser.add_argument("--storefront", action="store_true", help="the shop's own pages instead of the console's")
    parser.add_argument("--out", type=Path, help="folder for the pictures")
    wanted = parser.parse_args()
    wanted.out = wanted.out or PICTURES / ("storefront" if wanted.storefront else "console")
    addresses = {page.name: page.path for page in PAGES if page.is_listed}
    addresses |= dict(one.split("=", 1) for one in wanted.address)
    if wanted.pages:
        addresses = {name: path for name, path in addresses.items() if name in wanted.pages}
    wanted.out.mkdir(parents=True, exist_ok=True)
    n_bytes = 0
    os.environ.pop("SHELFWISE_API_KEY", None)
    with console_of(wanted.shop.resolve()) as console, chromium() as browser:
        for language in ("en", "zh"):
            for theme in ("light", "dark"):
                for size in (WIDE, NARROW):
                    with watched_page(browser, console.url, language=language, theme=theme, size=size) as page:
                        pages = _shopped(page) if wanted.storefront else addresses.items()
                        for name, path in pages:
                            target = wanted.out / f"{name}-{language}-{theme}-{size[0]}.webp"
                            n_bytes += _write(page, path, target)
    print(f"{n_bytes / 1e6:.1f} MB in {wanted.out}")


def _shopped(page: Any) -> Iterator[tuple[str, str]]:
    """The pages of a shop as a visitor comes to them, who opens some things and puts one into the cart."""
    for place in range(3):
        page.goto(f"/shop/category?path={DRESSES}")
        page.wait_for_selector(READY, state="attached")
        page.locator("[data-name=category] .product-link").nth(place).click()
        page.wait_for_url("**/shop/item*")
        page.wait_for_selector(READY, state="attached")
    item = page.url.partition("/shop/")[2]
    yield "home", "/shop"
    yield "category", f"/shop/category?path={DRESSES}"
    yield "item", f"/shop/{item}"
    page.click("#add-to-cart")
    yield "search", "/shop/search?q=summer"
    yield "cart", "/shop/cart"
    yield "checkout", "/shop/checkout"


def _write(page: Any, path: str, target: Path) -> int:
    page.set_default_timeout(LATEST_MS)
    page.goto(path)
    if path.startswith("/shop"):
        page.wait_for_selector(READY, state="attached")
        page.wait_for_load_state("networkidle")
    page.locator("[aria-busy=true]").first.wait_for(state="detached")
    page.wait_for_timeout(600)  # charts come to rest
    taken = page.screenshot(full_page=True, animations="disabled")
    with Image.open(io.BytesIO(taken)) as picture:
        shown = picture.convert("RGB").crop((0, 0, picture.width, min(picture.height, MAX_HEIGHT_PX)))
        shown.save(target, "WEBP", quality=QUALITY, method=6)
    return target.stat().st_size


if __name__ == "__main__":
    main()
