"""What kernels merge, multiply and search, against plain loops and against the NumPy that they replace."""

from __future__ import annotations

import math
import threading
import time
from typing import Any

import faiss
import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from shelfwise.features import text_vectors
from shelfwise.features.text_vectors import TextVectors
from shelfwise.kernels import compiled
from shelfwise.pipeline import merge as merging
from shelfwise.retrieve.graph_links import GraphLinks
from shelfwise.retrieve.popular import Popular
from shelfwise.retrieve.vector_index import IndexOptions, VectorIndex
from shelfwise.schemas.candidates import Candidates, History, Situation

pytestmark = pytest.mark.skipif(compiled is None, reason="the kernels are not compiled")

rows = st.lists(st.integers(0, 30), max_size=15, unique=True)


def named(found: list[int], tells: bool) -> Candidates:
    scores = np.linspace(3, 1, len(found), dtype=np.float32)

    def score_of(asked: np.ndarray) -> np.ndarray:
        return (asked * 2).astype(np.float32)

    return Candidates(np.array(found, np.int32), scores, score_of if tells else None)


@given(st.lists(st.tuples(rows, st.booleans()), min_size=1, max_size=9), rows)
def test_a_merge_is_the_union_of_what_was_named(answers: list[tuple[list[int], bool]], also: list[int]) -> None:
    given_answers = {f"retriever {place}": named(found, tells) for place, (found, tells) in enumerate(answers)}
    merged = merging.merge(given_answers, np.array(also, np.int32))
    assert merged.rows.dtype == np.int32 and merged.sources == tuple(given_answers)
    assert merged.rows.tolist() == sorted(set(also).union(*(found for found, _ in answers)))
    for column, (found, tells) in enumerate(answers):
        for place, row in enumerate(merged.rows.tolist()):
            rank, score = int(merged.ranks[place, column]), float(merged.scores[place, column])
            if row in found:
                assert rank == found.index(row) + 1
                assert score == float(given_answers[f"retriever {column}"].scores[rank - 1])
            else:
                assert rank == 0
                assert score == 2 * row if tells else math.isnan(score)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merging, "compiled", None)
        plain = merging.merge(given_answers, np.array(also, np.int32))
    for ours, theirs in ((merged.rows, plain.rows), (merged.scores, plain.scores), (merged.ranks, plain.ranks)):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


halves = st.floats(-60_000, 60_000, width=16) | st.sampled_from([0.0, -0.0, 2.0**-24, -(2.0**-15), 65_504.0])


@settings(max_examples=200)
@given(
    st.sampled_from([np.float16, np.float32]),
    st.sampled_from([1, 3, 8, 16, 17, 40]),
    st.lists(st.integers(0, 12), max_size=20),
    st.integers(1, 4),
    st.sets(st.integers(0, 12), max_size=3),
    st.data(),
)
def test_products_are_those_of_vectors_taken(
    kind: Any, dim: int, asked: list[int], n_questions: int, fresh: set[int], data: st.DataObject
) -> None:
    base = data.draw(arrays.arrays(np.float16, (10, dim), elements=halves)).astype(kind)
    random = np.random.default_rng(dim)
    vectors, questions = TextVectors(base), random.standard_normal((n_questions, dim)).astype(np.float32)
    for row in fresh:
        vectors.put(row, random.standard_normal(dim).astype(np.float32))
    wanted = np.array(asked, np.int32)
    products, known = vectors.products(wanted, questions)
    taken, known_too = vectors.take(wanted)
    size = np.abs(taken).astype(np.float64) @ np.abs(questions).T.astype(np.float64)
    assert known.tolist() == known_too.tolist() and products.dtype == np.float32
    assert (np.abs(products - taken.astype(np.float64) @ questions.T) <= 1e-5 * size + 1e-9).all()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_vectors, "compiled", None)
        plain, _ = vectors.products(wanted, questions)
    assert (np.abs(products - plain) <= 1e-5 * size + 1e-9).all()


def test_every_half_is_read_as_it_is() -> None:
    """Dimensions that wide registers do not reach, so that both ways of reading are seen."""
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    every = every[np.isfinite(every)]
    for dim in (1, 16):
        vectors = np.zeros((len(every), dim), np.float16)
        vectors[:, 0] = every
        question = np.zeros((1, dim), np.float32)
        question[0, 0] = 1
        assert compiled is not None
        products = compiled.products(vectors, np.arange(len(every), dtype=np.int32), question)
        np.testing.assert_array_equal(products[:, 0], every.astype(np.float32))


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(-1, 3), st.booleans()), min_size=1, max_size=30),
    st.lists(st.integers(0, 29), max_size=14, unique=True),
    st.integers(1, 12),
)
def test_half_of_what_is_popular_is_of_liked_categories(
    items: list[tuple[int, int, bool]], seeds: list[int], k: int
) -> None:
    retriever = Popular(Popular.Config(k=k))
    counts, kinds = np.array([float(n) for n, _, _ in items]), np.array([kind for _, kind, _ in items], np.int32)
    retriever._counts, retriever._categories = counts, kinds  # pyright: ignore[reportPrivateUsage]
    retriever._n_categories = 4  # pyright: ignore[reportPrivateUsage]
    asked = Situation(History.empty(), 0, np.array(seeds, np.int32))
    found = retriever.retrieve(asked, np.array([one for _, _, one in items]))
    head = sorted(
        (row for row, (n, _, may) in enumerate(items) if n > 0 and may), key=lambda row: (-items[row][0], row)
    )
    liked = {items[row][1] for row in [row for row in reversed(seeds) if row < len(items)][:10]} - {-1}
    own = [row for row in head if items[row][1] in liked][: k // 2]
    others = [row for row in head if row not in own][: k - len(own)]
    wanted = [row for row in head if row in own or row in others] if len(head) >= k else head
    assert found.rows.tolist() == wanted


N, DIM = 3_000, 24


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    drawn = np.random.default_rng(0).standard_normal((N, DIM)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def index(vectors: np.ndarray) -> VectorIndex:
    return VectorIndex.build(vectors, IndexOptions(exact_up_to=10, links=8))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**16), st.sampled_from([1, 5, 64, 300]), st.sampled_from([16, 64, 256]))
