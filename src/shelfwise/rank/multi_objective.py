"""Multi-objective: one network predicts every objective in every scenario; the request says what counts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from shelfwise.config.objectives import ancestors, goal_of
from shelfwise.errors import ConfigError, MissingExtraError, did_you_mean
from shelfwise.features.context_features import context_features, told_apart
from shelfwise.features.text_vectors import TextVectors
from shelfwise.neural.ranking.lines import ABSENT, MS_PER_MINUTE, Lines
from shelfwise.neural.ranking.settings import RankingOptions
from shelfwise.rank.beside_touched import beside_touched, with_touched
from shelfwise.rank.objective_trees import ObjectiveTrees
from shelfwise.rank.objective_values import ObjectiveValues
from shelfwise.rank.outcome_tables import later_requests, thinned, told, told_best, with_enough
from shelfwise.rank.ranker import Asked, Ranker, RankingTable, Report, Scored
from shelfwise.schemas.candidates import History, Situation
from shelfwise.schemas.events import EventKind
from shelfwise.schemas.ids import Floats, Rows
from shelfwise.schemas.scenario_names import UNKNOWN
from shelfwise.store.graphs import Graph

NOWHERE, FIRST = 0, 1
"""Positions at which candidates are judged: of no list, or the first of one."""

GRAPH_FILE = "network.onnx"
ABOUT_FILE = "multi_objective.json"

SHARES = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Weights of what comes before the goal, against 1 for the goal, that are compared for the default."""


