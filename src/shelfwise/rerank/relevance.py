"""Relevance on one scale, so that it can be weighed against distances."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from shelfwise.schemas.ids import Floats

HALF = 3.0
"""A candidate so many places further down is worth about half as much; see docs/experiments.md."""


def relevance(n: int) -> Floats:
    """What the candidate at each place is worth, by its place alone; shape `(n,)`, from 1 falling towards 0.

    Scores of rankers are no probabilities: one shop's lie between 0.01 and 0.02, another's between -8 and 8, and in a
    request whose candidates score alike the smallest difference would be blown up by any scaling to [0, 1]. Places
    mean the same everywhere. The chance that a candidate is right falls with its place about as one over place plus a
    constant, in every shop that was looked at, so that is the curve.

    Examples:
        >>> relevance(3).round(2).tolist()
        [1.0, 0.75, 0.6]
    """
    return _curve(n)


@lru_cache(maxsize=32)
def _curve(n: int) -> Floats:
    found = (HALF / (HALF + np.arange(n))).astype(np.float32)
    found.flags.writeable = False
    return found
