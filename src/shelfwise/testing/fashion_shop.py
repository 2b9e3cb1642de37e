"""A part of the fashion demo shop, small enough to be made in seconds: pictures and categories, no text encoder."""

from __future__ import annotations

import csv
import zipfile
from importlib import resources
from pathlib import Path
from typing import Any

import tomlkit

from shelfwise.cli.demo_shops import FASHION, PICTURES, unpack
from shelfwise.shop import Shop

KINDS = (
    "Apparel > Dress > Dresses",
    "Apparel > Topwear > Shirts",
    "Accessories > Watches",
    "Accessories > Bags > Handbags",
    "Footwear > Shoes > Heels",
    "Accessories > Belts",
    "Footwear > Flip Flops",
    "Apparel > Bottomwear > Jeans",
)
N_EACH = 20
K = 16
"""Candidates of each retriever: a share of this catalogue like that of the whole one."""

HOSTILE = "hostile"
BROKEN, MISSING = "broken-picture", "missing-picture"
HOSTILE_TITLES = {
    f"{HOSTILE}-markup": "<script>alert(1)</script><img src=x onerror=alert(2)>",
    f"{HOSTILE}-long": "endless" * 1_430,
    f"{HOSTILE}-rtl": "\u202eفستان أحمر طويل\u202c",
    f"{HOSTILE}-emoji": "👗👠🧣" * 40,
    f"{HOSTILE}-quotes": "\"'`;--{{7*7}}${7*7}</h1>",
}
"""Titles that a page must show as they are."""


def make_fashion_shop(folder: Path, *, hostile: bool = False) -> Path:
    """Write the files, read them, and train.

    Args:
        folder: Made where absent.
        hostile: Whether products with hostile titles, a broken and a missing picture are among them.
    """
    unpack(FASHION, folder, "")
    rows = _some_of(folder / "products.csv")
    if hostile:
        rows += [{**rows[0], "item_id": item_id, "title": title} for item_id, title in HOSTILE_TITLES.items()]
        rows += [{**rows[0], "item_id": item_id, "image": f"{item_id}.webp"} for item_id in (BROKEN, MISSING)]
        (folder / "images" / f"{BROKEN}.webp").write_bytes(b"RIFF\x00\x00\x00\x00WEBPnot a picture at all")
    with (folder / "products.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    toml = folder / "shop.toml"
    document = tomlkit.parse(toml.read_text(encoding="utf-8"))
    document["encode"] = {"text": {"use": "none"}}
    for name in ("words", "pictures", "breadth"):
        document["retrieve"][name]["k"] = K  # pyright: ignore[reportIndexIssue]
    toml.write_text(tomlkit.dumps(document), encoding="utf-8")
    with Shop.open(folder) as shop:
        shop.ingest()
        shop.train()
    return folder


def _some_of(products: Path) -> list[dict[str, Any]]:
    with products.open(encoding="utf-8") as file:
        every = list(csv.DictReader(file))
    return [row for kind in KINDS for row in [one for one in every if one["category"] == kind][:N_EACH]]


def pictures() -> list[str]:
    """Names of the pictures that come with the package."""
    with (
        resources.as_file(resources.files("shelfwise.cli") / FASHION / PICTURES) as source,
        zipfile.ZipFile(source) as archive,
    ):
        return archive.namelist()
