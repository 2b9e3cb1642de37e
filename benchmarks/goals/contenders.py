"""Rankers that learn from the same candidates and features, each tuned on the same later requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import lightgbm
import numpy as np

from shelfwise.config.objectives import present
from shelfwise.rank.fusion import Fusion
from shelfwise.rank.multi_objective import SHARES, MultiObjective
from shelfwise.rank.outcome_tables import LATER_SHARE, thinned
from shelfwise.rank.ranker import Asked, RankingTable
from shelfwise.schemas.ids import Bools, Floats

Score = Callable[[Sequence[Asked]], list[Floats]]
"""Scores of each request's candidates."""

N_TRIALS = 9
"""Settings that a baseline may compare, as many as ours compares weights, and more."""

TREES = {
    "num_leaves": 31,
    "learning_rate": 0.05,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "max_bin": 127,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}


@dataclass(frozen=True, slots=True)
class Fitted:
    """A contender, ready to be asked.

    Attributes:
        chosen: What its tuning chose, in words.
        seconds: Of the processor: tuning and fitting.
    """

    score: Score
    chosen: str
    seconds: float


def ours(table: RankingTable, seed: int, goal: str = "purchase", **options: Any) -> Fitted:
    """The multi-objective ranker as shipped; `options` where another balance is asked for."""
    started = time.process_time()
    ranker = MultiObjective(MultiObjective.Config(**options))
    about = ranker.fit(table, seed=seed, report=lambda _: None)
    chosen = ", ".join(f"{weight:g} {name}" for name, weight in ranker.default_weights.items())
    return Fitted(_scores_of(ranker), f"{about['goal']}: {chosen}", time.process_time() - started)


def single_task(table: RankingTable, seed: int, goal: str = "purchase") -> Fitted:
    """The same network, trained on the goal alone."""
    column = list(table.objectives).index(goal)
    alone = replace(table, outcomes=table.outcomes[:, [column]], objectives=present(table.objectives, {goal}))
    return ours(alone, seed, goal)


def fusion(table: RankingTable, seed: int) -> Fitted:
    """The single-goal ranker on its own questions: requests whose answer was among the candidates."""
    started = time.process_time()
    ranker = Fusion(Fusion.Config())
    about = ranker.fit(table, seed=seed, report=lambda _: None)
    return Fitted(_scores_of(ranker), about["model"], time.process_time() - started)


def lambdamart(table: RankingTable, seed: int, goal: str = "purchase") -> Fitted:
    """LightGBM's LambdaRank: right is the goal alone, or graded by every objective; 50 to 300 trees."""
    started = time.process_time()
    earlier, later = _parts(table)
    graded = {
        "goal": {goal: 1},
        "graded 1, 2, 3": {"click": 1, "cart": 2, "purchase": 3},
        "graded 1, 1, 2": {"click": 1, "cart": 1, "purchase": 2},
    }
    best: tuple[float, str, dict[str, int], int] = (-1.0, "", {}, 0)
    for name, grades in graded.items():
        booster = _lambdarank(earlier, grades, 300, seed)
        for n_trees in (50, 120, 300):
            found = _judged(booster.predict(later.features, num_iteration=n_trees), later, goal)
            best = max(best, (found, name, grades, n_trees), key=lambda one: one[0])
    _, name, grades, n_trees = best
    booster = _lambdarank(table, grades, n_trees, seed)
    return Fitted(_by_features(booster.predict), f"{name}, {n_trees} trees", time.process_time() - started)


def trees_per_objective(table: RankingTable, seed: int, goal: str = "purchase") -> Fitted:
    """One LightGBM per objective, their probabilities summed; trees and weights are those that judged best."""
    started = time.process_time()
    earlier, later = _parts(table)
    names = [name for name in ("click", "cart", "purchase") if name in table.objectives]
    boosters = {name: _binary(earlier, name, 300, seed) for name in names}
    best: tuple[float, int, dict[str, float]] = (-1.0, 0, {})
    for n_trees in (50, 120, 300):
        said = {name: boosters[name].predict(later.features, num_iteration=n_trees) for name in names}
        for share in SHARES:
            weights = {name: 1.0 if name == goal else share for name in names}
            found = _judged(sum(weights[name] * said[name] for name in names), later, goal)
            best = max(best, (found, n_trees, weights), key=lambda one: one[0])
    _, n_trees, weights = best
    final = {name: _binary(table, name, n_trees, seed) for name in names if weights[name]}
    score = _by_features(lambda features: sum(weights[name] * one.predict(features) for name, one in final.items()))
    chosen = ", ".join(f"{weight:g} {name}" for name, weight in weights.items() if weight)
    return Fitted(score, f"{n_trees} trees, {chosen}", time.process_time() - started)


def _parts(table: RankingTable) -> tuple[RankingTable, RankingTable]:
    times = np.array([one.now_ms for one in table.situations])
    late = times >= np.quantile(times, 1 - LATER_SHARE)
    return table.where(~late), table.where(late)


def _happened(table: RankingTable, name: str) -> Bools:
    return table.outcomes[:, list(table.objectives).index(name)] == 1


def _judged(scores: Any, table: RankingTable, goal: str) -> float:
    judged, lines = table.answered_by(_happened(table, goal))
    return judged.ndcg(np.asarray(scores, np.float32)[lines])


def _lambdarank(table: RankingTable, grades: dict[str, int], n_trees: int, seed: int) -> Any:
    table, _ = thinned(table, seed)
    labels = np.zeros(len(table.features), np.int64)
    for name, grade in grades.items():
        if name in table.objectives:
            labels = np.maximum(labels, grade * _happened(table, name))
    starts = np.cumsum(table.groups) - table.groups
    useful = np.add.reduceat(labels, starts) > 0
    lines = table.rows_of(useful)
    data = lightgbm.Dataset(table.features[lines], labels[lines], group=table.groups[useful])
    parameters = {**TREES, "objective": "lambdarank", "lambdarank_truncation_level": 20, "seed": seed}
    return lightgbm.train(parameters, data, n_trees)


def _binary(table: RankingTable, name: str, n_trees: int, seed: int) -> Any:
    table, weights = thinned(table, seed)
    data = lightgbm.Dataset(table.features, _happened(table, name).astype(np.int64), weight=weights)
    return lightgbm.train({**TREES, "objective": "binary", "seed": seed}, data, n_trees)


def _scores_of(ranker: Any) -> Score:
    return lambda requests: [scored.scores for scored in ranker.score_many(requests)]


def _by_features(predict: Callable[[Floats], Any]) -> Score:
    def score(requests: Sequence[Asked]) -> list[Floats]:
        found = np.asarray(predict(np.concatenate([asked.features for asked in requests])), np.float32)
        return np.split(found, np.cumsum([len(asked.features) for asked in requests])[:-1])

    return score
