"""Merge several retrievers' answers into one list of candidates."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from shelfwise.schemas.candidates import Candidates, Merged
from shelfwise.schemas.ids import Rows

NOTHING: Rows = np.empty(0, np.int32)


def merge(answers: Mapping[str, Candidates], also: Rows = NOTHING) -> Merged:
    """The union of the answers; who named an item, with which score, at which rank.

    Args:
        answers: Each retriever's candidates; the order of the names becomes that of the columns.
        also: Further items, which nobody needs to have named.

    Returns:
        Distinct rows, ascending; scores and ranks of shape `(N, R)`. A retriever that can tell scores all of them,
        those that only others named too.
    """
    sources = tuple(answers)
    rows, place = np.unique(
        np.concatenate([*(answer.rows for answer in answers.values()), also]),
        return_inverse=True,
    )
    scores = np.full((len(rows), len(sources)), np.nan, np.float32)
    ranks = np.zeros((len(rows), len(sources)), np.int32)
    start = 0
    for column, answer in enumerate(answers.values()):
        at = place[start : start + len(answer)]
        if answer.score_of is not None:
            scores[:, column] = answer.score_of(rows)
        scores[at, column] = answer.scores
        ranks[at, column] = np.arange(1, len(answer) + 1)
        start += len(answer)
    return Merged(rows.astype(np.int32), scores, ranks, sources)
