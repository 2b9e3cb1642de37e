"""Text and picture fused: what either side lacks is masked, and search agrees with the definition."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.datasets.training_data import TrainingData
from shelfwise.encode.pictures.alignment import align, can_align
from shelfwise.errors import StateError
from shelfwise.features.modalities import fused_similarity, has_vector
from shelfwise.retrieve.content import Content
from shelfwise.retrieve.fused_index import FusedIndex, Seen
from shelfwise.retrieve.retriever import ItemTraits
from shelfwise.schemas.ids import Floats
from shelfwise.testing.retrievers import situation
from shelfwise.testing.small_shop import N_ITEMS, small_shop

OPTIONS = Content.Config(k=5)
EVERYTHING = np.ones(N_ITEMS, bool)


def unit(vectors: Floats) -> Floats:
    return (vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)).astype(np.float32)


def some_vectors(seed: int, n: int = 60) -> tuple[Floats, Floats]:
    """Unit vectors; a third of the texts and a third of the pictures are missing, some items lack both."""
    random = np.random.default_rng(seed)
    texts, pictures = unit(random.normal(size=(n, 6))), unit(random.normal(size=(n, 4)))
    texts[random.random(n) < 1 / 3] = 0
    pictures[random.random(n) < 1 / 3] = 0
    return texts, pictures


def by_definition(texts: Floats, pictures: Floats, row: int, other: int, weight: float) -> float:
    """Literally: the weighted sum over what both have, over the root of the squared weights."""
    total, squares = 0.0, 0.0
    for vectors, one_weight in ((texts, 1.0), (pictures, weight)):
        if vectors[row].any() and vectors[other].any():
            total += one_weight * float(vectors[row] @ vectors[other])
            squares += one_weight**2
    return total / squares**0.5 if squares else float("nan")


@given(st.integers(0, 1_000), st.sampled_from([0.25, 0.5, 1.0, 3.0]))
def test_similarity_is_that_of_the_definition(seed: int, weight: float) -> None:
    texts, pictures = some_vectors(seed, 12)
    has_text, has_picture = has_vector(texts), has_vector(pictures)
    found = fused_similarity(
        texts @ texts.T, pictures @ pictures.T, np.outer(has_text, has_text), np.outer(has_picture, has_picture), weight
    )
    expected = [[by_definition(texts, pictures, row, other, weight) for other in range(12)] for row in range(12)]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_missing_picture_is_masked_and_not_zero_filled() -> None:
    """Equal texts are equally alike with one picture missing, however unlike nothing would be."""
    alone = fused_similarity(np.float32([0.8]), np.float32([0.0]), np.array([True]), np.array([False]), 0.5)
    np.testing.assert_allclose(alone, [0.8])
    assert np.isnan(fused_similarity(np.float32([1]), np.float32([1]), np.array([False]), np.array([False]), 0.5))[0]


@given(st.integers(0, 1_000), st.sampled_from([0.25, 1.0, 3.0]), st.integers(1, 12))
def test_search_finds_what_the_definition_ranks_first(seed: int, weight: float, k: int) -> None:
    texts, pictures = some_vectors(seed)
    index = FusedIndex.build(texts, pictures, weight, OPTIONS)
    allowed = np.random.default_rng(seed + 1).random(len(texts)) < 0.7
    row = seed % len(texts)
    question = Seen(texts[row], pictures[row])
    if question.is_empty:
        return
    found = index.search(question, allowed, k)
    expected = np.array([by_definition(texts, pictures, row, other, weight) for other in range(len(texts))])
    expected[~allowed | ~(expected > 0)] = -np.inf
    best = np.argsort(-expected, kind="stable")[:k]
    best = best[expected[best] > 0]
    assert found.rows.tolist() == best.tolist()
    np.testing.assert_allclose(found.scores, expected[best], atol=1e-5)


def test_what_came_later_is_searched_and_what_changed_moves(tmp_path: Path) -> None:
    texts, pictures = some_vectors(3)
    index = FusedIndex.build(texts, pictures, 0.5, OPTIONS)
    index.save(tmp_path)
    assert FusedIndex.is_saved_in(tmp_path)
    index = FusedIndex.load(tmp_path, 0.5, OPTIONS)
    question = Seen(unit(np.ones(6, np.float32)), unit(np.ones(4, np.float32)))
    allowed = np.ones(80, bool)
    no_text, no_picture = np.zeros(6, np.float32), np.zeros(4, np.float32)
    index.put(70, question.text, no_picture)
    index.put(71, question.text, question.picture)
    index.put(2, no_text, question.picture)
    found = index.search(question, allowed, 3)
    assert found.rows[0] == 71
    assert set(found.rows.tolist()) == {71, 70, 2}
    assert len(index) == 72
    index.put(71, -question.text, no_picture)
    assert 71 not in index.search(question, allowed, 3).rows


def shop_with_pictures(*, n_without: int = 20) -> TrainingData:
    """Colours as pictures: item `r` has the colour `r % 10`; the last items have none."""
    data = small_shop()
    pictures = np.eye(10, dtype=np.float32)[np.arange(N_ITEMS) % 10]
    pictures[N_ITEMS - n_without :] = 0
    return replace(data, pictures=pictures)


def test_content_goes_by_text_alone_where_there_are_no_pictures() -> None:
    data = small_shop()
    plain, other = Content(OPTIONS), Content(Content.Config(k=5, picture_weight=3.0))
    plain.fit(data)
    other.fit(data)
    allowed = np.ones(N_ITEMS, bool)
    asked = situation(data, [3, 14])
    np.testing.assert_array_equal(plain.retrieve(asked, allowed).rows, other.retrieve(asked, allowed).rows)


def test_content_prefers_the_same_colour_within_a_group(tmp_path: Path) -> None:
    data = shop_with_pictures()
    content = Content(Content.Config(k=5))
    content.fit(data)
    content.save(tmp_path)
    again = Content(Content.Config(k=5))
    again.load(tmp_path)
    allowed = np.ones(N_ITEMS, bool)
    allowed[3] = False
    for retriever in (content, again):
        found = retriever.retrieve(situation(data, [], [3]), allowed)
        assert len(found)
        assert all(row // 10 == 0 or row % 10 == 3 for row in found.rows.tolist())
        assert retriever.because(found.rows[:1], situation(data, [], [3]))[0] == 3


def test_content_by_pictures_alone_where_no_text_is_encoded() -> None:
    data = replace(shop_with_pictures(), vectors=None)
    content = Content(Content.Config(k=7))
    content.fit(data)
    allowed = np.ones(N_ITEMS, bool)
    allowed[3] = False
    found = content.retrieve(situation(data, [], [3]), allowed)
    assert [row % 10 for row in found.rows.tolist()] == [3] * 5  # all that have a picture
    assert not len(content.retrieve(situation(data, [], [N_ITEMS - 1]), allowed))
    with pytest.raises(StateError, match="needs text vectors"):
        content.fit(replace(data, pictures=None))


def test_a_new_item_is_found_by_its_picture() -> None:
    data = shop_with_pictures()
    content = Content(Content.Config(k=3))
    content.fit(data)
    colour = np.eye(10, dtype=np.float32)[3]
    content.add_item(N_ITEMS, vector=None, created_ms=0, traits=ItemTraits(picture=colour))
    allowed = np.zeros(N_ITEMS + 1, bool)
    allowed[N_ITEMS] = True
    assert content.retrieve(situation(data, [], [3]), allowed).rows.tolist() == [N_ITEMS]
    content.add_item(N_ITEMS, vector=None, created_ms=0)  # nothing of it changed
    assert content.retrieve(situation(data, [], [3]), allowed).rows.tolist() == [N_ITEMS]


def test_a_picture_that_is_gone_is_compared_no_more_and_the_text_is() -> None:
    data = shop_with_pictures()
    assert data.vectors is not None
    content = Content(Content.Config(k=N_ITEMS))
    content.fit(data)
    before = content.retrieve(situation(data, [], [3]), EVERYTHING)
    assert {13, 23, 33} <= set(before.rows.tolist())  # of its colour
    no_picture = ItemTraits(picture=np.zeros(10, np.float32))
    content.add_item(3, vector=data.vectors[3], created_ms=0, traits=no_picture)
    by_text = Content(Content.Config(k=N_ITEMS))
    by_text.fit(replace(data, pictures=None))
    found, wanted = (one.retrieve(situation(data, [], [3]), EVERYTHING) for one in (content, by_text))
    np.testing.assert_array_equal(found.rows, wanted.rows)
    content.add_item(3, vector=np.zeros(data.vectors.shape[1], np.float32), created_ms=0)  # and then the text
    assert not len(content.retrieve(situation(data, [], [3]), EVERYTHING))


def test_what_could_not_be_encoded_now_stays_as_it_was() -> None:
    data = shop_with_pictures()
    content = Content(Content.Config(k=3))
    content.fit(data)
    before = content.retrieve(situation(data, [], [3]), EVERYTHING)
    assert data.pictures is not None
    content.add_item(3, vector=None, created_ms=0, traits=ItemTraits(picture=data.pictures[3]))
    np.testing.assert_array_equal(content.retrieve(situation(data, [], [3]), EVERYTHING).rows, before.rows)


def test_alignment_keeps_what_goes_along_with_texts() -> None:
    """Of ten measurements two follow the text and eight are noise of ten times the size."""
    random = np.random.default_rng(0)
    texts = unit(random.normal(size=(2_000, 2)))
    noise = 10 * random.normal(size=(2_000, 8)).astype(np.float32)
    pictures = np.concatenate([texts, noise], axis=1).astype(np.float32)
    made = align(pictures, texts, dim=2, shrinkage=0.0)
    mapped = made(pictures)
    assert mapped.shape == (2_000, 2)
    np.testing.assert_allclose(np.linalg.norm(mapped, axis=1), 1, atol=1e-4)
    cosines = (mapped[:200] @ mapped[:200].T).ravel()
    assert np.corrcoef(cosines, (texts[:200] @ texts[:200].T).ravel())[0, 1] > 0.95


def test_alignment_needs_enough_items() -> None:
    assert can_align(400, 100)
    assert not can_align(399, 100)


def test_pictures_that_are_all_alike_tell_nothing() -> None:
    made = align(
        np.ones((50, 5), np.float32), unit(np.random.default_rng(0).normal(size=(50, 3))), dim=3, shrinkage=0.1
    )
    assert not made(np.ones((2, 5), np.float32)).any()
