"""Picture files: found, unpacked, or left out with a reason."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shelfwise.encode.pictures import catalogue
from shelfwise.encode.pictures import decode as decoding
from shelfwise.encode.pictures import files as picture_files
from shelfwise.encode.pictures.catalogue import encode_found, find_pictures, picture_vectors
from shelfwise.encode.pictures.decode import LONGEST, decode
from shelfwise.encode.pictures.descriptors import Descriptors
from shelfwise.encode.pictures.files import PictureFiles
from shelfwise.encode.pictures.problems import NoPictureError, PictureProblem
from shelfwise.pipeline.findings.catalogue import look_through
from shelfwise.schemas.insight import FindingKind
from shelfwise.schemas.items import Item
from shelfwise.store.bare_items import BareItem
from shelfwise.store.records import Records
from shelfwise.store.vectors import VectorCache
from shelfwise.testing.pictures import plain, product

ODD = ("http://[", "https://cdn.example/a%00b.png", f"https://cdn.example/{'x' * 300}.png")
"""Which name no file anywhere."""


def packed(pixels: Any, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    (pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_formats_of_the_web_are_unpacked(kind: str) -> None:
    found = decode(packed(product((200, 30, 40)), kind))
    assert (found.shape, found.dtype) == ((80, 60, 3), np.uint8)
    np.testing.assert_allclose(found[40, 30], (200, 30, 40), atol=12)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "PA", "L", "1", "I;16", "CMYK"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    picture = Image.new("RGBA", (8, 6), (0, 0, 0, 0)) if mode in ("RGBA", "LA", "PA") else Image.new(mode, (8, 6))
    kind = "JPEG" if mode == "CMYK" else "TIFF" if mode == "PA" else "PNG"
    if kind == "TIFF":
        picture, kind = picture.convert("P"), "PNG"
    found = decode(packed(picture.convert(mode) if mode == "LA" else picture, kind))
    assert (found.shape, found.dtype) == ((6, 8, 3), np.uint8)


def test_transparency_is_white() -> None:
    assert (decode(packed(Image.new("RGBA", (4, 4), (200, 0, 0, 0)))) == 255).all()


def test_a_camera_held_sideways_is_put_right() -> None:
    picture = Image.fromarray(product((200, 30, 40)))
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode(packed(picture, "JPEG", exif=exif)).shape == (60, 80, 3)


def test_large_pictures_shrink_in_proportion() -> None:
    assert decode(packed(plain((1, 2, 3), 1_000, 3_000), "JPEG")).shape == (LONGEST // 3, LONGEST, 3)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"<html>not found</html>", "no picture in one of the formats"),
        (packed(product((1, 2, 3)))[:90], "truncated|cut|Error|file"),
        (packed(product((1, 2, 3)), "JPEG")[:400], "truncated|Error"),
        (packed(product((1, 2, 3)), "TIFF"), "no picture in one of the formats"),
    ],
)
def test_what_is_no_picture_says_why(content: bytes, why: str) -> None:
    with pytest.raises(NoPictureError, match=why) as caught:
        decode(content)
    assert caught.value.problem is PictureProblem.UNREADABLE


def test_a_small_file_that_unpacks_to_gigabytes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_PIXELS", 1_000)
    with pytest.raises(NoPictureError, match=r"60 × 80 pixels are more than 1,000"):
        decode(packed(product((1, 2, 3))))


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / "images" / "a").mkdir(parents=True)
    for name in ("images/red.png", "images/a/blue.png", "own.png"):
        (folder / name).write_bytes(packed(product((200, 30, 40))))
    (tmp_path / "outside.png").write_bytes(packed(product((1, 2, 3))))
    return folder


@pytest.mark.parametrize(
    ("image", "found"),
    [
        ("red.png", "images/red.png"),
        ("a/blue.png", "images/a/blue.png"),
        ("images/red.png", "images/red.png"),
        ("own.png", "own.png"),
        ("a/../red.png", "images/red.png"),
        ("https://cdn.example/x/y/red.png?w=300", "images/red.png"),
        ("//cdn.example/a/blue.png", "images/a/blue.png"),
    ],
)
def test_files_are_found(shop: Path, image: str, found: str) -> None:
    assert PictureFiles(shop, "images").find(image) == (shop / found).resolve()


def test_absolute_paths_and_file_urls_are_taken_as_they_are(shop: Path) -> None:
    path = shop.parent / "outside.png"
    assert PictureFiles(shop, "images").find(str(path)) == path
    assert PictureFiles(shop, "images").find(path.as_uri()) == path


@pytest.mark.parametrize(
    ("image", "problem"),
    [
        ("https://cdn.example/other.png", PictureProblem.REMOTE),
        ("https://cdn.example/../../outside.png", PictureProblem.REMOTE),
        ("https://cdn.example/", PictureProblem.REMOTE),
        ("gone.png", PictureProblem.MISSING),
        ("images", PictureProblem.MISSING),
        ("/nowhere/gone.png", PictureProblem.MISSING),
        ("../outside.png", PictureProblem.OUTSIDE),
        ("../../outside.png", PictureProblem.OUTSIDE),
        ("x" * 1_900, PictureProblem.MISSING),
        ("a\0b", PictureProblem.MISSING),
        ("http://[", PictureProblem.MISSING),
        ("file://[", PictureProblem.MISSING),
        ("https://cdn.example/a%00b.png", PictureProblem.MISSING),
        (f"https://cdn.example/{'x' * 300}.png", PictureProblem.MISSING),
        ("\ud800.png", PictureProblem.MISSING),
        ("round/in/circles.png", PictureProblem.MISSING),
    ],
)
def test_what_is_not_there_has_a_reason(shop: Path, image: str, problem: PictureProblem) -> None:
    (shop / "images" / "round").symlink_to(shop / "images" / "round")
    for find in (PictureFiles(shop, "images").find, PictureFiles(shop, "images").find_public):
        with pytest.raises(NoPictureError) as caught:
            find(image)
        assert caught.value.problem is problem
        assert str(caught.value)


def test_one_odd_name_does_not_hide_what_is_wrong_with_the_others(shop: Path) -> None:
    images = [*ODD, "red.png", None]
    known = [BareItem(row, str(row), None, None, None, 1.0, one, True, None) for row, one in enumerate(images)]
    rows = look_through(known, PictureFiles(shop, "images")).rows
    assert rows[FindingKind.PICTURE_MISSING] == [0, 1, 2]
    assert rows[FindingKind.NO_PICTURE] == [4]


def test_a_link_does_not_lead_out(shop: Path) -> None:
    (shop / "images" / "link.png").symlink_to(shop.parent / "outside.png")
    with pytest.raises(NoPictureError):
        PictureFiles(shop, "images").find("link.png")


def test_a_folder_of_pictures_elsewhere(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "e.png").write_bytes(packed(product((1, 2, 3))))
    for named in ("../elsewhere", str(tmp_path / "elsewhere")):
        assert PictureFiles(shop, named).find("e.png").name == "e.png"


def test_a_huge_file_is_not_read(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_files, "MAX_BYTES", 10)
    with pytest.raises(NoPictureError, match="more than 10 bytes"):
        PictureFiles(shop, "images").read("red.png")


@pytest.fixture
def records(shop: Path) -> Iterator[Records]:
    opened = Records.open("sqlite:///s.db", shop)
    yield opened
    opened.close()


class Counting(Descriptors):
    """Counts what it encodes."""

    def __init__(self) -> None:
        super().__init__(Descriptors.Config())
        self.n = 0

    def encode(self, pictures: Any) -> Any:
        self.n += len(pictures)
        return super().encode(pictures)


def run(shop: Path, records: Records, images: list[str | None]) -> tuple[Any, Counting, VectorCache]:
    items = [Item(item_id=str(n), image=image) for n, image in enumerate(images)]
    files, encoder = PictureFiles(shop, "images"), Counting()
    cache = VectorCache(records, shop / "vectors", encoder.key(), encoder.dim)
    found = find_pictures(items, files)
    encode_found(found, files, encoder, cache)
    return found, encoder, cache


def test_only_changed_pictures_are_encoded_and_equal_ones_once(shop: Path, records: Records) -> None:
    found, encoder, cache = run(shop, records, ["red.png", "a/blue.png", None, "own.png"])  # equal files
    assert (encoder.n, found.report.n_encoded, found.report.n_with_picture) == (1, 1, 3)
    vectors, has_picture = picture_vectors(found, cache)
    assert has_picture.tolist() == [True, True, False, True]
    assert not vectors[2].any()
    (shop / "images" / "red.png").write_bytes(packed(product((10, 200, 40))))
    _, encoder, _ = run(shop, records, ["red.png", "a/blue.png", None, "own.png"])
    assert encoder.n == 1
    _, encoder, _ = run(shop, records, ["red.png", "a/blue.png", None, "own.png"])
    assert encoder.n == 0


def test_broken_pictures_are_counted_with_their_reason_and_nothing_stops(shop: Path, records: Records) -> None:
    (shop / "images" / "broken.png").write_bytes(b"no picture at all")
    found, _, cache = run(
        shop, records, ["broken.png", "red.png", "gone.png", "https://cdn.example/1.png", "broken.png", None]
    )
    report = found.report.as_document()
    assert report["problems"] == {"missing": 1, "remote": 1, "unreadable": 2}
    assert (report["items"], report["named"], report["with_picture"], report["encoded"]) == (6, 5, 1, 1)
    assert report["named"] == report["with_picture"] + sum(report["problems"].values())
    assert {example["item_id"] for example in report["examples"]} == {"0", "2", "3", "4"}
    assert all(example["why"] for example in report["examples"])
    assert picture_vectors(found, cache)[1].tolist() == [False, True, False, False, False, False]


def test_many_of_a_kind_leave_a_few_examples(shop: Path, records: Records) -> None:
    found, _, _ = run(shop, records, [f"gone-{n}.png" for n in range(50)])
    assert found.report.problems[PictureProblem.MISSING] == 50
    assert len(found.report.examples) == catalogue.EXAMPLES


def test_a_run_that_was_interrupted_goes_on(shop: Path, records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "CHUNK", 2)
    names = [f"{n}.png" for n in range(6)]
    for n, name in enumerate(names):
        (shop / "images" / name).write_bytes(packed(product((40 * n, 30, 40))))
    items = [Item(item_id=name, image=name) for name in names]
    files, encoder = PictureFiles(shop, "images"), Counting()
    cache = VectorCache(records, shop / "vectors", encoder.key(), encoder.dim)

    def stop(text: str, done: int, _total: int) -> None:
        if text == "encoding pictures" and done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode_found(find_pictures(items, files), files, encoder, cache, stop)
    told: list[tuple[int, int]] = []
    encode_found(find_pictures(items, files), files, encoder, cache, lambda _, done, total: told.append((done, total)))
    assert encoder.n == 6
    assert told == [(2, 2)]
