"""Augmentation: the same history told a little differently in every epoch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.intp]
SHORTEST = 3
"""Events below which a sequence is left as it is."""


def augmented(
    places: Places, random: np.random.Generator, *, crop: float, shuffle: float, drop_events: float
) -> Places:
    """A sequence's events, some left out or exchanged.

    Args:
        places: Where the events stand in the log, oldest first; shape `(T,)`.
        crop: Probability that only a random contiguous part is kept, at least half.
        shuffle: Probability that two neighbours change places.
        drop_events: Probability of each event to be left out.

    Returns:
        At least two events where there were two; shape `(T',)`.

    Source:
        Cropping and shuffling: SASRec++ in Lepage et al. (2025), arXiv 2508.14910; the amounts are our own.
        On Beauty neither helped here (`docs/experiments.md`): both are off unless asked for.
    """
    if len(places) < SHORTEST:
        return places
    chances = random.random(2)
    if chances[0] < crop:
        n_kept = int(random.integers((len(places) + 1) // 2, len(places) + 1))
        n_kept = max(n_kept, 2)
        first = int(random.integers(len(places) - n_kept + 1))
        places = places[first : first + n_kept]
    if drop_events > 0:
        kept = random.random(len(places)) >= drop_events
        kept[-2:] |= kept.sum() < 2
        places = places[kept]
    if chances[1] < shuffle and len(places) >= SHORTEST:
        left = int(random.integers(len(places) - 1))
        places = places.copy()
        places[[left, left + 1]] = places[[left + 1, left]]
    return places
