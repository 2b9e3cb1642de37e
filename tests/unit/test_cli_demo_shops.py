"""What the demonstration's shops come as."""

from __future__ import annotations

import csv
import io
import zipfile
from importlib import resources
from pathlib import Path

import pytest
from PIL import Image

from shelfwise.cli.demo_shops import FASHION, GIFTS, PICTURES, unpack
from shelfwise.config.load import load

OTHER = "http://127.0.0.1:9/shop"
MAX_BYTES = 8_000_000


def test_the_fashion_shop_has_three_thousand_products_with_a_picture_each() -> None:
    packed = resources.files("shelfwise.cli") / FASHION
    rows = list(csv.DictReader(io.StringIO((packed / "products.csv").read_text(encoding="utf-8"))))
    assert len(rows) == len({row["item_id"] for row in rows}) == len({row["title"] for row in rows}) == 3_000
    assert len({row["category"] for row in rows}) > 80
    assert "price" not in rows[0]  # the source has none
    with resources.as_file(packed / PICTURES) as path, zipfile.ZipFile(path) as archive:
        assert path.stat().st_size < MAX_BYTES
        assert sorted(archive.namelist()) == sorted(row["image"] for row in rows)
        for name in archive.namelist()[::300]:
            picture = Image.open(io.BytesIO(archive.read(name)))
            assert (picture.format, picture.size) == ("WEBP", (180, 240))


@pytest.mark.parametrize("name", [FASHION, GIFTS])
def test_a_shop_is_unpacked_once_and_what_was_changed_there_stays(tmp_path: Path, name: str) -> None:
    unpack(name, tmp_path, OTHER)
    assert load(tmp_path).storefront.other_url == OTHER
    toml = tmp_path / "shop.toml"
    comments = [line for line in toml.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    assert comments
    toml.write_text(toml.read_text(encoding="utf-8").replace('name = "', 'name = "My '), encoding="utf-8")
    unpack(name, tmp_path, "")
    storefront = load(tmp_path).storefront
    assert storefront.enabled and storefront.name.startswith("My ") and storefront.other_url == ""
    assert [line for line in toml.read_text(encoding="utf-8").splitlines() if line.startswith("#")] == comments
    if name == FASHION:
        assert len(list((tmp_path / "images").iterdir())) == 3_000
