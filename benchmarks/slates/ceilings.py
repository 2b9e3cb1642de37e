"""How far apart the items of a slate could be: the furthest found, also by somebody who knows the right answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shelfwise.evaluate.slates import Question
from shelfwise.metrics import intra_list_distance
from shelfwise.schemas.ids import Bools, Floats, Rows
from slates.measured import K

N_EXCHANGES = 100
"""At most; the last changes are far below what is reported."""

GAIN = 1e-6
"""An exchange that gains less is none."""


def furthest(vectors: Floats, is_kept: Bools, k: int = K) -> Rows:
    """The k places of the largest mean distance, those that are to be kept among them.

    Greedy, then the best exchange of one for another as long as there is one. What is found is no bound: of a hundred
    candidates, a dozen other starts found 0.003 to 0.005 more (docs/experiments.md).

    Args:
        vectors: Of length 1, one per candidate; shape `(N, D)`.
        is_kept: At most k of them; shape `(N,)`.

    Returns:
        Best first; shape `(min(k, N),)`.
    """
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, 0)  # nothing is gained or lost by being like oneself
    chosen = np.flatnonzero(is_kept).tolist()
    is_in = is_kept.copy()
    summed = alike[is_in].sum(axis=0)
    while len(chosen) < min(k, len(vectors)):
        # The first is the one least like all candidates.
        place = int(np.where(is_in, np.inf, summed if chosen else alike.sum(axis=0)).argmin())
        chosen.append(place)
        is_in[place] = True
        summed += alike[place]
    free = np.array([place for place in chosen if not is_kept[place]], np.intp)
    for _ in range(N_EXCHANGES if len(free) and len(chosen) < len(vectors) else 0):
        gains = summed[free][:, None] - (summed[None, :] - alike[free])
        gains[:, is_in] = -np.inf
        line, place = np.unravel_index(int(gains.argmax()), gains.shape)
        if gains[line, place] <= GAIN:
            break
        summed += alike[place] - alike[free[line]]
        is_in[free[line]], is_in[place] = False, True
        free[line] = place
    return np.flatnonzero(is_in).astype(np.int32)


def ceilings(questions: Sequence[Question], vectors: Floats) -> dict[str, float]:
    """Mean distances within slates of all candidates' most distant items.

    Args:
        questions: With the candidates that are chosen from.
        vectors: By which distances are measured; shape `(n, D)`.

    Returns:
        `own`: the ranker's own. `alone`: relevance does not count. `knowing`: every right answer of the ranker's own
        slate stays in it, where it stood, so that no NDCG is lost: nobody can know them.
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    directions = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    lists = {name: np.full((len(questions), K), -1, np.int32) for name in ("own", "alone", "knowing")}
    for line, one in enumerate(questions):
        of_candidates, rows = directions[one.listed.rows], one.listed.rows
        nothing = np.zeros(len(rows), bool)
        kept = nothing.copy()
        kept[:K] = one.is_right[:K]
        for name, places in (
            ("own", np.arange(min(K, len(rows)))),
            ("alone", furthest(of_candidates, nothing)),
            ("knowing", furthest(of_candidates, kept)),
        ):
            lists[name][line, : len(places)] = rows[places]
    return {name: float(np.nanmean(intra_list_distance(found, vectors))) for name, found in lists.items()}
