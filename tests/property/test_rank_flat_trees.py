"""Trees as arrays against a walk through LightGBM's own, and against its predictions."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelfwise.kernels import compiled
from shelfwise.rank import flat_trees
from shelfwise.rank.flat_trees import FlatTrees
from shelfwise.schemas.ids import Floats

lightgbm = pytest.importorskip("lightgbm")
pytestmark = pytest.mark.skipif(compiled is None, reason="the kernels are not compiled")

N_FEATURES, N_TREES = 5, 40


def grown(n_leaves: int, seed: int, missing: float = 0.15) -> Any:
    """Trees whose thresholds lie between doubles, some features of which are missing and some never are."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(3_000, N_FEATURES)) * 10.0 ** random.integers(-3, 4, N_FEATURES)
    features[:, 0] = random.integers(-2, 3, 3_000)
    may_miss = features[:, 1:4]
    may_miss[random.random(may_miss.shape) < missing] = np.nan
    wanted = np.nan_to_num(features / np.nanstd(features, axis=0)).sum(axis=1) + random.normal(size=3_000) > 0
    options = {"objective": "binary", "num_leaves": n_leaves, "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 5}
    return lightgbm.train(options, lightgbm.Dataset(features, wanted), N_TREES)


@pytest.fixture(scope="module")
def boosters() -> dict[int, Any]:
    return {n_leaves: grown(n_leaves, n_leaves) for n_leaves in (2, 7, 31, 32)}


def walked(node: dict[str, Any], line: list[float]) -> float:
    """What a tree says of one candidate, by its own description."""
    while "leaf_value" not in node:
        value = line[node["split_feature"]]
        if math.isnan(value) and node["missing_type"] == "NaN":
            goes_left = node["default_left"]
        else:
            goes_left = (0.0 if math.isnan(value) else value) <= node["threshold"]
        node = node["left_child"] if goes_left else node["right_child"]
    return node["leaf_value"]


def thresholds_of(booster: Any) -> list[float]:
    stated = [line[10:] for line in booster.model_to_string().splitlines() if line.startswith("threshold=")]
    return [float(one) for line in stated for one in line.split()]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_sums_are_those_of_a_walk_through_every_tree(boosters: dict[int, Any], data: st.DataObject) -> None:
    n_leaves = data.draw(st.sampled_from(sorted(boosters)))
    booster = boosters[n_leaves]
    flat = FlatTrees.of(booster)
    assert flat is not None and len(flat) == N_TREES
    # Thresholds themselves, as far as single precision has them, and what lies right beside.
    near = st.sampled_from(thresholds_of(booster)).flatmap(
        lambda value: st.sampled_from(
            [
                float(np.float32(value)),
                *(float(np.nextafter(np.float32(value), np.float32(end))) for end in (-9e9, 9e9)),
            ]
        )
    )
    value = near | st.floats(-1e4, 1e4, width=32) | st.sampled_from([math.nan, 0.0, -0.0, math.inf, -math.inf])
    lines = data.draw(st.lists(st.lists(value, min_size=N_FEATURES, max_size=N_FEATURES), min_size=1, max_size=35))
    begin = data.draw(st.integers(0, N_TREES))
    end = data.draw(st.integers(begin, N_TREES))
    features: Floats = np.array(lines, np.float32)
    trees = [tree["tree_structure"] for tree in booster.dump_model()["tree_info"][begin:end]]
    expected = [math.fsum(walked(tree, line) for tree in trees) for line in features.tolist()]
    np.testing.assert_allclose(flat.sums(features, begin, end), expected, atol=1e-6)
    for lanes in registers(flat):
        np.testing.assert_array_equal(flat.sums(features, begin, end, lanes), flat.sums(features, begin, end))


def registers(flat: FlatTrees) -> list[int]:
    """Lanes of the registers that this processor has."""
    found: list[int] = []
    for lanes in (4, 8, 16):
        with suppress(ValueError):
            flat.sums(np.zeros((1, N_FEATURES), np.float32), 0, 0, lanes)
            found.append(lanes)
    return found


def test_registers_are_asked_for_by_what_there_is(boosters: dict[int, Any]) -> None:
    flat = FlatTrees.of(boosters[31])
    assert flat is not None and 4 in registers(flat)
    with pytest.raises(ValueError, match="no registers"):
        flat.sums(np.zeros((1, N_FEATURES), np.float32), 0, 0, 5)


@pytest.mark.parametrize("n_lines", [0, 1, 15, 16, 17, 160, 2_000])
def test_sums_are_the_boosters_own(boosters: dict[int, Any], n_lines: int) -> None:
    random = np.random.default_rng(n_lines)
    features = (random.normal(size=(n_lines, N_FEATURES)) * 3).astype(np.float32)
    features[random.random(features.shape) < 0.2] = np.nan
    for booster in boosters.values():
        flat = FlatTrees.of(booster)
        assert flat is not None
        expected = booster.predict(features, raw_score=True) if n_lines else np.empty(0)
        np.testing.assert_allclose(flat.sums(features, 0, N_TREES), expected, atol=1e-6)


def test_larger_trees_are_left_to_the_graphs() -> None:
    assert FlatTrees.of(grown(33, 1)) is None
    assert FlatTrees.of(grown(200, 2)) is None


def test_a_tree_that_did_not_grow_is_one_leaf() -> None:
    features = np.zeros((100, N_FEATURES))
    booster = lightgbm.train(
        {"objective": "regression", "verbosity": -1, "num_threads": 1}, lightgbm.Dataset(features, np.ones(100)), 3
    )
    flat = FlatTrees.of(booster)
    assert flat is not None
    given_features = np.zeros((3, N_FEATURES), np.float32)
    np.testing.assert_allclose(flat.sums(given_features, 0, len(flat)), booster.predict(given_features), atol=1e-6)


def test_what_was_saved_is_loaded(boosters: dict[int, Any], tmp_path: Path) -> None:
    assert FlatTrees.load(tmp_path) is None
    flat = FlatTrees.of(boosters[31])
    assert flat is not None
    flat.save(tmp_path)
    found = FlatTrees.load(tmp_path)
    assert found is not None
    features = np.random.default_rng(0).normal(size=(50, N_FEATURES)).astype(np.float32)
    np.testing.assert_array_equal(found.sums(features, 0, N_TREES), flat.sums(features, 0, N_TREES))


@pytest.mark.parametrize(
    ("part", "value"),
    [("columns", np.full(1, N_FEATURES)), ("columns", np.full(1, -N_FEATURES - 1)), ("starts", np.array([10**9]))],
)
def test_damaged_trees_are_refused(boosters: dict[int, Any], tmp_path: Path, part: str, value: Any) -> None:
    flat = FlatTrees.of(boosters[7])
    assert flat is not None
    getattr(flat, part)[3] = value[0]
    with pytest.raises(ValueError, match="trees: a node compares a feature that there is not"):
        flat.sums(np.zeros((4, N_FEATURES), np.float32), 0, N_TREES)
    assert not (tmp_path / flat_trees.FILE).exists()
