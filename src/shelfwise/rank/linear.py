"""Logistic regression on standardised features: the fusion for shops with little data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import scipy  # `optimize` is loaded where it is first used: whoever only answers does without

from shelfwise.rank.ranker import RankingTable
from shelfwise.schemas.ids import Doubles, Floats

MAX_LINES = 200_000
"""Lines learned from at most: all right answers, and of the wrong ones as many as fit, weighted back up."""

RIDGE = 1e-3
"""Weight of the squared coefficients in the loss, per line."""


@dataclass(frozen=True, slots=True)
class LinearScorer:
    """`sum(weight * (feature - mean) / deviation)`; a feature that is not known counts as its mean.

    Attributes:
        mean: Shape `(F,)`.
        scale: One over the standard deviation, 0 for a constant feature; shape `(F,)`.
        weights: Shape `(F,)`. The intercept is left out: it does not change the order.
    """

    mean: Doubles
    scale: Doubles
    weights: Doubles

    @classmethod
    def fit(cls, table: RankingTable) -> Self:
        """Maximise the likelihood by L-BFGS; requests count alike, however many candidates they have."""
        kept = np.ones(len(table.labels), bool)
        wrong = np.flatnonzero(table.labels == 0)
        room = max(MAX_LINES - (len(table.labels) - len(wrong)), 1)
        left_out = np.random.default_rng(0).permutation(wrong)[room:]
        kept[left_out] = False
        weight_up = np.where(table.labels == 0, len(wrong) / max(len(wrong) - len(left_out), 1), 1.0)
        features = table.features[kept].astype(np.float64)
        known = ~np.isnan(features)
        n_known = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, features, 0).sum(axis=0) / n_known
        deviation = np.sqrt((np.where(known, features - mean, 0) ** 2).sum(axis=0) / n_known)
        scale = np.where(deviation > 1e-9, 1 / np.maximum(deviation, 1e-9), 0.0)
        x = np.where(known, features - mean, 0) * scale
        y = table.labels[kept].astype(np.float64)
        line_weight = (weight_up * np.repeat(1 / np.maximum(table.groups, 1), table.groups))[kept]
        line_weight /= line_weight.sum()

        def loss(parameters: Doubles) -> tuple[float, Doubles]:
            logits = x @ parameters[:-1] + parameters[-1]
            value = np.sum(line_weight * (np.logaddexp(0, logits) - y * logits))
            value += RIDGE * float(parameters[:-1] @ parameters[:-1])
            slope = line_weight * (1 / (1 + np.exp(-logits)) - y)
            gradient = np.append(x.T @ slope + 2 * RIDGE * parameters[:-1], slope.sum())
            return float(value), gradient

        found = scipy.optimize.minimize(
            loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 200}
        )
        return cls(mean, scale, found.x[:-1])

    def __call__(self, features: Floats) -> Floats:
        """Scores of shape `(N,)`."""
        centred = np.where(np.isnan(features), 0, features - self.mean)
        return (centred @ (self.scale * self.weights)).astype(np.float32)

    def as_document(self) -> dict[str, Any]:
        """Plain JSON."""
        return {name: getattr(self, name).tolist() for name in self.__slots__}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Read what `as_document` wrote."""
        return cls(*(np.array(document[name]) for name in cls.__slots__))
