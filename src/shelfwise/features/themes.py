"""Themes: groups of items whose texts are alike, for shops that do not sort their items themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import faiss
import numpy as np
import numpy.typing as npt

from shelfwise.schemas.ids import Floats
from shelfwise.store.arrays import mapped

N_THEMES = 16
"""About as many as a shop has departments: a slate of ten can follow a mix of so many, and not of sixty."""

ITEMS_PER_THEME = 10
"""Fewer than this on the average make no group."""

ROUNDS = 20
SEED = 0
AT_ONCE = 16_384
"""Items looked at together."""

ROOM = 1_024
"""Rows added at a time when new items outgrow the array."""

UNKNOWN = -1
FILE = "themes.npy"


class Themes:
    """A number per theme, and each item's; `UNKNOWN` for an item without a text.

    Source:
        Dhillon & Modha (2001), Concept Decompositions: k-means of directions.
    """

    def __init__(self, centres: Floats, vectors: Floats) -> None:
        """Tell every item's theme.

        Args:
            centres: Of length 1; shape `(T, D)`.
            vectors: Of the items, of length 1, 0 where there is no text; shape `(n, D)`.
        """
        self.centres = centres
        self._codes = self._nearest(vectors)

    @classmethod
    def fit(cls, vectors: Floats) -> Self:
        """Find as many themes as there are items for, at most `N_THEMES`."""
        known = np.ascontiguousarray(vectors[vectors.any(axis=1)], np.float32)
        n_themes = min(N_THEMES, len(known) // ITEMS_PER_THEME)
        if n_themes < 2:
            return cls(np.empty((0, vectors.shape[1]), np.float32), vectors)
        model = faiss.Kmeans(
            known.shape[1], n_themes, niter=ROUNDS, seed=SEED, spherical=True, min_points_per_centroid=1
        )
        model.train(known)
        return cls(np.asarray(model.centroids, np.float32), vectors)

    @property
    def codes(self) -> npt.NDArray[np.int32]:
        """Each item's number; shape `(n,)`; not to be changed."""
        return self._codes

    @property
    def names(self) -> Sequence[str]:
        """A theme has no name but its number."""
        return [f"theme {number + 1}" for number in range(len(self.centres))]

    def put(self, row: int, vector: Floats | None) -> None:
        """Take up an item that came, or whose text changed, while serving; None: it did not change; 0: it is gone."""
        if row >= len(self._codes):
            more = np.full(row + ROOM - len(self._codes), UNKNOWN, np.int32)
            self._codes = np.concatenate([self._codes, more])
        if vector is not None:
            self._codes[row] = self._nearest(vector[None, :])[0]

    def save(self, folder: Path) -> None:
        """Write the centres; items' themes follow from their vectors."""
        np.save(folder / FILE, self.centres)

    @classmethod
    def load(cls, folder: Path, vectors: Floats) -> Self:
        """Read what `save` wrote."""
        return cls(mapped(folder / FILE), vectors)

    def _nearest(self, vectors: Floats) -> npt.NDArray[np.int32]:
        if not len(self.centres):
            return np.full(len(vectors), UNKNOWN, np.int32)
        found = np.empty(len(vectors), np.int32)
        for start in range(0, len(vectors), AT_ONCE):  # all at once, in single precision, would fill memory
            part = vectors[start : start + AT_ONCE].astype(np.float32, copy=False)
            nearest = (part @ self.centres.T).argmax(axis=1)
            found[start : start + AT_ONCE] = np.where(part.any(axis=1), nearest, UNKNOWN)
        return found
