"""Ask a model all questions and measure its answers, the same way for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from peers.exam import Bools, Known, Questions
from peers.peer import Peer, Scores
from peers.spent import Spent, now
from shelfwise.metrics import ranking_metrics

CELLS = 4_000_000
"""Scores held at a time: questions times items."""

BY_NAME = {
    "ndcg@10": (10, "ndcg"),
    "recall@10": (10, "recall"),
    "mrr@10": (10, "mrr"),
    "hit_rate@10": (10, "hit_rate"),
    "ndcg@20": (20, "ndcg"),
    "recall@20": (20, "recall"),
}
"""What is kept of every question: the length of the list and the metric."""

TUNED_BY = "ndcg@10"

Score = Callable[[Questions], Scores]


@dataclass(frozen=True, slots=True)
class Measured:
    """What one model got.

    Attributes:
        by_metric: One value per question; shape `(B,)` each.
        spent: On scoring alone, without taking away what is not allowed, and without measuring.
    """

    by_metric: dict[str, npt.NDArray[np.float32]]
    spent: Spent


def measure(
    score: Score, questions: Questions, known: Known, allowed: Bools, names: tuple[str, ...] = tuple(BY_NAME)
) -> Measured:
    """Rank the whole catalogue for every question; ties count with their mean over all orders.

    Args:
        allowed: Which items may be shown at all; what the user had is removed where the exam says so.
        names: Which of `BY_NAME`.
    """
    found: dict[str, list[npt.NDArray[np.float64]]] = {name: [] for name in names}
    lengths = sorted({BY_NAME[name][0] for name in names})
    size = max(1, min(512, CELLS // max(known.n_items, 1)))
    spent = Spent()
    for start in range(0, len(questions), size):
        batch = questions.take(np.arange(start, min(start + size, len(questions))))
        started = now()
        table = np.array(score(batch), np.float32)
        spent += now() - started
        if table.shape != (len(batch), known.n_items):
            raise ValueError(f"scores have shape {table.shape}, not {(len(batch), known.n_items)}")
        table[:, ~allowed] = -np.inf
        if not known.repeats:
            had = batch.kinds == known.target
            table[batch.lines()[had], batch.item_rows[had]] = -np.inf
        relevant = np.zeros(table.shape, bool)
        relevant[np.repeat(np.arange(len(batch)), np.diff(batch.relevant_starts)), batch.relevant_rows] = True
        at = {k: ranking_metrics(table, relevant, k) for k in lengths}
        for name in names:
            k, metric = BY_NAME[name]
            found[name].append(getattr(at[k], metric))
    return Measured({name: np.concatenate(parts).astype(np.float32) for name, parts in found.items()}, spent)


def with_fallback(peer: Peer, known: Known, popular: npt.NDArray[np.float64]) -> Score:
    """A fitted peer that leaves to popularity what it knows nothing of.

    Every peer gets the same help: users without an item that was ever seen in training are shown what is popular, and
    so are, below everything else, the items that a peer has nothing to say of.

    Args:
        popular: Popularity as it was tuned; shape `(n_items,)`.
    """
    if peer.answers_strangers:
        return peer.scores
    seen = np.bincount(known.past.item_rows, minlength=known.n_items) > 0
    below_one = popular / (popular.max(initial=0.0) + 1.0)

    def score(questions: Questions) -> Scores:
        table = np.array(peer.scores(questions), np.float32)
        if peer.has_silence:
            is_silent = (table == 0) | np.isneginf(table)
            floor = np.where(is_silent, np.inf, table).min(axis=1)
            floor = np.where(np.isinf(floor), 0.0, floor)[:, None]
            table = np.where(is_silent, floor - 2.0 + below_one, table).astype(np.float32)
        lines = questions.lines()
        n_known = np.bincount(lines[seen[questions.item_rows]], minlength=len(questions))
        table[n_known == 0] = popular
        return table

    return score
