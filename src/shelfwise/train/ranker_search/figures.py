"""How well an order of candidates serves each objective, on visits that were not learned from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from shelfwise.features.text_vectors import TextVectors
from shelfwise.rank.multi_objective import MultiObjective
from shelfwise.rank.outcome_tables import later_requests, told, with_enough
from shelfwise.rank.ranker import Asked, RankingTable
from shelfwise.schemas.ids import Doubles, Floats

K = 10


def parts(table: RankingTable) -> tuple[RankingTable, RankingTable]:
    """Visits to learn from, and later ones to judge by; of objectives that happened often enough in the former.

    Raises:
        StateError: there is none.
    """
    is_later = later_requests(table)
    earlier, _ = with_enough(told(table.where(~is_later)))
    columns = [list(table.objectives).index(name) for name in earlier.objectives]
    later = table.where(is_later)
    return earlier, replace(later, outcomes=later.outcomes[:, columns], objectives=earlier.objectives)


def judgeable(later: RankingTable) -> list[str]:
    """Objectives that happened in the later visits.

    What is kept or not is none of them where returns are logged: nobody knows yet.
    """
    happened = np.any(np.nan_to_num(later.outcomes) > 0, axis=0)
    return [name for name, any_did in zip(later.objectives, happened.tolist(), strict=True) if any_did]


def predictions(ranker: MultiObjective, table: RankingTable) -> Floats:
    """What the ranker states of every candidate; shape `(N, K)`."""
    vectors = None if table.vectors is None else TextVectors(table.vectors)
    ends = np.cumsum(table.groups)
    requests = [
        Asked(table.features[end - n : end], table.rows[end - n : end], situation, vectors)
        for end, n, situation in zip(ends.tolist(), table.groups.tolist(), table.situations, strict=True)
    ]
    return np.concatenate([one.predictions for one in ranker.score_many(requests)])


def ndcg_by_objective(scores: Floats, table: RankingTable, k: int = K) -> Doubles:
    """NDCG@k of one order for each objective, what happened or the seconds being the gain.

    Args:
        scores: Of every candidate, higher comes first; equal ones in input order; shape `(N,)`.
        table: With what became of the candidates.
        k: Length of the list.

    Returns:
        Means over the visits in which the objective happened to a candidate; NaN without one; shape `(K,)`.

    Source:
        Järvelin & Kekäläinen (2002), Cumulated Gain-Based Evaluation of IR Techniques.
    """
    gains = np.nan_to_num(table.outcomes).astype(np.float64)
    discounts = 1 / np.log2(np.arange(k) + 2)
    total, n_told = np.zeros(gains.shape[1]), np.zeros(gains.shape[1])
    ends = np.cumsum(table.groups)
    for end, n in zip(ends.tolist(), table.groups.tolist(), strict=True):
        gain = gains[end - n : end]
        ideal = -np.sort(-gain, axis=0)[:k]
        best = discounts[: len(ideal)] @ ideal
        order = np.argsort(-scores[end - n : end], kind="stable")[:k]
        found = discounts[: len(order)] @ gain[order]
        total += np.divide(found, best, out=np.zeros_like(best), where=best > 0)
        n_told += best > 0
    return np.divide(total, n_told, out=np.full_like(total, np.nan), where=n_told > 0)
