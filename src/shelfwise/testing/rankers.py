"""The contract of rankers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np

from shelfwise.rank.ranker import Ranker, RankingTable

N_REQUESTS = 240
N_CANDIDATES = 30
N_FEATURES = 6
NAMES = ["popular.score", "popular.share", "popular.rank", "noise", "telling", "reciprocal_ranks"]


def planted(seed: int = 0) -> RankingTable:
    """Requests where `telling` says which candidate is right, up to noise; one value in ten is not known."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(N_REQUESTS * N_CANDIDATES, N_FEATURES)).astype(np.float32)
    labels = np.zeros(len(features), np.int8)
    for request in range(N_REQUESTS):
        span = slice(request * N_CANDIDATES, (request + 1) * N_CANDIDATES)
        labels[span.start + int(np.argmax(features[span, 4] + random.normal(0, 0.3, N_CANDIDATES)))] = 1
    features[:, :4][random.random((len(features), 4)) < 0.1] = np.nan
    features[:, 5] = random.random(len(features))
    groups = np.full(N_REQUESTS, N_CANDIDATES, np.int64)
    return RankingTable(
        features, labels, groups, np.ones(N_REQUESTS, np.int64), 0, NAMES, np.zeros(N_REQUESTS, np.int64)
    )


def _ignore(_: str) -> None:
    """No progress."""


class RankerContract(ABC):
    """What every ranker keeps."""

    @abstractmethod
    def make(self) -> Ranker:
        """A new ranker, not fitted."""

    def test_learns_what_is_planted(self) -> None:
        ranker, table = self.make(), planted()
        about = ranker.fit(table, seed=0, report=_ignore)
        assert isinstance(about["model"], str)
        fresh = planted(seed=1)
        scores = ranker.rank(fresh.features).reshape(N_REQUESTS, N_CANDIDATES)
        right = fresh.labels.reshape(N_REQUESTS, N_CANDIDATES).argmax(axis=1)
        ranks = (scores > scores[np.arange(N_REQUESTS), right][:, None]).sum(axis=1)
        assert np.mean(ranks < 3) > 0.6  # by chance: 0.1

    def test_saved_and_loaded_scores_the_same(self, tmp_path: Path) -> None:
        ranker, table = self.make(), planted()
        ranker.fit(table, seed=0, report=_ignore)
        ranker.save(tmp_path)
        again = self.make()
        again.load(tmp_path)
        np.testing.assert_allclose(ranker.rank(table.features), again.rank(table.features), rtol=1e-5, atol=1e-6)

    def test_one_candidate_none_and_unknown_features_do_no_harm(self) -> None:
        ranker, table = self.make(), planted()
        ranker.fit(table, seed=0, report=_ignore)
        assert ranker.rank(np.empty((0, N_FEATURES), np.float32)).shape == (0,)
        assert ranker.rank(table.features[:1]).shape == (1,)
        unknown = np.full((3, N_FEATURES), np.nan, np.float32)
        unknown[:, 5] = 0.5
        assert np.isfinite(ranker.rank(unknown)).all()

    def test_many_at_once_score_as_one_by_one(self) -> None:
        ranker, table = self.make(), planted()
        ranker.fit(table, seed=0, report=_ignore)
        together = ranker.rank(table.features[:20])
        alone = np.concatenate([ranker.rank(table.features[place : place + 1]) for place in range(20)])
        np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-6)

    def test_too_few_requests_to_learn_from_still_rank(self) -> None:
        ranker = self.make()
        few = planted().where(np.arange(N_REQUESTS) < 3)
        ranker.fit(few, seed=0, report=_ignore)
        assert np.isfinite(ranker.rank(few.features)).all()
