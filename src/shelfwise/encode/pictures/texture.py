"""How a surface is patterned: local binary patterns at two scales, and how strong its edges are."""

from __future__ import annotations

import numpy as np

from shelfwise.schemas.ids import Bools, Floats

RADII = (1, 2)
TOLERANCE = 2.0
"""A neighbour must be lighter by so much of L (0 to 100) to count as lighter: noise of JPEG is no pattern."""

EDGES = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0], np.float32)
"""Bounds of the bins of edge strength, in L per pixel."""

N_PATTERNS = 10
N_TEXTURES = len(RADII) * N_PATTERNS + len(EDGES) + 1

_RING = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))


def texture(light: Floats, mask: Bools) -> Floats:
    """Square roots of the shares of patterns and edge strengths; each scale has length 1; shape `(N_TEXTURES,)`.

    Args:
        light: L of Lab; shape `(height, width)`.
        mask: Whether each pixel counts, at least one; shape `(height, width)`.

    Source:
        Ojala, Pietikäinen & Mäenpää (2002): patterns that turn at most twice around the ring count by how many
        neighbours are lighter, all others together. We compare whole pixels, without interpolation on the circle.
    """
    parts = [_roots(_patterns(light, radius)[mask], N_PATTERNS) for radius in RADII]
    down, right = np.gradient(np.pad(light, 1, mode="edge"))
    strength = np.hypot(down, right)[1:-1, 1:-1][mask]
    parts.append(_roots(np.searchsorted(EDGES, strength), len(EDGES) + 1))
    return np.concatenate(parts)


def _patterns(light: Floats, radius: int) -> np.ndarray:
    height, width = light.shape
    around = np.pad(light, radius, mode="edge")
    lighter = np.stack(
        [
            around[radius * (1 + down) : radius * (1 + down) + height, radius * (1 + right) :][:, :width]
            > light + TOLERANCE
            for down, right in _RING
        ]
    )  # (8, height, width)
    turns = (lighter != np.roll(lighter, 1, axis=0)).sum(axis=0)
    return np.where(turns <= 2, lighter.sum(axis=0), N_PATTERNS - 1)


def _roots(codes: np.ndarray, n: int) -> Floats:
    counts = np.bincount(codes, minlength=n).astype(np.float64)
    return np.sqrt(counts / max(counts.sum(), 1.0)).astype(np.float32)
