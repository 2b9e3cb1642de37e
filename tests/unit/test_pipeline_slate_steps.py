"""Steps hand on an order, what they held, and the chances with which they drew."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from shelfwise.config.component import Options
from shelfwise.config.shop import ScenarioSpec
from shelfwise.errors import QueryError
from shelfwise.pipeline.funnel import Ranked
from shelfwise.pipeline.slate_steps import Answering, Made, SlateSteps
from shelfwise.pipeline.trade_off import Wanted
from shelfwise.rerank.listed import Listed
from shelfwise.rerank.mmr import MMR
from shelfwise.rerank.reranker import Reranked, Reranker
from shelfwise.schemas.candidates import History, Merged, Situation
from shelfwise.schemas.queries import Expected, Query
from shelfwise.testing.rerankers import item_facts

N = 6
ASKED = Answering("slate-1", "home", "somebody", 0.4)


class Step(Reranker):
    """Gives a fixed answer, and keeps what it was told."""

    def __init__(self, answer: Reranked) -> None:
        super().__init__(Options())
        self.answer = answer
        self.told: list[Listed] = []

    def rerank(self, listed: Listed) -> Reranked:
        self.told.append(listed)
        return self.answer


def order(*places: int) -> np.ndarray:
    return np.array(places, np.int32)


class Shown:
    """Item 11 and 12 were shown often, the others never."""

    def of(self, rows: np.ndarray) -> np.ndarray:
        return np.where(np.isin(rows, (11, 12)), 1_000, 0)


def made(
    steps: Mapping[str, Reranker],
    k: int = 3,
    shown: Any = None,
    *,
    asked: Answering = ASKED,
    **settings: Any,
) -> Made:
    rows = np.arange(10, 10 + N, dtype=np.int32)
    scores = np.linspace(1, 0, N, dtype=np.float32)
    merged = Merged(rows, np.zeros((N, 1), np.float32), np.ones((N, 1), np.int32), ("one",))
    ranked = Ranked(rows, scores, merged, np.arange(N, dtype=np.int32), np.empty((N, 0), np.float32))
    situation = Situation(History.empty(), 0, np.empty(0, np.int32))
    spec = ScenarioSpec(rerank=list(steps), **settings)
    return SlateSteps(steps, item_facts(), shown=shown).made(ranked, spec, k, situation, asked)


def test_a_later_step_is_told_of_the_order_and_scores_follow_positions() -> None:
    first, second = Step(Reranked(order(3, 0, 1, 2, 4, 5), {3: "came up"})), Step(Reranked(order(0, 1, 2, 3, 4, 5)))
    found = made({"first": first, "second": second})
    assert second.told[0].rows.tolist() == [13, 10, 11, 12, 14, 15]
    assert second.told[0].scores.tolist() == first.told[0].scores.tolist()
    assert (second.told[0].slate_id, second.told[0].user_id, second.told[0].diversity) == ("slate-1", "somebody", 0.4)
    assert found.ranked.rows.tolist() == [13, 10, 11]
    assert found.ranked.scores[0] == pytest.approx(0.4)  # an item keeps the score that the ranker gave it
    assert found.steps == [["first: came up"], [], []]


def test_what_is_held_stays_whatever_later_steps_do() -> None:
    pin = Step(Reranked(order(0, 5, 1, 2, 3, 4), {5: "pinned"}, held={1: 5}))
    turned = Step(Reranked(order(4, 3, 2, 1, 0)))
    found = made({"pin": pin, "turned": turned})
    assert turned.told[0].rows.tolist() == [10, 11, 12, 13, 14]
    assert turned.told[0].k == 2
    assert found.ranked.rows.tolist() == [14, 15, 13]
    assert found.steps == [[], ["pin: pinned"], []]


def test_several_may_be_held() -> None:
    pins = Step(Reranked(order(5, 0, 4, 1, 2, 3), held={2: 4, 0: 5}))
    turned = Step(Reranked(order(3, 2, 1, 0)))
    found = made({"pins": pins, "turned": turned}, k=4)
    assert turned.told[0].k == 2
    assert found.ranked.rows.tolist() == [15, 13, 14, 12]


def test_what_a_step_leaves_out_is_never_shown() -> None:
    found = made({"block": Step(Reranked(order(1, 2)))})
    assert found.ranked.rows.tolist() == [11, 12]


def test_chances_of_steps_that_draw_multiply() -> None:
    chances = np.array([0.5, 0.25, 1, 1, 1, 1], np.float32)
    steps = {
        "one": Step(Reranked(order(1, 0, 2, 3, 4, 5), propensities=chances)),
        "two": Step(Reranked(order(1, 0, 2, 3, 4, 5), propensities=chances)),
    }
    assert made(steps).propensities == [0.25 * 0.5, 0.5 * 0.25, 1.0]
    assert made({"plain": Step(Reranked(order(0, 1, 2, 3, 4, 5)))}).propensities == [None, None, None]


def test_who_asks_how_often_items_were_shown_is_told() -> None:
    asking = MMR(MMR.Config(diversity=0.9, text=0.0, picture=0.0, behaviour=0.0, seldom=5.0))
    assert made({"seldom": asking}, shown=Shown()).ranked.rows.tolist() == [10, 13, 14]
    assert made({"seldom": asking}).ranked.rows.tolist() == [10, 11, 12]  # nobody counts
    plain = Step(Reranked(order(0, 1, 2, 3, 4, 5)))
    made({"plain": plain}, shown=Shown())
    assert plain.told[0].shown is None


def test_diversity_is_refused_where_nobody_trades_it() -> None:
    steps = SlateSteps({"fixed": Step(Reranked(order(0)))}, item_facts())
    with pytest.raises(QueryError, match="does not trade relevance for diversity"):
        steps.require_answerable(Query(diversity=0.5), ScenarioSpec(rerank=["fixed"]))
    steps.require_answerable(Query(), ScenarioSpec(rerank=["fixed"]))


def test_a_floor_that_the_steps_broke_is_told() -> None:
    predictions = np.array([[0.1], [0.9], [0.8]], np.float32)
    rows = np.arange(3, dtype=np.int32)
    merged = Merged(rows, np.zeros((3, 1), np.float32), np.ones((3, 1), np.int32), ("one",))
    shown = Ranked(rows, np.zeros(3, np.float32), merged, rows, predictions)
    funnel: Any = SimpleNamespace(
        ranker=SimpleNamespace(objectives=("click",)), state=SimpleNamespace(log_price=np.zeros(3, np.float32))
    )
    before = {"click": Expected(value=1.7, by_default=1.7, best=1.7)}
    degraded: list[str] = []
    brought = Wanted({}, {"click": 0.9}).brought(shown, funnel, 2, before, degraded)
    assert brought["click"].value == pytest.approx(1.0)
    assert brought["click"].by_default == 1.7
    assert degraded == [
        "the place's rerankers broke the floor of click: this slate brings 58.8% of the best, 90.0% were asked for"
    ]
    kept: list[str] = []
    Wanted({}, {"click": 0.5}).brought(shown, funnel, 2, before, kept)
    assert not kept


def test_a_request_stands_before_its_place_and_the_place_before_the_table() -> None:
    step = Step(Reranked(order(0, 1, 2, 3, 4, 5)))
    nothing = ASKED._replace(diversity=None)
    made({"one": step}, asked=nothing, diversity=0.7, exploration=0.2)
    made({"one": step}, asked=ASKED._replace(exploration=0.0), diversity=0.7, exploration=0.2)
    made({"one": step}, asked=nothing)
    assert [(told.diversity, told.exploration) for told in step.told] == [(0.7, 0.2), (0.4, 0.0), (None, None)]
    steps = SlateSteps({"one": step, "apart": MMR(MMR.Config(diversity=0.3))}, item_facts())
    assert steps.usual_diversity(ScenarioSpec(rerank=["apart"])) == 0.3
    assert steps.usual_diversity(ScenarioSpec(rerank=["apart"], diversity="auto")) == "auto"
    assert steps.usual_diversity(ScenarioSpec(rerank=["one"])) is None
    assert steps.usual_exploration(ScenarioSpec(rerank=["one", "apart"])) is None
