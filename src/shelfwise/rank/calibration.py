"""Probabilities that mean what they say: of a hundred candidates at 0.03, three."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import scipy  # `optimize` is loaded where it is first used: whoever only answers does without
from scipy.special import expit

from shelfwise.schemas.ids import Doubles, Floats

ENOUGH = 500
"""Happenings of an objective from which on a free curve is told from noise, and a scenario from all of them."""

ENOUGH_FOR_A_LINE = 20
"""Happenings below which predictions are left as they are."""

OWN_SLOPE = 1e-3
"""Share of the prediction itself in a free curve, so that its steps do not make equals of unequals."""

LOWEST = -40.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """A rising, piecewise linear map from a prediction's log-odds to better ones.

    Attributes:
        given: Log-odds, rising; shape `(Q,)`.
        better: Log-odds; shape `(Q,)`. Beyond the ends the map goes on with slope 1.
    """

    given: Doubles
    better: Doubles

    @classmethod
    def as_it_is(cls) -> Self:
        """Nothing is changed."""
        return cls(np.zeros(1), np.zeros(1))

    @property
    def is_as_it_is(self) -> bool:
        """Whether nothing is changed, as there was too little to learn from."""
        return len(self.given) == 1 and bool(self.given[0] == self.better[0])

    @classmethod
    def fit(cls, log_odds: Floats, happened: Floats) -> Self:
        """The map that makes what happened most likely.

        With enough happenings a free curve, isotonic regression (Zadrozny and Elkan, 2002); with few a line (Platt,
        1999); with next to none, nothing.

        Args:
            log_odds: Predicted, on requests that were not learned from; shape `(N,)`.
            happened: 1 or 0; shape `(N,)`.
        """
        n_happened = float(happened.sum())
        if min(n_happened, len(happened) - n_happened) < ENOUGH_FOR_A_LINE:
            return cls.as_it_is()
        given = np.clip(log_odds.astype(np.float64), LOWEST, -LOWEST)
        line = cls._line(given, happened)
        return cls._curve(given, happened, line) if n_happened >= ENOUGH else line

    @classmethod
    def _line(cls, given: Doubles, happened: Floats) -> Self:
        def loss(parameters: Doubles) -> tuple[float, Doubles]:
            slope, shift = np.exp(parameters[0]), parameters[1]
            odds = slope * given + shift
            value = np.logaddexp(0, odds) - happened * odds
            error = expit(odds) - happened
            return float(value.mean()), np.array([(error * slope * given).mean(), error.mean()])

        slope, shift = scipy.optimize.minimize(loss, np.zeros(2), jac=True, method="L-BFGS-B").x
        ends = np.array([given.min(), given.max() + 1e-6])
        return cls(ends, np.exp(slope) * ends + shift)

    @classmethod
    def _curve(cls, given: Doubles, happened: Floats, line: Self) -> Self:
        order = np.argsort(given, kind="stable")
        blocks = scipy.optimize.isotonic_regression(happened[order].astype(np.float64))
        starts, ends = blocks.blocks[:-1], blocks.blocks[1:]
        shares = np.array([blocks.x[start] for start in starts])
        middles = np.array([given[order][start:end].mean() for start, end in zip(starts, ends, strict=True)])
        inside = (shares > 0) & (shares < 1)
        if inside.sum() < 2:
            return line
        middles, odds = middles[inside], np.log(shares[inside] / (1 - shares[inside]))
        odds = (1 - OWN_SLOPE) * odds + OWN_SLOPE * middles
        return cls(middles, np.maximum.accumulate(odds))

    def __call__(self, log_odds: Floats) -> Floats:
        """Better log-odds; shape as given."""
        given = np.clip(log_odds.astype(np.float64), LOWEST, -LOWEST)
        inner = np.interp(given, self.given, self.better)
        beyond = np.minimum(given - self.given[0], 0) + np.maximum(given - self.given[-1], 0)
        return (inner + beyond).astype(np.float32)

    def as_document(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"given": self.given.tolist(), "better": self.better.tolist()}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Read what `as_document` wrote."""
        return cls(np.array(document["given"]), np.array(document["better"]))


@dataclass(frozen=True, slots=True)
class ByScenario:
    """One objective's calibration, by scenario where there is enough of it, else over all.

    Attributes:
        overall: Of every scenario without one of its own.
        own: By the scenario's code.
    """

    overall: Calibration
    own: dict[int, Calibration]

    @classmethod
    def fit(cls, log_odds: Floats, happened: Floats, scenarios: npt.NDArray[np.int64]) -> Self:
        """Fit on requests not learned from; all of shape `(N,)`."""
        own = {
            int(code): Calibration.fit(log_odds[scenarios == code], happened[scenarios == code])
            for code in np.unique(scenarios)
            if happened[scenarios == code].sum() >= ENOUGH
        }
        return cls(Calibration.fit(log_odds, happened), own)

    def __call__(self, log_odds: Floats, scenario: int) -> Floats:
        """Better log-odds of one request's candidates."""
        return self.of(scenario)(log_odds)

    def of(self, scenario: int) -> Calibration:
        """The scenario's own, or that of all."""
        return self.own.get(scenario, self.overall)

    def as_document(self) -> dict[str, Any]:
        """Plain JSON."""
        own = {str(code): one.as_document() for code, one in self.own.items()}
        return {"overall": self.overall.as_document(), "own": own}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Read what `as_document` wrote."""
        own = {int(code): Calibration.from_document(one) for code, one in document["own"].items()}
        return cls(Calibration.from_document(document["overall"]), own)


def calibration_error(probabilities: Floats, happened: Floats, n_bins: int = 15) -> float:
    """Expected calibration error: the mean gap between what was said and what happened, over bins of equal counts.

    Source:
        Naeini et al. (2015), Obtaining Well Calibrated Probabilities Using Bayesian Binning.

    Args:
        probabilities: Said; shape `(N,)`.
        happened: 1 or 0; shape `(N,)`.
        n_bins: Bins.
    """
    order = np.argsort(probabilities, kind="stable")
    gaps = [
        abs(float(probabilities[part].mean()) - float(happened[part].mean())) * len(part)
        for part in np.array_split(order, min(n_bins, len(order)))
        if len(part)
    ]
    return float(sum(gaps) / max(len(order), 1))
