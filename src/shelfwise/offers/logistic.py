"""Logistic regression with its own constant, from nothing or from log-odds that somebody else tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import scipy  # `optimize` is loaded where it is first used: whoever only answers does without
from scipy.special import expit

from shelfwise.schemas.ids import Doubles, Floats


@dataclass(frozen=True, slots=True)
class Logistic:
    """`constant + sum(weight * (feature - mean) * scale)`, beside the log-odds that it started from.

    Attributes:
        mean: Shape `(F,)`.
        scale: One over the standard deviation, 0 for a constant feature; shape `(F,)`.
        weights: Shape `(F,)`.
        constant: Log-odds of the mean line.
    """

    mean: Doubles
    scale: Doubles
    weights: Doubles
    constant: float

    @classmethod
    def fit(
        cls,
        features: Floats,
        happened: Floats,
        *,
        ridge: float,
        start: Floats | None = None,
        weights: Floats | None = None,
    ) -> Self:
        """Maximise the likelihood by L-BFGS.

        Args:
            features: Without NaN; shape `(N, F)`.
            happened: 1 or 0; shape `(N,)`.
            ridge: Weight of the squared coefficients beside the sum of the lines' losses: the larger, the more has to
                have happened before a line's log-odds leave those it starts from.
            start: Log-odds that each line starts from; 0 where omitted; shape `(N,)`.
            weights: How much each line counts; 1 where omitted; shape `(N,)`.
        """
        given = features.astype(np.float64)
        mean, deviation = given.mean(axis=0), given.std(axis=0)
        scale = np.where(deviation > 1e-9, 1 / np.maximum(deviation, 1e-9), 0.0)
        x, y = (given - mean) * scale, happened.astype(np.float64)
        told = np.zeros(len(y)) if start is None else start.astype(np.float64)
        counts = np.ones(len(y)) if weights is None else weights.astype(np.float64)
        total = counts.sum()

        def loss(parameters: Doubles) -> tuple[float, Doubles]:
            own = parameters[:-1]
            odds = told + x @ own + parameters[-1]
            value = (counts * (np.logaddexp(0, odds) - y * odds)).sum() + ridge * own @ own
            error = counts * (expit(odds) - y)
            return float(value / total), np.append(x.T @ error + 2 * ridge * own, error.sum()) / total

        first = np.zeros(x.shape[1] + 1)
        if start is None:
            share = float(np.clip(y.mean(), 1e-6, 1 - 1e-6))
            first[-1] = np.log(share / (1 - share))
        found = scipy.optimize.minimize(loss, first, jac=True, method="L-BFGS-B", options={"maxiter": 150})
        return cls(mean, scale, found.x[:-1], float(found.x[-1]))

    def __call__(self, features: Floats) -> Floats:
        """Log-odds, or what is added to those that were started from; shape `(N,)`."""
        return ((features - self.mean) @ (self.scale * self.weights) + self.constant).astype(np.float32)

    def as_document(self) -> dict[str, Any]:
        """Plain JSON."""
        arrays = {name: getattr(self, name).tolist() for name in ("mean", "scale", "weights")}
        return {**arrays, "constant": self.constant}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Read what `as_document` wrote."""
        mean, scale, weights = (np.array(document[name]) for name in ("mean", "scale", "weights"))
        return cls(mean, scale, weights, float(document["constant"]))
