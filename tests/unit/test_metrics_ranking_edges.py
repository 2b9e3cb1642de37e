"""Edges and refusals of the ranking metrics."""

import dataclasses

import numpy as np
import pytest

from shelfwise.metrics import RankingMetrics, arrays, rank_of, ranking_metrics

INF = np.inf


def values_of(metrics: RankingMetrics) -> dict[str, list[float]]:
    return {field.name: getattr(metrics, field.name).tolist() for field in dataclasses.fields(metrics)}


def test_a_known_list_scores_as_worked_out_by_hand() -> None:
    scores = np.array([[0.9, 0.8, 0.7, 0.6, 0.5]])
    relevant = np.array([[False, True, False, True, True]])

    metrics = ranking_metrics(scores, relevant, k=4)

    dcg, ideal = 1 / np.log2(3) + 1 / np.log2(5), 1 + 1 / np.log2(3) + 1 / np.log2(4)
    assert values_of(metrics) == {
        "recall": [pytest.approx(2 / 3)],
        "precision": [pytest.approx(0.5)],
        "f1": [pytest.approx(4 / 7)],
        "ndcg": [pytest.approx(dcg / ideal)],
        "mrr": [0.5],
        "hit_rate": [1.0],
    }


@pytest.mark.parametrize("k", [1, 3, 10, 50])
def test_a_perfect_list_has_an_ndcg_of_exactly_1(k: int) -> None:
    scores = np.linspace(1.0, 0.0, 40)[None]
    relevant = np.arange(40)[None] < 25

    assert ranking_metrics(scores, relevant, k).ndcg.tolist() == [1.0]


def test_an_unranked_relevant_item_is_missed_though_the_list_has_room() -> None:
    metrics = ranking_metrics(np.array([[1.0, -INF, -INF]]), np.array([[True, True, False]]), k=3)

    assert metrics.recall.tolist() == [0.5]
    assert metrics.precision.tolist() == [pytest.approx(1 / 3)]
    assert metrics.mrr.tolist() == [1.0]


def test_a_row_with_nothing_ranked_scores_0_everywhere() -> None:
    metrics = ranking_metrics(np.full((1, 3), -INF), np.array([[True, False, True]]), k=2)

    assert all(values == [0.0] for values in values_of(metrics).values())


def test_a_model_that_scores_all_items_alike_is_a_random_one() -> None:
    metrics = ranking_metrics(np.zeros((1, 1000)), np.arange(1000)[None] == 0, k=10)

    assert metrics.recall.tolist() == [pytest.approx(0.01)]
    assert metrics.hit_rate.tolist() == [pytest.approx(0.01)]


def test_infinite_scores_are_the_best_and_tie() -> None:
    metrics = ranking_metrics(np.array([[INF, INF, 5.0]]), np.array([[True, False, False]]), k=1)

    assert metrics.hit_rate.tolist() == [0.5]


def test_no_users_give_no_values() -> None:
    metrics = ranking_metrics(np.zeros((0, 4)), np.zeros((0, 4), dtype=np.bool_), k=2)

    assert all(values == [] for values in values_of(metrics).values())
    assert rank_of(np.zeros((0, 4)), np.zeros(0, dtype=np.int64)).tolist() == []


def test_working_in_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    scores = rng.integers(0, 9, size=(23, 17)).astype(np.float64)
    relevant = rng.random(scores.shape) < 0.3
    relevant[:, 0] = True
    targets = rng.integers(0, 17, size=23)
    at_once = values_of(ranking_metrics(scores, relevant, 6)), rank_of(scores, targets).tolist()

    monkeypatch.setattr(arrays, "BLOCK_CELLS", 3 * 17)

    assert (values_of(ranking_metrics(scores, relevant, 6)), rank_of(scores, targets).tolist()) == at_once


def test_arguments_are_left_as_they_were() -> None:
    scores, relevant = np.array([[3.0, 1.0, 2.0]]), np.array([[True, False, True]])

    ranking_metrics(scores, relevant, 2)

    assert scores.tolist() == [[3.0, 1.0, 2.0]]
    assert relevant.tolist() == [[True, False, True]]


def test_a_row_without_relevant_items_is_named() -> None:
    relevant = np.array([[True, False], [False, False], [False, False]])

    with pytest.raises(ValueError, match=r"row 1 has no relevant item \(2 such rows of 3\)"):
        ranking_metrics(np.zeros((3, 2)), relevant, k=1)


def test_nan_scores_are_refused_with_their_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "BLOCK_CELLS", 2)
    scores = np.array([[0.0, 1.0], [0.0, 1.0], [0.0, np.nan]])

    with pytest.raises(ValueError, match="row 2 holds a NaN score; use -inf"):
        ranking_metrics(scores, np.ones((3, 2), dtype=np.bool_), k=1)
    with pytest.raises(ValueError, match="row 2 holds a NaN score"):
        rank_of(scores, np.array([0, 0, 0]))


def test_k_below_1_is_refused() -> None:
    with pytest.raises(ValueError, match="k must be at least 1, not 0"):
        ranking_metrics(np.zeros((1, 2)), np.ones((1, 2), dtype=np.bool_), k=0)


def test_tables_that_disagree_are_refused() -> None:
    with pytest.raises(ValueError, match=r"relevant has shape \(1, 3\), scores have \(1, 2\)"):
        ranking_metrics(np.zeros((1, 2)), np.ones((1, 3), dtype=np.bool_), k=1)
    with pytest.raises(ValueError, match="scores have 1 dimensions"):
        ranking_metrics(np.zeros(2), np.ones(2, dtype=np.bool_), k=1)
    with pytest.raises(ValueError, match=r"target_rows has shape \(2,\); scores ask for \(1,\)"):
        rank_of(np.zeros((1, 2)), np.array([0, 1]))


def test_relevance_in_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="relevant must be boolean, not float64"):
        ranking_metrics(np.zeros((1, 2)), np.ones((1, 2)), k=1)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("target", [-1, 2])
def test_a_target_outside_the_catalogue_is_refused(target: int) -> None:
    with pytest.raises(ValueError, match=r"they must lie in \[0, 2\)"):
        rank_of(np.zeros((1, 2)), np.array([target]))


def test_an_unranked_target_has_no_position() -> None:
    assert rank_of(np.array([[-INF, -INF, 1.0]]), np.array([0])).tolist() == [INF]
