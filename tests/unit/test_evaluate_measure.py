"""What is measured: whole catalogue, ties by their expectation, seen items removed, slices that add up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from shelfwise.config.shop import ShopConfig
from shelfwise.datasets.examples import Example, Examples, example
from shelfwise.errors import StateError
from shelfwise.evaluate import measure as measuring
from shelfwise.evaluate.baselines import BASELINES, ItemKNN, Popularity, Recency
from shelfwise.evaluate.measure import METRICS, measure, score_with_baseline
from shelfwise.evaluate.run import evaluate
from shelfwise.evaluate.slices import slices
from shelfwise.testing.retrievers import situation
from shelfwise.testing.small_shop import N_ITEMS, small_shop
from shelfwise.train.fit import fit

DATA = small_shop(n_users=60)
EVERYTHING = np.ones(N_ITEMS, bool)


def ask(had: list[int], relevant: list[int], user: int = 0) -> Example:
    return example(situation(DATA, had).history, DATA.now_ms, user, np.array(relevant, np.int32))


def by_table(table: Any) -> Any:
    """Scores that are given, question after question."""
    lines = iter(table)

    def score(batch: Any, scores: Any) -> None:
        for line in range(len(batch)):
            scores[line] = next(lines)

    return score


def test_the_numbers_of_one_list_by_hand() -> None:
    scores = np.full((1, 6), -np.inf)
    scores[0, [4, 2, 0]] = 3, 2, 1
    found = measure(by_table(scores), Examples([ask([], [2, 5])]), 6, 3)
    assert found.lists.tolist() == [[4, 2, 0]]
    assert found.by_metric["recall"].tolist() == [0.5]
    assert found.by_metric["precision"][0] == pytest.approx(1 / 3)
    assert found.by_metric["mrr"].tolist() == [0.5]
    assert found.by_metric["ndcg"][0] == pytest.approx((1 / np.log2(3)) / (1 + 1 / np.log2(3)))
    assert set(found.by_metric) == set(METRICS)


def test_what_is_not_ranked_is_not_shown_and_never_found() -> None:
    scores = np.full((1, 6), -np.inf)
    scores[0, 4] = 1
    found = measure(by_table(scores), Examples([ask([], [2])]), 6, 3)
    assert found.lists.tolist() == [[4, -1, -1]]
    assert found.by_metric["recall"].tolist() == [0.0]


def test_a_list_longer_than_the_catalogue_is_padded() -> None:
    found = measure(by_table(np.array([[2.0, 1.0]])), Examples([ask([], [1])]), 2, 5)
    assert found.lists.tolist() == [[0, 1, -1, -1, -1]]


def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    table = random.integers(0, 4, (9, 12)).astype(float)
    questions = Examples([ask([], random.choice(12, 2, replace=False).tolist(), user) for user in range(9)])
    whole = measure(by_table(table), questions, 12, 4)
    monkeypatch.setattr(measuring, "CELLS", 25)
    told: list[tuple[int, int]] = []
    parts = measure(by_table(table), questions, 12, 4, lambda done, total: told.append((done, total)))
    for name in METRICS:
        np.testing.assert_array_equal(whole.by_metric[name], parts.by_metric[name])
    assert told[-1] == (9, 9)
    assert len(told) == 5


@pytest.mark.parametrize("kind", BASELINES)
def test_a_baseline_ranks_what_may_be_shown_and_nothing_else(kind: Any) -> None:
    settings = kind.grid(DATA, repeats=True)[0]
    baseline = kind(**settings)
    baseline.fit(DATA)
    shown = np.arange(N_ITEMS) % 2 == 0
    question = ask([2, 4], [6])
    for repeats in (True, False):
        table = np.full((1, N_ITEMS), -np.inf)
        score_with_baseline(baseline, shown, repeats=repeats, n_history=50)([question], table)
        ranked = np.isfinite(table[0])
        assert ranked.tolist() == [bool(shown[row] and (repeats or row not in (2, 4))) for row in range(N_ITEMS)]


def test_baselines_do_what_their_names_say() -> None:
    counts = np.bincount(DATA.interactions.item_rows, minlength=N_ITEMS)
    popularity = Popularity(half_life_d=None)
    popularity.fit(DATA)
    np.testing.assert_array_equal(popularity.scores(situation(DATA, [3])), counts)
    recency = Recency(half_life_d=30.0)
    recency.fit(DATA)
    own = recency.scores(situation(DATA, [3, 8, 3]))
    assert np.argsort(-own)[:2].tolist() == [3, 8]
    assert np.argsort(-own)[2] == next(row for row in np.argsort(-counts, kind="stable") if row not in (3, 8))
    knn = ItemKNN(within="user", decay=1.0, shrinkage=0.0, own=0.0)
    knn.fit(DATA)
    users_of = [set(DATA.interactions.user_rows[DATA.interactions.item_rows == row].tolist()) for row in range(N_ITEMS)]
    scores = knn.scores(situation(DATA, [33]))
    assert all(users_of[33] & users_of[row] for row in np.flatnonzero(scores >= 1))


@pytest.mark.parametrize("kind", BASELINES)
def test_a_grid_that_takes_over_what_was_learned_scores_as_one_fitted_alone(kind: Any) -> None:
    like = None
    for settings in kind.grid(DATA, repeats=True):
        alone, in_turn = kind(**settings), kind(**settings)
        alone.fit(DATA)
        in_turn.fit(DATA, like)
        for history in ([3, 8, 3], [33], []):
            np.testing.assert_array_equal(
                alone.scores(situation(DATA, history)), in_turn.scores(situation(DATA, history))
            )
        like = in_turn


def test_recency_makes_no_sense_where_repeats_are_left_out() -> None:
    assert Recency.grid(DATA, repeats=False) == []
    assert Recency.grid(DATA, repeats=True)


def test_slices_cut_questions_by_what_was_known() -> None:
    counts = np.bincount(DATA.interactions.item_rows, minlength=N_ITEMS)
    cold, known = N_ITEMS - 1, int(np.argmax(counts))
    table = np.zeros((2, N_ITEMS))
    table[0, known], table[1, cold] = 1, 1
    questions = Examples([ask([], [known]), ask([1, 2, 3], [cold])])
    measured = {"ours": measure(by_table(table), questions, N_ITEMS, 3)}
    found = {part.name: (part.n, part.ndcg["ours"]) for part in slices(measured, DATA, questions, 3)}
    assert found["items with 0 events"] == (1, 1.0)
    assert found["users with 0 events"] == (1, 1.0)
    assert found["users with 1 to 4 events"] == (1, 1.0)
    assert len(found) == 4


class TestRun:
    def test_nobody_to_ask_says_so(self) -> None:
        config, nobody = ShopConfig(version=1), np.zeros(60, bool)
        for protocol in ("leave-one-out", "time-split"):
            with pytest.raises(StateError, match="no user has enough purchase events"):
                evaluate(fit, config, DATA, nobody, protocol, 10, lambda *_: None)  # type: ignore[arg-type]

    def test_a_time_split_wants_a_clock(self) -> None:
        ordered = small_shop(n_users=60, has_clock=False)
        with pytest.raises(StateError, match="leave-one-out"):
            evaluate(fit, ShopConfig(version=1), ordered, np.ones(60, bool), "time-split", 10, lambda *_: None)

    @pytest.mark.parametrize("protocol", ["leave-one-out", "time-split"])
    def test_the_model_is_fitted_on_the_past_alone(self, protocol: Any) -> None:
        """What `fit` is given holds none of the answers."""
        given: list[Any] = []

        class Seen(Exception):  # noqa: N818
            pass

        def spy(_config: Any, data: Any, *_: Any) -> Any:
            given.append(data)
            raise Seen

        with pytest.raises(Seen):
            evaluate(spy, ShopConfig(version=1), DATA, np.ones(60, bool), protocol, 10, lambda *_: None)
        [past] = given
        log = past.interactions
        if protocol == "time-split":
            assert past.now_ms == DATA.interactions.end_ms - 28 * 86_400_000
            assert (log.times_ms < past.now_ms).all()
        else:
            for user in range(60):
                kept = log.times_ms[log.user_rows == user]
                whole = DATA.interactions.times_ms[DATA.interactions.user_rows == user]
                assert kept.tolist() == (whole[:-2] if len(whole) >= 3 else whole).tolist()
