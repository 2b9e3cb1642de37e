"""Which user gets which offer, so that the most is gained within budgets: a multiple-choice knapsack.

Every budget gets a price: a sending is worth its gain less the price of what it costs. At given prices every user's
best choice is his own, and what all of them are worth together, with the priced budgets added, is an upper bound of
what any assignment within the budgets can gain (Lagrangian duality). Prices are found at which the choices just about
fit the budgets; what is left of these is then filled greedily.

Source:
    Sinha and Zoltners (1979), The Multiple-Choice Knapsack Problem; Fisher (1981), The Lagrangian Relaxation Method for
    Solving Integer Programming Problems. Ours has a budget for every class of items beside that of the whole, and lets
    several of a row be chosen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shelfwise.offers.budget_prices import SOFTNESS, budget_prices
from shelfwise.schemas.ids import Bools, Doubles

STEPS = 50
"""Halvings in which the price of the whole budget is found."""

MAX_TRIED = 200_000
"""Sendings that are tried when what is left of the budgets is filled, the most promising ones."""

GOOD_ENOUGH = 0.999
"""Share of the bound from which on a price for the whole budget alone will do."""

SEED = 0
"""Of what decides between sendings that are worth the same."""

SLACK = 1e-9
"""Rounding by which a sum may exceed its budget, as a share."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who gets what.

    Attributes:
        chosen: Shape `(U, O)`.
        value: What it gains.
        bound: What no assignment within the budgets gains more than.
        cost: What it costs.
    """

    chosen: Bools
    value: float
    bound: float
    cost: float


class _Problem:
    def __init__(self, value: Doubles, cost: Doubles, budget: float, budgets: Doubles, n: int) -> None:
        self.value, self.cost, self.budget, self.budgets = value, cost, budget, budgets
        self.n = min(n, value.shape[1])

    def worth(self, price: float, prices: Doubles) -> Doubles:
        return self.value - self.cost * (price + prices)

    def best(self, worth: Doubles) -> Bools:
        """Each user's at most `n` sendings that are worth most, and more than nothing; the first of equals."""
        chosen = worth > 0
        crowded = np.flatnonzero(chosen.sum(axis=1) > self.n)
        if len(crowded):
            if self.n == 1:
                kept = worth[crowded].argmax(axis=1)[:, None]
            else:
                kept = np.argsort(-worth[crowded], axis=1, kind="stable")[:, : self.n]
            own = np.zeros((len(crowded), worth.shape[1]), bool)
            np.put_along_axis(own, kept, True, axis=1)
            chosen[crowded] = own
        return chosen

    def bound(self, worth: Doubles, price: float, prices: Doubles) -> float:
        total = float(worth[self.best(worth)].sum())
        # A budget that is infinite has no price.
        total += price * self.budget if price > 0 else 0.0
        return total + float((prices[prices > 0] * self.budgets[prices > 0]).sum())

    def price_of_all(self, prices: Doubles) -> float:
        """The price of the whole budget at which choices fit it; 0 where they do for nothing."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = np.where(self.value > 0, (self.value - self.cost * prices) / self.cost, -np.inf)
        # From this price on nothing is worth its cost to a user.
        silent_from = ratios.max(axis=1)
        order = np.argsort(-silent_from, kind="stable")
        silent_from = silent_from[order]

        def spent(price: float) -> float:
            users = order[: np.searchsorted(-silent_from, -price, side="left")]
            cost = self.cost[users]
            worth = self.value[users] - cost * (price + prices)
            return float(cost[self.best(worth)].sum())

        if spent(0.0) <= self.budget:
            return 0.0
        finite = ratios[np.isfinite(ratios)]
        low, high = 0.0, float(finite.max(initial=0.0))
        for _ in range(STEPS):
            middle = (low + high) / 2
            if spent(middle) <= self.budget:
                high = middle
            else:
                low = middle
            if high - low <= 1e-9 * high:
                break
        return high


def assign(value: Doubles, cost: Doubles, *, budget: float, budgets: Doubles, per_user: int = 1) -> Assignment:
    """Choose sendings.

    Args:
        value: What each is expected to gain; negative infinity for one that must not be; shape `(U, O)`.
        cost: What it is expected to cost, at least 0; shape `(U, O)`.
        budget: For all together; infinite for none.
        budgets: For each offer; infinite for none; shape `(O,)`.
        per_user: Offers of one user at most.

    Returns:
        Within all budgets. Only what gains more than 0 is chosen; of equals the first. The same input gives the same
        output.

    Raises:
        ValueError: shapes disagree, a cost or a budget is negative, or `per_user` is below 1.

    Cost:
        O(U O) for each of some dozen prices of the whole budget; where offers' own budgets bind, as much again for a
        sample of the users.
    """
    if value.shape != cost.shape or budgets.shape != value.shape[1:] or value.ndim != 2:
        raise ValueError(f"value has shape {value.shape}, cost {cost.shape}, budgets {budgets.shape}")
    if per_user < 1 or budget < 0 or (budgets < 0).any() or (cost < 0).any():
        raise ValueError("costs and budgets must be at least 0, and per_user at least 1")
    if not value.size:
        return Assignment(np.zeros(value.shape, bool), 0.0, 0.0, 0.0)
    problem = _Problem(value, cost, budget, budgets, per_user)
    prices = np.zeros(value.shape[1])
    price = problem.price_of_all(prices)
    worth = problem.worth(price, prices)
    chosen = problem.best(worth)
    bound = problem.bound(worth, price, prices)
    _give_back(problem, chosen)
    _fill(problem, chosen, worth)
    total = float(value[chosen].sum())
    if np.isfinite(budgets).any() and total < GOOD_ENOUGH * bound:
        other, other_bound = _at_all_prices(problem, price)
        bound = min(bound, other_bound)
        if float(value[other].sum()) > total:
            chosen, total = other, float(value[other].sum())
    return Assignment(chosen, total, max(bound, total), float(cost[chosen].sum()))


def _at_all_prices(problem: _Problem, price: float) -> tuple[Bools, float]:
    """With a price for every budget: what is chosen, and the bound."""
    usual = float(problem.value[problem.value > 0].mean())
    price, prices = budget_prices(problem.value, problem.cost, problem.budget, problem.budgets, problem.n, price, usual)
    worth = problem.worth(price, prices)
    # Of sendings that are worth the same, a little chance decides: they would otherwise be chosen all or none.
    noise = np.random.default_rng(SEED).logistic(0, SOFTNESS[-1] * usual, worth.shape)
    chosen = problem.best(np.where(problem.value > 0, worth + noise, -np.inf))
    _give_back(problem, chosen)
    _fill(problem, chosen, worth)
    return chosen, problem.bound(worth, price, prices)


def _give_back(problem: _Problem, chosen: Bools) -> None:
    """Take back what gains least for its cost, until every budget is kept."""

    def take_back(users: np.ndarray, offers: np.ndarray, budget: float) -> None:
        costs = problem.cost[users, offers]
        if costs.sum() <= budget * (1 + SLACK):
            return
        ratios = problem.value[users, offers] / np.maximum(costs, 1e-12)
        order = np.argsort(-ratios, kind="stable")
        over = np.cumsum(costs[order]) > budget * (1 + SLACK)
        chosen[users[order[over]], offers[order[over]]] = False

    for place in np.flatnonzero(np.isfinite(problem.budgets)).tolist():
        users = np.flatnonzero(chosen[:, place])
        take_back(users, np.full(len(users), place), float(problem.budgets[place]))
    users, offers = np.nonzero(chosen)
    take_back(users, offers, problem.budget)


def _fill(problem: _Problem, chosen: Bools, worth: Doubles) -> None:
    """Add or exchange sendings as long as the budgets allow, the most promising at the prices found first."""
    value, cost = problem.value, problem.cost
    n_chosen = chosen.sum(axis=1)
    # What a user at his limit would have to give up for another.
    worst = np.where(chosen, worth, np.inf).min(axis=1)
    promise = np.where(chosen | (value <= 0), -np.inf, worth - np.where(n_chosen >= problem.n, worst, 0.0)[:, None])
    flat = promise.ravel()
    n_tried = min(MAX_TRIED, int(np.isfinite(flat).sum()))
    if not n_tried:
        return
    tried = np.argpartition(-flat, n_tried - 1)[:n_tried]
    tried = tried[np.lexsort((tried, -flat[tried]))]
    left_of_all = problem.budget * (1 + SLACK) - float(cost[chosen].sum())
    left = problem.budgets * (1 + SLACK) - (cost * chosen).sum(axis=0)
    for user, offer in zip(*(part.tolist() for part in np.divmod(tried, value.shape[1])), strict=True):
        given_up = None
        if n_chosen[user] >= problem.n:
            own = np.flatnonzero(chosen[user])
            given_up = int(own[worth[user, own].argmin()])
            if value[user, offer] <= value[user, given_up]:
                continue
        back = 0.0 if given_up is None else cost[user, given_up]
        if cost[user, offer] > left[offer] or cost[user, offer] - back > left_of_all:
            continue
        if given_up is None:
            n_chosen[user] += 1
        else:
            chosen[user, given_up] = False
            left[given_up] += back
        chosen[user, offer] = True
        left[offer] -= cost[user, offer]
        left_of_all -= cost[user, offer] - back
