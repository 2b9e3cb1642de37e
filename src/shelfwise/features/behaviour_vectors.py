"""Which items are turned to by the same people, as vectors."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse

from shelfwise.schemas.ids import Floats, Rows

DIM = 64
OVERSAMPLED = 16
POWER_ITERATIONS = 3
SEED = 0


def behaviour_vectors(user_rows: Rows, item_rows: Rows, n_items: int, *, dim: int = DIM) -> Floats:
    """A vector per item from who turned to it.

    The table of users by items is scaled by one over the root of each user's and of each item's number, so that
    neither who turns to everything nor what everybody turns to decides, and cut to its strongest directions.

    Args:
        user_rows: User of each event; shape `(E,)`.
        item_rows: Item of each event; shape `(E,)`.
        n_items: Items of the shop.
        dim: Directions kept, fewer where there are fewer users or items.

    Returns:
        Shape `(n_items, dim)`, rows of length 1; 0 for an item that nobody turned to.

    Cost:
        O(E dim) a few times, and O(n_items dim²).

    Source:
        Halko, Martinsson & Tropp (2011), Finding Structure with Randomness, with power iterations.
    """
    n_users = max(int(user_rows.max(initial=-1)) + 1, 1)
    table = sparse.csr_array((np.ones(len(user_rows), np.float32), (user_rows, item_rows)), shape=(n_users, n_items))
    table.data[:] = 1.0  # how often does not count
    of_users, of_items = table.sum(axis=1), table.sum(axis=0)
    scaled = sparse.diags_array(_inverse_root(of_users)) @ table @ sparse.diags_array(_inverse_root(of_items))
    dim = min(dim, n_users, n_items)
    found = np.random.default_rng(SEED).normal(size=(n_items, min(dim + OVERSAMPLED, n_items))).astype(np.float32)
    for _ in range(POWER_ITERATIONS):
        found, _ = np.linalg.qr(scaled.T @ (scaled @ found))
    _, strengths, directions = np.linalg.svd(scaled @ found, full_matrices=False)
    vectors = (found @ directions[:dim].T) * strengths[:dim]
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    is_known = (of_items > 0)[:, None] & (lengths > 1e-9)
    return np.where(is_known, vectors / np.maximum(lengths, 1e-9), 0).astype(np.float32)


def _inverse_root(counts: Floats) -> Floats:
    return (1 / np.sqrt(np.maximum(counts, 1))).astype(np.float32)
