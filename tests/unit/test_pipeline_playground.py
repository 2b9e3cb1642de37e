"""What slates of the same candidates bring, and which two objectives a front is drawn of."""

from __future__ import annotations

import numpy as np
import pytest

from shelfwise.errors import QueryError
from shelfwise.features.item_state import ItemState
from shelfwise.pipeline.balance import Values
from shelfwise.pipeline.playground_front import DIVERSITIES, STRENGTHS, Setting, SlateOf, possible
from shelfwise.pipeline.slate_measures import SlateMeasures
from shelfwise.rerank.listed import ItemFacts
from shelfwise.rerank.relevance import relevance
from shelfwise.schemas.ids import Rows

K = 2
ROWS = np.array([7, 3, 9, 5], np.int32)
NOTHING = np.empty(0, np.float32)
STATE = ItemState(*([NOTHING] * 9))  # type: ignore[arg-type]


def measures_of(**columns: list[float]) -> SlateMeasures:
    """Four candidates, the rows `ROWS`, with these predictions."""
    table = np.array(list(columns.values()), np.float32).T.reshape(len(ROWS), len(columns))
    places = {int(row): place for place, row in enumerate(ROWS)}
    return SlateMeasures(Values(tuple(columns), table), places, relevance(len(ROWS)), ItemFacts(STATE))


CLICKED = [0.9, 0.8, 0.1, 0.1]
SAME = [0.45, 0.4, 0.05, 0.05]
BOUGHT = [0.0, 0.1, 0.3, 0.4]


def test_measures_of_a_slate() -> None:
    measures = measures_of(click=CLICKED, purchase=BOUGHT)
    assert measures.expected(ROWS[[0, 3]]) == pytest.approx({"click": 1.0, "purchase": 0.4})
    assert measures.relevance(ROWS[:2]) == pytest.approx(1) and measures.relevance(ROWS[:0]) == 1
    assert measures.relevance(ROWS[2:]) == pytest.approx(relevance(4)[2:].sum() / relevance(4)[:2].sum())
    assert measures.distance(ROWS[:2]) is None  # nothing is known of what items are like


def best_of(measures: SlateMeasures) -> tuple[list[Setting], SlateOf]:
    asked: list[Setting] = []

    def slate_of(setting: Setting) -> Rows:
        asked.append(setting)
        return ROWS[np.argsort(-measures.values.scores(setting.weights), kind="stable")[:K]]

    return asked, slate_of


def test_a_front_is_drawn_of_objectives_that_are_at_odds() -> None:
    measures = measures_of(click=CLICKED, cart=SAME, purchase=BOUGHT)
    asked, slate_of = best_of(measures)
    found = possible(slate_of, measures, [], ["click"], K, trades=True)
    assert found is not None and (found.x, found.y) == ("click", "purchase")
    assert len(found.points) == len(asked) == (len(STRENGTHS) + 1) * len(DIVERSITIES)
    ends = {(round(one.x, 2), round(one.y, 2)) for one in found.points if one.is_on_front}
    assert {(1.7, 0.1), (0.2, 0.7)} <= ends
    named = possible(slate_of, measures, ["cart", "purchase"], ["click"], K, trades=False)
    assert named is not None and (named.x, named.y) == ("cart", "purchase")
    assert {one.diversity for one in named.points} == {None}
    with pytest.raises(QueryError, match="'stars'"):
        possible(slate_of, measures, ["cart", "stars"], ["click"], K, trades=True)


def test_objectives_that_agree_are_drawn_where_there_are_no_others() -> None:
    measures = measures_of(click=CLICKED, cart=SAME)
    _, slate_of = best_of(measures)
    found = possible(slate_of, measures, [], ["cart"], K, trades=False)
    assert found is not None and (found.x, found.y) == ("cart", "click")


def test_without_anything_to_vary_there_is_no_front() -> None:
    measures = measures_of()
    assert possible(lambda _: ROWS[:K], measures, [], [], K, trades=False) is None
    assert possible(lambda _: ROWS[:K], measures, [], [], K, trades=True) is None  # no distance is known
