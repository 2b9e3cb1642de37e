"""Whether what was said to be likely happened: order over all candidates at once, and reliability."""

from dataclasses import dataclass

import numpy as np

from shelfwise.metrics.arrays import Bools, Float64s, Floats, Ints


@dataclass(frozen=True, slots=True)
class Reliability:
    """What was said and what happened, by groups of equal size from the lowest said to the highest; shape `(G,)` each.

    Attributes:
        said: Mean of what was said.
        happened: Share that happened.
        n: How many.
    """

    said: Float64s
    happened: Float64s
    n: Ints

    @property
    def error(self) -> float:
        """Expected calibration error: the mean gap, each group counted by its size; 0 of nothing."""
        return float(np.abs(self.said - self.happened) @ self.n / max(self.n.sum(), 1))


def reliability(probabilities: Floats, happened: Bools, n_groups: int = 10) -> Reliability:
    """Compare what was said with what happened.

    Args:
        probabilities: Said; shape `(N,)`.
        happened: Shape `(N,)`.
        n_groups: Groups, fewer where there are fewer candidates. Equal probabilities are parted in input order.

    Raises:
        ValueError: Shapes disagree, or something said is not in [0, 1].

    Source:
        Naeini et al. (2015), Obtaining Well Calibrated Probabilities Using Bayesian Binning (equal counts).
    """
    _check(probabilities, happened)
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise ValueError("probabilities must lie in [0, 1]")
    order = np.argsort(probabilities, kind="stable")
    groups = [part for part in np.array_split(order, max(1, min(n_groups, len(order)))) if len(part)]
    return Reliability(
        np.array([probabilities[part].mean(dtype=np.float64) for part in groups]),
        np.array([happened[part].mean() for part in groups]),
        np.array([len(part) for part in groups], dtype=np.int64),
    )


class PooledAuc:
    """How often something that happened was scored above something that did not, over all candidates of all users.

    Sorted once, so that users may be drawn again and again for a bootstrap.
    """

    def __init__(self, scores: Floats, happened: Bools, owners: Ints) -> None:
        """Sort.

        Args:
            scores: Higher is likelier; shape `(N,)`.
            happened: Shape `(N,)`.
            owners: User of each, from 0; shape `(N,)`.

        Raises:
            ValueError: Shapes disagree.
        """
        _check(scores, happened)
        _check(scores, owners)
        order = np.argsort(scores, kind="stable")
        of_group = np.concatenate([[True], np.diff(scores[order]) > 0])
        self._starts = np.flatnonzero(of_group)
        self._happened, self._owners = happened[order], owners[order]
        self._n_users = int(owners.max(initial=-1)) + 1

    def __call__(self, weights: Floats | Ints | None = None) -> float:
        """The share, equal scores counting half; NaN where nothing happened, or everything did.

        Args:
            weights: How often each user counts; shape `(n_users,)`; None: once.

        Cost:
            O(N) time.
        """
        each = (np.ones(self._n_users) if weights is None else weights.astype(np.float64))[self._owners]
        right, wrong = np.where(self._happened, each, 0.0), np.where(self._happened, 0.0, each)
        by_right, by_wrong = np.add.reduceat(right, self._starts), np.add.reduceat(wrong, self._starts)
        below = np.cumsum(by_wrong) - by_wrong / 2
        pairs = by_right.sum() * by_wrong.sum()
        return float(by_right @ below / pairs) if pairs > 0 else float("nan")


def _check(values: Floats, others: Bools | Ints) -> None:
    if values.ndim != 1 or values.shape != others.shape:
        raise ValueError(f"shapes {values.shape} and {others.shape} disagree; one value is needed for each candidate")