def test_a_graph_leads_where_it_leads_faiss(
    index: VectorIndex, vectors: np.ndarray, seed: int, k: int, effort: int
) -> None:
    question = np.random.default_rng(seed).standard_normal(DIM).astype(np.float32)
    graph: Any = index._index  # pyright: ignore[reportPrivateUsage]
    links = GraphLinks.of(graph)
    assert links is not None
    found, products = links.nearest(vectors, question, effort, k)
    assert len(found) == k == len(set(found.tolist()))
    np.testing.assert_allclose(products, vectors[found] @ question, rtol=1e-5, atol=1e-6)
    assert (np.diff(products) <= 0).all()
    graph.hnsw.efSearch = max(effort, k)
    _, theirs = graph.search(question[None], k)
    shared = len(set(found.tolist()) & set(theirs[0].tolist()))
    assert shared >= 0.95 * k - 1, "the same graph, the same effort"


def test_with_enough_effort_a_graph_finds_the_nearest(index: VectorIndex, vectors: np.ndarray) -> None:
    links = GraphLinks.of(index._index)  # pyright: ignore[reportPrivateUsage]
    assert links is not None
    found = []
    for seed in range(50):
        question = np.random.default_rng(seed).standard_normal(DIM).astype(np.float32)
        nearest = set(np.argsort(-(vectors @ question))[:10].tolist())
        found.append(len(nearest & set(links.nearest(vectors, question, 512, 10)[0].tolist())) / 10)
    assert np.mean(found) > 0.98


def test_a_damaged_graph_leads_nowhere_else(vectors: np.ndarray) -> None:
    """Links to nodes that there are not, and lists that lie behind the file's end."""
    links = np.full(40, 10**8, np.int32).view(np.uint8)
    offsets = np.arange(0, 44, 4, dtype=np.uint64) * 10**6
    levels = np.array([0, 4], np.int32)
    assert compiled is not None
    found, _ = compiled.graph_search(links, offsets, levels, vectors[:10], vectors[0], 3, 5, 5)
    assert found.tolist() == [3]
    found, _ = compiled.graph_search(
        links, np.arange(0, 44, 4, dtype=np.uint64), levels, vectors[:10], vectors[0], 3, 5, 5
    )
    assert found.tolist() == [3]
    with pytest.raises(ValueError, match="graph: shapes disagree"):
        compiled.graph_search(links, offsets, levels, vectors[:10], vectors[0], 10, 5, 5)
    assert isinstance(faiss.IndexHNSWFlat(4, 8), faiss.IndexHNSW)
    assert GraphLinks.of(faiss.IndexHNSWFlat(4, 8)) is None, "nothing to search"


@pytest.mark.parametrize("shape", ["rises and falls", "falls and rises", "two rising runs"])
def test_no_order_of_a_list_is_slow_or_deep(shape: str) -> None:
    n = 50_000
    rising = np.arange(1, n + 1)
    weights = {
        "rises and falls": np.concatenate([rising[1::2], rising[::-2] - 1 + n % 2]),
        "falls and rises": np.concatenate([rising[::-2], rising[::2]]),
        "two rising runs": np.concatenate([rising[::2], rising[1::2]]),
    }[shape].astype(np.float32)
    entries = np.arange(n, dtype=np.int32)
    one, found = np.ones(1, np.float32), list[Any]()

    def vote() -> None:
        assert compiled is not None
        began = time.process_time()
        starts, seeds = np.array([0, n]), np.zeros(1, np.int32)
        best = compiled.vote(starts, entries, weights, None, seeds, one, None, 50, -1)
        found.extend([best, time.process_time() - began])

    before = threading.stack_size(512 * 1024)  # where a stack as deep as the list would end
    try:
        thread = threading.Thread(target=vote)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert found[0] is not None and found[1] < 0.5
    expected = sorted(range(n), key=lambda row: (-weights[row], row))[:50]
    assert found[0][0].tolist() == [row for row in expected if weights[row] > 0]


def test_a_row_that_no_catalogue_has_takes_no_memory() -> None:
    assert compiled is not None
    starts, seeds, one = np.array([0, 1]), np.zeros(1, np.int32), np.ones(1, np.float32)
    before = psutil.Process().memory_info().rss
    with pytest.raises(IndexError, match="row 300000000 is none of 3"):
        compiled.vote(starts, np.array([300_000_000], np.int32), one, None, seeds, one, np.ones(3, bool), 5, -1)
    assert psutil.Process().memory_info().rss - before < 50 * 2**20
