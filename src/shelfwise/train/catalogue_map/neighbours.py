"""Each item's nearest items, by FAISS."""

from __future__ import annotations

from typing import NamedTuple

import faiss
import numpy as np
import numpy.typing as npt

from shelfwise.pipeline.fitted import Progress
from shelfwise.schemas.ids import Floats, Rows

EXACT_UP_TO = 20_000
"""Items; above that a graph (HNSW) finds almost the same neighbours in a small part of the time."""

LINKS, BREADTH = 16, 64
BATCH = 4_096


class Neighbours(NamedTuple):
    """The nearest of every item, itself first.

    Attributes:
        places: Numbers of items; shape `(n, k)`.
        distances: `1 - cosine`; shape `(n, k)`.
    """

    places: Rows
    distances: Floats


def neighbours(vectors: Floats, k: int, progress: Progress) -> Neighbours:
    """Find the `k` nearest of every item.

    Args:
        vectors: Of length 1; shape `(n, D)`, `n >= k`.
        k: Neighbours, the item itself among them.
        progress: Told of items done.

    Cost:
        Exact, 0.1 s for 4,000 items of 64 dimensions; by the graph 5 s for 100,000, on one core.
    """
    n, dim = vectors.shape
    if n <= EXACT_UP_TO:
        index = faiss.IndexFlatIP(dim)
    else:
        index = faiss.IndexHNSWFlat(dim, LINKS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efSearch = BREADTH
    index.add(vectors)
    places, distances = np.empty((n, k), np.int64), np.empty((n, k), np.float32)
    for start in range(0, n, BATCH):
        progress("finding neighbours", start, n)
        cosines, found = index.search(vectors[start : start + BATCH], k)
        places[start : start + BATCH], distances[start : start + BATCH] = found, (1 - cosines).clip(0)
    _itself_first(places, distances)
    return Neighbours(places.astype(np.int32), distances)


def _itself_first(places: npt.NDArray[np.int64], distances: Floats) -> None:
    """Put every item before its neighbours, as the layout wants it: among twins another may come first.

    Where the graph finds fewer than `k`, which it marks by -1, the item stands for the missing ones.
    """
    own = np.arange(len(places))
    lost = places < 0
    places[lost], distances[lost] = np.broadcast_to(own[:, None], places.shape)[lost], 1.0
    at = np.where((places == own[:, None]).any(axis=1), (places == own[:, None]).argmax(axis=1), places.shape[1] - 1)
    places[own, at], distances[own, at] = places[:, 0], distances[:, 0]
    places[:, 0], distances[:, 0] = own, 0.0
    order = np.argsort(distances, axis=1, kind="stable")
    places[:] = np.take_along_axis(places, order, axis=1)
    distances[:] = np.take_along_axis(distances, order, axis=1)
