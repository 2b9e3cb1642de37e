"""Learned directions of pictures: those that tell in pictures what the shop's texts tell in words."""

from __future__ import annotations

import numpy as np

from shelfwise.encode.whitening import Whitening
from shelfwise.schemas.ids import Floats

MIN_PER_DIM = 4
"""Items that a direction takes: with fewer that have both text and picture, per dimension of the raw vectors, nothing
is learned from texts; with fewer pictures per direction kept, fewer are kept."""

TILT = 0.5
"""Power of the correlation by which a direction is stretched: 0 keeps all alike, 1 goes by what texts tell alone."""


def can_align(n_both: int, raw_dim: int) -> bool:
    """Whether there are enough items with both; with fewer the directions would fit accidents."""
    return n_both >= MIN_PER_DIM * raw_dim


def align(pictures: Floats, texts: Floats, *, dim: int, shrinkage: float) -> Whitening:
    """The map from raw picture vectors to the directions that go along with whitened texts.

    No labels are needed, so that it works in any shop whose items have titles: those say "shirt" and "blue" for people
    to read, and the map learns which measurements go along with such words.

    Args:
        pictures: Raw vectors of items that have both; shape `(n, D_in)`.
        texts: Whitened text vectors of the same items; shape `(n, D_text)`.
        dim: Directions kept; at most `D_text`.
        shrinkage: Of the pictures' covariance towards a multiple of the identity; 0 trusts the sample.

    Returns:
        An affine map, to be used as a whitening is: it ends with length 1.

    Cost:
        O(n D_in (D_in + D_text) + D_in³); half a minute for 100,000 items of 600 dimensions.

    Source:
        Hotelling (1936), canonical correlations, with a ridge on the side of pictures; texts come whitened. Directions
        are scaled by a power of their correlation, which is our own choice (measured, see docs/experiments.md).
    """
    mean = pictures.mean(axis=0, dtype=np.float64)
    centred = pictures - mean.astype(np.float32)
    covariance = (centred.T @ centred).astype(np.float64) / max(len(pictures) - 1, 1)
    scale = np.trace(covariance) / len(covariance)
    if scale <= 0:  # all pictures are alike
        return Whitening(mean.astype(np.float32), np.zeros((len(mean), dim), np.float32))
    covariance = (1 - shrinkage) * covariance + shrinkage * scale * np.eye(len(covariance))
    variances, axes = np.linalg.eigh(covariance)
    kept = variances > 1e-9 * scale
    whiten = axes[:, kept] / np.sqrt(variances[kept])
    shared = whiten.T @ (centred.T @ (texts - texts.mean(axis=0))).astype(np.float64) / len(pictures)
    directions, correlations, _ = np.linalg.svd(shared, full_matrices=False)
    leading = min(dim, len(correlations))
    stretch = (correlations[:leading] / max(correlations[0], 1e-12)) ** TILT
    return Whitening(mean.astype(np.float32), (whiten @ directions[:, :leading] * stretch).astype(np.float32))
