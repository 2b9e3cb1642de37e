"""Neighbour lists: for each item the few others that follow from it, with weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sparse

from shelfwise.retrieve.retriever import best
from shelfwise.schemas.candidates import Candidates
from shelfwise.schemas.ids import Bools, Doubles, Floats, Rows
from shelfwise.store.arrays import mapped

Matrix = Any
"""A `scipy.sparse.csr_matrix` of float32; SciPy ships no precise types."""


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

    @classmethod
    def of(cls, matrix: Matrix, k: int) -> Self:
        """Keep the `k` heaviest entries of each row of a matrix."""
        kept = heaviest(matrix, k)
        return cls(kept.indptr.astype(np.int64), kept.indices.astype(np.int32), kept.data.astype(np.float32))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def save(self, folder: Path) -> None:
        """Write three arrays."""
        for name in self.__slots__:
            np.save(folder / f"{name}.npy", getattr(self, name))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Map what `save` wrote."""
        return cls(*(mapped(folder / f"{name}.npy") for name in cls.__slots__))

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
        spans = [(int(self.starts[seed]), int(self.starts[seed + 1])) for seed in seeds]
        rows = np.concatenate([self.rows[start:end] for start, end in spans])
        lengths = [end - start for start, end in spans]
        weights = np.concatenate([self.weights[start:end] for start, end in spans])
        return np.bincount(rows, weights * np.repeat(seed_weights, lengths), minlength=n).astype(np.float64, copy=False)

    def vote(self, seeds: Rows, seed_weights: Floats, allowed: Bools, k: int) -> Candidates:
        """The `k` allowed rows with the largest positive sums; equal sums in the order of rows.

        Args:
            seeds: Lists to sum; shape `(S,)`.
            seed_weights: Weight of each list; shape `(S,)`.
            allowed: Whether each row may be named; shape `(n,)`.
        """
        sums = self.sums(seeds, seed_weights, len(allowed)).astype(np.float32)
        named = np.flatnonzero((sums > 0) & allowed).astype(np.int32)
        found = best(named, sums[named], k)
        return Candidates(found.rows, found.scores, sums.__getitem__) if len(seeds) else found

    def loudest(self, row: int, seeds: Rows, seed_weights: Floats) -> int | None:
        """The seed whose weighted list names `row` with the largest weight; None where none does."""
        loudest, loudness = None, 0.0
        for seed, weight in zip(seeds.tolist(), seed_weights.tolist(), strict=True):
            start, end = int(self.starts[seed]), int(self.starts[seed + 1])
            at = np.flatnonzero(self.rows[start:end] == row)
            if len(at) and weight * float(self.weights[start + at[0]]) > loudness:
                loudest, loudness = seed, weight * float(self.weights[start + at[0]])
        return loudest


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
