"""Which items are alike by their texts."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse

from shelfwise.retrieve.made_once import MadeOnce
from shelfwise.retrieve.neighbour_lists import Matrix
from shelfwise.retrieve.vector_index import IndexOptions, VectorIndex
from shelfwise.schemas.ids import Floats

SHARPNESS = 3
"""Power of the cosines: the nearest texts count most, whatever the shop's usual cosine is."""


_neighbours = MadeOnce()


def text_neighbours(vectors: Floats, n_neighbours: int) -> Matrix:
    """Similarity by the cube of the texts' cosine.

    Args:
        vectors: Whitened text vectors of length 1, 0 for an item without text; shape `(n, D)`.
        n_neighbours: Items alike per item at most.

    Returns:
        For each item its nearest others with a positive cosine, weights summing to 1 (an item without text has an
        empty row); a sparse matrix of shape `(n, n)`.

    Cost:
        O(n^2 D) up to 20,000 items, a second for 12,000; by a graph above. Nothing where this very array was asked
        about before.
    """
    return _neighbours.of(vectors, n_neighbours, lambda: _found(vectors, n_neighbours))


def _found(vectors: Floats, n_neighbours: int) -> Matrix:
    n = len(vectors)
    cosines, rows = VectorIndex.build(vectors, IndexOptions()).nearest(vectors, n_neighbours + 1)
    owners = np.repeat(np.arange(n), cosines.shape[1])
    rows, weights = rows.ravel(), np.maximum(cosines.ravel(), 0.0) ** SHARPNESS
    keep = (rows >= 0) & (rows != owners) & (weights > 0)
    owners, rows, weights = owners[keep], rows[keep], weights[keep]
    # The item itself need not be among those found where others have the very same text.
    place = np.arange(len(owners)) - np.searchsorted(owners, owners)
    nearest = place < n_neighbours
    owners, rows, weights = owners[nearest], rows[nearest], weights[nearest]
    totals = np.bincount(owners, weights, minlength=n)
    return sparse.csr_matrix((weights / totals[owners], (owners, rows)), shape=(n, n), dtype=np.float32)
