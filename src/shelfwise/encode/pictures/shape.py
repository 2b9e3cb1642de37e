"""What outline and inner edges a product has, whatever its colour."""

from __future__ import annotations

import numpy as np

from shelfwise.schemas.ids import Bools, Floats

SIDE = 48
"""Pixels to which the product's box is stretched for edges."""

CELL = 8
N_DIRECTIONS = 8
SILHOUETTE = 12

N_EDGES = (SIDE // CELL) ** 2 * N_DIRECTIONS
N_SILHOUETTE = SILHOUETTE * SILHOUETTE
N_PROPORTIONS = 5

NOISE = 25.0
"""Energy of a neighbourhood without edges, in L squared: what is fainter is not blown up."""

CLIP = 0.3
"""The largest share of one direction in its neighbourhood: one hard edge must not drown all others."""


def edge_directions(light: Floats) -> Floats:
    """Histograms of edge directions in a grid of cells, each normalised with its neighbours; shape `(N_EDGES,)`.

    Args:
        light: L of Lab of the product's box, stretched; shape `(SIDE, SIDE)`.

    Source:
        Dalal & Triggs (2005), Histograms of Oriented Gradients; a cell is normalised once, by the energy of the nine
        cells around it, instead of once for each block.
    """
    down, right = np.gradient(light)
    strength = np.hypot(down, right)
    direction = (np.arctan2(down, right) / np.pi % 1.0) * N_DIRECTIONS
    low = direction.astype(np.int64) % N_DIRECTIONS
    share = direction - np.floor(direction)
    n_cells = SIDE // CELL
    cell = np.add.outer(np.arange(SIDE) // CELL * n_cells, np.arange(SIDE) // CELL)
    counts = np.bincount(
        (cell * N_DIRECTIONS + low).ravel(), (strength * (1 - share)).ravel(), n_cells * n_cells * N_DIRECTIONS
    )
    counts += np.bincount(
        (cell * N_DIRECTIONS + (low + 1) % N_DIRECTIONS).ravel(),
        (strength * share).ravel(),
        n_cells * n_cells * N_DIRECTIONS,
    )
    cells = counts.reshape(n_cells, n_cells, N_DIRECTIONS)
    energy = np.pad((cells**2).sum(axis=2), 1)
    around = np.sum([energy[i : i + n_cells, j : j + n_cells] for i in range(3) for j in range(3)], axis=0)
    normed = np.minimum(cells / np.sqrt(around + NOISE)[..., None], CLIP)
    return normed.astype(np.float32).ravel()


def silhouette(mask: Bools) -> Floats:
    """Share of the product in each part of a grid over its box; shape `(N_SILHOUETTE,)`."""
    rows = _weights(mask.shape[0], SILHOUETTE)
    columns = _weights(mask.shape[1], SILHOUETTE)
    return (rows @ mask.astype(np.float32) @ columns.T).astype(np.float32).ravel()


def proportions(mask: Bools, box: tuple[int, int, int, int]) -> Floats:
    """Height to width (log), share of the box filled, of the picture's height and width taken, left-right symmetry.

    Args:
        mask: Where the product is in the whole picture; shape `(height, width)`.
        box: Its rows and columns.

    Returns:
        Shape `(N_PROPORTIONS,)`.
    """
    top, bottom, left, right = box
    inside = mask[top:bottom, left:right]
    return np.array(
        [
            np.log((bottom - top) / (right - left)),
            inside.mean(),
            (bottom - top) / mask.shape[0],
            (right - left) / mask.shape[1],
            (inside == inside[:, ::-1]).mean(),
        ],
        np.float32,
    )


def _weights(n_from: int, n_to: int) -> Floats:
    """How much each of `n_from` pixels belongs to each of `n_to` parts; rows sum to 1; shape `(n_to, n_from)`."""
    edges = np.linspace(0, n_from, n_to + 1)
    starts = np.arange(n_from)
    shared = np.minimum(starts + 1, edges[1:, None]) - np.maximum(starts, edges[:-1, None])
    return (np.clip(shared, 0, None) * n_to / n_from).astype(np.float32)
