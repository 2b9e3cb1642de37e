"""Edges and refusals of the qualities of shown lists."""

import math

import numpy as np
import pytest

from shelfwise.metrics import (
    arrays,
    average_popularity,
    coverage,
    gini,
    intra_list_distance,
    novelty,
    popularity_share,
)


def test_gini_reaches_from_equal_to_concentrated() -> None:
    assert gini(np.array([[0, 1], [2, 3]]), n_items=4) == 0.0
    assert gini(np.zeros((50, 1), dtype=np.int64), n_items=100) == pytest.approx(0.99)


def test_showing_nothing_covers_nothing_and_has_a_gini_of_0() -> None:
    rows = np.full((3, 2), -1)

    assert coverage(rows, n_items=5) == 0.0
    assert gini(rows, n_items=5) == 0.0


def test_no_lists_at_all_are_no_error() -> None:
    rows = np.zeros((0, 3), dtype=np.int64)

    assert coverage(rows, n_items=5) == 0.0
    assert intra_list_distance(rows, np.ones((5, 2))).shape == (0,)
    assert novelty(rows, np.ones(5)).shape == (0,)


def test_short_lists_have_no_distance_and_empty_ones_no_novelty() -> None:
    rows = np.array([[-1, -1], [0, -1], [0, 1]])

    distances = intra_list_distance(rows, np.eye(2)).tolist()

    assert distances == [pytest.approx(math.nan, nan_ok=True)] * 2 + [1.0]
    assert np.isnan(novelty(rows, np.ones(2))).tolist() == [True, False, False]
    assert np.isnan(average_popularity(rows, np.ones(2))).tolist() == [True, False, False]


def test_distance_reaches_from_same_to_opposite_and_zero_vectors_are_1_apart() -> None:
    vectors = np.array([[1.0, 0.0], [5.0, 0.0], [-2.0, 0.0], [0.0, 0.0]])

    distances = intra_list_distance(np.array([[0, 1], [0, 2], [0, 3], [3, 3]]), vectors)

    assert distances.tolist() == [0.0, 2.0, 1.0, 1.0]


def test_distance_in_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    rows, vectors = rng.integers(-1, 30, size=(19, 5)), rng.normal(size=(30, 4)).astype(np.float32)
    at_once = intra_list_distance(rows, vectors)

    monkeypatch.setattr(arrays, "BLOCK_CELLS", 2 * 5 * 4)

    assert intra_list_distance(rows, vectors) == pytest.approx(at_once, nan_ok=True)


def test_an_item_without_events_is_the_most_novel_and_finite() -> None:
    # Shares (0 + 1, 6 + 1) / (6 + 2): 3 bits for the unseen item.
    assert popularity_share(np.array([0, 6])).tolist() == [1 / 8, 7 / 8]
    assert novelty(np.array([[0]]), np.array([0, 6])).tolist() == [3.0]


def test_average_popularity_keeps_its_unit() -> None:
    assert average_popularity(np.array([[0, 1, -1]]), np.array([10, 30])).tolist() == [20.0]


@pytest.mark.parametrize("row", [-2, 3])
def test_rows_outside_the_catalogue_are_refused(row: int) -> None:
    rows = np.array([[0, row]])

    with pytest.raises(ValueError, match=r"they must lie in \[0, 3\), or be -1 for no item"):
        coverage(rows, n_items=3)
    with pytest.raises(ValueError, match=r"must lie in \[0, 3\)"):
        intra_list_distance(rows, np.eye(3))
    with pytest.raises(ValueError, match=r"must lie in \[0, 3\)"):
        novelty(rows, np.ones(3))


def test_rows_that_are_no_table_of_integers_are_refused() -> None:
    with pytest.raises(ValueError, match="rows must be a table of integers, not float64 in 2 dimensions"):
        gini(np.zeros((1, 2)), n_items=3)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="rows must be a table of integers, not int64 in 1 dimensions"):
        gini(np.array([1, 2]), n_items=3)


def test_an_empty_catalogue_is_refused() -> None:
    with pytest.raises(ValueError, match="n_items must be at least 1, not 0"):
        coverage(np.full((1, 1), -1), n_items=0)


def test_vectors_must_be_a_table_and_finite_where_shown() -> None:
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [np.nan, 0.0]])

    assert intra_list_distance(np.array([[0, 1]]), vectors).tolist() == [1.0]
    with pytest.raises(ValueError, match="holds NaN or infinity"):
        intra_list_distance(np.array([[0, 2]]), vectors)
    with pytest.raises(ValueError, match="vectors have 1 dimensions"):
        intra_list_distance(np.array([[0, 1]]), np.ones(3))


def test_popularity_must_be_counts() -> None:
    for popularity in ([-1.0, 2.0], [math.nan, 1.0], [math.inf, 1.0]):
        with pytest.raises(ValueError, match="popularity must be finite and at least 0"):
            novelty(np.array([[0]]), np.array(popularity))
    with pytest.raises(ValueError, match="popularity has 2 dimensions"):
        average_popularity(np.array([[0]]), np.ones((1, 2)))
