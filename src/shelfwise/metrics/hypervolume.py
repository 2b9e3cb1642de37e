"""How much of what is possible a front of trade-offs reaches: one figure for several objectives."""

import numpy as np

from shelfwise.metrics.arrays import Bools, Float64s, Floats

MOST_OBJECTIVES = 4
"""Beyond which cutting into slices takes too long to be of use."""


def hypervolume(points: Floats, reference: Floats) -> float:
    """Volume of everything that is at or above the reference and no better than one of the points, in every objective.

    Larger is better in each objective. The front alone counts: points that another one is at least as good as in
    everything add nothing, and so do those below the reference in anything.

    Args:
        points: One line a point, one column an objective; shape `(N, O)` with O from 1 to 4.
        reference: The point of no merit; shape `(O,)`.

    Returns:
        The volume, in the product of the objectives' units; 0 without a point above the reference.

    Raises:
        ValueError: Shapes disagree, a value is not finite, or there are more than four objectives.

    Cost:
        O(N^(O - 1)) time for two objectives and more, apart from sorting.

    Source:
        Zitzler & Thiele (1999), Multiobjective Evolutionary Algorithms (the measure); While, Hingston, Barone &
        Huband (2006), A Faster Algorithm for Calculating Hypervolume (slicing objectives).
    """
    above = _checked(points, reference)
    return _volume(above[(above > 0).all(axis=1)])


def front(points: Floats) -> Bools:
    """Which points no other one dominates: is at least as good as in everything and better in something.

    Args:
        points: Larger is better in each column; shape `(N, O)`.

    Returns:
        Shape `(N,)`. Equal points are all on the front or all off it.

    Raises:
        ValueError: The shape is another, or a value is not finite.

    Cost:
        O(N^2 O) time, O(N O) memory.
    """
    if points.ndim != 2 or not np.isfinite(points).all():
        raise ValueError(f"points must be finite and of shape (N, O), got shape {points.shape}")
    return np.array(
        [not ((points >= one).all(axis=1) & (points > one).any(axis=1)).any() for one in points], dtype=bool
    )


def _checked(points: Floats, reference: Floats) -> Float64s:
    if reference.ndim != 1 or points.ndim != 2 or points.shape[1] != len(reference):
        raise ValueError(
            f"points has shape {points.shape}, reference {reference.shape}; one column is needed for each objective"
        )
    if not 1 <= len(reference) <= MOST_OBJECTIVES:
        raise ValueError(f"{len(reference)} objectives; 1 to {MOST_OBJECTIVES} are understood")
    if not (np.isfinite(points).all() and np.isfinite(reference).all()):
        raise ValueError("points and reference must be finite")
    return points.astype(np.float64) - reference.astype(np.float64)


def _volume(above: Float64s) -> float:
    """Of points above 0: from the top of the last objective down, each slice has the volume of what reaches it."""
    if not len(above):
        return 0.0
    if above.shape[1] == 1:
        return float(above.max())
    falling = above[np.argsort(-above[:, -1], kind="stable")]
    if above.shape[1] == 2:
        widths = np.maximum.accumulate(falling[:, 0])
        return float(widths @ (falling[:, 1] - np.append(falling[1:, 1], 0.0)))
    total, kept = 0.0, falling[:0, :-1]
    for place, height in enumerate(falling[:, -1]):
        below = falling[place + 1, -1] if place + 1 < len(falling) else 0.0
        kept = np.concatenate([kept, falling[place : place + 1, :-1]])
        kept = kept[front(kept)]
        if height > below:
            total += (height - below) * _volume(kept)
    return float(total)
