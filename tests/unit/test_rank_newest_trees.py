"""Trees of a newer moment judge what they have seen, and are silent about new items and strangers."""

from __future__ import annotations

import json
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shelfwise.kernels import compiled
from shelfwise.rank import fusion
from shelfwise.rank.fusion import CHOICE_FILE, Fusion
from shelfwise.rank.newest_trees import FOLDER, NewestTrees
from shelfwise.rank.ranker import Asked, RankingTable
from shelfwise.rank.tree_cascade import TreeCascade
from shelfwise.schemas.candidates import History, Situation
from shelfwise.schemas.ids import Bools, Floats

pytest.importorskip("lightgbm")

NAMES = ["name_affinity", "popularity_all", "told_then", "told_now", "noise", "reciprocal_ranks"]
KNOWN, TOUCHED, THEN, NOW = range(4)
N_REQUESTS, N_CANDIDATES = 200, 100
NOBODY = Situation(History.empty(), 0, np.empty(0, np.int32))
"""No ranker of trees looks at it: what it says stands in the features."""


def requests(told_by: int, seed: int, n: int = N_REQUESTS) -> RankingTable:
    """Requests whose right answer is a touched item: by what told it then, and more and more by `told_by`.

    Three candidates of ten are untouched.
    """
    random = np.random.default_rng([seed, told_by])
    features = random.random((n * N_CANDIDATES, len(NAMES))).astype(np.float32)
    features[:, TOUCHED] += 0.1
    features[random.random(len(features)) < 0.3, TOUCHED] = 0
    told = (
        features[:, THEN]
        + 0.5 * features[:, told_by]
        + random.normal(0, 0.02, len(features))
        - (features[:, TOUCHED] == 0)
    )
    labels = np.zeros(len(features), np.int8)
    labels[np.arange(n) * N_CANDIDATES + told.reshape(n, N_CANDIDATES).argmax(axis=1)] = 1
    return RankingTable(
        features,
        labels,
        np.full(n, N_CANDIDATES),
        np.ones(n, np.int64),
        0,
        NAMES,
        np.zeros(n, np.int64),
    )


def before() -> RankingTable:
    """As a full training asks: among its right answers are items that nobody had touched."""
    table = requests(THEN, seed=0)
    told = table.features[:, THEN].reshape(N_REQUESTS, N_CANDIDATES)
    labels = np.zeros(len(table.labels), np.int8)
    labels[np.arange(N_REQUESTS) * N_CANDIDATES + told.argmax(axis=1)] = 1
    return replace(table, labels=labels)


@pytest.fixture(scope="module")
def kept() -> Fusion:
    made = Fusion(Fusion.Config(model="trees", n_trees=120))
    made.fit(before(), seed=0, report=lambda _: None)
    return made


@pytest.fixture(scope="module")
def found(kept: Fusion) -> Fusion:
    return gone_on(kept, requests(NOW, seed=1))


def gone_on(kept: Fusion, newest: RankingTable) -> Fusion:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(fusion, "ENOUGH_NEWS", N_REQUESTS)
        patched.setattr(fusion, "NEWEST_SHARE", 1.0)
        made = kept.go_on(newest, seed=0, report=lambda _: None)
    assert isinstance(made, Fusion) and made is not kept
    return made


def newest_of(ranker: Fusion) -> NewestTrees:
    made = ranker._newest  # pyright: ignore[reportPrivateUsage]
    assert made is not None
    return made


def scored(ranker: Fusion, table: RankingTable, depth: int | None = None) -> Floats:
    """By the way that requests go; shape `(B, N)`."""
    n = len(table.groups)
    asked = [
        Asked(one, np.arange(N_CANDIDATES, dtype=np.int32), NOBODY, depth=depth)
        for one in table.features.reshape(n, N_CANDIDATES, -1)
    ]
    return np.stack([one.scores for one in ranker.score_many(asked)])


def untouched(table: RankingTable) -> Bools:
    return table.column("popularity_all").reshape(-1, N_CANDIDATES) == 0


