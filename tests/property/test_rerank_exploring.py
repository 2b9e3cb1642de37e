"""What is drawn comes with its true chance, can be drawn again, and costs no more than it may."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from shelfwise.rerank.epsilon import Epsilon
from shelfwise.rerank.exploring import Exploring, Trial
from shelfwise.rerank.listed import Listed
from shelfwise.rerank.thompson import Normals, Thompson
from shelfwise.testing.rerankers import RerankerContract, listed

SHOWN = np.arange(60, dtype=np.int32) * 3
NODES, WEIGHTS = np.polynomial.legendre.leggauss(50)
"""Of a quadrature over one piece, on which a density is smooth."""


def asked(seed: int = 0, *, n: int = 60, k: int = 10, counted: bool = True) -> Listed:
    return replace(listed(seed, n=n, k=k), shown=SHOWN[:n] if counted else None)


class TestEpsilon(RerankerContract):
    def make(self) -> Exploring:
        return Epsilon(Epsilon.Config(share=0.3))


class TestThompson(RerankerContract):
    def make(self) -> Exploring:
        return Thompson(Thompson.Config(share=0.3))


@pytest.mark.parametrize("component", [Epsilon, Thompson])
@pytest.mark.parametrize("counted", [True, False])
def test_the_chance_that_is_told_is_how_often_it_happens(component: type[Exploring], counted: bool) -> None:
    """4,000 answers to one request: what stood first, and what stood second below the most frequent first."""
    explorer = component(component.Config(share=0.5, pool=6, new_share=0.4, new_until=8))
    request = asked(n=8, k=3, counted=counted)
    first: Counter[int] = Counter()
    second: Counter[int] = Counter()
    told: dict[int, float] = {}
    told_second: dict[int, float] = {}
    for draw in range(4_000):
        found = explorer.rerank(replace(request, slate_id=f"slate-{draw}"))
        assert found.propensities is not None and found.best is not None
        one, other = found.order[:2].tolist()
        first[one] += 1
        told[one] = float(found.propensities[0])
        if one == 0:
            second[other] += 1
            told_second[other] = float(found.propensities[1])
        assert found.best[0] == 0 and found.best[1] == (1 if one == 0 else 0)
    for counts, chances in ((first, told), (second, told_second)):
        n = sum(counts.values())
        assert sum(chances.values()) == pytest.approx(1, abs=0.01)  # but for what was never drawn
        for place, chance in chances.items():
            spread = np.sqrt(chance * (1 - chance) / n)
            assert abs(counts[place] / n - chance) < 4.5 * spread + 1e-9, (place, counts[place] / n, chance)


@given(
    st.lists(st.tuples(st.floats(-3, 3), st.floats(0.02, 2)), min_size=2, max_size=7),
    st.integers(0, 2**31),
)
@settings(max_examples=60)
def test_chances_equal_the_integral(items: list[tuple[float, float]], seed: int) -> None:
    means, spreads = (np.array(column) for column in zip(*items, strict=True))
    trial = Normals(means, spreads, len(items))
    spreads = trial.spreads  # narrow ones are drawn a little wider, and chances are of what is drawn
    left = np.ones(len(items), bool)
    for place in np.random.default_rng(seed).permutation(len(items))[: len(items) - 1].tolist():
        chances = [trial.chance(one, left) for one in range(len(items))]
        assert sum(chances) == pytest.approx(1, abs=1e-3)
        others = [one for one in np.flatnonzero(left).tolist() if one != place]

        # Narrow items make narrow peaks: the integral is taken piece by piece.
        edges = np.unique([means[one] + far * spreads[one] for one in [place, *others] for far in (-8, -2, 0, 2, 8)])
        half, middle = np.diff(edges) / 2, (edges[1:] + edges[:-1]) / 2
        x = middle[:, None] + half[:, None] * NODES
        below = np.prod([stats.norm.cdf(x, means[one], spreads[one]) for one in others], axis=0)
        density = stats.norm.pdf(x, means[place], spreads[place]) * below
        expected = float((density @ WEIGHTS) @ half)
        assert chances[place] == pytest.approx(expected, abs=2e-3)
        left[place] = False
        trial.take(place)


@pytest.mark.parametrize("component", [Epsilon, Thompson])
def test_on_the_average_no_more_is_tried_out_than_may_be(component: type[Exploring]) -> None:
    explorer = component(component.Config(share=0.2))
    n_tried = [
        sum(place != usual for place, usual in zip(found.order[:10].tolist(), found.best.tolist(), strict=True))
        for found in (explorer.rerank(replace(asked(), slate_id=f"slate-{draw}")) for draw in range(600))
        if found.best is not None
    ]
    mean, error = float(np.mean(n_tried)), float(np.std(n_tried)) / np.sqrt(600)
    assert mean - 3 * error < 0.2 * 10
    assert mean > 0.5


def test_what_is_asked_stands_before_the_share_of_the_table() -> None:
    explorer, other = (Epsilon(Epsilon.Config(share=share)) for share in (0.1, 0.7))
    wanted = replace(asked(), exploration=0.7)
    assert explorer.rerank(wanted).order.tolist() == other.rerank(asked()).order.tolist()
    assert explorer.rerank(replace(asked(), exploration=0.0)).propensities is None


def test_an_answer_is_drawn_again_from_its_id_and_another_differs() -> None:
    explorer = Thompson(Thompson.Config(share=0.5))
    once, again = (explorer.rerank(asked()) for _ in range(2))
    assert once.order.tolist() == again.order.tolist()
    assert any(
        explorer.rerank(replace(asked(), slate_id=f"other-{n}")).order.tolist() != once.order.tolist() for n in range(5)
    )


def test_the_less_an_item_was_shown_the_likelier_it_is_tried() -> None:
    """Two items of the same score: one that was shown a thousand times, and one that never was."""
    shown = np.full(20, 1_000, np.int32)
    shown[19] = 0
    request = replace(asked(n=20, k=1), scores=np.linspace(1, 0, 20).astype(np.float32), shown=shown)
    trial = Thompson(Thompson.Config(strength=10.0, width=1.0)).trial(request, 20)
    left = np.ones(20, bool)
    assert trial.chance(19, left) > 3 * trial.chance(18, left)


def test_where_probabilities_are_predicted_doubt_is_that_of_a_beta_distribution() -> None:
    chances = np.linspace(0.3, 0.02, 20).astype(np.float32)
    request = replace(
        asked(n=20), scores=3 * chances, predictions=np.stack([np.full(20, 40.0), chances], axis=1).astype(np.float32)
    )
    trial = Thompson(Thompson.Config(strength=50.0)).trial(request, 20)
    assert isinstance(trial, Normals)
    n = 50 + SHOWN[:20]
    expected = 3 * np.sqrt(chances * (1 - chances) / n)
    wide = expected > expected.max() / 5
    assert np.allclose(trial.spreads[wide], expected[wide], rtol=1e-4)


def test_new_items_are_tried_until_they_were_shown_often_enough() -> None:
    explorer = Epsilon(Epsilon.Config(share=1.0, new_share=1.0, new_until=30, pool=10))
    found = explorer.rerank(asked(k=5))
    assert (SHOWN[found.order[:5]] < 30).all()
    old = explorer.rerank(replace(asked(k=5), shown=SHOWN + 30))
    assert (old.order[:5] < 10).all()  # nobody is new: the pool is tried


class Stuck:
    """Always the last one."""

    def draw(self, left: np.ndarray, random: np.random.Generator) -> int:
        return int(np.flatnonzero(left)[-1])

    def chance(self, place: int, left: np.ndarray) -> float:
        return float(place == np.flatnonzero(left)[-1])

    def take(self, place: int) -> None:
        pass


def test_positions_that_are_not_drawn_take_the_first_that_is_left() -> None:
    class Last(Exploring):
        def trial(self, listed: Listed, n: int) -> Trial:
            return Stuck()

    found = Last(Last.Config(share=0.4, pool=5, new_share=0.0)).rerank(asked(k=4, counted=False))
    assert found.propensities is not None
    left = list(range(5))
    for place, chance in zip(found.order[:4].tolist(), found.propensities[:4].tolist(), strict=True):
        assert place in (left[0], left[-1])
        assert chance == pytest.approx(0.6 * (place == left[0]) + 0.4 * (place == left[-1]))
        left.remove(place)
