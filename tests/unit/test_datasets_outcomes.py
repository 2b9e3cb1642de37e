"""What a request led to, told from the log: windows, chains, ratings, what was undone, and what nobody knows yet."""

from __future__ import annotations

import numpy as np
import pytest

from shelfwise.config.objectives import ObjectiveSpec, check_chains, ordered, present, usual_objectives
from shelfwise.datasets.examples import Example, Examples, example
from shelfwise.datasets.interactions import DAY_MS, NEVER_MS, Interactions, undone_ms
from shelfwise.datasets.outcomes import KEPT_D, Judge
from shelfwise.datasets.splits import next_moments
from shelfwise.schemas.candidates import History
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.store.event_log import EventArrays

T0 = 1_700_000_000_000
LONG_AGO = T0 - 400 * DAY_MS
K = EventKind
Line = tuple[int, int, EventKind, float]
"""User, item, kind, day."""


def events_of(lines: list[Line], values: list[float] | None = None) -> EventArrays:
    users, items, kinds, days = zip(*sorted(lines, key=lambda line: (line[0], line[3])), strict=True)
    n = len(lines)
    return EventArrays(
        np.array(users, np.int32),
        np.array(items, np.int32),
        np.array([CODE_BY_KIND[kind] for kind in kinds], np.int8),
        np.array([T0 + int(day * DAY_MS) for day in days], np.int64),
        np.full(n, np.nan, np.float32) if values is None else np.array(values, np.float32),
        np.full(n, np.nan, np.float32),
        np.full(n, -1, np.int64),
        np.full(n, -1, np.int32),
        [],
    )


def log_of(lines: list[Line], values: list[float] | None = None) -> Interactions:
    return Interactions.of(events_of(lines, values), n_users=3, n_items=10)


def asked(user: int = 0, day: float = 0.0) -> Example:
    return example(History.empty(), T0 + int(day * DAY_MS), user, np.array([0], np.int32))


def told(log: Interactions, one: Example, now_d: float = 300.0) -> dict[int, dict[str, float]]:
    judge = Judge(log, usual_objectives(), T0 + int(now_d * DAY_MS))
    found = judge.of(one)
    return {
        row: dict(zip(judge.objectives, line, strict=True))
        for row, line in zip(found.rows.tolist(), found.values.tolist(), strict=True)
    }


def test_what_comes_within_the_window_counts_and_what_was_before_or_is_later_does_not() -> None:
    log = log_of([(0, 1, K.VIEW, -1), (0, 2, K.VIEW, 0), (0, 3, K.VIEW, 6.9), (0, 4, K.VIEW, 7.1), (1, 5, K.VIEW, 1)])
    found = told(log, asked())
    assert {row for row, line in found.items() if line["click"] == 1} == {2, 3}
    assert 1 not in found and 5 not in found


def test_who_bought_also_clicked_even_where_no_view_was_logged() -> None:
    found = told(log_of([(0, 2, K.PURCHASE, 1), (0, 3, K.VIEW, 1)]), asked())
    assert (found[2]["click"], found[2]["cart"], found[2]["purchase"]) == (1, 0, 1)
    assert (found[3]["click"], found[3]["purchase"], found[3]["satisfaction"]) == (1, 0, 0)


BOUGHT: list[Line] = [(0, 2, K.PURCHASE, 1), (0, 2, K.RETURN, 9), (0, 3, K.PURCHASE, 1), (0, 4, K.VIEW, 1)]


def test_a_purchase_that_came_back_does_not_satisfy() -> None:
    found = told(log_of(BOUGHT), asked())
    assert (found[2]["satisfaction"], found[3]["satisfaction"], found[4]["satisfaction"]) == (0, 1, 0)
    assert told(log_of(BOUGHT), asked(), now_d=7 + KEPT_D)[2]["satisfaction"] == 0


def test_until_all_of_a_request_had_its_time_nobody_knows_what_of_it_is_kept() -> None:
    judge = Judge(log_of(BOUGHT), usual_objectives(), T0 + int((7 + KEPT_D - 0.1) * DAY_MS))
    names = list(judge.objectives)
    table = judge.of(asked()).of(np.array([2, 3, 4, 9], np.int32))
    # Not even of what came back on day 9, or was not bought: they are known early, those that are kept are not.
    assert np.isnan(table[:, names.index("satisfaction")]).all()
    assert table[:, names.index("purchase")].tolist() == [1, 1, 0, 0]


def test_requests_whose_windows_are_not_over_are_not_learned_from_where_others_are() -> None:
    log = log_of([(0, 2, K.PURCHASE, 1)])
    judge = Judge(log, usual_objectives(), T0 + 20 * DAY_MS)

    def over(*days: float) -> list[float]:
        examples = Examples([asked(day=day) for day in days])
        return [(one.situation.now_ms - T0) / DAY_MS for one in judge.over(examples)]

    assert over(0, 12.9, 13.1, 19) == [0, 12.9]
    assert over(14, 19) == [14, 19]


