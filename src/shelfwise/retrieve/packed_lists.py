"""Neighbour lists in half the memory: a row and its weight in one number of 32 bits."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from shelfwise.retrieve.latest_answer import LatestAnswer
from shelfwise.retrieve.neighbour_lists import NeighbourLists
from shelfwise.retrieve.voting_lists import Held, Voices, VotingLists
from shelfwise.schemas.ids import Floats, Rows
from shelfwise.store.arrays import mapped

ARRAYS = ("starts", "entries", "largest")
ENTRIES_FILE = "entries.npy"
WEIGHT_BITS = 8
HIGHEST = 2**WEIGHT_BITS - 1
MOST_ROWS = 2 ** (32 - WEIGHT_BITS)
"""Sixteen million: what is more keeps its lists as they are."""

WEIGHT_BY_CODE: Floats = ((np.arange(HIGHEST + 1) / HIGHEST) ** 2).astype(np.float32)
"""As a share of the largest weight of its list: steps are even in the square root, so that small weights differ too."""


@dataclass(frozen=True, slots=True)
class PackedLists(VotingLists):
    """Lists of weights that are not negative, memory-mapped when loaded.

    Weights have 255 steps. On real shops neither the order nor the recall of what is named differs by more than
    chance from that of exact ones (docs/experiments.md).

    Attributes:
        starts: List `i` is `[starts[i], starts[i + 1])`; shape `(n + 1,)`.
        entries: The row in the upper 24 bits, the weight's code in the lower 8; shape `(E,)`.
        largest: The largest weight of each list; shape `(n,)`.
    """

    starts: npt.NDArray[np.int64]
    entries: npt.NDArray[np.uint32]
    largest: Floats
    _latest: LatestAnswer[Voices] = field(default_factory=LatestAnswer[Voices], compare=False, repr=False)

    @classmethod
    def of(cls, lists: NeighbourLists) -> Self:
        """Pack lists; what has a weight keeps one, however small."""
        lengths = np.diff(lists.starts)
        largest = np.zeros(len(lists), np.float32)
        named = np.flatnonzero(lengths)
        if len(named):
            largest[named] = np.maximum.reduceat(lists.weights, lists.starts[named])
        entries = np.empty(len(lists.rows), np.uint32)
        for first in range(0, len(lists), 65_536):  # in parts: the whole would take several times the memory
            part = slice(int(lists.starts[first]), int(lists.starts[min(first + 65_536, len(lists))]))
            weights = lists.weights[part]
            of_list = np.repeat(largest[first : first + 65_536], lengths[first : first + 65_536])
            share = np.divide(weights, of_list, out=np.zeros(len(weights), np.float32), where=of_list > 0)
            codes = np.maximum(np.rint(np.sqrt(share) * HIGHEST), weights > 0).astype(np.uint32)
            entries[part] = (lists.rows[part].astype(np.uint32) << np.uint32(WEIGHT_BITS)) | codes
        return cls(lists.starts, entries, largest)

    def save(self, folder: Path) -> None:
        """Write three arrays."""
        for name in ARRAYS:
            np.save(folder / f"{name}.npy", getattr(self, name))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Map what `save` wrote."""
        return cls(*(mapped(folder / f"{name}.npy") for name in ARRAYS))

    def _held(self) -> Held:
        return Held(self.starts, self.entries, self.largest, WEIGHT_BY_CODE)

    def _read(self, at: npt.NDArray[np.int64], seeds: Rows, lengths: npt.NDArray[np.int64]) -> tuple[Rows, Floats]:
        entries = self.entries[at]
        rows = (entries >> np.uint32(WEIGHT_BITS)).astype(np.int32)
        return rows, WEIGHT_BY_CODE[entries & np.uint32(HIGHEST)] * np.repeat(self.largest[seeds], lengths)


def packed(lists: NeighbourLists) -> VotingLists:
    """The same lists in half the memory, where that is possible: not with more than `MOST_ROWS`, or below 0."""
    if len(lists) > MOST_ROWS or (len(lists.weights) and float(lists.weights.min()) < 0):
        return lists
    if len(lists.rows) and int(lists.rows.max()) >= MOST_ROWS:
        return lists
    return PackedLists.of(lists)


def load_lists(folder: Path) -> VotingLists:
    """Map lists, packed or not."""
    return PackedLists.load(folder) if (folder / ENTRIES_FILE).is_file() else NeighbourLists.load(folder)
