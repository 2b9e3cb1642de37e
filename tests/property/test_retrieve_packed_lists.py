"""Packed lists name the same rows, and weigh them as exact ones do but for steps of their own."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from shelfwise.kernels import compiled
from shelfwise.retrieve import packed_lists, voting_lists
from shelfwise.retrieve.neighbour_lists import NeighbourLists
from shelfwise.retrieve.packed_lists import PackedLists, load_lists, packed
from shelfwise.retrieve.voting_lists import VotingLists

N = 7
matrices = arrays.arrays(
    np.float32, (N, N), elements=st.sampled_from([0.0, 0.0, 1e-6, 0.25, 0.5, 1.0, 3.0]) | st.floats(0, 9, width=32)
)
EVERYTHING = np.arange(N, dtype=np.int32)


def weights_of(lists: VotingLists) -> Any:
    one = np.ones(1, np.float32)
    return np.array([lists.sums(EVERYTHING[seed : seed + 1], one, N) for seed in range(N)])


@given(matrices)
def test_weights_are_nearly_theirs(dense: Any) -> None:
    lists = NeighbourLists.of(sparse.csr_matrix(dense), N)
    found = packed(lists)
    assert isinstance(found, PackedLists) and len(found) == N
    kept = weights_of(found)
    largest = dense.max(axis=1, keepdims=True)
    np.testing.assert_allclose(np.sqrt(kept), np.sqrt(dense), atol=float(np.sqrt(largest).max()) / 254)
    np.testing.assert_allclose(kept.max(axis=1), dense.max(axis=1), rtol=1e-6)
    assert ((kept > 0) == (dense > 0)).all() or (dense[(kept > 0) != (dense > 0)] < 1e-30).all()


@given(matrices, st.permutations(range(N)), st.integers(1, N))
def test_votes_are_those_of_exact_lists_with_these_weights(dense: Any, seeds: list[int], n_seeds: int) -> None:
    found = PackedLists.of(NeighbourLists.of(sparse.csr_matrix(dense), N))
    same = NeighbourLists.of(sparse.csr_matrix(weights_of(found).astype(np.float32)), N)
    asked = np.array(seeds[:n_seeds], np.int32)
    weighed = np.linspace(1, 0.5, n_seeds, dtype=np.float32)
    allowed = np.arange(N) % 3 != 0
    ours, theirs = (lists.vote(asked, weighed, allowed, 4) for lists in (found, same))
    np.testing.assert_allclose(ours.scores, theirs.scores, rtol=1e-6)
    assert sorted(ours.rows.tolist()) == sorted(theirs.rows.tolist()) or len(set(theirs.scores.tolist())) < len(theirs)
    assert found.loudest(EVERYTHING, asked, weighed) == same.loudest(EVERYTHING, asked, weighed)


@given(matrices)
def test_saved_and_loaded(dense: Any) -> None:
    exact = NeighbourLists.of(sparse.csr_matrix(dense), N)
    for lists in (exact, packed(exact)):
        with TemporaryDirectory() as folder:
            lists.save(Path(folder))
            loaded = load_lists(Path(folder))
            assert type(loaded) is type(lists)
            np.testing.assert_array_equal(weights_of(loaded), weights_of(lists))


def test_what_cannot_be_packed_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    below = NeighbourLists.of(sparse.csr_matrix(np.array([[0, -1], [2, 0]], np.float32)), 2)
    assert packed(below) is below
    many = NeighbourLists.of(sparse.csr_matrix(np.eye(4, dtype=np.float32)), 2)
    assert packed(many) is not many
    monkeypatch.setattr(packed_lists, "MOST_ROWS", 3)
    assert packed(many) is many


def test_rows_of_a_large_catalogue_fit() -> None:
    last = packed_lists.MOST_ROWS - 1
    lists = PackedLists.of(NeighbourLists(np.array([0, 1]), np.array([last], np.int32), np.ones(1, np.float32)))
    found = lists.loudest(np.array([last], np.int32), np.zeros(1, np.int32), np.ones(1, np.float32))
    assert found == [0]


@pytest.mark.skipif(compiled is None, reason="the kernels are not compiled")
@given(matrices, st.permutations(range(N)), st.integers(1, N), st.integers(1, N + 1), st.integers(-1, N - 1))
def test_the_kernel_says_what_numpy_says(dense: Any, seeds: list[int], n_seeds: int, k: int, without: int) -> None:
    exact = NeighbourLists.of(sparse.csr_matrix(dense), N)
    asked, weighed = np.array(seeds[:n_seeds], np.int32), np.linspace(1, 0.5, n_seeds, dtype=np.float32)
    for lists in (exact, PackedLists.of(exact)):
        for allowed in (None, np.arange(N) % 3 != 0):
            ours = lists.vote(asked, weighed, allowed, k, without)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(voting_lists, "compiled", None)
                theirs = lists.vote(asked, weighed, allowed, k, without)
                loudest = lists.loudest(EVERYTHING, asked, weighed)
            assert ours.rows.tolist() == theirs.rows.tolist()
            assert ours.scores.tolist() == theirs.scores.tolist()  # to the last bit
            assert ours.score_of is not None and theirs.score_of is not None
            assert ours.score_of(EVERYTHING).tolist() == theirs.score_of(EVERYTHING).tolist()
            assert lists.loudest(EVERYTHING, asked, weighed) == loudest


@pytest.mark.skipif(compiled is None, reason="the kernels are not compiled")
def test_the_kernel_sums_as_many_rows_as_there_are() -> None:
    """More than the table of sums begins with room for, some of them named by several lists."""
    random = np.random.default_rng(0)
    dense = sparse.random(40, 6_000, 0.2, "csr", np.float32, random)
    lists = NeighbourLists(dense.indptr.astype(np.int64), dense.indices.astype(np.int32), dense.data)
    asked, weighed = np.arange(40, dtype=np.int32), random.random(40).astype(np.float32)
    allowed = random.random(6_000) < 0.7
    ours = lists.vote(asked, weighed, allowed, 300)
    sums = (dense.multiply(weighed[:, None])).sum(axis=0).A1.astype(np.float32)
    wanted = sorted(np.flatnonzero(allowed & (sums > 0)).tolist(), key=lambda row: (-sums[row], row))[:300]
    assert ours.rows.tolist() == wanted
    assert ours.score_of is not None
    np.testing.assert_allclose(ours.score_of(np.arange(6_500, dtype=np.int32))[:6_000], sums, rtol=1e-6)


@pytest.mark.skipif(compiled is None, reason="the kernels are not compiled")
@pytest.mark.parametrize("where", ["starts", "rows", "seeds", "allowed"])
def test_the_kernel_looks_behind_no_array(where: str) -> None:
    lists = NeighbourLists.of(sparse.csr_matrix(np.ones((N, N), np.float32)), N)
    seeds, one, allowed = np.zeros(1, np.int32), np.ones(1, np.float32), np.ones(N, bool)
    if where == "starts":
        lists.starts[1] = 10**9
    elif where == "rows":
        lists.rows[0] = -5
    elif where == "seeds":
        seeds[0] = N
    else:
        allowed = allowed[:3]
    with pytest.raises(IndexError):
        lists.vote(seeds, one, allowed, 3)
