"""Encoders' caches of an earlier release, which kept what people had said among the items' vectors.

Nothing tells there what an item was called earlier from what somebody said earlier, and an erasure would pass it by.
Each such cache is looked at once, by the first erasure that meets it: the vectors of items as they are now stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from shelfwise.encode.passage import content_hash, passage
from shelfwise.encode.profile_vectors import PART
from shelfwise.store import catalogue, vectors
from shelfwise.store.records import Records
from shelfwise.store.vectors import FILE_NAME, VectorCache

OF_PICTURES = ("descriptors-", "pictures-")
OF_TEXTS = ("text-", "endpoint-")
"""How the keys of our own encoders begin. Of a third party's, a cache is of texts if it holds one of an item."""


def keep_items_only(records: Records, vectors_folder: Path, dim_by_encoder: Mapping[str, int]) -> int:
    """Overwrite what earlier releases kept beside items' vectors; how many vectors there were.

    Args:
        records: The shop's.
        vectors_folder: That holds a folder per encoder.
        dim_by_encoder: Length of the vectors of the encoders that are known. The file of another one cannot be read: it
            is deleted, and made anew where that encoder is used again.

    Cost:
        A look at a few folders; where one is met for the first time, at all items too.
    """
    mixed = list(_mixed(vectors_folder))
    if not mixed:
        return 0
    with records.read() as connection:
        items = {content_hash(passage(entry.item)) for entry in catalogue.read_all(connection)}
    n_vectors = 0
    for folder in mixed:
        key, dim = folder.name, dim_by_encoder.get(folder.name)
        if key.startswith(OF_TEXTS) or _holds_any(records, key, items):
            if dim is None:
                n_vectors += vectors.drop(records, vectors_folder, key)
            else:
                n_vectors += VectorCache(records, folder, key, dim).keep_only(items)
        if (folder / FILE_NAME).is_file():
            (folder / PART).mkdir(exist_ok=True)
            (folder / PART / FILE_NAME).touch()
    return n_vectors


def _mixed(vectors_folder: Path) -> Iterator[Path]:
    """The folders of encoders that never had a part for profiles."""
    for file in sorted(vectors_folder.glob(f"*/{FILE_NAME}")):
        if not file.parent.name.startswith(OF_PICTURES) and not (file.parent / PART / FILE_NAME).is_file():
            yield file.parent


def _holds_any(records: Records, encoder: str, hashes: set[bytes]) -> bool:
    with records.read() as connection:
        return not hashes.isdisjoint(vectors.hashes_in(connection, encoder))
