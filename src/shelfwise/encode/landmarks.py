"""Bring texts that are no items' into the items' space: each stands among the items whose texts are nearest to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from shelfwise.schemas.ids import Bools, Floats
from shelfwise.store.arrays import mapped

MAX_LANDMARKS = 8_192
"""Items of a larger catalogue are drawn: what places a text stays small, and takes some 20 ms for one."""

NEAREST = 20
TEMPERATURE = 0.05
"""A landmark whose cosine is lower by this counts `1 / e` of the nearest; see `docs/experiments.md`."""

CHUNK = 1_024
ENCODED_FILE, PLACED_FILE = "landmarks_encoded.npy", "landmarks.npy"

Halves = npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Items with their vectors in both spaces.

    Whitening is a map for texts like those that it was fitted on. A sentence about a person lies beside all of them,
    in directions in which items hardly differ, and these are what whitening stretches most: the fewer items, the more.
    Between the encoder's own vectors, though, likeness holds across kinds of text. So that is where the nearest items
    are looked for, and a text stands at the weighted mean of their whitened vectors.

    Attributes:
        encoded: As the encoder made them, of length 1; shape `(m, D_encoder)`.
        placed: Whitened, of length 1; shape `(m, D)`.
    """

    encoded: Halves
    placed: Halves

    @classmethod
    def of(cls, encoded: Floats, placed: Floats, has_text: Bools, *, seed: int = 0) -> Self:
        """From a catalogue; shapes `(n, D_encoder)`, `(n, D)` and `(n,)`. Items without text show no way."""
        rows = np.flatnonzero(has_text)
        if len(rows) > MAX_LANDMARKS:
            rows = np.sort(np.random.default_rng(seed).choice(rows, MAX_LANDMARKS, replace=False))
        return cls(_units(encoded[rows]).astype(np.float16), placed[rows].astype(np.float16))

    def place(self, encoded: Floats) -> Halves:
        """Where texts stand; shape `(P, D_encoder)` to `(P, D)`, each of length 1, 0 where there is no landmark.

        Cost:
            O(P m D_encoder); less than encoding the texts took.
        """
        found = np.zeros((len(encoded), self.placed.shape[1]), np.float16)
        if not len(self.encoded):
            return found
        landmarks = self.encoded.astype(np.float32)
        n_nearest = min(NEAREST, len(landmarks))
        for start in range(0, len(encoded), CHUNK):
            cosines = _units(encoded[start : start + CHUNK].astype(np.float32)) @ landmarks.T
            nearest = np.argpartition(-cosines, n_nearest - 1, axis=1)[:, :n_nearest]
            nearest.sort(axis=1)  # a sum in the order of rows does not depend on what else is placed
            near = np.take_along_axis(cosines, nearest, axis=1)
            weights = np.exp((near - near.max(axis=1, keepdims=True)) / TEMPERATURE)
            means = np.einsum("pn,pnd->pd", weights, self.placed[nearest].astype(np.float32))
            found[start : start + CHUNK] = _units(means)
        return found

    def save(self, folder: Path) -> None:
        """Write one array per attribute."""
        np.save(folder / ENCODED_FILE, self.encoded)
        np.save(folder / PLACED_FILE, self.placed)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Map what `save` wrote."""
        return cls(mapped(folder / ENCODED_FILE), mapped(folder / PLACED_FILE))


def _units(vectors: Floats) -> Floats:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