def hits(ranker: Fusion, table: RankingTable) -> float:
    right = table.labels.reshape(-1, N_CANDIDATES).argmax(axis=1)
    return float(np.mean(scored(ranker, table).argmax(axis=1) == right))


def test_what_was_touched_is_judged_by_the_newest_trees_too(kept: Fusion, found: Fusion) -> None:
    asked = requests(NOW, seed=2)
    # The kept trees name untouched items as well: among the touched ones only.
    features = asked.features.copy()
    features[:, TOUCHED] = 0.5
    touched = replace(asked, features=features)
    assert hits(found, touched) > hits(kept, touched) + 0.2


def test_nothing_that_the_newest_trees_know_moves_an_untouched_item(found: Fusion) -> None:
    asked = requests(NOW, seed=3, n=20)
    moved = asked.features.copy()
    moved[moved[:, TOUCHED] == 0, NOW] = 1.0
    trees = found._trees  # pyright: ignore[reportPrivateUsage]
    assert trees is not None
    # The kept trees say the same of both, or next to it: what was told now was noise then.
    shift = np.abs(trees.by_all(moved) - trees.by_all(asked.features))
    newest = newest_of(found)
    was, now = newest.beside(trees.by_all(asked.features), asked.features), newest.beside(trees.by_all(moved), moved)
    np.testing.assert_array_less(np.abs(now - was), (1 + newest.slope) * shift + 1e-4)


def test_as_many_untouched_items_stand_above_as_by_the_kept_trees_where_little_changed(kept: Fusion) -> None:
    found, asked = gone_on(kept, requests(THEN, seed=1)), requests(THEN, seed=4)

    def shares(ranker: Fusion) -> list[float]:
        order = np.argsort(-scored(ranker, asked), axis=1)
        return [np.take_along_axis(untouched(asked), order[:, :n], 1).mean() for n in (10, 30)]

    assert shares(found) == [pytest.approx(share, abs=0.12) for share in shares(kept)]
    # Trees that judge everything put what they never saw as an answer below the rest; one average for all lifts it.
    judging = copy(found)
    for wrong in (replace(newest_of(found), touched_by=None), replace(newest_of(found), slope=0.0)):
        judging._newest = wrong  # pyright: ignore[reportPrivateUsage]
        assert shares(judging) != [pytest.approx(share, abs=0.12) for share in shares(kept)]


def test_what_is_added_in_silence_is_what_is_added_on_the_average(kept: Fusion, found: Fusion) -> None:
    table, newest = requests(NOW, seed=1), newest_of(found)
    trees = kept._trees  # pyright: ignore[reportPrivateUsage]
    assert trees is not None
    features = table.features[table.features[:, TOUCHED] > 0]
    says = trees.by_all(features).astype(np.float64)
    spoken = newest.beside(says.astype(np.float32), features) - says
    features[:, TOUCHED] = 0
    silent = newest.beside(says.astype(np.float32), features) - says
    assert np.average(silent, weights=1 / (1 + np.exp(-says))) == pytest.approx(
        np.average(spoken, weights=1 / (1 + np.exp(-says))), abs=1e-3
    )
    assert np.std(spoken) > np.std(silent) and newest.slope >= 0


def test_untouched_items_stand_to_each_other_as_by_the_kept_trees(kept: Fusion, found: Fusion) -> None:
    asked = requests(NOW, seed=5, n=20)
    for was, now, new in zip(scored(kept, asked), scored(found, asked), untouched(asked), strict=True):
        assert (np.diff(now[new][np.argsort(was[new], kind="stable")]) >= 0).all()


def test_where_all_are_untouched_or_nothing_is_known_of_the_user_the_order_is_that_of_the_kept_trees(
    kept: Fusion, found: Fusion
) -> None:
    asked = requests(NOW, seed=6, n=40)
    for column, value in ((TOUCHED, 0.0), (KNOWN, np.nan)):
        features = asked.features.copy()
        features[:, column] = value
        table = replace(asked, features=features)
        for depth in (None, 10):
            was, now = scored(_without_strangers(kept), table, depth), scored(_without_strangers(found), table, depth)
            order = np.argsort(-was, axis=1, kind="stable")
            assert (np.diff(np.take_along_axis(now, order, 1), axis=1) <= 0).all()
        assert (scored(_without_strangers(found), table) != scored(_without_strangers(kept), table)).any()


