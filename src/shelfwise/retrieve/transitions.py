"""Transitions: what shoppers turned to after an item."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import scipy.sparse as sparse
from pydantic import Field

from shelfwise.datasets.interactions import DAY_MS, Interactions
from shelfwise.datasets.training_data import TrainingData
from shelfwise.retrieve.attribute_neighbours import attribute_neighbours
from shelfwise.retrieve.neighbour_lists import Matrix, NeighbourLists, heaviest
from shelfwise.retrieve.neighbour_vote import NeighbourVote, VoteOptions
from shelfwise.retrieve.packed_lists import load_lists, packed
from shelfwise.retrieve.retriever import Retriever
from shelfwise.retrieve.text_neighbours import text_neighbours
from shelfwise.retrieve.voting_lists import VotingLists
from shelfwise.schemas.candidates import Situation
from shelfwise.schemas.ids import Rows

OBSERVED = "observed"
STEPS_AT_A_TIME = 8
"""Steps whose pairs are summed together: bounds the memory of fitting."""


class Transitions(NeighbourVote):
    """Sparse item-to-item transitions, decayed by distance and by age, smoothed by items that are alike.

    `M[i, j]` sums, over all users and all pairs of events `i … j` at most `window` apart, `1 / distance`; a pair read
    backwards counts `backward`. Rows are divided by `popularity(i) ** normaliser`. With `S` the items alike by text,
    category and brand, the lists hold `M + smoothing * (M S + S M)`: what follows from items like this one, and items
    like those that follow.

    Cost:
        Fitting: O(E * window) time, a second per 200,000 events. A request: one sum over the seeds' lists.

    Source:
        A training-free transition graph as in arXiv 2605.07125 (2026); decays and smoothing are our own.
    """

    class Config(VoteOptions):
        """Options of a `[retrieve.…]` table that uses transitions."""

        k: int = Field(default=100, ge=1, le=1_000, description="Candidates proposed at most.")
        window: int = Field(default=50, ge=1, le=500, description="Events apart that two items may be.")
        backward: float = Field(default=0.2, ge=0, le=1, description="Weight of a pair read backwards in time.")
        normaliser: float = Field(
            default=0.3,
            ge=0,
            le=1,
            description="How much the lists of popular items are damped; 0: not at all.",
        )
        half_life_d: float = Field(
            default=180.0,
            gt=0,
            description="Days after which a transition counts half; needs real timestamps.",
        )
        decay: float = Field(
            default=0.6,
            gt=0,
            le=1,
            description="Weight of a user's event relative to that of the next moment.",
        )
        n_seeds: int = Field(
            default=30, ge=1, le=500, description="Latest distinct items of a user that are looked up."
        )
        smoothing: float = Field(
            default=1.0, ge=0, le=10, description="Weight of what is known from items alike; 0: none."
        )
        alike: Literal["both", "texts", "names"] = Field(
            default="both",
            description="What makes items alike: their texts, the names of category and brand, or half of each.",
        )
        n_alike: int = Field(default=10, ge=1, le=500, description="Items alike per item, of each kind.")
        list_length: int = Field(default=300, ge=1, le=5_000, description="Longest list kept per item.")

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.options = config
        self._observed: VotingLists | None = None

    def fit(self, data: TrainingData, start: Retriever | None = None) -> None:
        """Count, damp, smooth, and keep the heaviest."""
        forward = self._count(data.interactions, data.now_ms)
        # What really happened, apart from what smoothing infers: reasons may state only that.
        self._observed = packed(NeighbourLists.of(forward, self.options.list_length))
        matrix = (forward + self.options.backward * forward.T).tocsr()
        seen = np.bincount(data.interactions.item_rows, minlength=len(data.catalogue))
        matrix = (sparse.diags(np.maximum(seen, 1.0) ** -self.options.normaliser) @ matrix).tocsr()
        if self.options.smoothing > 0:
            alike = self._alike(data)
            if alike.nnz:
                matrix = self._smooth(matrix.astype(np.float32), alike)
        self._lists = packed(NeighbourLists.of(matrix.astype(np.float32), self.options.list_length))

    def _count(self, interactions: Interactions, now_ms: int) -> Matrix:
        n = interactions.n_items
        items, owners = interactions.item_rows, interactions.user_rows
        if interactions.has_clock:
            age_d = (now_ms - interactions.times_ms) / DAY_MS
            freshness = np.exp2(-age_d / self.options.half_life_d).astype(np.float32)
        else:
            freshness = np.ones(len(items), np.float32)
        longest = int(np.bincount(owners).max()) if len(owners) else 0
        total = sparse.csr_matrix((n, n), dtype=np.float32)
        steps = range(1, min(self.options.window, longest - 1) + 1)
        for first in range(0, len(steps), STEPS_AT_A_TIME):
            earlier, later, weights = [], [], []
            for step in steps[first : first + STEPS_AT_A_TIME]:
                pair = (owners[:-step] == owners[step:]) & (items[:-step] != items[step:])
                earlier.append(items[:-step][pair])
                later.append(items[step:][pair])
                weights.append(freshness[step:][pair] / step)
            rows, columns = np.concatenate(earlier), np.concatenate(later)
            total = total + sparse.csr_matrix(
                (np.concatenate(weights), (rows, columns)), shape=(n, n), dtype=np.float32
            )
        return total.tocsr()

    def _alike(self, data: TrainingData) -> Matrix:
        """Who lends to whom; without texts, and for an item without text, by names alone, and the other way round."""
        kinds: list[Matrix] = []
        if self.options.alike != "texts" or data.vectors is None:
            kinds.append(attribute_neighbours(data.catalogue, self.options.n_alike))
        if self.options.alike != "names" and data.vectors is not None:
            kinds.append(text_neighbours(data.vectors, self.options.n_alike))
        lent: Matrix = sum(kinds)
        n_kinds = np.sum([np.diff(kind.indptr) > 0 for kind in kinds], axis=0)
        return (sparse.diags(1 / np.maximum(n_kinds, 1)) @ lent).tocsr().astype(np.float32)

    def _smooth(self, matrix: Matrix, alike: Matrix) -> Matrix:
        # In blocks of rows, each cut to its heaviest entries at once: the whole product would fill memory.
        blocks = []
        for start in range(0, matrix.shape[0], 1_024):
            stop = start + 1_024
            smoothed = matrix[start:stop] @ alike + alike[start:stop] @ matrix
            block = (matrix[start:stop] + self.options.smoothing * smoothed).tocoo()
            others = block.row + start != block.col
            block = sparse.csr_matrix((block.data[others], (block.row[others], block.col[others])), shape=block.shape)
            blocks.append(heaviest(block, self.options.list_length))
        return sparse.vstack(blocks).tocsr()

    def save(self, folder: Path) -> None:
        """Write the lists, smoothed and as observed."""
        super().save(folder)
        (folder / OBSERVED).mkdir()
        self.observed.save(folder / OBSERVED)

    def load(self, folder: Path) -> None:
        """Map the lists."""
        super().load(folder)
        self._observed = load_lists(folder / OBSERVED)

    @property
    def observed(self) -> VotingLists:
        """Which items were really chosen after which, without smoothing."""
        if self._observed is None:
            raise RuntimeError("fit() or load() comes first")
        return self._observed

    def because(self, rows: Rows, situation: Situation) -> list[int | None]:
        """The seeds after which the items were chosen most; None where smoothing alone named one."""
        return self.observed.loudest(rows, *self.seeds(situation))
