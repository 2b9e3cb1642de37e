"""Encode the items whose picture changed, and gather the vectors of all."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from shelfwise.encode.pictures.decode import decode
from shelfwise.encode.pictures.encoder import PictureEncoder, Pixels
from shelfwise.encode.pictures.files import PictureFiles
from shelfwise.encode.pictures.problems import NoPictureError, PictureProblem
from shelfwise.schemas.ids import Bools, Floats
from shelfwise.schemas.items import Item
from shelfwise.store.vectors import VectorCache

CHUNK = 128
"""Pictures encoded between two commits: what a crash can cost, and what is held unpacked at a time."""

HASH_VERSION = 1
"""Part of every content hash: a change of how files are unpacked encodes everything anew."""

EXAMPLES = 5
"""Items named per kind of problem."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, pictures done and pictures to do."""


@dataclass(slots=True)
class PictureReport:
    """What became of the items' pictures.

    Attributes:
        n_items: Items of the catalogue.
        n_named: Items that name a picture.
        n_encoded: Pictures that had to be encoded; equal files count once.
        n_with_picture: Items that have a vector.
        problems: Items whose picture cannot be used, by kind of reason.
        examples: Some of them: kind, item, what it names, and why.
    """

    n_items: int = 0
    n_named: int = 0
    n_encoded: int = 0
    n_with_picture: int = 0
    problems: Counter[PictureProblem] = field(default_factory=Counter[PictureProblem])
    examples: list[tuple[str, str, str, str]] = field(default_factory=list[tuple[str, str, str, str]])

    def note(self, item: Item, error: NoPictureError) -> None:
        """Count an item whose picture cannot be used."""
        self.problems[error.problem] += 1
        if self.problems[error.problem] <= EXAMPLES:
            self.examples.append((error.problem.value, item.item_id, (item.image or "")[:200], str(error)))

    def as_document(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "items": self.n_items,
            "named": self.n_named,
            "with_picture": self.n_with_picture,
            "encoded": self.n_encoded,
            "problems": {problem.value: n for problem, n in sorted(self.problems.items())},
            "examples": [dict(zip(("problem", "item_id", "image", "why"), one, strict=True)) for one in self.examples],
        }


@dataclass(slots=True)
class FoundPictures:
    """The items' picture files.

    Attributes:
        items: The catalogue, by row.
        hashes: Of each item's file; None without one that can be used.
        report: Filled as work goes on.
    """

    items: Sequence[Item]
    hashes: list[bytes | None]
    report: PictureReport

    @property
    def any_found(self) -> bool:
        """Whether there is anything to encode."""
        return any(key is not None for key in self.hashes)

    def drop(self, row: int, error: NoPictureError) -> None:
        """An item's file turned out to be of no use."""
        self.hashes[row] = None
        self.report.note(self.items[row], error)


def picture_hash(content: bytes) -> bytes:
    """What a picture's vector is cached under: 128 bits over the file."""
    return hashlib.blake2b(content, digest_size=16, person=b"picture%d" % HASH_VERSION).digest()


def find_pictures(items: Sequence[Item], files: PictureFiles, progress: Progress | None = None) -> FoundPictures:
    """Look for every item's file and hash it; files that many items name are read once."""
    found = FoundPictures(items, [None] * len(items), PictureReport(n_items=len(items)))
    named = [row for row, item in enumerate(items) if item.image]
    found.report.n_named = len(named)
    known: dict[str, bytes | NoPictureError] = {}
    for done, row in enumerate(named, start=1):
        image = items[row].image or ""
        if image not in known:
            try:
                known[image] = picture_hash(files.read(image))
            except NoPictureError as error:
                known[image] = error
        answer = known[image]
        if isinstance(answer, NoPictureError):
            found.report.note(items[row], answer)
        else:
            found.hashes[row] = answer
        if progress is not None and (done % CHUNK == 0 or done == len(named)):
            progress("reading pictures", done, len(named))
    return found


def encode_found(
    found: FoundPictures,
    files: PictureFiles,
    encoder: PictureEncoder,
    cache: VectorCache,
    progress: Progress | None = None,
) -> None:
    """Bring the cache up to date; resumable, since every chunk is committed.

    A file that cannot be unpacked is reported with all the items that name it, and nothing stops.
    """
    rows_by_hash: dict[bytes, list[int]] = {}
    for row, key in enumerate(found.hashes):
        if key is not None:
            rows_by_hash.setdefault(key, []).append(row)
    missing = cache.missing(rows_by_hash)
    for start in range(0, len(missing), CHUNK):
        keys: list[bytes] = []
        pictures: list[Pixels] = []
        for key in missing[start : start + CHUNK]:
            try:
                pictures.append(_unpacked(found.items[rows_by_hash[key][0]].image or "", key, files))
                keys.append(key)
            except NoPictureError as error:
                for row in rows_by_hash[key]:
                    found.drop(row, error)
        if keys:
            cache.append(keys, encoder.encode(pictures))
        found.report.n_encoded += len(keys)
        if progress is not None:
            progress("encoding pictures", min(start + CHUNK, len(missing)), len(missing))
    found.report.n_with_picture = sum(key is not None for key in found.hashes)


def picture_vectors(found: FoundPictures, cache: VectorCache) -> tuple[Floats, Bools]:
    """The raw vectors of all items, 0 without a picture, and who has one; shapes `(n, dim)` and `(n,)`."""
    has_picture = np.array([key is not None for key in found.hashes], np.bool_)
    vectors = np.zeros((len(found.hashes), cache.dim), np.float32)
    vectors[has_picture] = cache.gather([key for key in found.hashes if key is not None])
    return vectors, has_picture


def _unpacked(image: str, key: bytes, files: PictureFiles) -> Pixels:
    content = files.read(image)
    if picture_hash(content) != key:
        raise NoPictureError(PictureProblem.UNREADABLE, "the file changed while it was read; encode again")
    return decode(content)
