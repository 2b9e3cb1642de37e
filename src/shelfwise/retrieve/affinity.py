"""How much oftener than by chance two kinds of thing are bought together, from the general to the special."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import scipy.sparse as sparse

from shelfwise.datasets.catalogue import Catalogue
from shelfwise.retrieve.neighbour_lists import Matrix
from shelfwise.schemas.ids import Doubles

MAX_GROUPS = 3_000
"""Depths of the category path with more names than this are left out of the table of kinds."""

Codes = npt.NDArray[np.int32]
"""A group's number per item, from 0; shape `(n,)`."""


def shrunk_log_lift(observed: Doubles, expected: Doubles, prior: Doubles | float, doubt: float) -> Doubles:
    """The logarithm of how much oftener than expected something happened, pulled towards what is known otherwise.

    Counts are Poisson of `expected * lift`, and lift is Gamma-distributed around `exp(prior)` as if `doubt` expected
    events had been seen of it. This is the logarithm of the posterior mean, `(observed + doubt * exp(prior)) /
    (expected + doubt)`.

    Args:
        observed: Counts; any shape.
        expected: What chance alone would give, at least 0; the same shape.
        prior: Log lift where nothing was seen; the same shape, or one number.
        doubt: Above 0.

    Source:
        DuMouchel (1999), Bayesian Data Mining in Large Frequency Tables: the Gamma-Poisson shrinker; one component
        instead of two, with the prior's mean taken from the level above.
    """
    return np.log((observed + doubt * np.exp(prior)) / (expected + doubt))


def group_log_lift(pairs: Matrix, mass: Doubles, levels: Sequence[Codes], doubt: float) -> Doubles:
    """Log lifts between the groups of the last level, each level shrunk to the one before, the first to chance.

    Args:
        pairs: How often two items lie in the same basket, symmetric, diagonal 0; sparse, shape `(n, n)`.
        mass: As in `chance`; shape `(n,)`.
        levels: From the general to the special; each group lies within one of the level before.
        doubt: As in `shrunk_log_lift`.

    Returns:
        Symmetric; shape `(K, K)` for K groups in the last level.

    Cost:
        O(K²) memory: levels of more than a few thousand groups are better left out.
    """
    scale = chance(pairs, mass)
    log_lift, above = np.zeros((1, 1)), np.zeros(len(mass), np.int32)
    for codes in levels:
        n_groups = int(codes.max(initial=-1)) + 1
        parent = np.zeros(n_groups, np.int32)
        parent[codes] = above
        member = sparse.csr_matrix((np.ones(len(codes)), (np.arange(len(codes)), codes)), shape=(len(codes), n_groups))
        observed = np.asarray((member.T @ pairs @ member).todense(), np.float64)
        of_groups = np.bincount(codes, mass, minlength=n_groups)
        expected = (scale * np.outer(of_groups, of_groups)).astype(np.float64)
        log_lift = shrunk_log_lift(observed, expected, log_lift[np.ix_(parent, parent)], doubt)
        above = codes
    return log_lift


def chance(pairs: Matrix, mass: Doubles) -> float:
    """What the masses of two items are multiplied with to expect as many pairs in all as there are; 0 without any.

    With the number of pairs that each item is in as its mass, what lies in large baskets has more company by chance
    too: the configuration model. With the number of its purchases, that counts as belonging together.

    Source:
        Newman (2006), Modularity and community structure in networks, for the configuration model.
    """
    return float(pairs.sum()) / max(float(mass.sum()) ** 2, 1.0)


def category_levels(catalogue: Catalogue) -> list[Codes]:
    """The catalogue's categories by depth, general first; an item without a path shares a group with its like.

    Returns:
        At least one level. An item whose path ends above a level keeps its own end there. Depths with more than
        `MAX_GROUPS` names are left out.
    """
    levels: list[Codes] = []
    for depth in range(1, max((len(path) for path in catalogue.paths), default=1) + 1):
        numbers: dict[tuple[str, ...], int] = {}
        codes = np.array([numbers.setdefault(path[:depth], len(numbers)) for path in catalogue.paths], np.int32)
        if len(numbers) > MAX_GROUPS:
            break
        levels.append(codes)
    return levels or [np.zeros(len(catalogue), np.int32)]
