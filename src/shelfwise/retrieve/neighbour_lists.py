"""Neighbour lists: for each item the few others that follow from it, with weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sparse

from shelfwise.retrieve.latest_answer import LatestAnswer
from shelfwise.retrieve.voting_lists import Held, Voices, VotingLists
from shelfwise.schemas.ids import Floats, Rows
from shelfwise.store.arrays import mapped

ARRAYS = ("starts", "rows", "weights")

Matrix = Any
"""A `scipy.sparse.csr_matrix` of float32; SciPy ships no precise types."""


@dataclass(frozen=True, slots=True)
class NeighbourLists(VotingLists):
    """A sparse matrix in compressed rows, memory-mapped when loaded.

    Attributes:
        starts: List `i` is `[starts[i], starts[i + 1])`; shape `(n + 1,)`.
        rows: Neighbours; shape `(E,)`.
        weights: Their weights; shape `(E,)`.
    """

    starts: npt.NDArray[np.int64]
    rows: Rows
    weights: Floats
    _latest: LatestAnswer[Voices] = field(default_factory=LatestAnswer[Voices], compare=False, repr=False)

    @classmethod
    def of(cls, matrix: Matrix, k: int) -> Self:
        """Keep the `k` heaviest entries of each row of a matrix."""
        kept = heaviest(matrix, k)
        return cls(kept.indptr.astype(np.int64), kept.indices.astype(np.int32), kept.data.astype(np.float32))

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

    def _held(self) -> Held:
        return Held(self.starts, self.rows, self.weights, None)

    def _read(self, at: npt.NDArray[np.int64], seeds: Rows, lengths: npt.NDArray[np.int64]) -> tuple[Rows, Floats]:
        return self.rows[at], self.weights[at]


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
