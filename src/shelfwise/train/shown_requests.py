"""Lists that were shown, as a ranker learns from them: what was known of their items, and what became of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from shelfwise.datasets.examples import NO_CONTEXT, Example
from shelfwise.datasets.interactions import Interactions
from shelfwise.datasets.outcomes import Judge
from shelfwise.datasets.shown_lists import ShownList
from shelfwise.datasets.training_data import TrainingData
from shelfwise.features.candidate_features import candidate_features, feature_names
from shelfwise.features.text_vectors import TextVectors
from shelfwise.pipeline.merge import merge
from shelfwise.rank.ranker import RankingTable
from shelfwise.retrieve.retriever import Retriever
from shelfwise.schemas.candidates import Candidates, Merged, Situation
from shelfwise.schemas.ids import Bools, Rows
from shelfwise.train.examples import TableRows, item_state


def shown_table(
    retrievers: Mapping[str, Retriever],
    data: TrainingData,
    log: Interactions,
    lists: Sequence[ShownList],
    judge: Judge,
    *,
    had: int,
    n_history: int,
    progress: Callable[[int, int], None] | None = None,
) -> RankingTable:
    """Ask retrievers that were fitted on `data` about the items of each list.

    A list is a visit: its user with what came before it, its moment, place and device. Its candidates are the items
    that it showed, and no others; what was shown at a price is described by that price.

    Args:
        retrievers: Fitted on `data`.
        data: What was known before the first of the lists.
        log: With the histories of the lists' users.
        lists: All shown at `data.now_ms` or later.
        judge: Tells what became of each item.
        had: Code of what makes an item one that a user had.
        n_history: Latest events that are known of a user.
        progress: Told of lists asked and to ask.
    """
    state = item_state(data)
    vectors = None if data.vectors is None else TextVectors(data.vectors)
    everything = np.ones(len(data.catalogue), bool)
    bounds = log.bounds()
    found = TableRows(judge.objectives)
    for place, shown in enumerate(lists):
        start, end = int(bounds[shown.user_row]), int(bounds[shown.user_row + 1])
        known = start + int(np.searchsorted(log.times_ms[start:end], shown.time_ms))
        history = log.history(start, known)
        situation = Situation(
            history,
            shown.time_ms,
            NO_CONTEXT,
            had,
            None if data.profiles is None else data.profiles.of_user(shown.user_row),
            scenario=shown.scenario,
            device=shown.device,
        ).latest(n_history)
        merged = described_alone(retrievers, situation, shown.rows, everything)
        order = np.argsort(shown.rows, kind="stable")
        with np.errstate(invalid="ignore", divide="ignore"):
            said = np.where(shown.prices[order] > 0, np.log(shown.prices[order]), np.nan).astype(np.float32)
        log_prices = np.where(np.isnan(said), state.log_price[merged.rows], said)
        features = candidate_features(
            merged,
            situation,
            state,
            vectors,
            has_clock=data.interactions.has_clock,
            log_prices=log_prices,
        )
        asked = Example(shown.user_row, situation, NO_CONTEXT)
        outcomes = judge.of(asked, shown.slate).of(merged.rows)
        happened = np.nan_to_num(outcomes).max(axis=1, initial=0.0) > 0
        found.add(situation, merged.rows, features, outcomes, happened, int(happened.sum()), shown.positions[order])
        if progress is not None and place % 256 == 0:
            progress(place, len(lists))
    return found.table(feature_names(tuple(retrievers)), data.vectors, state.codes_from_one, is_shown=True)


def described_alone(retrievers: Mapping[str, Retriever], situation: Situation, rows: Rows, everything: Bools) -> Merged:
    """What each retriever says of given items, whatever else it would name.

    Args:
        everything: All true: a retriever names whatever it would; shape `(n,)`.

    Returns:
        The items, ascending. Ranks are among all that a retriever names, as in service: 0 where it would not name the
        item among its first `k`.
    """
    rows = np.unique(rows).astype(np.int32)
    answers = {name: retriever.retrieve(situation, everything) for name, retriever in retrievers.items()}
    found = merge({**answers, "": Candidates(rows, np.zeros(len(rows), np.float32))})
    lines = np.searchsorted(found.rows, rows)
    return Merged(rows, found.scores[lines, :-1], found.ranks[lines, :-1], found.sources[:-1])
