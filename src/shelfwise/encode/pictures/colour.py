"""What colours a picture has, and where."""

from __future__ import annotations

import numpy as np

from shelfwise.schemas.ids import Bools, Floats

N_HUES = 12
LIGHTNESS = np.array([10.0, 35.0, 60.0, 85.0], np.float32)
"""Centres of the bins of lightness of coloured pixels; L of Lab, 0 to 100."""

GREYS = np.array([0.0, 15.0, 30.0, 45.0, 60.0, 75.0, 88.0, 100.0], np.float32)
"""Centres of the bins of lightness of grey pixels."""

CHROMA = np.array([4.0, 22.0, 55.0], np.float32)
"""Centres of the bins of chroma: grey, muted, vivid."""

GRID = 3
N_COLOURS = len(GREYS) + 2 * N_HUES * len(LIGHTNESS)
N_PLACES = GRID * GRID * 3

_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]],
    np.float32,
) / np.array([[0.95047], [1.0], [1.08883]], np.float32)
"""Linear sRGB to XYZ, relative to the white point D65."""

_LEVELS = np.arange(256, dtype=np.float32) / 255
_LINEAR = np.where(_LEVELS <= 0.04045, _LEVELS / 12.92, ((_LEVELS + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_lab(pixels: np.ndarray) -> Floats:
    """CIE Lab under D65 of sRGB in 0 … 255; shape `(…, 3)` as the argument's.

    Source:
        IEC 61966-2-1 (sRGB); CIE 15 (L*a*b*).
    """
    xyz = _LINEAR[pixels] @ _TO_XYZ.T
    root = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1).astype(np.float32)


def colour_histogram(lab: Floats) -> Floats:
    """Square roots of the shares of soft bins over lightness, chroma and hue; length 1; shape `(N_COLOURS,)`.

    A pixel between two bins counts for both: a shade lighter moves a little, not to another bin. Grey has no hue.

    Args:
        lab: The pixels that count; shape `(P, 3)`.
    """
    grey = np.zeros(len(GREYS), np.float64)
    coloured = np.zeros((2, len(LIGHTNESS), N_HUES), np.float64)
    low, share = _between(np.hypot(lab[:, 1], lab[:, 2]), CHROMA)
    grey_part = np.where(low == 0, 1 - share, 0)
    at, up = _between(lab[:, 0], GREYS)
    np.add.at(grey, at, grey_part * (1 - up))
    np.add.at(grey, at + 1, grey_part * up)
    hue = (np.arctan2(lab[:, 2], lab[:, 1]) / (2 * np.pi) % 1.0) * N_HUES
    hue_at = hue.astype(np.int64) % N_HUES
    hue_up = hue - np.floor(hue)
    light_at, light_up = _between(lab[:, 0], LIGHTNESS)
    parts = (np.where(low == 0, share, 1 - share), np.where(low == 0, 0, share))
    for strength, part in enumerate(parts):
        for light, light_share in ((light_at, 1 - light_up), (light_at + 1, light_up)):
            for side, hue_share in ((0, 1 - hue_up), (1, hue_up)):
                np.add.at(coloured[strength], (light, (hue_at + side) % N_HUES), part * light_share * hue_share)
    counts = np.concatenate([grey, coloured.ravel()])
    return np.sqrt(counts / max(counts.sum(), 1e-12)).astype(np.float32)


def colour_layout(lab: Floats, mask: Bools) -> Floats:
    """The mean colour of each part of a coarse grid, over 100; 0 where the part holds none; shape `(N_PLACES,)`.

    Args:
        lab: The product's box; shape `(height, width, 3)`.
        mask: Whether each pixel counts; shape `(height, width)`.
    """
    out = np.zeros((GRID, GRID, 3), np.float32)
    rows = np.linspace(0, lab.shape[0], GRID + 1).round().astype(int)
    columns = np.linspace(0, lab.shape[1], GRID + 1).round().astype(int)
    for row in range(GRID):
        for column in range(GRID):
            part = np.s_[rows[row] : rows[row + 1], columns[column] : columns[column + 1]]
            if mask[part].any():
                out[row, column] = lab[part][mask[part]].mean(axis=0) / 100
    return out.ravel()


def _between(values: Floats, centres: Floats) -> tuple[np.ndarray, Floats]:
    """The bin below each value, and the share of the one above it."""
    clipped = np.clip(values, centres[0], centres[-1])
    low = np.clip(np.searchsorted(centres, clipped, side="right") - 1, 0, len(centres) - 2)
    return low, ((clipped - centres[low]) / (centres[low + 1] - centres[low])).astype(np.float32)
