"""Fusion: one learned order from all retrievers' scores and what is known of user and item."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from shelfwise.config.component import Options
from shelfwise.rank.linear import LinearScorer
from shelfwise.rank.newest_trees import NewestTrees
from shelfwise.rank.ranker import Asked, Ranker, RankingTable, Report, Scored, unpredicted
from shelfwise.rank.strangers import StrangersOrder
from shelfwise.rank.tree_cascade import TreeCascade
from shelfwise.rank.trees import fit_trees
from shelfwise.schemas.ids import Floats

CHOICE_FILE = "fusion.json"
N_FOLDS = 3
FEW_REQUESTS = 1_000
"""Fewer than this are held out in turn, fold by fold; of more, one fold is enough to choose by."""

RECIPROCAL_RANKS = "reciprocal_ranks"
LEARNED_PER_REQUEST = 50
"""Wrong candidates per request that trees learn from, on the average."""

COARSER = 4
"""The trees that only judge whether strangers want another order are so many times fewer, and as much heavier each."""

ENOUGH_HITS = 50
"""Requests with a right answer among the candidates below which nothing is learned."""

ENOUGH_NEWS = 1_000
"""Requests of a newer moment, with a right answer among the candidates, from which on it is learned from."""

NEWEST_SHARE = 3 / 8
"""Trees of the newer moment for each of the full training."""


class Fusion(Ranker):
    """The best of three, chosen by NDCG@10 on held-out requests.

    - `trees`: gradient-boosted trees (LightGBM) on all features; served as an ONNX graph.
    - `linear`: logistic regression on standardised features, for shops with little data.
    - `reciprocal`: the sum of reciprocal ranks, which needs no data at all.

    Where the requests are of several moments, it is also seen whether one plain feature serves people better of whom
    nothing is known, see `rank.strangers`.

    Source:
        Ke et al. (2017), LightGBM; Cormack et al. (2009), Reciprocal rank fusion.
    """

    class Config(Options):
        """Options of `[rank]` with `use = "fusion"`."""

        model: Literal["auto", "trees", "linear", "reciprocal"] = Field(
            default="auto", description="'auto' takes the best on held-out requests."
        )
        n_trees: int = Field(default=400, ge=1, le=5_000, description="Trees at most; fewer where more do not help.")
        n_leaves: int = Field(default=31, ge=2, le=1_024, description="Leaves per tree at most.")
        learning_rate: float = Field(default=0.03, gt=0, le=1, description="Weight of each tree.")

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.config = config
        self._choice = "reciprocal"
        self._reciprocal_column = -1
        self._strangers: StrangersOrder | None = None
        self._linear: LinearScorer | None = None
        self._trees: TreeCascade | None = None
        self._newest: NewestTrees | None = None

    def fit(self, table: RankingTable, *, seed: int, report: Report) -> dict[str, Any]:
        """Compare on requests held out, then fit the winner on all of them.

        The held-out requests also say how many trees are enough, so that their NDCG flatters trees by a hair; it
        serves to choose, and the numbers to believe are those of `shelfwise evaluate`.
        """
        self._reciprocal_column = table.feature_names.index(RECIPROCAL_RANKS)
        folds = np.random.default_rng(seed).integers(0, N_FOLDS, len(table.groups))
        contenders = ["reciprocal"]
        if len(table.groups) >= ENOUGH_HITS and self.config.model != "reciprocal":
            contenders += ["linear", "trees"] if self.config.model == "auto" else [self.config.model]
        n_held_out = N_FOLDS if len(table.groups) < FEW_REQUESTS else 1
        asked = folds < n_held_out
        scores = {name: np.zeros(len(table.labels), np.float32) for name in contenders}
        rounds: list[int] = []
        for fold in range(n_held_out):
            held_out = folds == fold
            learn, lines = table.where(~held_out), table.rows_of(held_out)
            scores["reciprocal"][lines] = table.features[lines, self._reciprocal_column]
            if "linear" in scores:
                report("ranker: logistic regression")
                scores["linear"][lines] = LinearScorer.fit(learn)(table.features[lines])
            if "trees" in scores:
                report("ranker: gradient-boosted trees")
                booster = fit_trees(
                    _thinned(learn, seed),
                    table.where(held_out),
                    self.config,
                    seed,
                    lambda loss, n_trees, fold=fold: self.track(f"trees/fold-{fold + 1}/held_out_loss", loss, n_trees),
                )
                rounds.append(booster.best_iteration or self.config.n_trees)
                scores["trees"][lines] = booster.predict(table.features[lines])
        exam, lines = table.where(asked), table.rows_of(asked)
        held_out_ndcg = {name: exam.ndcg(found[lines]) for name, found in scores.items()}
        self._choice = max(held_out_ndcg, key=lambda name: held_out_ndcg[name])
        if self.config.model != "auto" and self.config.model in held_out_ndcg:
            self._choice = self.config.model
        for name, ndcg in held_out_ndcg.items():
            self.track(f"{name}/held_out_ndcg", ndcg, 0)
        about: dict[str, Any] = {
            "model": self._choice,
            "held_out_ndcg": {name: round(value, 5) for name, value in held_out_ndcg.items()},
            "n_requests": len(table.groups) + table.n_hopeless,
            "n_requests_with_hit": len(table.groups),
            "hit_share": round(len(table.groups) / max(len(table.groups) + table.n_hopeless, 1), 4),
        }
        n_trees = max(1, round(float(np.mean(rounds)))) if rounds else 0
        self._strangers, about["strangers"] = StrangersOrder.choose(
            table, lambda learn: self._fitted(learn, n_trees, seed), unproven=self._choice == "reciprocal"
        )
        if self._choice == "linear":
            self._linear = LinearScorer.fit(table)
        elif self._choice == "trees":
            report(f"ranker: {n_trees} trees on all requests")
            booster = _grown(table, self.config, n_trees, seed)
            gains = booster.feature_importance("gain")
            about["n_trees"] = n_trees
            about["importance"] = {
                table.feature_names[place]: round(float(gains[place] / max(gains.sum(), 1e-9)), 4)
                for place in np.argsort(-gains)[:20]
            }
            self._trees = TreeCascade.of(booster, len(table.feature_names))
        return about

    @property
    def goes_on(self) -> bool:
        """Trees do; what else may have been chosen is for shops in which little happens."""
        return self._choice == "trees"

    def go_on(self, newest: RankingTable, *, seed: int, report: Report) -> Ranker:
        """The same trees, and beside them some that know the newer moment alone: see `rank.newest_trees`.

        Those of an earlier going on are replaced. What strangers see stays as it was.
        """
        if self._trees is None or len(newest.groups) < ENOUGH_NEWS:
            return self
        n_trees = max(1, round(NEWEST_SHARE * self._trees.n_trees))
        report(f"ranker: {n_trees} trees on what is new")
        found = copy(self)
        found._newest = NewestTrees.of(_grown(newest, self.config, n_trees, seed), self._trees, newest)
        return found

    def _fitted(self, table: RankingTable, n_trees: int, seed: int) -> Callable[[Floats], Floats]:
        """What was chosen, fitted on some of the requests only."""
        if self._choice == "linear":
            return LinearScorer.fit(table)
        if self._choice == "trees":
            coarser = self.config.model_copy(update={"learning_rate": min(1.0, COARSER * self.config.learning_rate)})
            return _grown(table, coarser, max(1, n_trees // COARSER), seed).predict
        return lambda features: features[:, self._reciprocal_column]

    def save(self, folder: Path) -> None:
        """Write the choice and what it needs."""
        stated: dict[str, Any] = {"model": self._choice, "reciprocal_column": self._reciprocal_column}
        if self._strangers is not None:
            stated["strangers"] = asdict(self._strangers)
        if self._linear is not None:
            stated["linear"] = self._linear.as_document()
        if self._trees is not None:
            self._trees.save(folder)
        if self._newest is not None:
            stated["newest"] = self._newest.save(folder)
        (folder / CHOICE_FILE).write_text(json.dumps(stated))

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        stated = json.loads((folder / CHOICE_FILE).read_text())
        self._choice, self._reciprocal_column = stated["model"], stated["reciprocal_column"]
        self._strangers = StrangersOrder(**stated["strangers"]) if "strangers" in stated else None
        if self._choice == "linear":
            self._linear = LinearScorer.from_document(stated["linear"])
        if self._choice == "trees":
            self._trees = TreeCascade.load(folder)
        self._newest = NewestTrees.load(folder, stated["newest"]) if "newest" in stated else None

    def rank(self, features: Floats) -> Floats:
        """Score with the winner, all of it; who is a stranger, by what strangers are served best with."""
        if not len(features):
            return np.empty(0, np.float32)
        scores = features[:, self._reciprocal_column]
        if self._trees is not None:
            scores = self._trees.by_all(features)
            scores = scores if self._newest is None else self._newest.beside(scores, features)
        elif self._linear is not None:
            scores = self._linear(features)
        return self._or_strangers(scores, features)

    def score_many(self, requests: Sequence[Asked]) -> list[Scored]:
        """As `rank`, but for what is hopeless in a list of such a depth, which not all trees look at."""
        n_candidates = [len(asked.features) for asked in requests]
        if self._trees is None or not sum(n_candidates):
            return super().score_many(requests)
        of_all = [asked.features for asked in requests]
        features = of_all[0] if len(of_all) == 1 else np.concatenate(of_all)
        beside = None if self._newest is None else self._newest.beside
        scores = self._trees.by_request(features, n_candidates, [asked.depth for asked in requests], beside)
        scores = self._or_strangers(scores, features)
        if len(of_all) == 1:
            return [unpredicted(scores)]
        return [unpredicted(one) for one in np.split(scores, np.cumsum(n_candidates)[:-1])]

    def _or_strangers(self, scores: Floats, features: Floats) -> Floats:
        return scores if self._strangers is None else self._strangers.instead_of(scores, features)


def _grown(table: RankingTable, options: Fusion.Config, n_trees: int, seed: int) -> Any:
    return fit_trees(_thinned(table, seed), None, options.model_copy(update={"n_trees": n_trees}), seed)


def _thinned(table: RankingTable, seed: int) -> RankingTable:
    """The same requests with all right answers and a share of the wrong ones, drawn alike from every request.

    Drawn uniformly: harder wrong answers would teach that what most retrievers like is wrong.
    """
    share = LEARNED_PER_REQUEST * len(table.groups) / max(len(table.labels), 1)
    keep = (table.labels > 0) | (np.random.default_rng(seed).random(len(table.labels)) < share)
    owners = np.repeat(np.arange(len(table.groups)), table.groups)
    groups = np.bincount(owners[keep], minlength=len(table.groups)).astype(np.int64)
    return replace(table, features=table.features[keep], labels=table.labels[keep], groups=groups)
