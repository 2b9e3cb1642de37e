"""Point-in-time examples for the ranker: what each retriever would have said then, and what came next."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from shelfwise.datasets.examples import Examples
from shelfwise.datasets.outcomes import Judge
from shelfwise.datasets.training_data import TrainingData
from shelfwise.features.candidate_features import candidate_features, feature_names
from shelfwise.features.item_state import ItemState
from shelfwise.features.text_vectors import TextVectors
from shelfwise.pipeline.funnel import allowed_for
from shelfwise.pipeline.merge import merge
from shelfwise.rank.ranker import RankingTable
from shelfwise.retrieve.retriever import Retriever


def item_state(data: TrainingData) -> ItemState:
    """What the ranker may know of every item at `data.now_ms`."""
    interactions, catalogue = data.interactions, data.catalogue
    return ItemState.fit(
        interactions.user_rows,
        interactions.item_rows,
        interactions.times_ms,
        now_ms=data.now_ms,
        has_clock=interactions.has_clock,
        prices=catalogue.prices,
        created_ms=catalogue.created_ms,
        paths=catalogue.paths,
        brands=catalogue.brands,
    )


def ranking_table(
    retrievers: Mapping[str, Retriever],
    data: TrainingData,
    examples: Examples,
    *,
    repeats: bool,
    n_history: int,
    has_clock: bool,
    max_requests: int,
    progress: Callable[[int, int], None] | None = None,
    judge: Judge | None = None,
) -> RankingTable:
    """Ask retrievers that were fitted on `data` each example's question.

    Requests without a right answer among their candidates are counted and left out. What was sold out since is not
    known: all items are allowed.

    Args:
        retrievers: Fitted on `data`.
        examples: Questions after `data.now_ms`; asked until `max_requests` are worth keeping.
        judge: Tells what became of each candidate. With it every request is worth keeping, those that led to nothing
            too: without them, what happens would look more likely than it is.
    """
    state = item_state(data)
    vectors = None if data.vectors is None else TextVectors(data.vectors)
    everything = np.ones(len(data.catalogue), bool)
    features, labels, groups, n_relevant, rows, situations, outcomes = [], [], [], [], [], [], []
    n_hopeless = 0
    for place, example in enumerate(examples):
        if len(groups) == max_requests:
            break
        situation = example.situation.latest(n_history)
        allowed = allowed_for(everything, example.situation, repeats=repeats, exclude=example.left_out)
        merged = merge({name: retriever.retrieve(situation, allowed) for name, retriever in retrievers.items()})
        right = np.isin(merged.rows, example.relevant)
        if len(merged) and (judge is not None or right.any()):
            features.append(candidate_features(merged, situation, state, vectors, has_clock=has_clock))
            labels.append(right)
            groups.append(len(merged))
            n_relevant.append(len(example.relevant))
            rows.append(merged.rows)
            situations.append(situation)
            outcomes.append(
                np.empty((len(merged), 0), np.float32) if judge is None else judge.of(example).of(merged.rows)
            )
        else:
            n_hopeless += 1
        if progress is not None and place % 256 == 0:
            progress(place, len(examples))
    names = feature_names(tuple(retrievers))
    return RankingTable(
        np.concatenate(features) if features else np.empty((0, len(names)), np.float32),
        np.concatenate(labels).astype(np.int8) if labels else np.empty(0, np.int8),
        np.array(groups, np.int64),
        np.array(n_relevant, np.int64),
        n_hopeless,
        names,
        np.zeros(len(groups), np.int64),
        np.concatenate([np.empty(0, np.int32), *rows]),
        tuple(situations),
        np.concatenate(outcomes)
        if outcomes
        else np.empty((0, 0 if judge is None else len(judge.objectives)), np.float32),
        {} if judge is None else judge.objectives,
        data.vectors,
    )


def stacked(tables: list[RankingTable]) -> RankingTable:
    """The tables of several moments below each other; given and numbered from the latest on."""
    return RankingTable(
        np.concatenate([table.features for table in tables]),
        np.concatenate([table.labels for table in tables]),
        np.concatenate([table.groups for table in tables]),
        np.concatenate([table.n_relevant for table in tables]),
        sum(table.n_hopeless for table in tables),
        tables[0].feature_names,
        np.repeat(np.arange(len(tables)), [len(table.groups) for table in tables]),
        np.concatenate([table.rows for table in tables]),
        tuple(one for table in tables for one in table.situations),
        np.concatenate([table.outcomes for table in tables]),
        tables[0].objectives,
        tables[0].vectors,
    )
