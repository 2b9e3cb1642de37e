"""What is bought together: in one basket, or by the same people."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse

from shelfwise.datasets.baskets import LARGEST_BASKET
from shelfwise.datasets.interactions import Interactions
from shelfwise.retrieve.neighbour_lists import Matrix
from shelfwise.schemas.events import CODE_BY_KIND, EventKind

BLOCK = 1_024
"""Items whose pairs are counted at a time, to bound memory."""


def pairs_of(held: Matrix) -> Matrix:
    """In how many baskets any two items lie; symmetric, without a diagonal; sparse, shape `(n, n)`."""
    across = held.T.tocsr()
    blocks: list[Matrix] = []
    for begin in range(0, held.shape[1], BLOCK):
        shared = (across[begin : begin + BLOCK] @ held).tocoo()
        others = shared.row + begin != shared.col
        blocks.append(
            sparse.csr_matrix((shared.data[others], (shared.row[others], shared.col[others])), shape=shared.shape)
        )
    return sparse.vstack(blocks).tocsr().astype(np.float32) if blocks else sparse.csr_matrix((0, 0), dtype=np.float32)


def bought_too(interactions: Interactions) -> Matrix:
    """Each item's share of what the buyers of another buy beside that; rows sum to 1; sparse, shape `(n, n)`.

    A buyer of s items speaks with `1 / (s - 1)` for each.
    """
    bought = interactions.where(interactions.kinds == CODE_BY_KIND[EventKind.PURCHASE])
    n = interactions.n_items
    pairs = np.unique(bought.user_rows * np.int64(max(n, 1)) + bought.item_rows)
    users, items = pairs // max(n, 1), pairs % max(n, 1)
    held: Matrix = sparse.csr_matrix((np.ones(len(pairs), np.float32), (users, items)), shape=(interactions.n_users, n))
    sizes = np.bincount(users, minlength=interactions.n_users)
    few = (sizes >= 2) & (sizes <= LARGEST_BASKET)
    softly: Matrix = sparse.diags(few / np.sqrt(np.maximum(sizes - 1, 1)))
    held = (softly @ held).tocsr()
    counted = pairs_of(held)
    totals = np.asarray(counted.sum(axis=1)).ravel()
    shares: Matrix = sparse.diags(1 / np.maximum(totals, 1e-12)) @ counted
    return shares.tocsr().astype(np.float32)
