"""Thompson sampling: what is tried out is what may well be best, the likelier the less is known of it."""

from __future__ import annotations

import numpy as np
from pydantic import Field
from scipy.special import ndtr

from shelfwise.rerank.exploring import Exploring
from shelfwise.rerank.listed import Listed
from shelfwise.schemas.ids import Bools, Doubles

NARROWEST = 0.1
"""The least spread of an item, as a share of the widest: below it, chances would need too fine a grid."""

REACH = 5.0
"""Spreads of an item that are looked at: beyond lies less than a millionth."""

STEP = 0.8
"""Between points of the integral, in spreads of the narrowest item: the sum is then right to nine digits."""

MOST_POINTS = 250


class Thompson(Exploring):
    """Tries out the item whose score, drawn anew from how sure it is, is highest; see `Exploring`.

    Scores are drawn from normal distributions around the order's own. How wide they are:

    - Where the ranker predicts probabilities (`multi-objective`): as those of a Beta distribution with the predicted
      probability as mean and `strength` observations and as many more as the item was shown; of the objective that goes
      along with the scores best.
    - Where it gives an order only (`fusion`): `width` standard deviations of the candidates' scores, for an item that
      was never shown; less by the root of how often it was. That is no posterior of anything: no ranker of an order
      knows how sure it is.

    The chances are exact either way, by integration of `density × product of the others' distributions`.

    Cost:
        O(N G + k (N + G)), G being points of the integral; some 0.3 ms for 60 candidates and 20 positions.

    Source:
        Thompson (1933); Chapelle & Li (2011), An Empirical Evaluation of Thompson Sampling.
    """

    class Config(Exploring.Config):
        """Options of a `[rerank.…]` table with `use = "thompson"`."""

        strength: float = Field(
            default=100.0, gt=0, description="Times shown that the ranker's own word on an item is worth."
        )
        width: float = Field(
            default=0.5,
            gt=0,
            le=10,
            description="Doubt of an item that was never shown, in standard deviations of the scores; orders only.",
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.config_of_spread = config

    def trial(self, listed: Listed, n: int) -> Normals:
        """Normal distributions around the scores."""
        scores = listed.scores[:n].astype(np.float64)
        shown = np.zeros(n) if listed.shown is None else listed.shown[:n].astype(np.float64)
        options = self.config_of_spread
        chances = _probabilities(listed, n)
        if chances is not None:
            spread = np.abs(scores) * np.minimum(np.sqrt((1 - chances) / (chances * (options.strength + shown))), 1.0)
        else:
            scale = float(scores.std()) or 1.0
            spread = options.width * scale / np.sqrt(1 + shown / options.strength)
        return Normals(scores, np.maximum(spread, max(float(spread.max()) * NARROWEST, 1e-9)), min(listed.k, n))


def _probabilities(listed: Listed, n: int) -> Doubles | None:
    """The predictions that go along with the scores best, of those that are probabilities; shape `(n,)`."""
    found, closest = None, 0.0
    for column in range(listed.predictions.shape[1]):
        told = listed.predictions[:n, column].astype(np.float64)
        if not np.isfinite(told).all() or told.min() <= 0 or told.max() >= 1 or told.std() == 0:
            continue
        with np.errstate(invalid="ignore"):
            agreement = float(np.nan_to_num(np.corrcoef(told, listed.scores[:n])[0, 1]))
        if agreement > closest:
            found, closest = told, agreement
    return found


class Normals:
    """Independent normal distributions, and the chance of each to give the highest of those that are left.

    Args:
        means: Shape `(n,)`.
        spreads: Standard deviations, above 0; shape `(n,)`.
        k: Places that will be taken at most.
    """

    def __init__(self, means: Doubles, spreads: Doubles, k: int) -> None:
        # The highest draw lies above where the best that is left surely reaches: the integral begins there.
        surely = np.sort(means - REACH * spreads)[::-1]
        low, high = surely[min(k - 1, len(surely) - 1)], float((means + REACH * spreads).max())
        # Draws are of the same spreads as chances, so that both stay true where the grid would be too coarse.
        spreads = np.maximum(spreads, (high - low) / (STEP * MOST_POINTS))
        self._means, self.spreads = means, spreads
        n_points = int(np.clip((high - low) / (STEP * float(spreads.min())), 16, MOST_POINTS))
        points = np.linspace(low, high, n_points)
        self._step = points[1] - points[0]
        self._z = (points - means[:, None]) / spreads[:, None]  # (n, G)
        self._log_below = np.log(np.maximum(ndtr(self._z), 1e-300))
        self._log_all = self._log_below.sum(axis=0)

    def draw(self, left: Bools, random: np.random.Generator) -> int:
        """The place of the highest draw."""
        drawn = random.normal(self._means, self.spreads)
        return int(np.argmax(np.where(left, drawn, -np.inf)))

    def chance(self, place: int, left: Bools) -> float:
        """The chance of a place to have the highest draw."""
        if not left[place]:
            return 0.0
        density = np.exp(-0.5 * self._z[place] ** 2 + self._log_all - self._log_below[place])
        return float(min(density.sum() * self._step / (self.spreads[place] * np.sqrt(2 * np.pi)), 1.0))

    def take(self, place: int) -> None:
        """A place is not left any more."""
        self._log_all = self._log_all - self._log_below[place]
