"""DPP: the set that is relevant and spans the most, by a determinantal point process."""

from __future__ import annotations

import numpy as np

from shelfwise.rerank.likeness import LikenessOptions, mixed_vectors
from shelfwise.rerank.listed import Listed
from shelfwise.rerank.trading import Trading, TradingOptions
from shelfwise.schemas.ids import Floats, Rows

EXHAUSTED = 1e-6
"""What is left of an item's length, squared, below which it lies in the span of those picked."""


class DPP(Trading):
    """Picks the set whose vectors span the most, each stretched by its relevance.

    The kernel is `L = diag(q) S diag(q)` with S the likeness of items, 1 on the diagonal, and
    `log q² = (1 - share) / share * relevance`. Each pick multiplies the determinant of the
    kernel of those picked by the most; once nothing new is spanned, it ends.

    Cost:
        One product of `(n, D)` with itself, then O(k² n), by a Cholesky factor that grows by a column a pick.

    Source:
        Chen, Zhang & Zhou (2018), Fast Greedy MAP Inference for Determinantal Point Process.
    """

    even = 0.43

    class Config(TradingOptions, LikenessOptions):
        """Options of a `[rerank.…]` table with `use = "dpp"`."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.options = config

    def choose(self, listed: Listed, worth: Floats, k: int, share: float) -> Rows:
        """Greedy; quality enters as a sum, so that no exponential can overflow."""
        n = len(worth)
        vectors = mixed_vectors(listed.rows[:n], listed.facts, self.options)
        alike = vectors @ vectors.T
        bonus = worth * np.float32(1 - share)
        factor = np.zeros((k, n), np.float32)
        left = np.ones(n, np.float32)  # squared length of what is new about each item
        value, scratch = np.empty(n, np.float32), np.empty(n, np.float32)
        chosen = np.empty(k, np.int32)
        place = 0
        for picked in range(k):
            if picked:
                np.log(left, out=value)
                value *= np.float32(share)
                value += bonus
                place = int(value.argmax())
                if left[place] <= EXHAUSTED:
                    return chosen[:picked]
            chosen[picked] = place
            column = factor[picked]
            if picked:
                np.dot(factor[:picked, place], factor[:picked], out=scratch)
                np.subtract(alike[place], scratch, out=column)
            else:
                column[:] = alike[place]
            column *= np.float32(1 / np.sqrt(left[place]))
            np.multiply(column, column, out=scratch)
            left -= scratch
            np.maximum(left, np.float32(1e-12), out=left)
            bonus[place] = -np.inf
        return chosen

    def told(self, listed: Listed, place: int) -> str:
        """Nothing more can be said of a determinant."""
        return "adds what no other item of the list does"
