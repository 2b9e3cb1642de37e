"""Neighbour lists: for each item the few others that follow from it, with weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sparse

from shelfwise.retrieve.latest_answer import LatestAnswer
from shelfwise.retrieve.retriever import best
from shelfwise.retrieve.row_table import row_table
from shelfwise.schemas.candidates import Candidates
from shelfwise.schemas.ids import Bools, Doubles, Floats, Rows
from shelfwise.store.arrays import mapped

ARRAYS = ("starts", "rows", "weights")

Matrix = Any
"""A `scipy.sparse.csr_matrix` of float32; SciPy ships no precise types."""


class _Voices(NamedTuple):
    """The lists of some seeds behind each other, each entry weighed by its seed.

    Attributes:
        ends: Where each seed's list ends; shape `(S,)`.
    """

    rows: Rows
    weights: Floats
    ends: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class NeighbourLists:
    """A sparse matrix in compressed rows, memory-mapped when loaded.

    Attributes:
        starts: List `i` is `[starts[i], starts[i + 1])`; shape `(n + 1,)`.
        rows: Neighbours; shape `(E,)`.
        weights: Their weights; shape `(E,)`.
    """

    starts: npt.NDArray[np.int64]
    rows: Rows
    weights: Floats
    _latest: LatestAnswer[_Voices] = field(default_factory=LatestAnswer[_Voices], compare=False, repr=False)

    @classmethod
    def of(cls, matrix: Matrix, k: int) -> Self:
        """Keep the `k` heaviest entries of each row of a matrix."""
        kept = heaviest(matrix, k)
        return cls(kept.indptr.astype(np.int64), kept.indices.astype(np.int32), kept.data.astype(np.float32))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def save(self, folder: Path) -> None:
        """Write three arrays."""
        for name in ARRAYS:
            np.save(folder / f"{name}.npy", getattr(self, name))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Map what `save` wrote."""
        return cls(*(mapped(folder / f"{name}.npy") for name in ARRAYS))

    @staticmethod
    def forget_in(folder: Path, *, lists: Rows | None = None, named: Rows | None = None) -> None:
        """Overwrite entries of what `save` wrote, where it lies; who has it mapped sees them gone.

        Their places stay, with no weight, as if they named the first row.

        Args:
            folder: Of saved lists.
            lists: Those that lose all of their entries; who is not there is left out.
            named: Rows that all lists lose.
        """
        starts, rows, weights = (np.load(folder / f"{name}.npy", mmap_mode="r+") for name in ARRAYS)
        gone = np.zeros(len(rows), bool) if named is None else np.isin(rows, named)
        for one in () if lists is None else lists[lists < len(starts) - 1].tolist():
            gone[starts[one] : starts[one + 1]] = True
        if gone.any():
            rows[gone], weights[gone] = 0, 0
            rows.flush()
            weights.flush()

    def sums(self, seeds: Rows, seed_weights: Floats, n: int) -> Doubles:
        """Sum the seeds' lists; shape `(n,)`.

        Args:
            seeds: Lists to sum; shape `(S,)`.
            seed_weights: Weight of each list; shape `(S,)`.
            n: Rows that may be named, at least.

        Cost:
            O(n + total length of the lists).
        """
        if not len(seeds):
            return np.zeros(n)
        voices = self._voices(seeds, seed_weights)
        return np.bincount(voices.rows, voices.weights, minlength=n).astype(np.float64, copy=False)

    def vote(self, seeds: Rows, seed_weights: Floats, allowed: Bools | None, k: int, without: int = -1) -> Candidates:
        """The `k` allowed rows with the largest positive sums; equal sums in the order of rows.

        Args:
            seeds: Lists to sum; shape `(S,)`.
            seed_weights: Weight of each list; shape `(S,)`.
            allowed: Whether each row may be named; shape `(n,)`; None: each may.
            without: A row that may not.

        Cost:
            O(total length of the lists), however many rows there are.
        """
        if not len(seeds):
            return Candidates.empty()
        voices = self._voices(seeds, seed_weights)
        rows, places = row_table.distinct(voices.rows)
        sums = np.bincount(places, voices.weights, minlength=len(rows)).astype(np.float32)
        named = sums > 0
        if allowed is not None:
            named &= allowed[rows]
        if without >= 0:
            named &= rows != without
        found = best(rows[named], sums[named], k)

        def score_of(asked: Rows) -> Floats:
            at, is_named = row_table.find(asked, rows)
            return np.where(is_named, sums[at], np.float32(0)) if len(rows) else np.zeros(len(asked), np.float32)

        return Candidates(found.rows, found.scores, score_of)

    def loudest(self, rows: Rows, seeds: Rows, seed_weights: Floats) -> list[int | None]:
        """Of each row, the seed whose weighted list names it with the largest weight; None where none does.

        Args:
            rows: Distinct; shape `(N,)`.
            seeds: Whose lists are looked at; shape `(S,)`.
            seed_weights: Weight of each list; shape `(S,)`.

        Returns:
            Length N; of equal weights the earlier seed's.

        Cost:
            O(total length of the lists).
        """
        found: list[int | None] = [None] * len(rows)
        if not len(seeds) or not len(rows):
            return found
        voices = self._voices(seeds, seed_weights)
        places, is_asked = row_table.find(voices.rows, rows)
        named = np.flatnonzero(is_asked & (voices.weights > 0))
        # Softest first and, of equals, the latest first: what is written last is the answer.
        named = named[np.lexsort((-named, voices.weights[named]))]
        of_seed = seeds[np.searchsorted(voices.ends, named, side="right")]
        for place, seed in zip(places[named].tolist(), of_seed.tolist(), strict=True):
            found[place] = seed
        return found

    def _voices(self, seeds: Rows, seed_weights: Floats) -> _Voices:
        return self._latest.of(seeds, seed_weights, make=lambda: self._gathered(seeds, seed_weights))

    def _gathered(self, seeds: Rows, seed_weights: Floats) -> _Voices:
        starts = self.starts[seeds]
        lengths = self.starts[seeds + 1] - starts
        ends = np.cumsum(lengths)
        at = np.arange(ends[-1]) + np.repeat(starts - ends + lengths, lengths)
        return _Voices(self.rows[at], self.weights[at] * np.repeat(seed_weights, lengths), ends)


def heaviest(matrix: Matrix, k: int) -> Matrix:
    """The matrix with only the `k` largest entries of each row; equal entries in the order in which they are stored."""
    starts = matrix.indptr
    keep = np.ones(len(matrix.data), bool)
    for row in np.flatnonzero(np.diff(starts) > k):
        values = matrix.data[starts[row] : starts[row + 1]]
        kth = np.partition(values, len(values) - k)[len(values) - k]
        kept = values > kth
        kept[np.flatnonzero(values == kth)[: k - int(kept.sum())]] = True
        keep[starts[row] : starts[row + 1]] = kept
    lengths = np.minimum(np.diff(starts), k)
    return sparse.csr_matrix(
        (matrix.data[keep], matrix.indices[keep], np.concatenate([[0], np.cumsum(lengths)])),
        shape=matrix.shape,
    )
