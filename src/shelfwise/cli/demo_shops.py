"""The two shops of the demonstration: their files, and how each becomes a shop that answers."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import tomlkit

if TYPE_CHECKING:
    from shelfwise.evaluate.report import EvaluationReport
    from shelfwise.ingest.report import IngestReport
    from shelfwise.shop import Shop
    from shelfwise.store.versions import Version

Progress = Callable[[str, int | None, int | None], None]

GIFTS, FASHION = "demo_shop", "fashion_shop"
"""Folders of the package."""

FILES = {
    GIFTS: ("shop.toml", "online_retail.parquet", "ATTRIBUTION.md"),
    FASHION: ("shop.toml", "products.csv", "ATTRIBUTION.md"),
}
PICTURES = "pictures.zip"


@dataclass(frozen=True, slots=True)
class MadeShop:
    """What became of one.

    Attributes:
        ingested: What was read of its files.
        n_encoded: Items that were encoded.
        version: In service.
        evaluation: Against baselines; None of a shop without shoppers.
    """

    ingested: list[IngestReport]
    n_encoded: int
    version: Version
    evaluation: EvaluationReport | None = None


def unpack(name: str, folder: Path, other_url: str) -> None:
    """Put a shop's files into a folder; those that are there stay, but the link to the other shop.

    Args:
        name: `GIFTS` or `FASHION`.
        folder: Made where absent.
        other_url: Where the other shop's pages are; empty where it is not served.
    """
    folder.mkdir(parents=True, exist_ok=True)
    packed = resources.files("shelfwise.cli") / name
    for file in FILES[name]:
        if not (folder / file).exists():
            with resources.as_file(packed / file) as source:
                shutil.copyfile(source, folder / file)
    if name == FASHION and not (folder / "images").is_dir():
        with resources.as_file(packed / PICTURES) as source, zipfile.ZipFile(source) as archive:
            archive.extractall(folder / "images.part")
        (folder / "images.part").rename(folder / "images")
    _lead_to(folder / "shop.toml", other_url)


def _lead_to(path: Path, other_url: str) -> None:
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    storefront = document.get("storefront")
    if storefront is not None and storefront.get("other_url") != other_url:
        storefront["other_url"] = other_url
        path.write_text(tomlkit.dumps(document), encoding="utf-8")


def make_fashion(shop: Shop, show: Progress) -> MadeShop:
    """Read and train; nobody has done anything in this shop, so that there is nothing to evaluate."""
    ingested = shop.ingest(lambda name, lines, total, *_: show(name, lines, total))
    encoded = shop.encode(show)
    return MadeShop(ingested, encoded.n_encoded, shop.train(show))


def make_gifts(shop: Shop, show: Progress) -> MadeShop:
    """Read, encode, train, and compare with baselines."""
    ingested = shop.ingest(lambda name, lines, total, *_: show(name, lines, total))
    encoded = shop.encode(show)
    version = shop.train(show)
    return MadeShop(ingested, encoded.n_encoded, version, shop.evaluate(progress=show))
