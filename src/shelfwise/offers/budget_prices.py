"""Prices of several budgets at once, at which everybody's own best choices about fit all of them.

The bound that prices give is convex in them but has an edge wherever somebody's choice changes; where one offer's
sendings all gain the same for their cost, it has hardly anything but edges, and looking for the best price of one
budget after the other gets stuck. Choices that are soft, a sending being chosen with a chance that rises with what it
is worth, make it smooth; the softness is then taken away by steps.

Source:
    Nesterov (2005), Smooth Minimization of Non-Smooth Functions, with the entropy of each choice as the distance.
"""

from __future__ import annotations

import numpy as np
import scipy  # `optimize` is loaded where it is first used: whoever only answers does without
from scipy.special import expit

from shelfwise.offers.buyers import Ints
from shelfwise.schemas.ids import Doubles

SOFTNESS = (1.0, 0.3, 0.1, 0.03, 0.01)
"""Steps of the softness, as shares of what a usual sending gains."""

SAMPLE = 3_000
"""Users by whom prices are found where there are more: evenly spaced ones, with their share of the budgets."""

MAX_STEPS = 30
MAX_LAST_STEPS = 8
LAST_SAMPLE = 20_000
"""At last, with more users: by then prices are nearly right."""

NEARLY = 0.7
"""Share of a price that it will not fall below at last."""

NEWTON_STEPS = 6


def budget_prices(
    value: Doubles, cost: Doubles, budget: float, budgets: Doubles, n: int, start: float, usual: float
) -> tuple[float, Doubles]:
    """The price of the whole budget and of each offer's.

    Args:
        value: Shape `(U, O)`.
        cost: Shape `(U, O)`.
        budget: For all together; infinite for none.
        budgets: Of each offer; infinite for none; shape `(O,)`.
        n: Offers of one user at most.
        start: A first guess of the whole budget's price.
        usual: What a usual sending gains.

    Returns:
        At least 0; 0 for a budget that is infinite.
    """
    limits = np.append(budgets, budget)
    bound = np.flatnonzero(np.isfinite(limits))
    # Prices in units in which a usual sending's cost is one.
    unit = usual / max(float(cost[value > 0].mean()), 1e-12)

    def prices(units: Doubles) -> Doubles:
        found = np.zeros(len(limits))
        found[bound] = units * unit
        return found

    def descend(users: Ints, share: float, units: Doubles, softness: float, n_steps: int) -> Doubles:
        own_value, own_cost = value[users], cost[users]
        scale = max(usual * len(users), 1e-12)

        def smooth(units: Doubles) -> tuple[float, Doubles]:
            now = prices(units)
            worth = own_value - own_cost * (now[-1] + now[:-1])
            slots = _slot_prices(worth, n, softness)
            over = (worth - slots[:, None]) / softness
            spent = (expit(over) * own_cost).sum(axis=0)
            total = softness * float(np.logaddexp(0, over).sum()) + n * float(slots.sum())
            total += share * float(now[bound] @ limits[bound])
            slope = (share * limits - np.append(spent, spent.sum()))[bound] * unit
            return total / scale, slope / scale

        bounds = [(0, None)] * len(bound)
        options = {"maxiter": n_steps}
        return scipy.optimize.minimize(smooth, units, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x

    wanted = np.flatnonzero(value.max(axis=1) > 0)
    drawn = wanted[:: max(len(wanted) // SAMPLE, 1)]
    first = np.zeros(len(limits))
    first[-1] = start
    units = first[bound] / unit
    for part in SOFTNESS:
        units = descend(drawn, len(drawn) / len(wanted), units, part * usual, MAX_STEPS)
    if len(drawn) < len(wanted):
        now = NEARLY * prices(units)
        worth = value[wanted] - cost[wanted] * (now[-1] + now[:-1])
        concerned = wanted[worth.max(axis=1) > 0]  # whom prices about these leave anything
        every = max(len(concerned) // LAST_SAMPLE, 1)
        units = descend(
            concerned[::every], len(concerned[::every]) / len(concerned), units, SOFTNESS[-1] * usual, MAX_LAST_STEPS
        )
    found = prices(units)
    return float(found[-1]), found[:-1]


def _slot_prices(worth: Doubles, n: int, softness: float) -> Doubles:
    """What each user's `n` places cost, so that not more than that are softly taken; shape `(U,)`."""
    slots = np.zeros(len(worth))
    crowded = np.flatnonzero(expit(worth / softness).sum(axis=1) > n)
    if not len(crowded):
        return slots
    own = worth[crowded]
    low, high = np.zeros(len(own)), np.maximum(own.max(axis=1) + softness * np.log(worth.shape[1]), 0)
    at = (low + high) / 2
    for _ in range(NEWTON_STEPS):
        chance = expit((own - at[:, None]) / softness)
        too_many = chance.sum(axis=1) - n
        low, high = np.where(too_many > 0, at, low), np.where(too_many > 0, high, at)
        slope = (chance * (1 - chance)).sum(axis=1) / softness
        following = at + too_many / np.maximum(slope, 1e-12)
        # Newton's step where it stays between what is known to be too low and too high, else the middle.
        at = np.where((following > low) & (following < high), following, (low + high) / 2)
    slots[crowded] = at
    return slots
