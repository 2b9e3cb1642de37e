"""What another policy would have brought, told from the log of the one that was in service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from shelfwise.metrics.arrays import Float64s

RESAMPLE_BLOCK = 50
"""Resamples made at a time."""


@dataclass(frozen=True, slots=True)
class PolicyValue:
    """Reward per slate of a policy, as one estimator sees it.

    Attributes:
        value: The estimate.
        low: Of its 95 % interval, by bootstrap over slates.
        high: Of the same.
    """

    value: float
    low: float
    high: float


def running_weights(target: Float64s, logged: Float64s) -> Float64s:
    """How much oftener the target policy makes each slate down to each position, under the cascade assumption.

    What happens at a position may depend on the items above it and not on those below.

    Args:
        target: The target policy's chance of the item at each position, given those above it; shape `(B, J)`.
        logged: That of the policy which made the log, above 0; shape `(B, J)`. Positions that a slate does not have
            hold 1 in both.

    Returns:
        The product of the ratios down to the position; shape `(B, J)`.

    Raises:
        ValueError: a logged chance is not above 0, or the shapes disagree.

    Source:
        McInerney et al. (2020), Counterfactual Evaluation of Slate Recommendations with Sequential Reward Interactions.
    """
    if target.shape != logged.shape:
        raise ValueError(f"chances of shape {target.shape} and {logged.shape}")
    if (logged <= 0).any():
        raise ValueError("the log holds what its policy never does: a chance that is not above 0")
    ratios: Float64s = np.divide(target, logged, dtype=np.float64)
    return np.multiply.accumulate(ratios, axis=1)


def inverse_propensity(rewards: Float64s, weights: Float64s, *, n_resamples: int = 1_000, seed: int = 0) -> PolicyValue:
    """Weighted rewards: right on the average, and unsteady where weights are large.

    Args:
        rewards: Shape `(B, J)`, 0 at positions that a slate does not have.
        weights: See `running_weights`; shape `(B, J)`.
        n_resamples: Of the bootstrap.
        seed: Of the resamples.

    Source:
        Horvitz & Thompson (1952).
    """
    return _bootstrapped(lambda shares: shares @ (weights * rewards).sum(axis=1), len(rewards), n_resamples, seed)


def self_normalised(
    rewards: Float64s, weights: Float64s, has: Float64s, *, n_resamples: int = 1_000, seed: int = 0
) -> PolicyValue:
    """Weighted rewards over the sum of the weights, position by position: steadier, and biased where slates are few.

    Args:
        rewards: Shape `(B, J)`, 0 at positions that a slate does not have.
        weights: See `running_weights`; shape `(B, J)`.
        has: 1 where the slate has the position, else 0; shape `(B, J)`.
        n_resamples: Of the bootstrap.
        seed: Of the resamples.

    Source:
        Swaminathan & Joachims (2015), The Self-Normalized Estimator for Counterfactual Learning.
    """

    def values(shares: Float64s) -> Float64s:
        brought, total, length = shares @ (weights * rewards * has), shares @ (weights * has), shares @ has
        ratio = np.divide(brought, total, out=np.zeros_like(brought), where=total > 0)
        return (ratio * length).sum(axis=1)

    return _bootstrapped(values, len(rewards), n_resamples, seed)


def doubly_robust(
    rewards: Float64s,
    weights: Float64s,
    of_logged: Float64s,
    of_target: Float64s,
    *,
    n_resamples: int = 1_000,
    seed: int = 0,
) -> PolicyValue:
    """What a model of rewards expects of the target, mended by the weighted errors of the model on the log.

    Right on the average where either the chances or the model are, and steadier than weights alone where the model
    tells something.

    Args:
        rewards: Shape `(B, J)`, 0 at positions that a slate does not have.
        weights: See `running_weights`; shape `(B, J)`.
        of_logged: The model's reward of the item that was shown; shape `(B, J)`, 0 where there is none.
        of_target: The mean over what the target policy would show there, given the items above it; shape `(B, J)`, 0
            where there is none.
        n_resamples: Of the bootstrap.
        seed: Of the resamples.

    Source:
        Dudík, Langford & Li (2011), Doubly Robust Policy Evaluation and Learning; over positions as in Kiyohara et al.
        (2022), Doubly Robust Off-Policy Evaluation for Ranking Policies under the Cascade Behavior Model.
    """
    above = np.concatenate([np.ones((len(weights), 1)), weights[:, :-1]], axis=1)
    terms = (above * of_target + weights * (rewards - of_logged)).sum(axis=1)
    return _bootstrapped(lambda shares: shares @ terms, len(rewards), n_resamples, seed)


def effective_slates(weights: Float64s, has: Float64s) -> float:
    """How many slates of the target policy the log is worth: `(sum w)² / sum w²`, at the slates' last positions."""
    last = np.maximum(has.sum(axis=1).astype(np.intp) - 1, 0)
    final = weights[np.arange(len(weights)), last] if weights.size else np.zeros(0)
    squares = float((final**2).sum())
    return float(final.sum()) ** 2 / squares if squares > 0 else 0.0


def _bootstrapped(values: Callable[[Float64s], Float64s], n: int, n_resamples: int, seed: int) -> PolicyValue:
    """A value of the whole log, and the 2.5 and 97.5 percentiles of its resamples.

    Args:
        values: From each slate's share in a log, shape `(R, B)`, to the value of each log, shape `(R,)`.
        n: Slates.
        n_resamples: Of the bootstrap.
        seed: Of the resamples.
    """
    if not n:
        raise ValueError("the log is empty")
    found = float(values(np.full((1, n), 1 / n))[0])
    random, resampled = np.random.default_rng(seed), []
    for start in range(0, n_resamples, RESAMPLE_BLOCK):
        counts = random.multinomial(n, np.full(n, 1 / n), size=min(RESAMPLE_BLOCK, n_resamples - start))
        resampled.append(values(counts / n))
    low, high = np.quantile(np.concatenate(resampled), (0.025, 0.975))
    return PolicyValue(found, float(low), float(high))
