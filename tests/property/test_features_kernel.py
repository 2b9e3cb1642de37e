"""The kernel that describes candidates against the NumPy that it replaces, which others hold against definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelfwise.features import candidate_features as features
from shelfwise.features.item_state import MAX_NAMES, POPULARITY, ItemState
from shelfwise.features.text_vectors import TextVectors
from shelfwise.kernels import compiled
from shelfwise.schemas.candidates import History, Merged, Situation

pytestmark = pytest.mark.skipif(compiled is None, reason="the kernels are not compiled")

N_ITEMS, N_NAMES, DAY_MS = 14, 9, 86_400_000


def state_of(random: np.random.Generator) -> ItemState:
    """Few distinct prices and names, some of them missing."""

    def drawn() -> np.ndarray:
        return random.random(N_ITEMS).astype(np.float32)

    times = random.integers(0, 400, (2, N_ITEMS)) * (DAY_MS // 3)
    times[random.random(times.shape) < 0.2] = -1
    rarity = random.random(N_NAMES + 1).astype(np.float32)
    rarity[-1] = 0
    return ItemState(
        random.random((N_ITEMS, len(POPULARITY))).astype(np.float32),
        drawn(),
        drawn(),
        drawn(),
        times[0],
        times[1],
        random.choice(np.array([np.nan, -1.5, 0.0, 0.0, 1.0, 2.5], np.float32), N_ITEMS),
        random.integers(0, N_NAMES + 1, (N_ITEMS, MAX_NAMES)).astype(np.int32),
        rarity,
    )


def merged_of(random: np.random.Generator, n: int, n_sources: int) -> Merged:
    rows = np.sort(random.permutation(N_ITEMS)[:n]).astype(np.int32)
    ranks = np.where(random.random((n, n_sources)) < 0.5, random.integers(1, 40, (n, n_sources)), 0).astype(np.int32)
    scores = random.choice(np.array([0.0, 0.25, 1.0, 7.0], np.float32), (n, n_sources))
    scores[(ranks == 0) & (random.random(scores.shape) < 0.5)] = np.nan
    return Merged(rows, scores, ranks, tuple(f"source {place}" for place in range(n_sources)))


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, 2**16),
    st.integers(0, N_ITEMS),
    st.integers(1, 9),
    st.lists(st.tuples(st.integers(0, N_ITEMS + 2), st.integers(0, 30)), max_size=25),
    st.lists(st.integers(0, N_ITEMS + 2), max_size=3),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_the_kernel_describes_as_numpy_does(
    seed: int,
    n: int,
    n_sources: int,
    events: list[tuple[int, int]],
    context: list[int],
    has_clock: bool,
    knows_prices: bool,
    has_vectors: bool,
) -> None:
    random = np.random.default_rng(seed)
    events = sorted(events, key=lambda event: event[1])
    history = History(
        np.array([row for row, _ in events], np.int32),
        np.zeros(len(events), np.int8),
        np.array([day for _, day in events], np.int64) * DAY_MS,
    )
    situation = Situation(history, int(random.integers(20, 60)) * DAY_MS + 5, np.array(context, np.int32))
    merged, state = merged_of(random, n, n_sources), state_of(random)
    prices = random.choice(np.array([np.nan, 0.0, 1.0], np.float32), n) if knows_prices else None
    vectors = TextVectors(random.standard_normal((N_ITEMS, 4)).astype(np.float32)) if has_vectors else None

    def described() -> np.ndarray:
        return features.candidate_features(merged, situation, state, vectors, has_clock=has_clock, log_prices=prices)

    ours = described()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "compiled", None)
        theirs = described()
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape and ours.flags.c_contiguous
    np.testing.assert_allclose(ours, theirs, rtol=2e-6, atol=1e-7)


def test_a_candidate_that_there_is_not_is_refused() -> None:
    random = np.random.default_rng(0)
    merged = merged_of(random, 3, 2)
    merged.rows[-1] = N_ITEMS
    situation = Situation(History.empty(), DAY_MS, np.empty(0, np.int32))
    with pytest.raises(IndexError, match=f"row {N_ITEMS} is none of {N_ITEMS}"):
        features.candidate_features(merged, situation, state_of(random), None, has_clock=True)
