"""Shrunk lifts, held against a slow, literal definition."""

from __future__ import annotations

import math

import numpy as np
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from shelfwise.pipeline.bundles import bundles
from shelfwise.pipeline.places import in_turn
from shelfwise.retrieve.affinity import group_log_lift
from shelfwise.retrieve.complements import Complements
from shelfwise.schemas.candidates import Candidates
from shelfwise.testing.basket_shop import basket_shop
from shelfwise.testing.small_shop import GROUP_SIZE, N_COLD, N_ITEMS

N = 6
COUNTS = st.lists(st.integers(0, 9), min_size=N * N, max_size=N * N)
CODES = st.lists(st.integers(0, 2), min_size=N, max_size=N)


def numbered(names: list[object]) -> np.ndarray:
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int32)


@given(counts=COUNTS, general=CODES, special=CODES, doubt=st.floats(0.1, 50))
@settings(deadline=None)
def test_each_level_is_pulled_to_the_one_above(
    counts: list[int], general: list[int], special: list[int], doubt: float
) -> None:
    pairs = np.triu(np.array(counts, np.float64).reshape(N, N), 1)
    pairs += pairs.T
    mass = pairs.sum(axis=1)
    upper, lower = numbered([*general]), numbered(list(zip(general, special, strict=True)))
    found = group_log_lift(sparse.csr_matrix(pairs), mass, [upper, lower], doubt)

    def lift(codes: np.ndarray, a: int, b: int, prior: float) -> float:
        members = [[i for i in range(N) if codes[i] == code] for code in (a, b)]
        observed = sum(pairs[i, j] for i in members[0] for j in members[1])
        expected = (
            sum(mass[i] * mass[j] for i in members[0] for j in members[1]) * pairs.sum() / max(mass.sum() ** 2, 1)
        )
        return (observed + doubt * prior) / (expected + doubt)

    for i in range(N):
        for j in range(N):
            above = lift(upper, int(upper[i]), int(upper[j]), 1.0)
            wanted = lift(lower, int(lower[i]), int(lower[j]), above)
            assert math.isclose(math.exp(found[lower[i], lower[j]]), wanted, rel_tol=1e-6)
    np.testing.assert_allclose(found, found.T)


MODEL = Complements(Complements.Config(doubt=1.0))
MODEL.fit(basket_shop())
KINDS = (np.arange(N_ITEMS) // GROUP_SIZE).astype(np.int32)


@given(
    basket=st.lists(st.integers(0, N_ITEMS - N_COLD - 1), min_size=1, max_size=4, unique=True),
    pool=st.lists(st.integers(0, N_ITEMS - 1), max_size=30, unique=True),
    n=st.integers(1, 8),
)
@settings(deadline=None, max_examples=60)
def test_bundles_never_hold_two_of_a_kind_and_their_score_is_the_mean_of_all_pairs(
    basket: list[int], pool: list[int], n: int
) -> None:
    rows = np.array([row for row in pool if KINDS[row] not in KINDS[basket]], np.int32)
    found = bundles(np.array(basket, np.int32), rows, KINDS, MODEL, n)
    assert len(found) <= n
    shown = [row for bundle in found for row in bundle.rows]
    assert len(set(shown)) == len(shown)
    for bundle in found:
        kinds = [*KINDS[bundle.rows], *set(KINDS[basket])]
        assert len(set(kinds)) == len(kinds)
        pairs = [(a, b) for place, a in enumerate(bundle.rows) for b in [*bundle.rows[place + 1 :], *basket]]
        lifts = [float(MODEL.log_lifts(a, np.array([b], np.int32))[0]) for a, b in pairs]
        assert math.isclose(bundle.score, sum(lifts) / len(lifts), rel_tol=1e-4, abs_tol=1e-5)


@given(lists=st.lists(st.lists(st.integers(0, 20), unique=True, max_size=8), max_size=4))
def test_in_turn_is_one_list_after_the_other_without_repeats(lists: list[list[int]]) -> None:
    answers = {
        f"r{place}": Candidates(np.array(rows, np.int32), np.linspace(1, 0.1, len(rows), dtype=np.float32))
        for place, rows in enumerate(lists)
    }
    found = in_turn(answers)
    assert found.rows.tolist() == list(dict.fromkeys(row for rows in lists for row in rows))
    assert (np.diff(found.scores) <= 0).all()