def _without_strangers(ranker: Fusion) -> Fusion:
    """Strangers by the trees, whatever would serve them better."""
    made = copy(ranker)
    made._strangers = None  # pyright: ignore[reportPrivateUsage]
    return made


@pytest.mark.parametrize("depth", [None, 5, 30])
def test_kernel_and_graphs_agree_and_requests_may_be_asked_together(found: Fusion, depth: int | None) -> None:
    if compiled is None:
        pytest.skip("the kernels are not compiled")
    asked = requests(NOW, seed=7, n=6)
    asked.features[:N_CANDIDATES, KNOWN] = np.nan
    by_kernel = scored(found, asked, depth)
    alone = [scored(found, asked.where(np.arange(6) == place), depth)[0] for place in range(6)]
    np.testing.assert_array_equal(by_kernel, np.stack(alone))
    by_graphs = _without_arrays(found)
    np.testing.assert_allclose(scored(by_graphs, asked, depth), by_kernel, atol=1e-3)
    np.testing.assert_allclose(by_graphs.rank(asked.features), found.rank(asked.features), atol=1e-3)


def _without_arrays(ranker: Fusion) -> Fusion:
    """As read by who has no kernels."""
    trees = ranker._trees  # pyright: ignore[reportPrivateUsage]
    assert trees is not None
    made = copy(ranker)
    made._trees = _graphs(trees)  # pyright: ignore[reportPrivateUsage]
    made._newest = replace(newest_of(ranker), trees=_graphs(newest_of(ranker).trees))  # pyright: ignore[reportPrivateUsage]
    return made


def _graphs(trees: TreeCascade) -> TreeCascade:
    made = copy(trees)
    made._flat, made._sessions = None, {}  # pyright: ignore[reportPrivateUsage]
    return made


def test_saved_and_loaded_scores_the_same(found: Fusion, tmp_path: Path) -> None:
    found.save(tmp_path)
    again = Fusion(found.config)
    again.load(tmp_path)
    asked = requests(NOW, seed=8, n=10)
    np.testing.assert_array_equal(scored(again, asked, 10), scored(found, asked, 10))
    np.testing.assert_array_equal(again.rank(asked.features), found.rank(asked.features))


def test_what_was_saved_without_newest_trees_is_served_as_it_was(kept: Fusion, tmp_path: Path) -> None:
    kept.save(tmp_path)
    assert "newest" not in json.loads((tmp_path / CHOICE_FILE).read_text()) and not (tmp_path / FOLDER).exists()
    again = Fusion(kept.config)
    again.load(tmp_path)
    asked = requests(NOW, seed=9, n=10)
    np.testing.assert_array_equal(scored(again, asked, 10), scored(kept, asked, 10))


def test_newest_trees_that_are_gone_are_missed(found: Fusion, tmp_path: Path) -> None:
    found.save(tmp_path)
    for path in (tmp_path / FOLDER).iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError):
        Fusion(found.config).load(tmp_path)


def test_going_on_twice_replaces_the_newest_trees_and_keeps_the_others(
    kept: Fusion, found: Fusion, tmp_path: Path
) -> None:
    found.save(tmp_path)
    loaded = Fusion(found.config)
    loaded.load(tmp_path)
    news = requests(THEN, seed=10)
    twice, once = gone_on(loaded, news), gone_on(kept, news)
    asked = requests(NOW, seed=11, n=10)
    np.testing.assert_array_equal(twice.rank(asked.features), once.rank(asked.features))
    assert newest_of(twice).trees.n_trees == newest_of(found).trees.n_trees
    assert (twice.rank(asked.features) != found.rank(asked.features)).any()
