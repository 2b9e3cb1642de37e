"""What seeds' lists say together: sums, the largest of them, and whose list spoke loudest."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from shelfwise.kernels import compiled
from shelfwise.retrieve.latest_answer import LatestAnswer
from shelfwise.retrieve.retriever import best
from shelfwise.retrieve.row_table import row_table
from shelfwise.schemas.candidates import Candidates
from shelfwise.schemas.ids import Bools, Doubles, Floats, Rows


class Voices(NamedTuple):
    """The lists of some seeds behind each other, each entry weighed by its seed.

    Attributes:
        ends: Where each seed's list ends; shape `(S,)`.
    """

    rows: Rows
    weights: Floats
    ends: npt.NDArray[np.int64]


class Held(NamedTuple):
    """Lists as kernels read them, see `kernels._compiled.vote`."""

    starts: npt.NDArray[np.int64]
    entries: npt.NDArray[np.uint32] | Rows
    weights: Floats
    shares: Floats | None


class VotingLists(ABC):
    """A list of rows with weights for each of `n` seeds, however they are held."""

    __slots__ = ()

    starts: npt.NDArray[np.int64]
    _latest: LatestAnswer[Voices]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write arrays into an existing, empty folder."""

    @abstractmethod
    def _held(self) -> Held:
        """The arrays themselves."""

    @abstractmethod
    def _read(self, at: npt.NDArray[np.int64], seeds: Rows, lengths: npt.NDArray[np.int64]) -> tuple[Rows, Floats]:
        """Entries at some places, those of each seed behind each other: what they name, and their weights."""

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
        if compiled is not None:
            told = compiled.vote(*self._held(), seeds, seed_weights, allowed, k, without)
            if told is not None:
                rows, scores, named, sums = told
                return Candidates(rows, scores, partial(compiled.scores_in, named, sums))
        voices = self._voices(seeds, seed_weights)
        rows, places = row_table.distinct(voices.rows)
        sums = np.bincount(places, voices.weights, minlength=len(rows)).astype(np.float32)
        may_be = sums > 0
        if allowed is not None:
            may_be &= allowed[rows]
        if without >= 0:
            may_be &= rows != without
        found = best(rows[may_be], sums[may_be], k)

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
        if compiled is not None:
            heard = compiled.loudest(*self._held(), seeds, seed_weights, rows)
            return [None if seed < 0 else seed for seed in heard.tolist()]
        voices = self._voices(seeds, seed_weights)
        places, is_asked = row_table.find(voices.rows, rows)
        named = np.flatnonzero(is_asked & (voices.weights > 0))
        # Softest first and, of equals, the latest first: what is written last is the answer.
        named = named[np.lexsort((-named, voices.weights[named]))]
        of_seed = seeds[np.searchsorted(voices.ends, named, side="right")]
        for place, seed in zip(places[named].tolist(), of_seed.tolist(), strict=True):
            found[place] = seed
        return found

    def _voices(self, seeds: Rows, seed_weights: Floats) -> Voices:
        return self._latest.of(seeds, seed_weights, make=lambda: self._gathered(seeds, seed_weights))

    def _gathered(self, seeds: Rows, seed_weights: Floats) -> Voices:
        starts = self.starts[seeds]
        lengths = self.starts[seeds + 1] - starts
        ends = np.cumsum(lengths)
        at = np.arange(ends[-1]) + np.repeat(starts - ends + lengths, lengths)
        rows, weights = self._read(at, seeds, lengths)
        return Voices(rows, weights * np.repeat(seed_weights, lengths), ends)
