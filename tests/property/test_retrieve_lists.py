"""Neighbour lists, seeds and the choice of the best: each against its definition, ties included."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from shelfwise.retrieve.neighbour_lists import NeighbourLists, heaviest
from shelfwise.retrieve.retriever import best
from shelfwise.retrieve.seeds import weighted_seeds
from shelfwise.retrieve.vector_index import IndexOptions, VectorIndex
from shelfwise.schemas.candidates import History, Situation

N = 7
# Few distinct values, so that there are ties.
weights = st.sampled_from([0.0, 0.0, 0.25, 0.5, 0.5, 1.0, 2.0])
matrices = arrays.arrays(np.float32, (N, N), elements=weights)
masks = arrays.arrays(np.bool_, N)


@given(st.lists(weights, max_size=12), st.integers(1, 14))
def test_best_against_sorting(scores: list[float], k: int) -> None:
    rows = np.arange(10, 10 + len(scores), dtype=np.int32)
    found = best(rows, np.array(scores, np.float32), k)
    wanted = sorted(zip(rows.tolist(), scores, strict=True), key=lambda pair: (-pair[1], pair[0]))[:k]
    assert list(zip(found.rows.tolist(), found.scores.tolist(), strict=True)) == wanted


@given(matrices, st.integers(1, N + 2))
def test_heaviest_against_sorting(dense: Any, k: int) -> None:
    matrix = sparse.csr_matrix(dense)
    found = heaviest(matrix, k).toarray()
    for row in range(N):
        entries = [(column, dense[row, column]) for column in range(N) if dense[row, column] > 0]
        kept = dict(sorted(entries, key=lambda entry: (-entry[1], entry[0]))[:k])
        np.testing.assert_array_equal(found[row], [kept.get(column, 0) for column in range(N)])


seeds_and_weights = st.lists(
    st.tuples(st.integers(0, N - 1), st.sampled_from([0.25, 0.5, 1.0])), unique_by=lambda pair: pair[0], max_size=N
)


@given(matrices, seeds_and_weights, masks, st.sampled_from([0, 1, 3, 2_000]), st.integers(1, N))
def test_vote_against_the_dense_product(
    dense: Any, seeds: list[tuple[int, float]], mask: Any, n_later: int, k: int
) -> None:
    lists = NeighbourLists.of(sparse.csr_matrix(dense), N)
    # Items that came later are nobody's neighbours; where they are many, only what the lists name is looked at.
    allowed = np.concatenate([mask, np.ones(n_later, bool)])
    found = lists.vote(
        np.array([seed for seed, _ in seeds], np.int32),
        np.array([weight for _, weight in seeds], np.float32),
        allowed,
        k,
    )
    wanted = np.concatenate([sum((weight * dense[seed] for seed, weight in seeds), np.zeros(N)), np.zeros(n_later)])
    named = sorted((row for row in range(N) if wanted[row] > 0 and mask[row]), key=lambda row: (-wanted[row], row))[:k]
    assert found.rows.tolist() == named
    np.testing.assert_allclose(found.scores, wanted[named], rtol=1e-6)
    if seeds:  # of the others the score is known too, allowed or not
        assert found.score_of is not None
        np.testing.assert_allclose(found.score_of(np.arange(N + n_later, dtype=np.int32)), wanted, rtol=1e-6)
    else:
        assert found.score_of is None


@given(matrices, seeds_and_weights, st.lists(st.integers(0, N - 1), unique=True))
def test_loudest_against_a_loop(dense: Any, seeds: list[tuple[int, float]], rows: list[int]) -> None:
    lists = NeighbourLists.of(sparse.csr_matrix(dense), N)
    found = lists.loudest(
        np.array(rows, np.int32),
        np.array([seed for seed, _ in seeds], np.int32),
        np.array([weight for _, weight in seeds], np.float32),
    )
    for row, seed in zip(rows, found, strict=True):
        voices = [(weight * dense[seed, row], -place, seed) for place, (seed, weight) in enumerate(seeds)]
        loudest = max(voices, default=(0.0, 0, None))
        assert seed == (loudest[2] if loudest[0] > 0 else None)


@given(
    arrays.arrays(np.float32, (N, 2), elements=st.sampled_from([-1.0, 0.0, 0.5, 1.0])),
    st.lists(st.integers(0, N + 1), unique=True),
    st.lists(st.integers(0, N + 1)),
)
def test_the_nearest_of_others_against_a_loop(vectors: Any, rows: list[int], others: list[int]) -> None:
    index = VectorIndex.build(vectors, IndexOptions())  # rows N and N + 1 are unknown to it
    found = index.nearest_of(np.array(rows, np.int32), np.array(others, np.int32))
    for row, nearest in zip(rows, found, strict=True):
        known = [other for other in others if max(row, other) < N and other != row]
        products = {other: float(vectors[row] @ vectors[other]) for other in known}
        best_product = max(products.values(), default=0.0)
        wanted = next((other for other in known if products[other] == best_product), None)
        assert nearest == (wanted if best_product > 0 else None)


histories = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), max_size=10).map(
    lambda events: sorted(events, key=lambda event: event[1])
)


@settings(max_examples=200)
@given(histories, st.lists(st.integers(0, 9), max_size=3), st.integers(1, 8), st.sampled_from([0.5, 1.0]))
def test_seeds_against_a_loop(events: list[tuple[int, int]], context: list[int], n_seeds: int, decay: float) -> None:
    n_items = 8  # rows 8 and 9 are unknown to the model
    history = History(
        np.array([row for row, _ in events], np.int32),
        np.zeros(len(events), np.int8),
        np.array([time for _, time in events], np.int64),
    )
    situation = Situation(history, 100, np.array(context, np.int32))
    rows, found = weighted_seeds(situation, n_items, decay=decay, n_seeds=n_seeds)
    moments = sorted({time for _, time in events}, reverse=True)
    weight_by_row: dict[int, float] = {}
    for row in reversed(context):
        weight_by_row.setdefault(row, 1.0)
    for row, time in reversed(events):
        weight_by_row.setdefault(row, decay ** (moments.index(time) + bool(context)))
    wanted = [(row, weight) for row, weight in weight_by_row.items() if row < n_items][:n_seeds]
    assert rows.tolist() == [row for row, _ in wanted]
    np.testing.assert_allclose(found, [weight for _, weight in wanted])
