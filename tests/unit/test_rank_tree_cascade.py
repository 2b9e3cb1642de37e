"""Trees in two parts: what all of them judge, what only the first do, and in which order it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelfwise.kernels import compiled
from shelfwise.rank import flat_trees, tree_cascade
from shelfwise.rank.tree_cascade import FIRST_SHARE, JUDGED_AT_LEAST, JUDGED_TIMES, TreeCascade
from shelfwise.schemas.ids import Floats

N_FEATURES = 6
lightgbm = pytest.importorskip("lightgbm")


def grown(n_trees: int) -> Any:
    random = np.random.default_rng(0)
    features = random.normal(size=(4_000, N_FEATURES)).astype(np.float32)
    features[random.random(features.shape) < 0.1] = np.nan
    wanted = np.nan_to_num(features) @ random.normal(size=N_FEATURES) + random.normal(size=4_000) > 0
    options = {"objective": "binary", "num_leaves": 15, "verbosity": -1, "num_threads": 1, "seed": 0}
    return lightgbm.train(options, lightgbm.Dataset(features, wanted), n_trees)


@pytest.fixture(scope="module")
def booster() -> Any:
    return grown(80)


@pytest.fixture(scope="module", params=["kernel", "graphs"])
def cascade(booster: Any, request: pytest.FixtureRequest) -> TreeCascade:
    if request.param == "kernel" and compiled is None:
        pytest.skip("the kernels are not compiled")
    made = TreeCascade.of(booster, N_FEATURES)
    if request.param == "graphs":
        made._flat = None  # pyright: ignore[reportPrivateUsage] - as of an earlier release
    return made


def drawn(n: int, seed: int) -> Floats:
    # Few distinct values, so that candidates tie.
    return np.random.default_rng(seed).integers(-2, 3, size=(n, N_FEATURES)).astype(np.float32)


def n_judged(n: int, depth: int | None) -> int:
    return n if depth is None else min(n, max(JUDGED_AT_LEAST, JUDGED_TIMES * depth))


def literal(booster: Any, features: Floats, depth: int | None) -> list[int]:
    """The order of one request, by the definition."""
    n = n_judged(len(features), depth)
    whole = np.round(booster.predict(features, raw_score=True), 4)
    if n == len(features):
        return sorted(range(n), key=lambda place: (-whole[place], place))
    first = booster.predict(features, raw_score=True, num_iteration=80 // FIRST_SHARE)
    # LightGBM sums in double precision, ONNX in single: equal is what differs by less than that.
    first = np.round(first, 4)
    by_first = sorted(range(len(features)), key=lambda place: -first[place])
    judged, rest = by_first[:n], by_first[n:]
    return sorted(judged, key=lambda place: (-whole[place], place)) + rest


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 150), st.sampled_from([None, 10, 30])), min_size=1, max_size=4),
    st.integers(0, 2**16),
)
def test_each_request_stands_in_the_order_of_the_definition(
    booster: Any, cascade: TreeCascade, asked: list[tuple[int, int | None]], seed: int
) -> None:
    sizes, depths = [size for size, _ in asked], [depth for _, depth in asked]
    features = drawn(sum(sizes), seed)
    scores = cascade.by_request(features, sizes, depths)
    assert scores.shape == (sum(sizes),) and np.isfinite(scores).all()
    ends = np.cumsum(sizes)[:-1]
    for mine, own, depth in zip(np.split(scores, ends), np.split(features, ends), depths, strict=True):
        if not len(mine):
            continue
        expected = np.array(literal(booster, own, depth))
        # As far as rounding lets one tell: the scores never rise along the literal order.
        assert (np.diff(mine[expected]) < 3e-4).all()
        top = expected[: n_judged(len(own), depth)]
        exact = booster.predict(own[top], raw_score=True)
        np.testing.assert_allclose(np.sort(mine)[::-1][: len(top)], np.sort(exact)[::-1], atol=3e-4)


def test_a_request_is_answered_alike_alone_and_among_others(cascade: TreeCascade) -> None:
    features = drawn(500, 1)
    together = cascade.by_request(features, [200, 0, 180, 120], [10] * 4)
    alone = [
        cascade.by_request(features[begin:end], [end - begin], [10])
        for begin, end in ((0, 200), (200, 380), (380, 500))
    ]
    np.testing.assert_array_equal(together, np.concatenate(alone))


def test_what_is_not_judged_by_all_stands_below_what_is(booster: Any, cascade: TreeCascade) -> None:
    features = np.random.default_rng(2).normal(size=(300, N_FEATURES)).astype(np.float32)
    scores = cascade.by_request(features, [300], [10])
    first = booster.predict(features, raw_score=True, num_iteration=80 // FIRST_SHARE)
    order = np.argsort(-first, kind="stable")
    assert scores[order[:JUDGED_AT_LEAST]].min() > scores[order[JUDGED_AT_LEAST:]].max()
    assert (np.diff(scores[order[JUDGED_AT_LEAST:]]) <= 0).all()


def test_all_trees_judge_whoever_is_asked_of_them(booster: Any, cascade: TreeCascade) -> None:
    features = drawn(300, 3)
    np.testing.assert_allclose(cascade.by_all(features), booster.predict(features, raw_score=True), atol=1e-4)


@pytest.mark.parametrize(("n_trees", "n_files"), [(tree_cascade.WORTH_PARTING - 1, 1), (80, 2)])
def test_it_is_saved_and_loaded_and_few_trees_are_not_parted(tmp_path: Path, n_trees: int, n_files: int) -> None:
    made = TreeCascade.of(grown(n_trees), N_FEATURES)
    made.save(tmp_path)
    assert len(list(tmp_path.glob("*.onnx"))) == n_files and (tmp_path / flat_trees.FILE).is_file()
    features = drawn(200, 4)
    np.testing.assert_array_equal(
        TreeCascade.load(tmp_path).by_request(features, [120, 80], [10, 10]),
        made.by_request(features, [120, 80], [10, 10]),
    )


def test_a_version_of_an_earlier_release_has_all_trees_in_one_file(booster: Any, tmp_path: Path) -> None:
    (tmp_path / tree_cascade.WHOLE_FILE).write_bytes(tree_cascade.trees_to_onnx(booster, N_FEATURES))
    features = drawn(200, 5)
    found = TreeCascade.load(tmp_path).by_request(features, [200], [10])
    np.testing.assert_allclose(found, booster.predict(features, raw_score=True), atol=1e-4)


def test_rounding_lifts_nothing_above_the_weakest_that_all_trees_judged() -> None:
    random = np.random.default_rng(6)
    for _ in range(300):
        scores = random.normal(size=40).astype(np.float32) * np.float32(10.0 ** random.integers(-3, 4))
        rest = random.random(40) < 0.5
        rest[:2] = [True, False]
        weakest, before = scores[~rest].min(), scores.copy()
        tree_cascade._put_below(scores, rest, weakest)  # pyright: ignore[reportPrivateUsage]
        assert scores[rest].max() < weakest
        np.testing.assert_array_equal(scores[~rest], before[~rest])
        assert (np.diff(scores[rest][np.argsort(before[rest], kind="stable")]) >= 0).all()


@pytest.mark.parametrize("n_trees", [tree_cascade.WORTH_PARTING - 1, 80])
def test_it_knows_how_many_trees_it_has(n_trees: int) -> None:
    assert TreeCascade.of(grown(n_trees), N_FEATURES).n_trees == n_trees


def test_whoever_stands_beside_is_asked_about_whom_all_trees_judge_and_lifts_nobody_else(
    booster: Any, cascade: TreeCascade
) -> None:
    features = np.random.default_rng(7).normal(size=(500, N_FEATURES)).astype(np.float32)
    asked: list[Floats] = []

    def beside(scores: Floats, lines: Floats) -> Floats:
        asked.append(lines)
        return scores - 5 * lines[:, 0]

    scores = cascade.by_request(features, [300, 200], [10, None], beside)
    first = booster.predict(features[:300], raw_score=True, num_iteration=80 // FIRST_SHARE)
    order = np.argsort(-first, kind="stable")
    judged = np.concatenate([order[:JUDGED_AT_LEAST], np.arange(300, 500)])
    np.testing.assert_array_equal(np.sort(asked[0], axis=0), np.sort(features[judged], axis=0))
    expected = booster.predict(features, raw_score=True) - 5 * features[:, 0]
    np.testing.assert_allclose(scores[judged], expected[judged], atol=3e-4)
    assert scores[order[JUDGED_AT_LEAST:]].max() < scores[order[:JUDGED_AT_LEAST]].min()
    assert (np.diff(scores[order[JUDGED_AT_LEAST:]]) <= 0).all()


@pytest.mark.parametrize("n_trees", [tree_cascade.WORTH_PARTING - 1, 80])
def test_graphs_and_kernel_score_alike_with_somebody_beside(n_trees: int) -> None:
    if compiled is None:
        pytest.skip("the kernels are not compiled")
    by_kernel, by_graphs = TreeCascade.of(grown(n_trees), N_FEATURES), TreeCascade.of(grown(n_trees), N_FEATURES)
    by_graphs._flat = None  # pyright: ignore[reportPrivateUsage] - as of an earlier release
    features = np.random.default_rng(8).normal(size=(400, N_FEATURES)).astype(np.float32)

    def beside(scores: Floats, lines: Floats) -> Floats:
        return 2 * scores + lines[:, 1]

    found, expected = (one.by_request(features, [250, 0, 150], [10, 10, 30], beside) for one in (by_kernel, by_graphs))
    np.testing.assert_allclose(found, expected, atol=1e-3)
    # Those that few trees judge as well: by what they are told of each other, they stand in one order.
    assert (np.diff(found[:250][np.argsort(-expected[:250], kind="stable")]) < 3e-4).all()
