"""Whitening makes all directions alike, however few the items are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shelfwise.encode.whitening import Whitening
from shelfwise.schemas.ids import Floats


def cone(n: int, dim: int = 8, seed: int = 0) -> Floats:
    """Vectors as of a language model: all in one direction, with unequal spread around it."""
    random = np.random.default_rng(seed)
    spread = (
        random.normal(size=(n, dim)) * np.linspace(0.02, 0.4, dim) @ np.linalg.qr(random.normal(size=(dim, dim)))[0]
    )
    return (np.ones(dim) + spread).astype(np.float32)


def mapped(whitening: Whitening, vectors: Floats) -> Floats:
    """Before the cut to length 1."""
    return (vectors - whitening.mean) @ whitening.directions


def test_the_training_vectors_get_zero_mean_and_unit_covariance() -> None:
    vectors = cone(500)
    found = mapped(Whitening.fit(vectors, dim=8, shrinkage=0.0), vectors)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(np.cov(found.T), np.eye(8), atol=1e-3)


def test_shrinkage_1_only_rotates_and_scales() -> None:
    vectors = cone(500)
    whitening = Whitening.fit(vectors, dim=8, shrinkage=1.0)
    gram = whitening.directions.T @ whitening.directions
    np.testing.assert_allclose(gram, gram[0, 0] * np.eye(8), atol=1e-3)


def test_shrinkage_damps_the_small_directions() -> None:
    vectors = cone(500)
    variances = {
        shrinkage: np.sort(np.var(mapped(Whitening.fit(vectors, dim=8, shrinkage=shrinkage), vectors), axis=0))
        for shrinkage in (0.0, 0.3)
    }
    assert variances[0.0][0] == pytest.approx(1, abs=0.01)
    assert variances[0.3][0] < 0.5 < variances[0.3][-1]


def test_the_leading_directions_are_kept() -> None:
    vectors = cone(500)
    kept = Whitening.fit(vectors, dim=2, shrinkage=0.0)
    whole = Whitening.fit(vectors, dim=8, shrinkage=0.0)
    assert kept(vectors).shape == (500, 2)
    np.testing.assert_allclose(np.abs(mapped(kept, vectors)), np.abs(mapped(whole, vectors)[:, :2]), atol=1e-4)
    lengths = np.linalg.norm(kept.directions, axis=0)  # 1 / standard deviation: rising
    assert lengths[0] <= lengths[1] < np.linalg.norm(whole.directions, axis=0)[-1]


def test_vectors_have_length_1_and_spread_out() -> None:
    vectors = cone(500)
    found = Whitening.fit(vectors, dim=8, shrinkage=0.1)(vectors)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert np.mean(unit @ unit.T) > 0.8
    assert abs(np.mean(found @ found.T)) < 0.05


@pytest.mark.parametrize("n", [2, 3, 7])
def test_fewer_items_than_dimensions(n: int) -> None:
    vectors = cone(n, dim=16)
    found = Whitening.fit(vectors, dim=8, shrinkage=0.1)(vectors)
    assert found.shape == (n, 8)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-4)


@pytest.mark.parametrize("n", [1, 5])
def test_items_all_alike_stay_alike(n: int) -> None:
    vectors = np.tile(cone(1, dim=16), (n, 1))
    found = Whitening.fit(vectors, dim=8, shrinkage=0.1)(vectors)
    assert found.shape == (n, 8)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found @ found.T, 1, atol=1e-5)


def test_saved_and_loaded_maps_the_same(tmp_path: Path) -> None:
    whitening = Whitening.fit(cone(50), dim=4, shrinkage=0.1)
    whitening.save(tmp_path)
    np.testing.assert_array_equal(Whitening.load(tmp_path)(cone(9, seed=1)), whitening(cone(9, seed=1)))


def test_a_new_vector_at_the_mean_is_nothing_rather_than_noise() -> None:
    whitening = Whitening.fit(cone(50), dim=4, shrinkage=0.1)
    np.testing.assert_allclose(whitening(whitening.mean[None]), 0, atol=1e-3)
