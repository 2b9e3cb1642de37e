"""Which items are alike by category and brand."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse

from shelfwise.datasets.catalogue import Catalogue
from shelfwise.retrieve.neighbour_lists import Matrix, heaviest

MAX_CARRIERS = 1_500
"""A name that more items carry than this is left out: it tells little, and its pairs would fill memory."""

BLOCK = 2_048
"""Items compared at a time, to bound memory."""


def attribute_neighbours(catalogue: Catalogue, n_neighbours: int) -> Matrix:
    """Similarity by shared names of the category path and by brand, rarer names counting more.

    Returns:
        For each item its `n_neighbours` most similar others, weights summing to 1 (an item without names has an empty
        row); a sparse matrix of shape `(n, n)`.
    """
    n = len(catalogue)
    carriers = _names(catalogue)
    n_carriers = np.bincount(carriers.indices, minlength=carriers.shape[1])
    rarity = np.where(n_carriers <= MAX_CARRIERS, np.log(n / np.maximum(n_carriers, 1)), 0.0)
    weighted = (carriers @ sparse.diags(rarity)).tocsr().astype(np.float32)
    weighted.eliminate_zeros()
    lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    unit = (sparse.diags(1 / np.maximum(lengths, 1e-9)) @ weighted).tocsr().astype(np.float32)
    across = unit.T.tocsr()
    blocks: list[Matrix] = []
    for start in range(0, n, BLOCK):
        alike = (unit[start : start + BLOCK] @ across).tocoo()
        others = alike.row + start != alike.col
        block = sparse.csr_matrix((alike.data[others], (alike.row[others], alike.col[others])), shape=alike.shape)
        blocks.append(heaviest(block, n_neighbours))
    similarity: Matrix = sparse.vstack(blocks).tocsr() if blocks else sparse.csr_matrix((n, n), dtype=np.float32)
    totals = np.asarray(similarity.sum(axis=1)).ravel()
    return (sparse.diags(1 / np.maximum(totals, 1e-9)) @ similarity).tocsr().astype(np.float32)


def _names(catalogue: Catalogue) -> Matrix:
    numbers: dict[tuple[str, str], int] = {}
    rows: list[int] = []
    columns: list[int] = []
    for row, (path, brand) in enumerate(zip(catalogue.paths, catalogue.brands, strict=True)):
        names = {("category", name) for name in path}
        if brand:
            names.add(("brand", brand))
        for name in sorted(names):
            rows.append(row)
            columns.append(numbers.setdefault(name, len(numbers)))
    return sparse.csr_matrix(
        (np.ones(len(rows), np.float32), (rows, columns)), shape=(len(catalogue), max(len(numbers), 1))
    )
