"""Read, encode and whiten the pictures of a shop's items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from shelfwise.config.shop import NO_ENCODER, ShopConfig
from shelfwise.encode.pictures.alignment import MIN_PER_DIM, align, can_align
from shelfwise.encode.pictures.catalogue import (
    PictureReport,
    Progress,
    encode_found,
    find_pictures,
    picture_vectors,
)
from shelfwise.encode.pictures.clip import Clip
from shelfwise.encode.pictures.encoder import PictureEncoder
from shelfwise.encode.pictures.files import PictureFiles
from shelfwise.encode.whitening import Whitening
from shelfwise.pipeline.components import build_picture_encoder
from shelfwise.schemas.ids import Bools, Floats
from shelfwise.schemas.items import Item
from shelfwise.store.records import Records
from shelfwise.store.vectors import VectorCache
from shelfwise.train.picture_export import export_pictures


@dataclass(frozen=True, slots=True)
class EncodedPictures:
    """The raw vectors of a shop's pictures.

    Attributes:
        report: What became of every picture.
        encoder: Ready to run; None where no item has a picture that can be read: then nothing was loaded.
        folder: Of the encoder's files.
        raw: 0 without a picture; shape `(n_items, D_raw)`.
        has_picture: Shape `(n_items,)`.
    """

    report: PictureReport
    encoder: PictureEncoder | None
    folder: Path
    raw: Floats
    has_picture: Bools


@dataclass(frozen=True, slots=True)
class MappedPictures:
    """Picture vectors as models take them.

    Attributes:
        vectors: Of length 1, 0 without a picture; shape `(n_items, D)`.
        map: From the encoder's vectors to these.
        is_aligned: Whether the map was learned from texts.
    """

    vectors: Floats
    map: Whitening
    is_aligned: bool


def encode_pictures(
    config: ShopConfig, records: Records, vectors_folder: Path, items: Sequence[Item], progress: Progress | None
) -> EncodedPictures | None:
    """Encode every picture that has no vector yet.

    Returns:
        None where the shop encodes no pictures or no item names one: then this cost a look at the items.

    Raises:
        MissingExtraError: Pillow is not installed, or what exporting a vision model needs.
        ConfigError: the vision model cannot be used.
    """
    if config.encode.image.use == NO_ENCODER or not any(item.image for item in items):
        return None
    files = PictureFiles(records.folder, config.encode.image_folder)
    found = find_pictures(items, files, progress)
    nothing = EncodedPictures(
        found.report, None, vectors_folder, np.zeros((len(items), 0), np.float32), np.zeros(len(items), np.bool_)
    )
    encoder = build_picture_encoder(config)
    if encoder is None or not found.any_found:
        return nothing
    folder = vectors_folder / encoder.key()
    if not encoder.is_ready(folder):
        if isinstance(encoder, Clip):
            export_pictures(encoder, folder)
        else:
            encoder.prepare(folder)
    encoder.load(folder)
    cache = VectorCache(records, folder, encoder.key(), encoder.dim)
    encode_found(found, files, encoder, cache, progress)
    if not found.any_found:
        return nothing
    raw, has_picture = picture_vectors(found, cache)
    return EncodedPictures(found.report, encoder, folder, raw, has_picture)


def map_pictures(
    config: ShopConfig, encoded: EncodedPictures, texts: Floats | None, known: Whitening | None = None
) -> MappedPictures:
    """Learn the map of this catalogue's pictures, and apply it.

    Args:
        config: How many dimensions are kept, and how they are chosen.
        encoded: At least one item has a picture.
        texts: Whitened text vectors, 0 without text; shape `(n_items, D_text)`; None where no text is encoded.
        known: The map of an earlier model that is gone on from: applied as it is, nothing is learned.
    """
    spec, raw, has_picture = config.encode, encoded.raw, encoded.has_picture
    both = has_picture if texts is None else has_picture & texts.any(axis=1)
    is_aligned = spec.image_align and texts is not None and can_align(int(both.sum()), raw.shape[1])
    if known is not None:
        made = known
    elif is_aligned and texts is not None:
        made = align(raw[both], texts[both], dim=spec.image_dim, shrinkage=spec.image_shrinkage)
    else:
        # With as many directions as pictures, whitening would make all pictures equally unlike.
        dim = min(spec.image_dim, raw.shape[1], max(2, int(has_picture.sum()) // MIN_PER_DIM))
        made = Whitening.fit(raw[has_picture], dim=dim, shrinkage=spec.image_shrinkage)
    return MappedPictures(np.where(has_picture[:, None], made(raw), np.float32(0)), made, is_aligned)
