"""Merge several retrievers' answers into one list of candidates."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from shelfwise.kernels import compiled
from shelfwise.schemas.candidates import Candidates, Merged
from shelfwise.schemas.ids import Rows

NOTHING: Rows = np.empty(0, np.int32)
MOST_COMPILED = 64
"""Retrievers whose answers the kernel merges."""


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
    if compiled is not None and len(sources) <= MOST_COMPILED:
        named = [
            np.ascontiguousarray(part, wanted)
            for answer in answers.values()
            for part, wanted in ((answer.rows, np.int32), (answer.scores, np.float32))
        ]
        rows, scores, ranks = compiled.merge(tuple(named), np.ascontiguousarray(also, np.int32))
        for column, answer in enumerate(answers.values()):
            if answer.score_of is not None:
                told = np.ascontiguousarray(answer.score_of(rows), np.float32)
                compiled.fill_scores(scores, ranks, column, told)
        return Merged(rows, scores, ranks, sources)
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
