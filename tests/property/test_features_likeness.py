"""Behaviour vectors and themes follow from what they are made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.features.behaviour_vectors import behaviour_vectors
from shelfwise.features.themes import Themes
from shelfwise.rerank.likeness import LikenessOptions, mixed_vectors
from shelfwise.testing.rerankers import item_facts


@given(seed=st.integers(0, 1_000), n_users=st.integers(1, 30), n_items=st.integers(1, 25))
def test_behaviour_vectors_equal_the_full_decomposition(seed: int, n_users: int, n_items: int) -> None:
    random = np.random.default_rng(seed)
    users, items = (random.integers(0, size, 60).astype(np.int32) for size in (n_users, n_items))
    found = behaviour_vectors(users, items, n_items, dim=64)  # as many directions as there are: nothing is cut
    table = np.zeros((users.max() + 1, n_items))
    table[users, items] = 1
    scaled = table / np.sqrt(np.maximum(table.sum(axis=1), 1))[:, None] / np.sqrt(np.maximum(table.sum(axis=0), 1))
    gram = scaled.T @ scaled
    lengths = np.sqrt(np.diag(gram))
    cosines = gram / np.maximum(np.outer(lengths, lengths), 1e-12)
    np.testing.assert_allclose(found @ found.T, cosines, atol=2e-3)
    assert not found[np.bincount(items, minlength=n_items) == 0].any()


def test_of_a_log_of_nothing_every_vector_is_0() -> None:
    nothing = np.empty(0, np.int32)
    assert not behaviour_vectors(nothing, nothing, 5).any()


def test_themes_find_the_groups_that_are_there(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(5), 20)
    vectors = np.eye(5, 12)[groups] + random.normal(0, 0.05, (100, 12))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    vectors[7] = 0
    themes = Themes.fit(vectors)
    for group in range(5):
        own = themes.codes[(groups == group) & (np.arange(100) != 7)]
        others = themes.codes[groups != group]
        assert not set(own.tolist()) & set(others.tolist())
    assert themes.codes[7] == -1
    assert len(themes.names) == len(themes.centres) == 9
    themes.save(tmp_path)
    again = Themes.load(tmp_path, vectors)
    assert again.codes.tolist() == themes.codes.tolist()
    again.put(150, vectors[0])
    again.put(7, vectors[0])
    again.put(0, None)
    assert again.codes[150] == again.codes[7] == again.codes[0] == themes.codes[0]


def test_too_few_items_make_no_themes() -> None:
    assert Themes.fit(np.eye(5, dtype=np.float32)).codes.tolist() == [-1] * 5


def test_likeness_is_the_weighted_mean_of_cosines_where_both_have_all() -> None:
    facts = item_facts()
    rows = np.arange(8, dtype=np.int32)
    texts, _ = facts.vectors["text"].take(rows)
    pictures = np.random.default_rng(1).normal(size=(120, 6)).astype(np.float32)
    pictures /= np.linalg.norm(pictures, axis=1, keepdims=True)
    pictures[3] = 0
    both = item_facts()
    both = type(both)(both.state, both.groups, {**both.vectors, "picture": type(facts.vectors["text"])(pictures)})
    mixed = mixed_vectors(rows, both, LikenessOptions(text=2.0, picture=1.0))
    expected = (2 * texts @ texts.T + pictures[rows] @ pictures[rows].T) / 3
    has_all = rows != 3
    np.testing.assert_allclose(
        (mixed @ mixed.T)[np.ix_(has_all, has_all)], expected[np.ix_(has_all, has_all)], atol=1e-5
    )
    np.testing.assert_allclose(mixed[3, : texts.shape[1]], texts[3], atol=1e-5)  # without a picture, text alone
