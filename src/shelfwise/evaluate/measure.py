"""Measure one model on a set of questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfwise.datasets.examples import Example, Examples
from shelfwise.evaluate.baselines import Baseline
from shelfwise.metrics import ranking_metrics
from shelfwise.pipeline.funnel import Funnel, allowed_for
from shelfwise.schemas.ids import Bools, Doubles, Rows

CELLS = 4_000_000
"""Scores held at a time: questions times items."""

ScoreBatch = Callable[[Sequence[Example], npt.NDArray[np.float64]], None]
"""Fills a table of `-inf`, shape `(B, n)`, with the scores of what is ranked."""

Progress = Callable[[int, int], None]

METRICS = ("recall", "precision", "f1", "ndcg", "mrr", "hit_rate")


@dataclass(frozen=True, slots=True)
class Measured:
    """What one model got, per question.

    Attributes:
        by_metric: One array per name in `METRICS`; shape `(B,)` each.
        lists: The items that were shown; shape `(B, k)`, padded with -1.
    """

    by_metric: dict[str, Doubles]
    lists: Rows


def measure(score: ScoreBatch, examples: Examples, n_items: int, k: int, progress: Progress | None = None) -> Measured:
    """Rank the whole catalogue for every question.

    Ties count with their expected value over all orders; in `lists` they stand in the order of rows.
    """
    found: dict[str, list[Doubles]] = {name: [] for name in METRICS}
    lists: list[Rows] = []
    done = 0
    for batch in _batches(examples, n_items):
        scores = np.full((len(batch), n_items), -np.inf)
        score(batch, scores)
        relevant = np.zeros((len(batch), n_items), bool)
        for line, example in enumerate(batch):
            relevant[line, example.relevant] = True
        metrics = ranking_metrics(scores, relevant, k)
        for name in METRICS:
            found[name].append(getattr(metrics, name))
        lists.append(_top(scores, k))
        done += len(batch)
        if progress is not None:
            progress(done, len(examples))
    return Measured({name: np.concatenate(parts) for name, parts in found.items()}, np.concatenate(lists))


def score_with_funnel(
    funnel: Funnel, shown: Bools, *, repeats: bool, n_history: int, depth: int | None = None
) -> ScoreBatch:
    """Our own model, as it answers who looks at so many places; what no retriever named is not ranked."""

    def score(batch: Sequence[Example], table: npt.NDArray[np.float64]) -> None:
        requests = [
            (example.situation.latest(n_history), allowed_for(shown, example.situation, repeats=repeats))
            for example in batch
        ]
        for line, ranked in enumerate(funnel.rank_many(requests, depth=depth)):
            table[line, ranked.rows] = ranked.scores

    return score


def score_with_baseline(baseline: Baseline, shown: Bools, *, repeats: bool, n_history: int) -> ScoreBatch:
    """A baseline: every allowed item is ranked."""

    def score(batch: Sequence[Example], table: npt.NDArray[np.float64]) -> None:
        for line, example in enumerate(batch):
            allowed = allowed_for(shown, example.situation, repeats=repeats)
            table[line, allowed] = baseline.scores(example.situation.latest(n_history))[allowed]

    return score


def _batches(examples: Examples, n_items: int) -> Iterator[list[Example]]:
    size = max(1, min(512, CELLS // max(n_items, 1)))
    for start in range(0, len(examples), size):
        yield examples.entries[start : start + size]


def _top(scores: npt.NDArray[np.float64], k: int) -> Rows:
    k_found = min(k, scores.shape[1])
    top = np.argpartition(-scores, k_found - 1, axis=1)[:, :k_found]
    order = np.lexsort((top, -np.take_along_axis(scores, top, 1)))
    rows = np.take_along_axis(top, order, 1).astype(np.int32)
    rows[np.isneginf(np.take_along_axis(scores, rows, 1))] = -1
    return np.pad(rows, ((0, 0), (0, k - k_found)), constant_values=-1)
