"""An item's neighbours by what is said of it, by what it looks like, and by who turned to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shelfwise.features.text_vectors import TextVectors
from shelfwise.pipeline.recommender import Recommender
from shelfwise.retrieve.retriever import best
from shelfwise.schemas.ids import Floats
from shelfwise.schemas.insight import Side


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One item that is near.

    Attributes:
        row: Of the catalogue.
        likeness: Cosine, in (0, 1].
    """

    row: int
    likeness: float


def item_neighbours(recommender: Recommender, row: int, k: int) -> dict[Side, list[Neighbour] | None]:
    """The `k` nearest items that may be shown, by each side, the nearest first.

    Args:
        recommender: The model in service.
        row: The item.
        k: Neighbours by each side at most.

    Returns:
        None where the item has nothing to be compared by, or the model does not compare by it.

    Cost:
        A pass over the vectors: some 10 ms by each side at 100,000 items.
    """
    funnel = recommender.model.funnel
    sides = {Side.TEXT: funnel.vectors, Side.PICTURE: funnel.pictures, Side.BEHAVIOUR: funnel.behaviour}
    return {
        side: None if vectors is None else _nearest(recommender, vectors, row, k) for side, vectors in sides.items()
    }


def _nearest(recommender: Recommender, vectors: TextVectors, row: int, k: int) -> list[Neighbour] | None:
    question = _unit(vectors.take(np.array([row], np.int32))[0])[0]
    if not question.any():
        return None
    allowed = recommender.catalogue.allowed.copy()
    allowed[row] = False
    rows = np.flatnonzero(allowed).astype(np.int32)
    likeness = _cosines(vectors, rows, question)
    near = likeness > 0
    found = best(rows[near], likeness[near], k)
    return [Neighbour(int(one), min(float(score), 1.0)) for one, score in zip(found.rows, found.scores, strict=True)]


def _cosines(vectors: TextVectors, rows: np.ndarray, question: Floats) -> Floats:
    """Of items and the one asked about; 0 for those without a vector; shape `(N,)`."""
    block = 20_000  # rows copied at a time
    parts = [_unit(vectors.take(rows[start : start + block])[0]) @ question for start in range(0, len(rows), block)]
    return np.concatenate([np.empty(0, np.float32), *parts])


def _unit(vectors: Floats) -> Floats:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors, np.float32), where=length > 0)
