"""What diversity costs is measured as it is said to be."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from shelfwise.config.shop import ShopConfig
from shelfwise.errors import StateError
from shelfwise.evaluate.diversity import AFFORDABLE, SETTINGS, knee, rerankers_of, suggested, swept
from shelfwise.evaluate.diversity_plot import draw
from shelfwise.evaluate.slates import Items, Question, by_relevance, made_by, qualities
from shelfwise.rerank.mmr import MMR
from shelfwise.testing.rerankers import N_ITEMS, item_facts, listed

K = 10


@pytest.fixture(scope="module")
def items() -> Items:
    facts = item_facts()
    vectors, _ = facts.vectors["text"].take(np.arange(N_ITEMS, dtype=np.int32))
    return Items(facts, vectors, facts.state.popularity[:, -1].astype(np.float64), N_ITEMS)


@pytest.fixture(scope="module")
def questions(items: Items) -> list[Question]:
    """The ranker's first is right in half of the requests, its fortieth in the others."""
    found = []
    for seed in range(40):
        is_right = np.zeros(60, bool)
        is_right[0 if seed % 2 else 39] = True
        found.append(Question(replace(listed(seed), facts=items.facts), is_right, 1))
    return found


def test_the_rankers_own_slates_have_its_own_ndcg(questions: list[Question], items: Items) -> None:
    found = qualities(questions, items, by_relevance, K)
    assert found.ndcg.tolist() == [float(seed % 2) for seed in range(40)]
    assert found.lists.tolist() == [one.listed.rows[:K].tolist() for one in questions]
    assert found.means()["ndcg"] == 0.5


def test_right_answers_that_no_retriever_named_lower_the_ndcg(questions: list[Question], items: Items) -> None:
    more = [replace(one, n_right=3) for one in questions]
    ideal = 1 + 1 / np.log2(3) + 0.5
    assert qualities(more, items, by_relevance, K).ndcg[1] == pytest.approx(1 / ideal)


def test_a_slate_that_reaches_further_down_finds_what_is_there(questions: list[Question], items: Items) -> None:
    varied = qualities(questions, items, made_by(MMR(MMR.Config()), 1.0), K)
    plain = qualities(questions, items, by_relevance, K)
    assert varied.means()["distance"] > plain.means()["distance"]
    assert varied.ndcg[::2].any()


def test_the_sweep_states_every_reranker_at_every_setting(
    questions: list[Question], items: Items, tmp_path: Path
) -> None:
    config = ShopConfig.model_validate(
        {"version": 1, "rerank": {"diverse": {"use": "mmr"}, "apart": {"use": "window"}}}
    )
    rerankers = rerankers_of(config)
    assert "apart" not in rerankers and "mmr" not in rerankers and {"diverse", "dpp", "tail"} <= set(rerankers)
    found = swept(rerankers, questions, items, "home", K, "what was asked", lambda *_: None)
    assert len(found.settings) == 1 + len(rerankers) * len(SETTINGS)
    own = [one for one in found.settings if one.reranker == "diverse"]
    assert [one.diversity for one in own] == list(SETTINGS)
    assert all(later.distance >= earlier.distance - 1e-9 for earlier, later in pairwise(own))
    assert sum(one.is_knee for one in own) <= 1
    assert found.suggested is None or found.suggested.ndcg_loss <= AFFORDABLE
    for path in draw(found, tmp_path):
        assert path.stat().st_size > 10_000


def test_where_nothing_is_found_nothing_can_be_said(questions: list[Question], items: Items) -> None:
    blind = [replace(one, is_right=np.zeros(60, bool)) for one in questions]
    with pytest.raises(StateError, match="no right answer is among the candidates"):
        swept({}, blind, items, "home", K, "", lambda *_: None)


def test_the_knee_is_where_the_curve_turns() -> None:
    assert knee(np.array([[1.0, 0.0], [0.99, 0.6], [0.9, 0.8], [0.5, 1.0]])) == 2
    assert knee(np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])) is None  # straight
    assert knee(np.array([[1.0, 0.0], [0.5, 0.2], [0.0, 1.0]])) is None  # below the line
    assert knee(np.array([[1.0, 0.5], [1.0, 0.5]])) is None


def test_the_suggestion_is_the_most_varied_that_is_affordable(questions: list[Question], items: Items) -> None:
    found = swept({"mmr": MMR(MMR.Config())}, questions, items, "home", K, "", lambda *_: None)
    plain = found.settings[0]
    cheap = replace(found.settings[1], ndcg_loss=0.005, distance=plain.distance + 0.1)
    dear = replace(found.settings[2], ndcg_loss=0.02, distance=plain.distance + 0.3)
    assert suggested([plain, cheap, dear]) == cheap
    assert suggested([plain, dear]) is None
