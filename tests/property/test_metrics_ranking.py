"""Ranking metrics against their literal definition: the mean over every order that equal scores may take."""

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import permutations, product

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shelfwise.metrics import rank_of, ranking_metrics

Case = tuple[list[list[float]], list[list[bool]], int]

METRICS = ("recall", "precision", "f1", "ndcg", "mrr", "hit_rate")
SCORES = st.sampled_from([-math.inf, -1.0, 0.0, 1.0, 2.0])


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Up to three users and six items with few distinct scores, so that ties and unranked items abound."""
    n_items = draw(st.integers(1, 6))
    n_users = draw(st.integers(1, 3))
    scores = draw(st.lists(st.lists(SCORES, min_size=n_items, max_size=n_items), min_size=n_users, max_size=n_users))
    flags = st.lists(st.booleans(), min_size=n_items, max_size=n_items).filter(any)
    relevant = draw(st.lists(flags, min_size=n_users, max_size=n_users))
    return scores, relevant, draw(st.integers(1, n_items + 2))


def orders(scores: list[float]) -> Iterator[list[int]]:
    """Every order of the ranked items that the scores allow."""
    levels = sorted({score for score in scores if score > -math.inf}, reverse=True)
    groups = [[item for item, score in enumerate(scores) if score == level] for level in levels]
    for arrangement in product(*(permutations(group) for group in groups)):
        yield [item for group in arrangement for item in group]


def of_one_order(order: list[int], relevant: list[bool], k: int) -> dict[str, float]:
    n_relevant = sum(relevant)
    positions = [position for position, item in enumerate(order[:k], start=1) if relevant[item]]
    recall, precision = len(positions) / n_relevant, len(positions) / k
    ideal = sum(1 / math.log2(position + 1) for position in range(1, min(k, n_relevant) + 1))
    return {
        "recall": recall,
        "precision": precision,
        "f1": 2 * recall * precision / (recall + precision) if positions else 0.0,
        "ndcg": sum(1 / math.log2(position + 1) for position in positions) / ideal,
        "mrr": 1 / positions[0] if positions else 0.0,
        "hit_rate": 1.0 if positions else 0.0,
    }


def mean_over_orders(scores: list[float], relevant: list[bool], k: int) -> dict[str, float]:
    outcomes = [of_one_order(order, relevant, k) for order in orders(scores)]
    return {name: math.fsum(outcome[name] for outcome in outcomes) / len(outcomes) for name in METRICS}


# The cut falls at different depths of two users' ties.
@example(
    case=([[2.0, 1.0, 1.0], [1.0, 1.0, 1.0]], [[False, True, False], [False, True, False]], 2),
    dtype=np.float64,
)
@given(case=cases(), dtype=st.sampled_from([np.float64, np.float32]))
def test_each_metric_is_its_mean_over_all_orders_of_ties(
    case: Case, dtype: type[np.float64] | type[np.float32]
) -> None:
    scores, relevant, k = case

    metrics = ranking_metrics(np.array(scores, dtype=dtype), np.array(relevant), k)

    literal = [mean_over_orders(row, flags, k) for row, flags in zip(scores, relevant, strict=True)]
    for name in METRICS:
        values: npt.NDArray[np.float64] = getattr(metrics, name)
        assert values.dtype == np.float64
        assert values.tolist() == pytest.approx([user[name] for user in literal], abs=1e-12), name


@given(size=st.integers(1, 60), data=st.data())
def test_one_large_tie_follows_the_hypergeometric_law(size: int, data: st.DataObject) -> None:
    n_relevant = data.draw(st.integers(1, size))
    n_better = data.draw(st.integers(0, 3))
    k = data.draw(st.integers(1, size + 5))
    scores = np.array([[1.0] * n_better + [0.0] * size])
    relevant = np.array([[False] * n_better + [True] * n_relevant + [False] * (size - n_relevant)])

    metrics = ranking_metrics(scores, relevant, k)

    n_within = max(0, min(size, k - n_better))
    chances = [
        Fraction(math.comb(size - j, n_relevant - 1), math.comb(size, n_relevant)) for j in range(1, n_within + 1)
    ]
    mrr = sum((chance / (n_better + j) for j, chance in enumerate(chances, start=1)), start=Fraction(0))
    assert metrics.mrr[0] == pytest.approx(float(mrr), abs=1e-12)
    assert metrics.hit_rate[0] == pytest.approx(float(sum(chances, start=Fraction(0))), abs=1e-12)
    assert metrics.recall[0] == pytest.approx(n_within / size, abs=1e-12)


@given(case=cases())
def test_every_metric_lies_between_0_and_1(case: Case) -> None:
    scores, relevant, k = case

    metrics = ranking_metrics(np.array(scores), np.array(relevant), k)

    for name in METRICS:
        values: npt.NDArray[np.float64] = getattr(metrics, name)
        assert ((values >= 0.0) & (values <= 1.0)).all(), name


@given(case=cases(), data=st.data())
def test_rank_is_the_mean_position_over_all_orders_of_ties(case: Case, data: st.DataObject) -> None:
    scores, _, _ = case
    targets = [data.draw(st.integers(0, len(row) - 1)) for row in scores]

    ranks = rank_of(np.array(scores), np.array(targets))

    for row, target, rank in zip(scores, targets, ranks.tolist(), strict=True):
        positions = [order.index(target) + 1 for order in orders(row) if target in order]
        assert rank == (pytest.approx(sum(positions) / len(positions)) if positions else math.inf)


@given(seed=st.integers(0, 2**32), k=st.integers(1, 14))
def test_users_are_judged_one_by_one(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 5, size=(6, 12)).astype(np.float64)
    relevant = rng.random(scores.shape) < 0.2
    relevant[:, 7] = True

    together = ranking_metrics(scores, relevant, k)
    apart = [ranking_metrics(scores[[user]], relevant[[user]], k) for user in range(6)]

    for name in METRICS:
        values: npt.NDArray[np.float64] = getattr(together, name)
        assert values.tolist() == [getattr(metrics, name)[0] for metrics in apart], name
