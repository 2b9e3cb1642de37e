"""What is made of an array is made once, and goes with the array."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from shelfwise.retrieve import vector_index
from shelfwise.retrieve.made_once import MadeOnce
from shelfwise.retrieve.text_neighbours import text_neighbours
from shelfwise.retrieve.vector_index import IndexOptions, VectorIndex


def test_once_for_each_array_and_question() -> None:
    made, asked = MadeOnce(), list[str]()

    def make(name: str) -> str:
        asked.append(name)
        return name

    one, same = np.zeros(3), np.zeros(3)
    assert [made.of(one, 1, lambda: make("a")), made.of(one, 1, lambda: make("b"))] == ["a", "a"]
    assert made.of(one, 2, lambda: make("c")) == "c" and made.of(same, 1, lambda: make("d")) == "d"
    assert asked == ["a", "c", "d"] and len(made) == 2
    del one
    gc.collect()
    assert len(made) == 1 and made.of(same, 1, lambda: make("e")) == "d"


def test_what_fails_is_tried_again() -> None:
    made, array = MadeOnce(), np.zeros(3)
    with pytest.raises(ZeroDivisionError):
        made.of(array, 1, lambda: 1 / 0)
    assert made.of(array, 1, lambda: 7) == 7


def test_transitions_and_content_share_a_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    n_built, searchable = [0], vector_index.searchable

    def counting(vectors: np.ndarray, options: IndexOptions) -> object:
        n_built[0] += 1
        return searchable(vectors, options)

    monkeypatch.setattr(vector_index, "searchable", counting)
    vectors = np.random.default_rng(0).standard_normal((200, 8)).astype(np.float32)
    options = IndexOptions(exact_up_to=100)
    one, other = VectorIndex.build(vectors, options), VectorIndex.build(vectors, options)
    assert n_built == [1]
    one.put(3, np.full(8, 9, np.float32))
    row = np.array([3], np.int32)
    assert not np.array_equal(other.take(row)[0], one.take(row)[0])  # what comes later is each one's own
    VectorIndex.build(vectors, options.model_copy(update={"effort": 64}))
    VectorIndex.build(vectors.copy(), options)
    assert n_built == [3]
    assert text_neighbours(vectors, 5) is text_neighbours(vectors, 5)