def test_ratings_alone_are_known_at_once() -> None:
    found = told(log_of([(0, 2, K.RATING, 1), (0, 3, K.RATING, 1)], [5, 2]), asked(), now_d=2)
    assert (found[2]["satisfaction"], found[3]["satisfaction"]) == (1, 0)


def test_a_low_rating_says_that_it_failed() -> None:
    lines: list[Line] = [(0, 2, K.PURCHASE, 1), (0, 2, K.RATING, 2), (0, 3, K.PURCHASE, 3), (0, 3, K.RATING, 4)]
    found = told(log_of(lines, [np.nan, 2, np.nan, 5]), asked())
    assert found[2]["satisfaction"] == 0
    assert found[3]["satisfaction"] == 1


def test_seconds_of_dwell_are_summed_and_unknown_without() -> None:
    found = told(log_of([(0, 2, K.DWELL, 1), (0, 2, K.DWELL, 2), (0, 3, K.VIEW, 3)], [10, 32, np.nan]), asked())
    assert found[2]["dwell"] == 42
    assert np.isnan(found[3]["dwell"])


def test_of_items_that_nothing_happened_to_nothing_happened() -> None:
    judge = Judge(log_of([(0, 2, K.VIEW, 0)]), usual_objectives(), T0 + 300 * DAY_MS)
    names = list(judge.objectives)
    table = judge.of(asked()).of(np.array([9, 2, 0], np.int32))
    assert table[:, names.index("click")].tolist() == [0, 1, 0]
    assert (table[:, names.index("purchase")] == 0).all()


def test_undone_is_by_the_first_return_at_or_after_it_of_the_same_pair() -> None:
    events = events_of(
        [
            (0, 1, K.RETURN, 0),
            (0, 1, K.PURCHASE, 1),
            (0, 1, K.RETURN, 3),
            (0, 1, K.RETURN, 5),
            (0, 2, K.PURCHASE, 1.5),
            (1, 1, K.PURCHASE, 1),
            (1, 2, K.CART, 1),
            (1, 2, K.CART_REMOVE, 1),
        ]
    )
    found = {
        (user, item, KIND): when
        for user, item, KIND, when in zip(
            events.user_rows.tolist(),
            events.item_rows.tolist(),
            events.kinds.tolist(),
            undone_ms(events).tolist(),
            strict=True,
        )
    }
    bought, carted = CODE_BY_KIND[K.PURCHASE], CODE_BY_KIND[K.CART]
    assert found[0, 1, bought] == T0 + 3 * DAY_MS
    assert found[0, 2, bought] == found[1, 1, bought] == NEVER_MS
    assert found[1, 2, carted] == T0 + DAY_MS


def test_visits_are_moments_with_any_event_and_others_with_the_target_only() -> None:
    log = log_of([(0, 1, K.VIEW, 0), (0, 2, K.PURCHASE, 1), (1, 3, K.VIEW, 2)])

    def at(*, any_kind: bool) -> list[tuple[int, int]]:
        found = next_moments(
            log,
            K.PURCHASE,
            np.ones(3, bool),
            cut_ms=T0,
            until_ms=T0 + 9 * DAY_MS,
            per_user=9,
            seed=0,
            any_kind=any_kind,
        )
        return [(one.user_row, len(one.situation.history)) for one in found]

    assert at(any_kind=False) == [(0, 1)]
    assert at(any_kind=True) == [(0, 0), (0, 1), (1, 0)]


def test_chains_must_end_and_lead_to_something_that_happens() -> None:
    view = ObjectiveSpec(events=[K.VIEW])
    with pytest.raises(ValueError, match=r"objectives.a.given leads to 'b', and there is no \[objectives.b\]"):
        check_chains({"a": view.model_copy(update={"given": "b"})})
    with pytest.raises(ValueError, match="again: a chain must end"):
        check_chains({"a": view.model_copy(update={"given": "b"}), "b": view.model_copy(update={"given": "a"})})
    with pytest.raises(ValueError, match="measured"):
        check_chains({"a": view.model_copy(update={"given": "b"}), "b": view.model_copy(update={"measure": "seconds"})})
    with pytest.raises(ValueError, match="revenue"):
        check_chains({"revenue": view})


def test_who_depended_on_what_is_left_out_depends_on_what_that_depended_on() -> None:
    kept = present(usual_objectives(), {"click", "satisfaction"})
    assert list(kept) == ["click", "satisfaction"]
    assert kept["satisfaction"].given == "click"
    assert present(usual_objectives(), {"satisfaction"})["satisfaction"].given is None
    assert list(ordered(usual_objectives())) == ["click", "cart", "purchase", "dwell", "satisfaction"]
