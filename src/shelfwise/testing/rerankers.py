"""The contract of rerankers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from shelfwise.features.item_state import ItemState
from shelfwise.features.text_vectors import TextVectors
from shelfwise.rerank.listed import Codes, ItemFacts, Listed
from shelfwise.rerank.reranker import Reranker
from shelfwise.schemas.candidates import History, Situation
from shelfwise.schemas.ids import Floats, Rows

N_ITEMS = 120
DIM = 16
NOW_MS = 1_800_000_000_000
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Named:
    """Groups that do not change.

    Attributes:
        codes: Each item's number; shape `(n,)`.
        names: The names, by number.
    """

    codes: Codes
    names: list[str]


def item_facts(seed: int = 0, *, bare: bool = False) -> ItemFacts:
    """Items of eight categories, six brands and four sellers; every tenth has none of these and no vector.

    Args:
        bare: Of a shop that knows nothing but what was bought.
    """
    random = np.random.default_rng(seed)
    categories = random.integers(0, 8, N_ITEMS).astype(np.int32)
    brands = random.integers(0, 6, N_ITEMS).astype(np.int32)
    bought = np.repeat(np.arange(N_ITEMS, dtype=np.int32), random.integers(0, 40, N_ITEMS))
    times = NOW_MS - random.integers(1, 300 * DAY_MS, len(bought))
    is_unknown = np.arange(N_ITEMS) % 10 == 9
    named = not bare
    state = ItemState.fit(
        random.integers(0, 50, len(bought)).astype(np.int32),
        bought,
        times.astype(np.int64),
        now_ms=NOW_MS,
        has_clock=True,
        prices=random.uniform(1, 50, N_ITEMS).astype(np.float32),
        created_ms=np.full(N_ITEMS, -1, np.int64),
        paths=[
            ("Shop", f"Category {code}") if named and not is_unknown[row] else ()
            for row, code in enumerate(categories.tolist())
        ],
        brands=[f"Brand {code}" if named and not is_unknown[row] else None for row, code in enumerate(brands.tolist())],
    )
    if bare:
        return ItemFacts(state)
    vectors = np.eye(8, DIM, dtype=np.float32)[categories] + random.normal(0, 0.3, (N_ITEMS, DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for codes in (categories, brands):
        codes[is_unknown] = -1
    vectors[is_unknown] = 0
    sellers = random.integers(-1, 4, N_ITEMS).astype(np.int32)
    return ItemFacts(
        state,
        {
            "category": Named(categories, [f"Category {code}" for code in range(8)]),
            "brand": Named(brands, [f"Brand {code}" for code in range(6)]),
            "seller": Named(sellers, [f"Seller {code}" for code in range(4)]),
        },
        {"text": TextVectors(vectors)},
    )


def listed(seed: int = 0, *, n: int = 60, k: int = 10, n_history: int = 12, bare: bool = False) -> Listed:
    """A request over such items, with scores as a ranker gives them."""
    random = np.random.default_rng(seed + 1)
    rows = random.permutation(N_ITEMS)[:n].astype(np.int32)
    scores = -np.sort(-random.normal(size=n)).astype(np.float32)
    history = History(
        random.integers(0, N_ITEMS, n_history).astype(np.int32),
        np.zeros(n_history, np.int8),
        np.sort(NOW_MS - random.integers(1, 100 * DAY_MS, n_history)).astype(np.int64),
    )
    situation = Situation(history, NOW_MS, np.empty(0, np.int32))
    return Listed(rows, scores, k, item_facts(seed, bare=bare), situation, "home", f"slate-{seed}", "user")


def mean_distance(vectors: Floats, order: Rows, k: int) -> float:
    """Of the first k, by cosine; 0 with fewer than two."""
    shown = vectors[order[:k]].astype(np.float64)
    upper = np.triu_indices(len(shown), 1)
    return float((1 - (shown @ shown.T)[upper]).mean()) if len(shown) > 1 else 0.0


class RerankerContract(ABC):
    """What every reranker keeps."""

    @abstractmethod
    def make(self) -> Reranker:
        """A new reranker."""

    def test_no_item_is_lost_or_doubled(self) -> None:
        reranker = self.make()
        for seed in range(20):
            asked = listed(seed, n=1 + 7 * seed % 60)
            found = reranker.rerank(asked)
            assert len(np.unique(found.order)) == len(found.order)
            assert set(found.order.tolist()) <= set(range(len(asked)))
            assert len(found.order) >= min(asked.k, len(asked))

    def test_none_and_one_candidate_do_no_harm(self) -> None:
        reranker = self.make()
        for n in (0, 1):
            assert reranker.rerank(listed(n=n)).order.tolist() == list(range(n))
        assert len(reranker.rerank(replace(listed(n=3), k=20)).order) == 3
        assert len(reranker.rerank(replace(listed(n=3), k=0)).order) == 3

    def test_a_shop_that_knows_nothing_of_its_items_keeps_its_items(self) -> None:
        for n_history in (0, 12):
            found = self.make().rerank(listed(bare=True, n_history=n_history))
            assert sorted(found.order.tolist()) == list(range(60))

    def test_the_same_request_gets_the_same_answer(self) -> None:
        once, again = (self.make().rerank(listed(3)).order.tolist() for _ in range(2))
        assert once == again

    def test_every_sentence_is_of_an_item_that_is_shown(self) -> None:
        for seed in range(10):
            asked = listed(seed)
            found = self.make().rerank(asked)
            assert set(found.why) <= set(found.order[: asked.k].tolist())
            assert all(sentence and sentence == sentence.strip() for sentence in found.why.values())


class TradingContract(RerankerContract):
    """What every reranker keeps that trades relevance for something else."""

    def test_without_diversity_the_order_stands(self) -> None:
        for seed in range(10):
            found = self.make().rerank(replace(listed(seed), diversity=0.0))
            assert found.order.tolist() == list(range(60))
            assert not found.why

    def test_whatever_is_chosen_is_shown_by_relevance(self) -> None:
        for seed in range(10):
            asked = replace(listed(seed), diversity=0.7)
            shown = self.make().rerank(asked).order[: asked.k].tolist()
            assert shown == sorted(shown)

    def test_whoever_came_from_below_has_a_sentence(self) -> None:
        n_moved = 0
        for seed in range(10):
            asked = replace(listed(seed), diversity=0.9)
            found = self.make().rerank(asked)
            assert set(found.why) == {place for place in found.order[: asked.k].tolist() if place >= asked.k}
            n_moved += len(found.why)
        assert n_moved

    def test_automatic_diversity_follows_the_history(self) -> None:
        asked = replace(listed(5), diversity="auto")
        history = asked.situation.history
        narrow = replace(history, rows=np.full(len(history), history.rows[0], np.int32))
        found = self.make().rerank(replace(asked, situation=replace(asked.situation, history=narrow)))
        assert found.order.tolist() == list(range(60))  # who turned to one thing only is shown what is most relevant


class DiverseContract(TradingContract):
    """What every reranker keeps that makes slates varied."""

    def test_more_diversity_is_never_less_on_the_average(self) -> None:
        means: list[float] = []
        for diversity in np.linspace(0, 1, 11).tolist():
            distances: list[float] = []
            for seed in range(60):
                asked = replace(listed(seed), diversity=diversity)
                vectors, _ = asked.facts.vectors["text"].take(asked.rows)
                distances.append(mean_distance(vectors, self.make().rerank(asked).order, asked.k))
            means.append(float(np.mean(distances)))
        assert all(later >= earlier - 1e-6 for earlier, later in pairwise(means)), means
        assert means[-1] > means[0]
