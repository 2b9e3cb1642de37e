"""Tables of what requests led to, as a ranker of several objectives learns from them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from shelfwise.config.objectives import ObjectiveSpec, ordered, present
from shelfwise.errors import StateError
from shelfwise.rank.ranker import RankingTable
from shelfwise.schemas.candidates import History, Situation
from shelfwise.schemas.events import EventKind
from shelfwise.schemas.ids import Bools, Floats

TARGET = "target"
"""The objective of a table that tells right answers only."""

LATER_SHARE = 0.2
"""Share of the requests, the latest, that calibrate and choose the weights; then everything is learned from."""

ENOUGH = 50
"""Candidates that an objective happened to, below which it is left out."""

LEARNED_PER_REQUEST = 50
"""Candidates to which nothing happened, per request that is learned from, on the average; each stands for several."""


def told(table: RankingTable) -> RankingTable:
    """A table that tells right answers only has one objective: them."""
    if table.objectives:
        return table if len(table.is_shown) else replace(table, is_shown=np.zeros(len(table.groups), bool))
    return replace(
        table,
        rows=np.zeros(len(table.labels), np.int32),
        situations=tuple(Situation(History.empty(), 0, np.empty(0, np.int32)) for _ in table.groups),
        outcomes=table.labels[:, None].astype(np.float32),
        objectives={TARGET: ObjectiveSpec(events=[EventKind.PURCHASE])},
        positions=np.zeros(len(table.labels), np.int32),
        is_shown=np.zeros(len(table.groups), bool),
    )


def with_enough(table: RankingTable) -> tuple[RankingTable, dict[str, int]]:
    """Without objectives that hardly ever happened to a candidate, and how often these did.

    Raises:
        StateError: none is left.
    """
    n_happened = dict(zip(table.objectives, (table.outcomes > 0).sum(axis=0).tolist(), strict=True))
    kept = (
        {name for name, n in n_happened.items() if n >= min(ENOUGH, max(n_happened.values()))} if n_happened else set()
    )
    kept = {name for name in kept if n_happened[name] > 0}
    if not kept:
        raise StateError(
            "none of the objectives ever happened to a candidate: there is nothing to learn from",
            where="objectives",
            hint="check the events' kinds by `shelfwise ingest --json`, or take [rank] use = 'fusion'",
            code="no_outcomes",
        )
    specs = present(table.objectives, kept)
    columns = [list(ordered(table.objectives)).index(name) for name in specs]
    left_out = {name: n for name, n in n_happened.items() if name not in kept}
    return replace(table, outcomes=table.outcomes[:, columns], objectives=specs), left_out


def later_requests(table: RankingTable) -> Bools:
    """The latest requests, whole; at random where all are of one time, as in a log without a clock."""
    times: npt.NDArray[np.int64] = np.array([one.now_ms for one in table.situations], np.int64)
    if len(table.situations) and times.min() == times.max():
        times = np.random.default_rng(0).permutation(len(times))
    late: Bools = np.greater_equal(times, np.quantile(times, 1 - LATER_SHARE) if len(times) else 0)
    return late


def told_best(table: RankingTable) -> Bools:
    """The requests that probabilities are calibrated on: lists that were shown, where something happened in enough.

    Of an item that nobody was shown nothing happens, however good it is; a probability should be that of an item shown.
    """
    n_happened = 0
    if table.is_shown.any():
        of_lists = table.where(table.is_shown)
        n_happened = int((np.nan_to_num(of_lists.outcomes).max(axis=1, initial=0.0) > 0).sum())
    return table.is_shown if n_happened >= ENOUGH else np.ones(len(table.groups), bool)


def thinned(table: RankingTable, seed: int) -> tuple[RankingTable, Floats]:
    """All candidates that something happened to, lists that were shown, and a share of the others, each for several.

    Drawn uniformly: so that probabilities can be had back by weights alone.
    """
    happened: Bools = np.any(np.nan_to_num(table.outcomes) > 0, axis=1, keepdims=True)[:, 0]
    # Lists stay whole: what stood in them is what was chosen from.
    is_kept = happened | table.rows_of(table.is_shown) if len(table.is_shown) else happened
    n_others = int((~is_kept).sum())
    n_asked = len(table.groups) - int(table.is_shown.sum())
    share = min(1.0, LEARNED_PER_REQUEST * n_asked / n_others) if n_others else 1.0
    weights = np.where(is_kept, 1.0, 1.0 / share).astype(np.float32)
    keep = is_kept | (np.random.default_rng(seed).random(len(is_kept)) < share)
    owners = np.repeat(np.arange(len(table.groups)), table.groups)
    thinned = replace(
        table,
        features=table.features[keep],
        labels=table.labels[keep],
        groups=np.bincount(owners[keep], minlength=len(table.groups)).astype(np.int64),
        rows=table.rows[keep],
        outcomes=table.outcomes[keep],
        positions=table.positions[keep] if len(table.positions) else table.positions,
    )
    return thinned, weights[keep]
