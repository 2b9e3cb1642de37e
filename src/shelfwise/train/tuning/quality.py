"""How well the items whose texts are nearest to a history name what comes next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfwise.datasets.examples import Examples
from shelfwise.metrics import ranking_metrics
from shelfwise.retrieve.seeds import weighted_seeds
from shelfwise.schemas.ids import Bools, Floats, Rows

DECAY, N_SEEDS = 0.8, 20
"""As the content retriever weighs a history."""

DEPTH = 100
"""Where the reciprocal rank that tuning stops by is cut off."""

QUESTIONS_AT_A_TIME = 256


@dataclass(frozen=True, slots=True)
class Question:
    """A history and what came next.

    Attributes:
        seeds: Items of the history, latest first; shape `(S,)`.
        weights: How loudly each speaks; shape `(S,)`.
        had: Items that are not ranked; shape `(H,)`.
        relevant: What came next; shape `(R,)`, at least one.
    """

    seeds: Rows
    weights: Floats
    had: Rows
    relevant: Rows


@dataclass(frozen=True, slots=True)
class Quality:
    """Means over `n` questions; NaN without any."""

    n: int
    recall_at_10: float
    ndcg_at_10: float
    recall_at_20: float
    mrr: float


def questions(examples: Examples, wanted: Bools) -> list[Question]:
    """Ask for those of the answers that are wanted, such as the cold ones.

    Args:
        examples: Without repeats.
        wanted: By item row; examples without a wanted answer are left out.
    """
    asked: list[Question] = []
    for example in examples:
        relevant = example.relevant[wanted[example.relevant]]
        if len(relevant):
            seeds, weights = weighted_seeds(example.situation, len(wanted), decay=DECAY, n_seeds=N_SEEDS)
            # An answer is always ranked, even where it was looked at before: only having it is a repeat.
            had = np.setdiff1d(example.situation.history.rows, relevant)
            asked.append(Question(seeds, weights, had, relevant))
    return asked


def measure(vectors: Floats, asked: Sequence[Question]) -> Quality:
    """Rank all items by their cosine with the weighted sum of the history's vectors.

    Args:
        vectors: Of length 1, or 0 for an item without text, which is never found; shape `(n, D)`.
        asked: Rows are those of `vectors`.
    """
    found: list[npt.NDArray[np.float64]] = []
    readable = np.linalg.norm(vectors, axis=1) > 0
    for start in range(0, len(asked), QUESTIONS_AT_A_TIME):
        block = asked[start : start + QUESTIONS_AT_A_TIME]
        profile = np.stack([one.weights @ vectors[one.seeds] for one in block])
        scores = (profile @ vectors.T).astype(np.float64)
        scores[:, ~readable] = -np.inf
        relevant = np.zeros(scores.shape, bool)
        for line, one in enumerate(block):
            scores[line, one.had] = -np.inf
            relevant[line, one.relevant] = True
        ten, twenty, deep = (ranking_metrics(scores, relevant, k) for k in (10, 20, DEPTH))
        found.append(np.stack([ten.recall, ten.ndcg, twenty.recall, deep.mrr]))
    if not found:
        return Quality(0, *(4 * [float("nan")]))
    recall_10, ndcg_10, recall_20, mrr = np.concatenate(found, axis=1).mean(axis=1).tolist()
    return Quality(len(asked), recall_10, ndcg_10, recall_20, mrr)


@dataclass(frozen=True, slots=True)
class Pool:
    """Questions within a part of the catalogue, so that few items have to be encoded for an answer.

    Attributes:
        rows: The part; shape `(n,)`, ascending.
        asked: Rows are places in `rows`.
    """

    rows: Rows
    asked: list[Question]

    @classmethod
    def of(cls, asked: Sequence[Question], readable: Bools, n: int, seed: int) -> Pool:
        """As many of the questions as name no more than `n` items, and other items at random up to `n`."""
        named: set[int] = set()
        fitting: list[Question] = []
        for one in asked:
            more = named.union(one.seeds.tolist(), one.relevant.tolist())
            if len(more) > n and fitting:
                break
            named = more
            fitting.append(one)
        needed = np.array(sorted(named), np.int64)
        others = np.setdiff1d(np.flatnonzero(readable), needed)
        drawn = np.random.default_rng([seed, 5]).permutation(others)[: max(0, n - len(needed))]
        rows = np.union1d(needed, drawn).astype(np.int32)
        return cls(
            rows,
            [
                Question(
                    np.searchsorted(rows, one.seeds).astype(np.int32),
                    one.weights,
                    np.searchsorted(rows, np.intersect1d(one.had, rows)).astype(np.int32),
                    np.searchsorted(rows, one.relevant).astype(np.int32),
                )
                for one in fitting
            ],
        )

    def mrr(self, encode: Callable[[Rows], Floats], whiten: Callable[[Floats], Floats]) -> float:
        """Mean reciprocal rank of the answers within the pool."""
        return measure(whiten(encode(self.rows)), self.asked).mrr
