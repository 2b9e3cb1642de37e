"""Point-in-time examples for the ranker: what each retriever would have said then, and what came next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from shelfwise.config.objectives import ObjectiveSpec
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
from shelfwise.schemas.candidates import Situation
from shelfwise.schemas.ids import Bools, Floats, Rows


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


@dataclass(slots=True)
class TableRows:
    """Requests as they are collected for a ranking table; K objectives."""

    objectives: Mapping[str, ObjectiveSpec]
    n_hopeless: int = 0
    features: list[Floats] = field(default_factory=list[Floats])
    right: list[Bools] = field(default_factory=list[Bools])
    n_relevant: list[int] = field(default_factory=list[int])
    rows: list[Rows] = field(default_factory=list[Rows])
    situations: list[Situation] = field(default_factory=list[Situation])
    outcomes: list[Floats] = field(default_factory=list[Floats])
    positions: list[npt.NDArray[np.int32]] = field(default_factory=list[npt.NDArray[np.int32]])

    def __len__(self) -> int:
        return len(self.rows)

    def add(
        self,
        situation: Situation,
        rows: Rows,
        features: Floats,
        outcomes: Floats,
        right: Bools,
        n_relevant: int,
        positions: npt.NDArray[np.int32] | None = None,
    ) -> None:
        """Take one request with its candidates; see `RankingTable`."""
        self.situations.append(situation)
        self.rows.append(rows)
        self.features.append(features)
        self.outcomes.append(outcomes)
        self.right.append(right)
        self.n_relevant.append(n_relevant)
        self.positions.append(np.zeros(len(rows), np.int32) if positions is None else positions)

    def table(self, names: list[str], vectors: Floats | None, item_names: Rows, *, is_shown: bool) -> RankingTable:
        """All of them below each other.

        Args:
            names: Of the features.
            vectors: Of all items.
            item_names: Of all items, as `ItemState.codes_from_one` has them.
            is_shown: Whether the candidates are those of lists that were shown.
        """

        def below(parts: list[Any], shape: tuple[int, ...], dtype: Any) -> Any:
            return np.concatenate([np.empty(shape, dtype), *parts]).astype(dtype)

        return RankingTable(
            below(self.features, (0, len(names)), np.float32),
            below(self.right, (0,), np.int8),
            np.array([len(rows) for rows in self.rows], np.int64),
            np.array(self.n_relevant, np.int64),
            self.n_hopeless,
            names,
            np.zeros(len(self), np.int64),
            below(self.rows, (0,), np.int32),
            tuple(self.situations),
            below(self.outcomes, (0, len(self.objectives)), np.float32),
            self.objectives,
            vectors,
            below(self.positions, (0,), np.int32),
            np.full(len(self), is_shown),
            item_names,
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
    found = TableRows({} if judge is None else judge.objectives)
    for place, example in enumerate(examples):
        if len(found) == max_requests:
            break
        situation = example.situation.latest(n_history)
        allowed = allowed_for(everything, example.situation, repeats=repeats, exclude=example.left_out)
        merged = merge({name: retriever.retrieve(situation, allowed) for name, retriever in retrievers.items()})
        right = np.isin(merged.rows, example.relevant)
        if len(merged) and (judge is not None or right.any()):
            features = candidate_features(merged, situation, state, vectors, has_clock=has_clock)
            nothing = np.empty((len(merged), 0), np.float32)
            outcomes = nothing if judge is None else judge.of(example).of(merged.rows)
            found.add(situation, merged.rows, features, outcomes, right, len(example.relevant))
        else:
            found.n_hopeless += 1
        if progress is not None and place % 256 == 0:
            progress(place, len(examples))
    return found.table(feature_names(tuple(retrievers)), data.vectors, state.codes_from_one, is_shown=False)


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
        np.concatenate([table.positions for table in tables]),
        np.concatenate([table.is_shown for table in tables]),
        tables[0].item_names,
    )
