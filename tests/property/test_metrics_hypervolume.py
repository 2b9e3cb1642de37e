"""Hypervolume and fronts against their literal definitions."""

from itertools import combinations, pairwise, product
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.metrics import front, hypervolume

COORDINATES = st.sampled_from([-1.0, 0.0, 0.25, 0.5, 1.0, 2.0])


def points_of(n_objectives: int, max_size: int = 6) -> st.SearchStrategy[np.ndarray]:
    one = st.tuples(*[COORDINATES] * n_objectives)
    return st.lists(one, max_size=max_size).map(lambda rows: np.array(rows, float).reshape(-1, n_objectives))


ALL_SIZES = st.integers(1, 4).flatmap(points_of)
REFERENCES = st.sampled_from([-1.0, 0.0, 0.25])


def by_inclusion_and_exclusion(points: np.ndarray, reference: float) -> float:
    """The union of the points' boxes: the sum over subsets of their common boxes, signs turning."""
    boxes = [[max(value - reference, 0.0) for value in point] for point in points.tolist()]
    return sum(
        (-1) ** (size + 1) * prod(map(min, zip(*subset, strict=True)))
        for size in range(1, len(boxes) + 1)
        for subset in combinations(boxes, size)
    )


def by_cells(points: np.ndarray, reference: float) -> float:
    """The cells between all coordinates, each counted if some point reaches its upper corner."""
    edges = [sorted({reference, *(value for value in column if value > reference)}) for column in points.T.tolist()]
    total = 0.0
    for corner in product(*(pairwise(edge) for edge in edges)):
        upper = np.array([high for _, high in corner])
        if (points >= upper).all(axis=1).any():
            total += prod(high - low for low, high in corner)
    return total


@given(points=ALL_SIZES, at=REFERENCES)
def test_it_is_the_volume_of_the_union_of_boxes(points: np.ndarray, at: float) -> None:
    found = hypervolume(points, np.full(points.shape[1], at))

    assert found == pytest.approx(by_inclusion_and_exclusion(points, at))
    assert found == pytest.approx(by_cells(points, at))


@given(points=ALL_SIZES, at=REFERENCES)
def test_the_front_alone_counts_and_nothing_else_does(points: np.ndarray, at: float) -> None:
    reference = np.full(points.shape[1], at)
    kept = points[front(points)]

    assert hypervolume(kept, reference) == pytest.approx(hypervolume(points, reference))
    for line in range(len(kept)):
        others = kept[(kept != kept[line]).any(axis=1)]
        if (kept[line] > at).all():
            assert hypervolume(others, reference) < hypervolume(points, reference)


@given(points=ALL_SIZES)
def test_a_point_is_on_the_front_unless_one_is_better(points: np.ndarray) -> None:
    def is_dominated(one: tuple[float, ...]) -> bool:
        return any(
            all(b >= a for a, b in zip(one, other, strict=True)) and any(b > a for a, b in zip(one, other, strict=True))
            for other in map(tuple, points.tolist())
        )

    assert front(points).tolist() == [not is_dominated(tuple(one)) for one in points.tolist()]


@given(points=points_of(3, 12), order=st.randoms())
def test_neither_order_nor_the_objectives_order_matters(points: np.ndarray, order: object) -> None:
    lines, columns = list(range(len(points))), [0, 1, 2]
    order.shuffle(lines)  # type: ignore[attr-defined]
    order.shuffle(columns)  # type: ignore[attr-defined]

    shuffled = hypervolume(points[lines][:, columns], np.zeros(3))

    assert shuffled == pytest.approx(hypervolume(points, np.zeros(3)))


@pytest.mark.parametrize(
    ("points", "reference", "message"),
    [
        (np.zeros((2, 3)), np.zeros(2), "one column is needed for each objective"),
        (np.zeros(3), np.zeros(3), "one column is needed for each objective"),
        (np.zeros((2, 5)), np.zeros(5), "1 to 4 are understood"),
        (np.array([[np.nan, 1.0]]), np.zeros(2), "must be finite"),
        (np.array([[1.0, 1.0]]), np.array([0.0, -np.inf]), "must be finite"),
    ],
)
def test_what_cannot_be_measured_is_refused(points: np.ndarray, reference: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        hypervolume(points, reference)
