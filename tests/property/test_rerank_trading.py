"""Every reranker that trades relevance picks as a slow literal definition would.

Arrays of single precision may tell near-equal values apart differently: a pick counts as right where no other item is
better by more than rounding.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.rerank import calibrated
from shelfwise.rerank.aspects import aspects_of, own_mix
from shelfwise.rerank.brakes import Fresh, Tail, standing
from shelfwise.rerank.calibrated import SMOOTHING, Calibrated
from shelfwise.rerank.coverage import Coverage
from shelfwise.rerank.dpp import DPP
from shelfwise.rerank.likeness import LikenessOptions, mixed_vectors
from shelfwise.rerank.listed import Listed
from shelfwise.rerank.mmr import MMR
from shelfwise.rerank.relevance import relevance
from shelfwise.rerank.trading import Trading
from shelfwise.testing.rerankers import DAY_MS, listed

ROUNDING = 2e-4

requests = st.builds(
    lambda seed, n, k, n_history, diversity: replace(
        listed(seed, n=n, k=min(k, n - 1), n_history=n_history), diversity=diversity
    ),
    seed=st.integers(0, 10_000),
    n=st.integers(2, 40),
    k=st.integers(1, 12),
    n_history=st.integers(0, 20),
    diversity=st.floats(0.01, 1.0),
)


def picked(reranker: Trading, asked: Listed) -> list[int]:
    return reranker.choose(asked, relevance(len(asked)), asked.k, float(asked.diversity or 0)).tolist()


def assert_greedy(chosen: list[int], n: int, value: Any) -> None:
    """Each pick has the largest value given those before it; `value(place, before)`."""
    assert len(set(chosen)) == len(chosen)
    for at, place in enumerate(chosen):
        before = chosen[:at]
        best = max(value(other, before) for other in range(n) if other not in before)
        assert value(place, before) >= best - ROUNDING


def vectors(asked: Listed) -> np.ndarray:
    return mixed_vectors(asked.rows, asked.facts, LikenessOptions()).astype(np.float64)


@given(
    asked=requests,
    against=st.sampled_from(["nearest", "mean"]),
    tail=st.sampled_from([0.0, 0.5]),
    seldom=st.sampled_from([0.0, 0.7]),
    counts=st.lists(st.integers(0, 5), min_size=40, max_size=40),
)
def test_mmr(asked: Listed, against: Any, tail: float, seldom: float, counts: list[int]) -> None:
    asked = replace(asked, shown=np.array(counts[: len(asked)], np.int32))
    rarity = standing(-asked.facts.state.popularity[asked.rows, -1].astype(np.float64))
    alike, worth, share = vectors(asked) @ vectors(asked).T, relevance(len(asked)), float(asked.diversity or 0)

    def value(place: int, before: list[int]) -> float:
        to_those = [alike[place, other] for other in before] or [0.0]
        likeness = max(to_those) if against == "nearest" else float(np.mean(to_those))
        return (1 - share) * worth[place] + share * (tail * rarity[place] + seldom / (1 + counts[place] / 2) - likeness)

    chosen = picked(MMR(MMR.Config(against=against, tail=tail, seldom=seldom, seldom_half=2)), asked)
    assert len(chosen) == asked.k
    assert chosen[0] == 0  # the most relevant is always shown
    assert_greedy(chosen[1:], len(asked), lambda place, before: value(place, [0, *before]) if place else -np.inf)


@given(asked=requests)
def test_dpp_multiplies_the_determinant_by_the_most(asked: Listed) -> None:
    alike = vectors(asked) @ vectors(asked).T
    np.fill_diagonal(alike, 1.0)
    worth, share = relevance(len(asked)).astype(np.float64), float(asked.diversity or 0)

    def logarithm(places: list[int]) -> float:
        return float(np.linalg.slogdet(alike[np.ix_(places, places)] + 1e-12 * np.eye(len(places)))[1])

    chosen = picked(DPP(DPP.Config()), asked)
    assert chosen[0] == 0
    for at in range(1, len(chosen)):
        before = chosen[:at]
        gains = {
            other: logarithm([*before, other]) - logarithm(before) for other in range(len(asked)) if other not in before
        }
        values = {other: (1 - share) * worth[other] + share * gain for other, gain in gains.items()}
        best = max(values, key=lambda other: values[other])
        # The less is left of an item, the less exact single precision knows it.
        unsure = share * 1e-5 / np.exp(max(min(gains[best], gains[chosen[at]]), -12))
        assert values[chosen[at]] >= values[best] - ROUNDING - unsure


@given(seed=st.integers(0, 10_000), n=st.integers(3, 8), size=st.integers(2, 4), diversity=st.floats(0.05, 1.0))
def test_dpp_on_few_items_is_near_the_best_of_all_sets(seed: int, n: int, size: int, diversity: float) -> None:
    asked = replace(listed(seed, n=n, k=min(size, n - 1)), diversity=diversity)
    alike = vectors(asked) @ vectors(asked).T
    np.fill_diagonal(alike, 1.0)
    worth = relevance(n).astype(np.float64)
    # Each factor of the determinant times its bonus, at least 1 after this shift: then the objective only grows, and
    # greedy is bound to reach 1 - 1/e of the best set's.
    shift = -min(0.0, diversity * float(np.linalg.slogdet(alike + 1e-9 * np.eye(n))[1]))

    def value(places: tuple[int, ...]) -> float:
        logarithm = np.linalg.slogdet(alike[np.ix_(places, places)] + 1e-9 * np.eye(len(places)))[1]
        return (1 - diversity) * worth[list(places)].sum() + diversity * logarithm

    chosen = picked(DPP(DPP.Config()), asked)
    best = max(value(places) for places in combinations(range(n), len(chosen)))
    reached = value(tuple(chosen)) + shift * len(chosen)
    assert reached >= (1 - 1 / np.e) * (best + shift * len(chosen)) - ROUNDING
    assert reached <= best + shift * len(chosen) + ROUNDING


@pytest.mark.parametrize("kernels", [True, False])
@given(asked=requests, by=st.sampled_from(["auto", "category", "brand"]))
def test_calibrated(kernels: bool, asked: Listed, by: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if not kernels:
            patch.setattr(calibrated, "compiled", None)
        chosen = picked(Calibrated(Calibrated.Config(by=by)), asked)
    own = own_mix(asked.situation.history, asked.facts, by).astype(np.float64)
    if not own.any():
        assert chosen == list(range(asked.k))
        return
    aspects = aspects_of(asked.rows, asked.facts, by)
    mixes = np.zeros((len(asked), len(own)))
    for place in range(len(asked)):
        for code, share in zip(aspects.codes[place], aspects.shares[place], strict=True):
            mixes[place, code] += share
    worth, share, has = relevance(len(asked)).astype(np.float64), float(asked.diversity or 0), own > 0

    def value(place: int, before: list[int]) -> float:
        mix = mixes[[*before, place]].mean(axis=0)
        smoothed = (1 - SMOOTHING) * mix + SMOOTHING * own
        divergence = float((own[has] * np.log(own[has] / smoothed[has])).sum())
        return (1 - share) * worth[[*before, place]].sum() - share * divergence

    assert_greedy(chosen, len(asked), value)


@given(asked=requests, own_share=st.floats(0, 1))
def test_coverage(asked: Listed, own_share: float) -> None:
    aspects = aspects_of(asked.rows, asked.facts, "auto")
    own = own_mix(asked.situation.history, asked.facts, "auto").astype(np.float64)
    there = np.zeros(aspects.n_codes + 1)
    there[list({int(code) for code in aspects.codes.ravel()} - {aspects.n_codes})] = 1
    there /= max(there.sum(), 1)
    wanted = own_share * own + (1 - own_share) * there if own.any() else there
    worth, share = relevance(len(asked)).astype(np.float64), float(asked.diversity or 0)

    def gain(place: int, before: list[int]) -> float:
        total = 0.0
        for code, part in zip(aspects.codes[place], aspects.shares[place], strict=True):
            still_open = 1.0
            for other in before:
                still_open *= 1 - sum(aspects.shares[other][aspects.codes[other] == code])
            total += wanted[code] * part * still_open
        return total

    chosen = picked(Coverage(Coverage.Config(own=own_share)), asked)
    largest = max(gain(place, []) for place in range(len(asked)))
    if largest <= 0:
        assert chosen == list(range(asked.k))
        return
    assert_greedy(
        chosen,
        len(asked),
        lambda place, before: (1 - share) * worth[place] + share * gain(place, before) / largest,
    )


@given(asked=requests, apart=st.sampled_from([0.0, 0.75]))
def test_tail_prefers_what_few_turn_to(asked: Listed, apart: float) -> None:
    alike = vectors(asked) @ vectors(asked).T
    popularity = asked.facts.state.popularity[asked.rows, -1].astype(np.float64)
    worth, share, n = relevance(len(asked)), float(asked.diversity or 0), len(asked)

    def value(place: int, before: list[int]) -> float:
        more = sum(other > popularity[place] for other in popularity)
        same = sum(other == popularity[place] for other in popularity) - 1
        likeness = float(np.mean([alike[place, other] for other in before] or [0.0]))
        return (1 - share) * worth[place] + share * ((more + same / 2) / (n - 1) - apart * likeness)

    assert_greedy(picked(Tail(Tail.Config(apart=apart)), asked), n, value)


@given(asked=requests, half_life_d=st.floats(1, 365))
def test_fresh_prefers_what_is_new(asked: Listed, half_life_d: float) -> None:
    first_ms = asked.facts.state.first_ms[asked.rows]
    worth, share = relevance(len(asked)), float(asked.diversity or 0)

    def value(place: int, before: list[int]) -> float:
        age_d = (asked.situation.now_ms - first_ms[place]) / DAY_MS
        newness = 0.5 ** (age_d / half_life_d) if first_ms[place] >= 0 else 0.0
        return (1 - share) * worth[place] + share * newness

    assert_greedy(picked(Fresh(Fresh.Config(half_life_d=half_life_d)), asked), len(asked), value)


@given(values=st.lists(st.floats(-5, 5) | st.just(float("nan")), min_size=1, max_size=12))
def test_standing(values: list[float]) -> None:
    known = [one for one in values if one == one]
    found = standing(np.array(values))
    for one, place in zip(values, found.tolist(), strict=True):
        if one != one or len(known) < 2:
            assert place == 0
        else:
            others = len(known) - 1
            expected = (sum(other < one for other in known) + (sum(other == one for other in known) - 1) / 2) / others
            assert place == pytest.approx(expected, abs=1e-6)
