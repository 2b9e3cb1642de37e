"""Whitening: make a language model's vectors point in all directions alike, in fewer dimensions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from shelfwise.schemas.ids import Floats


@dataclass(frozen=True, slots=True)
class Whitening:
    """An affine map to the leading principal directions, scaled to equal variance, then to length 1.

    Raw vectors of a language model crowd into a narrow cone, so that every cosine is high and tells little. The
    covariance is shrunk towards a multiple of the identity first, or the last directions would be noise blown up.

    Attributes:
        mean: Shape `(D_in,)`.
        directions: Shape `(D_in, D_out)`.

    Source:
        Zhang et al. (2024), Are ID Embeddings Necessary? Whitening Pre-trained Text Embeddings; shrinkage as in
        Ledoit & Wolf (2004) with a fixed weight. We keep the leading directions only: PCA after whitening.
    """

    mean: Floats
    directions: Floats

    @classmethod
    def fit(cls, vectors: Floats, *, dim: int, shrinkage: float) -> Self:
        """Learn the map from a catalogue.

        Args:
            vectors: One per item; shape `(n, D_in)`.
            dim: Dimensions kept; fewer where the catalogue is smaller.
            shrinkage: 0 trusts the sample's covariance, 1 leaves its shape alone.
        """
        mean = vectors.mean(axis=0, dtype=np.float64)
        centred = vectors - mean
        covariance = centred.T @ centred / max(len(vectors) - 1, 1)
        scale = np.trace(covariance) / len(covariance)
        if scale <= 0:  # one item, or all items alike: nothing to whiten
            return cls(np.zeros(len(mean), np.float32), np.eye(len(mean), dim, dtype=np.float32))
        covariance = (1 - shrinkage) * covariance + shrinkage * scale * np.eye(len(covariance))
        variances, axes = np.linalg.eigh(covariance)
        leading = np.argsort(-variances)[:dim]
        leading = leading[variances[leading] > 1e-9 * scale]  # fewer items than dimensions: the rest is rounding
        directions = axes[:, leading] / np.sqrt(variances[leading])
        return cls(mean.astype(np.float32), directions.astype(np.float32))

    def __call__(self, vectors: Floats) -> Floats:
        """Map vectors of shape `(n, D_in)` to `(n, D_out)`, each of length 1 (0 where nothing is left)."""
        mapped = (vectors - self.mean) @ self.directions
        lengths = np.linalg.norm(mapped, axis=1, keepdims=True)
        return (mapped / np.maximum(lengths, 1e-9)).astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write `whitening_mean.npy` and `whitening_directions.npy`."""
        np.save(folder / "whitening_mean.npy", self.mean)
        np.save(folder / "whitening_directions.npy", self.directions)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        return cls(np.load(folder / "whitening_mean.npy"), np.load(folder / "whitening_directions.npy"))
