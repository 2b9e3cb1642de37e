"""Hard negatives: items that read alike and are never chosen together."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np

from shelfwise.schemas.ids import Floats, Rows
from shelfwise.train.tuning.pairs import Pairs

LOOKED_AT = 64
KEPT = 16
BLOCK = 4_096


def hard_negatives(pairs: Pairs, frozen: Floats) -> Rows:
    """The nearest items by the untuned text that behaviour never put beside each item.

    Args:
        pairs: Say what belongs together.
        frozen: Vectors of the untuned encoder; shape `(n_items, D)`.

    Returns:
        Nearest first, padded with -1; shape `(n_items, KEPT)`. Items that are never a positive have none and are none:
        whoever was never offered was not turned down.
    """
    known = np.flatnonzero(pairs.n_positive > 0)
    found = np.full((pairs.n_items, KEPT), -1, np.int32)
    if not len(known):
        return found
    index: Any = faiss.IndexFlatIP(frozen.shape[1])
    index.add(np.ascontiguousarray(frozen[known]))
    for start in range(0, len(known), BLOCK):
        rows = known[start : start + BLOCK]
        _, places = index.search(np.ascontiguousarray(frozen[rows]), min(LOOKED_AT, len(known)))
        related = pairs.related[rows]
        for line, row in enumerate(rows.tolist()):
            near = known[places[line]]
            right = related.indices[related.indptr[line] : related.indptr[line + 1]]
            kept = near[~np.isin(near, right)][:KEPT]
            found[row, : len(kept)] = kept
    return found
