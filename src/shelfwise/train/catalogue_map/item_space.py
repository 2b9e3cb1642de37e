"""One vector per item of everything that a model version knows of it: text, picture, behaviour."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from shelfwise.pipeline.model import BEHAVIOUR_FILE, PICTURE_VECTORS_FILE, VECTORS_FILE
from shelfwise.schemas.ids import Floats
from shelfwise.store.arrays import mapped


def item_space(version: Path) -> Floats:
    """Join the vectors of a version's items, each kind scaled to length 1, so that none outweighs another.

    Args:
        version: The version's folder.

    Returns:
        Rows of length 1, 0 for an item of which nothing is known; shape `(n, D)`; `(0, 0)` where the version holds no
        vectors at all.
    """
    files = (version / "items" / file for file in (VECTORS_FILE, PICTURE_VECTORS_FILE, BEHAVIOUR_FILE))
    parts = [_of_length_1(mapped(file)) for file in files if file.is_file()]
    return _of_length_1(np.concatenate(parts, axis=1)) if parts else np.zeros((0, 0), np.float32)


def _of_length_1(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros(vectors.shape, np.float32), where=lengths > 0)
