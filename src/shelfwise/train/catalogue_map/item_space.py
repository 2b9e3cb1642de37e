"""One vector per item of everything that a model version knows of it: text, picture, behaviour."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from shelfwise.pipeline.model import BEHAVIOUR_FILE, PICTURE_VECTORS_FILE, VECTORS_FILE
from shelfwise.schemas.ids import Floats
from shelfwise.store.arrays import mapped

PARTS = {VECTORS_FILE: 1.0, PICTURE_VECTORS_FILE: 1.0, BEHAVIOUR_FILE: 0.5}
"""Behaviour weighs less: it says nothing certain of the many items that few have turned to."""


def item_space(version: Path) -> Floats:
    """Join the vectors of a version's items, each kind scaled to the length that `PARTS` gives it.

    Args:
        version: The version's folder.

    Returns:
        Rows of length 1, 0 for an item of which nothing is known; shape `(n, D)`; `(0, 0)` where the version holds no
        vectors at all.
    """
    files = ((version / "items" / name, length) for name, length in PARTS.items())
    parts = [_of_length_1(mapped(file)) * np.float32(length) for file, length in files if file.is_file()]
    return _of_length_1(np.concatenate(parts, axis=1)) if parts else np.zeros((0, 0), np.float32)


def _of_length_1(vectors: Floats) -> Floats:
    vectors = vectors.astype(np.float32, copy=False)  # many are kept in half precision
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros(vectors.shape, np.float32), where=lengths > 0)