class MultiObjective(Ranker):
    """Predicts each objective for each candidate; what is ranked by is their weighted sum.

    The predictions are calibrated on requests later than those learned from. Default weights are those that ordered
    these requests best for the goal: what comes before it is told more often and says more of rare goals than they do
    themselves. See `neural.ranking.network` for the network.
    """

    learns_outcomes: ClassVar[bool] = True

    class Config(RankingOptions):
        """Options of `[rank]` with `use = "multi-objective"`."""

    def __init__(self, config: RankingOptions) -> None:
        super().__init__(config)
        self.options = config
        self._n_scenarios = 1
        self._position = NOWHERE
        self._context: tuple[str, ...] = ()
        self._values = ObjectiveValues({}, (), ())
        self._vector_dim = 0
        self._compared: list[int] = []
        self._graph: Graph | None = None
        self._trees: ObjectiveTrees | None = None

    def fit(self, table: RankingTable, *, seed: int, report: Report) -> dict[str, Any]:
        """Learn from the earlier requests, calibrate on the later ones, then learn from all.

        Raises:
            MissingExtraError: torch is not installed.
            ConfigError: a feature that is to be compared is none.
            StateError: nothing that is wanted ever happened to a candidate.
        """
        try:
            from shelfwise.neural.ranking import export, training
            from shelfwise.neural.ranking.network import Shape
        except ImportError as cause:
            raise MissingExtraError(
                "torch is not installed", where="rank", hint="pip install 'shelfwise[train]'"
            ) from cause
        table, left_out = with_enough(told(table))
        specs = table.objectives
        self.objectives = tuple(specs)
        names = list(self.objectives)
        self._n_scenarios = max((one.scenario for one in table.situations), default=UNKNOWN) + 1
        self._vector_dim = 0 if table.vectors is None else table.vectors.shape[1]
        self._context = told_apart(table.situations)
        self._compared = _columns_of(self.options.beside_touched, table.feature_names)
        if self._compared:
            # Before anything is drawn from the candidates: what was touched may be among those left out.
            table = replace(table, features=with_touched(table, self._compared))
        shape = Shape(
            table.features.shape[1],
            len(self._context),
            self._vector_dim,
            len(EventKind),
            self._n_scenarios,
            tuple(-1 if spec.given is None else names.index(spec.given) for spec in specs.values()),
            tuple(spec.measure == "seconds" for spec in specs.values()),
        )

        def trained(some: RankingTable, what: str) -> list[Any]:
            lines = self._lines(*thinned(some, seed))
            return [
                training.train(
                    lines,
                    shape,
                    names,
                    self.options,
                    seed=seed + 1_000 * number,
                    report=lambda text, done, total: report(f"{text}, {what}: pass {done} of {total}"),
                    track=lambda name, value, step, number=number: self.track(
                        f"{what}-{number + 1}/{name}", value, step
                    ),
                )
                for number in range(self.options.n_networks)
            ]

        def grown(some: RankingTable) -> ObjectiveTrees | None:
            return (
                ObjectiveTrees.fit(*thinned(some, seed), self.options.n_trees, seed) if self.options.n_trees else None
            )

        is_later = later_requests(table)
        earlier, later = table.where(~is_later), table.where(is_later)
        about: dict[str, Any] = {"model": "network", "objectives": names, "left_out": left_out}
        # Who learned from lists is asked what happens in the first place of one; calibrated by what happened in all.
        self._position = FIRST if (table.positions > 0).any() else NOWHERE
        lines_later = self._lines(later)
        answers = [training.predict(one, lines_later, self._position) for one in trained(earlier, "earlier")]
        predicted = self._with_trees(_averaged(answers, shape.measured), later.features, grown(earlier))
        judged = told_best(later)
        self._values = ObjectiveValues.fit(
            specs, predicted[later.rows_of(judged)], later.where(judged).outcomes, self._codes(later.where(judged))
        )
        about |= self._choose_weights(predicted, later)
        networks = trained(table, "all")
        self._graph = Graph(export.request_graph(networks, self._position))
        n_shown = int(table.is_shown.sum())
        self._trees = grown(table)
        about["n_requests"] = len(table.groups)
        about["learned_from"] = {"lists": n_shown, "visits": len(table.groups) - n_shown}
        about["calibrated_on"] = "lists" if later.is_shown[judged].all() and n_shown else "all"
        return about

    def _choose_weights(self, predicted: Floats, later: RankingTable) -> dict[str, Any]:
        """The goal's weight is 1; what it follows from gets the share that orders the later requests best."""
        goal = goal_of(self._values.specs)
        before = ancestors(self._values.specs, goal)
        judged, lines = later.answered_by(later.outcomes[:, self.objectives.index(goal)] == 1)
        values = self._values(predicted, self._codes(later))[lines]
        tried = {share: {goal: 1.0, **dict.fromkeys(before, share)} for share in (SHARES if before else SHARES[:1])}
        found = {share: judged.ndcg(values @ self._vector(weights)) for share, weights in tried.items()}
        best = max(found, key=lambda share: found[share])
        self.default_weights = {name: weight for name, weight in tried[best].items() if weight > 0}
        return {
            "goal": goal,
            "default_weights": self.default_weights,
            "held_out_ndcg": {f"1 {goal} + {share:g} of what it follows": round(found[share], 5) for share in found},
        }

    def save(self, folder: Path) -> None:
        """Write the graph, and what its columns mean."""
        if self._graph is None:
            raise RuntimeError("fit() or load() comes first")
        (folder / GRAPH_FILE).write_bytes(self._graph.content)
        if self._trees is not None:
            self._trees.save(folder)
        stated = {
            **self._values.as_document(),
            "default_weights": self.default_weights,
            "n_scenarios": self._n_scenarios,
            "vector_dim": self._vector_dim,
            "context": list(self._context),
            "beside_touched": self._compared,
            "has_trees": self._trees is not None,
            "position": self._position,
        }
        (folder / ABOUT_FILE).write_text(json.dumps(stated), encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        stated = json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8"))
        self._values = ObjectiveValues.from_document(stated)
        self.objectives = tuple(self._values.specs)
        self.default_weights, self._n_scenarios = stated["default_weights"], stated["n_scenarios"]
        self._vector_dim, self._context = stated["vector_dim"], tuple(stated["context"])
        # Versions from before these options compare nothing, and have no trees.
        self._compared = stated.get("beside_touched", [])
        self._trees = ObjectiveTrees.load(folder, len(self.objectives)) if stated.get("has_trees") else None
        self._position = stated.get("position", NOWHERE)
        self._graph = Graph((folder / GRAPH_FILE).read_bytes())

    def rank(self, features: Floats) -> Floats:
        """Scores by features alone: of a stranger, in a place that nobody named."""
        nobody = Situation(History.empty(), 0, np.empty(0, np.int32))
        return self.score(Asked(features, np.zeros(len(features), np.int32), nobody)).scores

    def score_many(self, requests: Sequence[Asked]) -> list[Scored]:
        """One call of the graph for each: it reads a request's history once for all its candidates."""
        return [self._scored(asked) for asked in requests]

    def _scored(self, asked: Asked) -> Scored:
        if self._graph is None:
            raise RuntimeError("fit() or load() comes first")
        n = len(asked.features)
        if not n:
            return Scored(np.empty(0, np.float32), np.empty((0, len(self.objectives)), np.float32))
        code = self._code(asked.situation)
        history = asked.situation.history.last(self.options.history)
        features = asked.features
        if self._compared:
            features = np.hstack([features, beside_touched(features[:, self._compared], asked.rows, asked.situation)])
        predicted = self._graph(
            {
                "features": features,
                "context": context_features([asked.situation], self._context),
                "scenario": np.array([code], np.int64),
                "candidates": self._vectors_of(asked.rows, asked.vectors),
                "history": self._vectors_of(history.rows, asked.vectors),
                "kinds": history.kinds.astype(np.int64),
                "minutes": _minutes(history, asked.situation.now_ms),
                "rows": asked.rows.astype(np.int64),
                "history_rows": history.rows.astype(np.int64),
            }
        )
        predicted = self._with_trees(predicted, features, self._trees)
        values = self._values(predicted, np.full(n, code))
        return Scored((values @ self._vector(self.default_weights)).astype(np.float32), values)

    def _with_trees(self, predicted: Floats, features: Floats, trees: ObjectiveTrees | None) -> Floats:
        return (
            predicted if trees is None else trees.beside(predicted, features, self.options.n_networks, self._position)
        )

    def _vectors_of(self, rows: Rows, vectors: TextVectors | None) -> Floats:
        if vectors is None or not self._vector_dim:
            return np.zeros((len(rows), self._vector_dim), np.float32)
        return vectors.take(rows)[0]

    def _vector(self, weights: Mapping[str, float]) -> Floats:
        return np.array([weights.get(name, 0.0) for name in self.objectives], np.float32)

    def _code(self, situation: Situation) -> int:
        """Of the place that asks; one that came after training is unknown."""
        return situation.scenario if situation.scenario < self._n_scenarios else UNKNOWN

    def _codes(self, table: RankingTable) -> npt.NDArray[np.int64]:
        """The scenario's code of each candidate; shape `(N,)`."""
        codes = np.array([self._code(one) for one in table.situations], np.int64)
        return np.repeat(codes, table.groups)

    def _lines(self, table: RankingTable, weights: Floats | None = None) -> Lines:
        """A table as the network reads it."""
        n, n_events = len(table.situations), self.options.history
        rows = np.full((n, n_events), ABSENT, np.int32)
        kinds = np.zeros((n, n_events), np.int64)
        minutes = np.zeros((n, n_events), np.float32)
        for line, situation in enumerate(table.situations):
            last = situation.history.last(n_events)
            if len(last):
                rows[line, -len(last) :], kinds[line, -len(last) :] = last.rows, last.kinds
                minutes[line, -len(last) :] = _minutes(last, situation.now_ms)
        return Lines(
            table.features,
            table.outcomes,
            np.ones(len(table.rows), np.float32) if weights is None else weights,
            table.rows,
            table.positions.astype(np.int64) if len(table.positions) else np.full(len(table.rows), NOWHERE, np.int64),
            np.concatenate([[0], np.cumsum(table.groups)]).astype(np.int64),
            context_features(table.situations, self._context),
            np.array([self._code(one) for one in table.situations], np.int64),
            rows,
            kinds,
            minutes,
            np.zeros((1, 0), np.float32) if table.vectors is None else table.vectors,
            table.item_names,
        )


def _columns_of(names: Sequence[str], known: Sequence[str]) -> list[int]:
    for name in names:
        if name not in known:
            raise ConfigError(
                f"no feature is called '{name}'; known: {', '.join(known)}",
                where="rank.beside_touched",
                hint=did_you_mean(name, known),
            )
    return [list(known).index(name) for name in names]


def _averaged(answers: Sequence[Floats], measured: Sequence[bool]) -> Floats:
    """The mean over networks: of probabilities, and of the logarithm of what is measured."""
    stacked = np.stack(answers)
    with np.errstate(divide="ignore"):
        return np.where(np.array(measured), stacked.mean(axis=0), np.log(np.exp(stacked).mean(axis=0)))


def _minutes(history: History, now_ms: int) -> Floats:
    return (np.maximum(now_ms - history.times_ms, 0) / MS_PER_MINUTE).astype(np.float32)
