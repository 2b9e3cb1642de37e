"""Pictures of items over HTTP: only the shop's own, always written anew, and whole answers where there is none."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shelfwise.schemas.items import Item
from shelfwise.schemas.keys import KeyKind, KeyScope, KeyWanted
from shelfwise.shop import Shop
from shelfwise.store import catalogue
from shelfwise.store.records import Records
from shelfwise.testing.pictures import product
from shelfwise.testing.servers import serving

pytestmark = pytest.mark.online

SECRET = "s" * 40
PAGE = "https://shop.example"


def save(path: Path, height: int = 800, width: int = 600, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(product((200, 30, 40), height=height, width=width)).save(path, **options)


@pytest.fixture(scope="module")
def shop(tiny_shop_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    base = tmp_path_factory.mktemp("pictures")
    folder = shutil.copytree(tiny_shop_template, base / "shop")
    place = Image.Exif()
    place[0x010E] = "taken at home"
    save(folder / "images" / "large.jpg", exif=place)
    save(folder / "images" / "small.png", 80, 60)
    (folder / "images" / "broken.jpg").write_bytes(b"\xff\xd8 not a picture")
    (folder / "images" / "script.png").write_text("<script>alert(1)</script>")
    save(base / "elsewhere.png")
    (folder / "images" / "way-out.png").symlink_to(base / "elsewhere.png")
    images = {
        "a/large": "large.jpg",
        "small": "small.png",
        "absolute": str(folder / "images" / "small.png"),
        "broken": "broken.jpg",
        "script": "script.png",
        "missing": "nobody.jpg",
        "web": "https://shop.example/large.png",
        "out": "../elsewhere.png",
        "linked-out": "way-out.png",
        "absolute-out": str(base / "elsewhere.png"),
        "file-out": f"file://{base}/elsewhere.png",
        "secrets": str(folder / "shop.toml"),
        "none": None,
    }
    records = Records.open("sqlite:///shelfwise.db", folder)
    with records.write() as connection:
        catalogue.upsert(connection, [Item(item_id=name, title=name, image=image) for name, image in images.items()])
    records.close()
    with Shop.open(folder) as opened:
        browser = KeyWanted(name="pages", kind=KeyKind.BROWSER, scopes=[KeyScope.RECOMMEND], origins=[PAGE])
        key = opened.keys.create(browser)[1]
    with serving(folder, key=SECRET) as server:
        server.browser_key, server.folder = key, folder  # type: ignore[attr-defined]
        yield server


def pixels(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/webp" and answer.headers["x-content-type-options"] == "nosniff"
    return Image.open(io.BytesIO(answer.content))


def test_a_picture_is_made_small_and_written_anew(shop: Any) -> None:
    for size in (160, 320, 640):
        found = pixels(shop.http.get(f"/items/a%2Flarge/picture?size={size}"))
        assert found.size == (size * 3 // 4, size) and not found.getexif()
    assert pixels(shop.http.get("/items/a%2Flarge/picture")).size == (240, 320)
    small = pixels(shop.http.get("/items/small/picture?size=640"))
    assert small.size == (60, 80)
    np.testing.assert_allclose(np.asarray(small)[40, 30], (200, 30, 40), atol=16)
    assert pixels(shop.http.get("/items/absolute/picture")).size == (60, 80)


def test_a_browser_asks_whether_it_changed(shop: Any) -> None:
    first = shop.http.get("/items/small/picture")
    same = {"If-None-Match": first.headers["etag"]}
    assert shop.http.get("/items/small/picture", headers=same).status_code == 304
    save(shop.folder / "images" / "small.png", 40, 30)
    after = shop.http.get("/items/small/picture", headers=same)
    assert pixels(after).size == (30, 40)


@pytest.mark.parametrize(
    ("item", "code"),
    [
        *((name, "no_picture") for name in ("none", "missing", "web", "broken", "script", "secrets")),
        *((name, "no_picture") for name in ("out", "linked-out", "absolute-out", "file-out")),
        ("..%2F..%2Fshop.toml", "unknown_item"),
        ("none-such", "unknown_item"),
    ],
)
def test_what_is_no_picture_of_the_shop_is_a_problem(shop: Any, item: str, code: str) -> None:
    answer = shop.http.get(f"/items/{item}/picture")
    assert (answer.status_code, answer.json()["code"]) == (404, code)
    assert str(shop.folder) not in answer.text


def test_other_sizes_are_refused(shop: Any) -> None:
    assert shop.http.get("/items/small/picture?size=161").status_code == 422


def test_a_page_shows_pictures_by_its_key_in_the_address(shop: Any) -> None:
    bare = {"Authorization": ""}
    assert shop.http.get("/items/small/picture", headers=bare).status_code == 401
    found = shop.http.get("/items/small/picture", params={"key": shop.browser_key}, headers=bare)
    pixels(found)
    assert found.headers["cross-origin-resource-policy"] == "cross-origin"
    own = shop.http.get("/items/small/picture")
    assert own.headers["cross-origin-resource-policy"] == "same-origin"
    refused = shop.http.get("/items/small/picture", params={"key": SECRET}, headers=bare)
    assert (refused.status_code, refused.json()["code"]) == (403, "key_in_address")
    # Nothing else is opened by it.
    assert shop.http.get("/items/small/similar", params={"key": shop.browser_key}, headers=bare).status_code == 401
