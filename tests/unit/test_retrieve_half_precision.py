"""Vectors of many items are kept in half precision; whoever reads them is given single, and the same neighbours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shelfwise.features import text_vectors
from shelfwise.features.text_vectors import TextVectors, as_kept
from shelfwise.features.themes import Themes
from shelfwise.retrieve.vector_index import IndexOptions, VectorIndex

N, DIM, K = 400, 32, 20


@pytest.fixture
def vectors(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    monkeypatch.setattr(text_vectors, "HALF_FROM", N - 1)
    drawn = np.random.default_rng(0).standard_normal((N, DIM)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def test_only_many_are_halved(vectors: np.ndarray) -> None:
    assert as_kept(vectors).dtype == np.float16
    assert as_kept(vectors[:-1]) is not vectors and as_kept(vectors[:-1]).dtype == np.float32
    assert as_kept(as_kept(vectors)[:5]).dtype == np.float32


@pytest.mark.parametrize("exact_up_to", [N, 10])
def test_an_index_finds_the_same(vectors: np.ndarray, exact_up_to: int, tmp_path: Path) -> None:
    options = IndexOptions(exact_up_to=exact_up_to, effort=4 * N)
    built = VectorIndex.build(vectors, options)
    built.save(tmp_path)
    loaded = VectorIndex.load(tmp_path, options)
    assert loaded.vectors.dtype == np.float16
    allowed = np.ones(N, bool)
    for row in range(20):
        before, now = (index.search(vectors[row], allowed, K) for index in (built, loaded))
        assert len(set(before.rows.tolist()) & set(now.rows.tolist())) >= K - 1
        assert now.scores.dtype == np.float32
        np.testing.assert_allclose(now.scores, before.scores, atol=2e-3)
        one = loaded.vector(row)
        assert one is not None and one.dtype == np.float32
    found, known = loaded.take(np.array([3, N + 5], np.int32))
    assert found.dtype == np.float32 and known.tolist() == [True, False] and not found[1].any()
    loaded.put(3, np.ones(DIM, np.float32))
    assert loaded.take(np.array([3], np.int32))[0].tolist() == [[1.0] * DIM]


def test_themes_are_the_same(vectors: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shelfwise.features.themes.AT_ONCE", 150)  # in parts, the last one shorter
    vectors = vectors.copy()
    vectors[7] = 0
    themes = Themes.fit(vectors)
    again = Themes(themes.centres, TextVectors(as_kept(vectors)).base)
    assert (again.codes == themes.codes).mean() > 0.98 and again.codes[7] == themes.codes[7] == -1
