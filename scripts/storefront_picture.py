"""Take the picture of the demo's fashion shop that README shows.

    shelfwise demo demo-shop --shop fashion          # in another terminal
    python scripts/storefront_picture.py http://127.0.0.1:8081 docs/images/storefront.webp

A visitor opens three dresses for women and comes back to the window.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image

from shelfwise.testing.browsers import chromium

WIDTH_PX, HEIGHT_PX = 1440, 1010
SHOWN_PX = 1200
QUALITY = 78
READY = "body[data-ready]"
CHOSEN = "/shop/category?path=Apparel%20%3E%20Dress%20%3E%20Dresses"


def main(url: str, target: Path) -> None:
    """Go there, and save what is to be seen."""
    with chromium() as browser:
        page = browser.new_page(base_url=url, viewport={"width": WIDTH_PX, "height": HEIGHT_PX})
        for place in range(3):
            page.goto(CHOSEN)
            page.wait_for_selector(READY, state="attached")
            page.locator(".pill[data-value=Women]").click()
            page.wait_for_load_state("networkidle")
            page.locator("[data-name=category] .product-link").nth(place).click()
            page.wait_for_url("**/shop/item*")
            page.wait_for_selector(READY, state="attached")
        page.goto("/shop")
        page.wait_for_selector(READY, state="attached")
        page.wait_for_load_state("networkidle")
        taken = Image.open(io.BytesIO(page.screenshot()))
    small = taken.resize((SHOWN_PX, round(SHOWN_PX * taken.height / taken.width)), Image.Resampling.LANCZOS)
    small.save(target, "WEBP", quality=QUALITY, method=6)
    sys.stdout.write(f"{target}: {target.stat().st_size / 1_000:.0f} kB\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
