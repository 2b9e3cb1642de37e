"""Encode the items whose text changed, and gather the vectors of all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shelfwise.encode.encoder import TextEncoder
from shelfwise.encode.passage import content_hash, passage
from shelfwise.encode.pictures.catalogue import PictureReport
from shelfwise.schemas.ids import Floats
from shelfwise.schemas.items import Item
from shelfwise.store.vectors import VectorCache

CHUNK = 512
"""Passages encoded between two commits: what a crash can cost."""

Progress = Callable[[int, int], None]
"""Called with passages done and passages to do."""


@dataclass(frozen=True, slots=True)
class EncodeOutcome:
    """What an encoding run did.

    Attributes:
        n_items: Items of the catalogue.
        n_encoded: Passages that had to be encoded; equal passages count once.
        pictures: What became of the items' pictures; None where no item names one.
        n_profiles: Different profiles of users.
        n_profiles_encoded: Of these, those that had to be encoded.
    """

    n_items: int
    n_encoded: int
    pictures: PictureReport | None = None
    n_profiles: int = 0
    n_profiles_encoded: int = 0


def encode_changed(
    items: Sequence[Item], encoder: TextEncoder, cache: VectorCache, progress: Progress | None = None
) -> EncodeOutcome:
    """Bring the cache up to date with the catalogue; resumable, since every chunk is committed."""
    text_by_hash = {content_hash(text): text for text in map(passage, items)}
    missing = cache.missing(text_by_hash)
    # Long texts last and side by side: the rate shown falls once instead of jumping.
    missing.sort(key=lambda key: len(text_by_hash[key]))
    for start in range(0, len(missing), CHUNK):
        chunk = missing[start : start + CHUNK]
        cache.append(chunk, encoder.encode([text_by_hash[key] for key in chunk]))
        if progress is not None:
            progress(min(start + CHUNK, len(missing)), len(missing))
    return EncodeOutcome(len(items), len(missing))


def encoded_items(
    items: Sequence[Item], encoder: TextEncoder, cache: VectorCache, progress: Progress | None = None
) -> Floats:
    """The vectors of all items, in order, encoded where there are none yet; shape `(len(items), dim)`."""
    while True:
        encode_changed(items, encoder, cache, progress)
        try:
            return item_vectors(items, cache)
        except KeyError:  # an erasure set the cache apart and took what items said until a moment ago
            continue


def item_vectors(items: Sequence[Item], cache: VectorCache) -> Floats:
    """The vectors of all items, in order; shape `(len(items), dim)`."""
    return cache.gather([content_hash(passage(item)) for item in items])
