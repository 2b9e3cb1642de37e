"""How a candidate stands to those of its request that the user has turned to already.

Who looked at one hotel of a list, and then at another, has said something of all the others: how much they cost beside
these, how far below them they stand. No feature of a candidate alone tells this, nor does a tree see two candidates at
once; and items without texts have no vectors by which a history could speak for others. But the list describes its own
items, so what is known of one that was touched can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shelfwise.rank.ranker import RankingTable
from shelfwise.schemas.candidates import Situation
from shelfwise.schemas.ids import Floats, Rows

MS_PER_S = 1_000

OF_EACH = ("from_last", "from_mean", "from_lowest", "from_highest", "from_nearest")
"""By which each compared feature is told: differences from what was touched, the last one without its sign."""

OF_ALL = ("n_touched", "n_touches", "touched_order", "touched_share", "touched_before_n", "touched_before_log_s")
"""How many of the candidates were touched and how often, the candidate's place among them, latest first, and its share
of these events; and how many events, and seconds, ago the latest of them was."""


def n_columns(n_compared: int) -> int:
    """How many numbers a candidate is told, with so many compared features."""
    return len(OF_ALL) + n_compared * len(OF_EACH)


def beside_touched(features: Floats, rows: Rows, situation: Situation) -> Floats:
    """Compare candidates with those that the user's history names.

    Args:
        features: What is compared; NaN where not known; shape `(N, C)`.
        rows: Items of the candidates; shape `(N,)`.
        situation: Whose history it is.

    Returns:
        `OF_ALL`, then `OF_EACH` of every compared feature; NaN where nothing was touched, or nothing is known of what
        was; shape `(N, n_columns(C))`.

    Cost:
        O((N + T) log N + N C L) for L candidates that were touched.
    """
    n, n_compared = features.shape
    found = np.full((n, n_columns(n_compared)), np.nan, np.float32)
    found[:, :2] = 0
    history = situation.history
    if not n or not len(history):
        return found
    order = np.argsort(rows, kind="stable")
    at = np.minimum(np.searchsorted(rows[order], history.rows), n - 1)
    is_inside = rows[order][at] == history.rows
    events = np.flatnonzero(is_inside)
    if not len(events):
        return found
    of_event = order[at[events]]
    # Latest first; each candidate once, where it was touched last.
    _, first = np.unique(of_event[::-1], return_index=True)
    touched = of_event[::-1][np.sort(first)]
    found[:, 0], found[:, 1] = len(touched), len(events)
    found[touched, 2] = np.arange(len(touched))
    found[:, 3] = np.bincount(of_event, minlength=n) / len(events)
    found[:, 4] = len(history) - 1 - events[-1]
    found[:, 5] = np.log1p(max(situation.now_ms - int(history.times_ms[events[-1]]), 0) / MS_PER_S)
    for column in range(n_compared):
        values = features[:, column]
        theirs = values[touched]
        known = theirs[~np.isnan(theirs)]
        if not len(known):
            continue
        start = len(OF_ALL) + column * len(OF_EACH)
        found[:, start] = values - theirs[0]
        found[:, start + 1] = values - known.mean()
        found[:, start + 2] = values - known.min()
        found[:, start + 3] = values - known.max()
        found[:, start + 4] = np.abs(values[:, None] - known).min(axis=1)
    return found


def with_touched(table: RankingTable, columns: Sequence[int]) -> Floats:
    """The table's features, and beside them how the candidates of each request stand to what was touched.

    Args:
        table: Requests with their situations.
        columns: Of the features that are compared.

    Returns:
        Shape `(N, F + n_columns(len(columns)))`.
    """
    ends = np.cumsum(table.groups)
    compared = table.features[:, list(columns)]
    told = [
        beside_touched(compared[start:end], table.rows[start:end], situation)
        for start, end, situation in zip(ends - table.groups, ends, table.situations, strict=True)
    ]
    empty = np.empty((0, n_columns(len(columns))), np.float32)
    return np.hstack([table.features, np.concatenate([empty, *told])])
