"""Tell a product from a plain background behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from shelfwise.schemas.ids import Bools, Floats

BORDER = 2
"""Pixels along the edges that are asked what the background looks like."""

LIKE = 6.0
"""A pixel closer than this to the background's colour, in units of Lab, may belong to it."""

PLAIN_FROM = 0.5
"""Share of the border that must look alike for a background to be plain."""

TOO_SMALL, TOO_LARGE = 0.02, 0.99
"""A foreground outside of these shares of the picture is no finding: the whole picture is taken."""


@dataclass(frozen=True, slots=True)
class Foreground:
    """Where the product is.

    Attributes:
        mask: Whether each pixel belongs to it; shape `(height, width)`.
        box: Rows and columns that hold it: top, bottom, left, right; the ends are exclusive.
        is_found: Whether there was a plain background to tell it from; otherwise the mask is True everywhere.
    """

    mask: Bools
    box: tuple[int, int, int, int]
    is_found: bool


def find_foreground(lab: Floats) -> Foreground:
    """Everything but what looks like the border and is connected with it.

    So a white shirt's inside on white stays foreground where its outline is closed.

    Args:
        lab: The picture in CIE Lab; shape `(height, width, 3)`.
    """
    height, width = lab.shape[:2]
    everything = Foreground(np.ones((height, width), np.bool_), (0, height, 0, width), False)
    if min(height, width) <= 2 * BORDER:
        return everything
    edge = np.ones((height, width), np.bool_)
    edge[BORDER:-BORDER, BORDER:-BORDER] = False
    border = lab[edge]
    # A product that touches the edges is a minority there: the median is the background's.
    is_like = np.linalg.norm(lab - np.median(border, axis=0), axis=2) < LIKE
    if is_like[edge].mean() < PLAIN_FROM:
        return everything
    labelled: Any = ndimage.label(is_like)
    parts = labelled[0]
    outer = np.unique(parts[edge & is_like])
    mask = ~np.isin(parts, outer[outer > 0])
    if not TOO_SMALL <= mask.mean() <= TOO_LARGE:
        return everything
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return Foreground(mask, (int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1), True)
