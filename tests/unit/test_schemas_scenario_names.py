"""Scenarios: which names are kept, and what becomes of all others."""

from __future__ import annotations

import numpy as np
import pytest

from shelfwise.schemas.candidates import History
from shelfwise.schemas.scenario_names import MAX_SCENARIOS, NO_SCENARIOS, ScenarioNames


def test_the_most_frequent_come_first_and_equals_by_name() -> None:
    found = ScenarioNames.seen({"cart": 5, "search": 9, "brand": 5, "home": 30})
    assert found.names == ("home", "search", "brand", "cart")
    assert [found.code(name) for name in found.names] == [1, 2, 3, 4]


@pytest.mark.parametrize("name", [None, "", " ", "once", "never", "Home"])
def test_what_was_not_said_or_not_seen_is_unknown(name: str | None) -> None:
    found = ScenarioNames.seen({"home": 3, "cart": 2, "once": 1, "": 90, " ": 90})
    assert found.names == ("home", "cart")
    assert found.code(name) == 0
    assert NO_SCENARIOS.code(name) == 0


def test_many_codes_are_each_events_own() -> None:
    found, names = ScenarioNames(("home", "cart")), ["cart", None, "home", "elsewhere", "", "cart"]
    assert found.codes(names).tolist() == [found.code(name) for name in names] == [2, 0, 1, 0, 0, 2]
    for codes in (found.codes(names), found.codes([]), NO_SCENARIOS.codes(names), NO_SCENARIOS.codes([])):
        assert codes.dtype == np.int8
    assert NO_SCENARIOS.codes(names).tolist() == [0] * 6


def test_codes_stay_when_a_training_goes_on() -> None:
    before = ScenarioNames(("home", "gone", "cart"))
    later = ScenarioNames.seen({"search": 500, "cart": 400, "home": 2, "once": 1}, before)
    assert later.names == ("home", "gone", "cart", "search")


def test_codes_fit_a_byte_however_many_names_there_are() -> None:
    counts = {f"page-{n}": 1_000 - n for n in range(500)}
    found = ScenarioNames.seen(counts)
    assert len(found) == MAX_SCENARIOS
    assert np.int8(found.code(f"page-{MAX_SCENARIOS - 1}")) == MAX_SCENARIOS
    assert found.code(f"page-{MAX_SCENARIOS}") == 0
    # A full table takes up nobody, and forgets nobody.
    assert ScenarioNames.seen({**counts, "new": 10**6}, found) == found


def test_one_scenario_alone_tells_nothing_apart() -> None:
    assert [ScenarioNames(names).tell_apart for names in ((), ("home",), ("home", "cart"))] == [False, False, True]


class TestInAHistory:
    rows, kinds, times = np.array([3, 4, 5], np.int32), np.array([6, 1, 6], np.int8), np.array([1, 2, 3], np.int64)

    def test_left_out_all_are_unknown(self) -> None:
        history = History(self.rows, self.kinds, self.times)
        assert history.scenarios.tolist() == [0, 0, 0]
        assert history.scenarios.dtype == np.int8
        assert History.empty().scenarios.tolist() == []

    def test_they_stay_beside_their_events(self) -> None:
        history = History(self.rows, self.kinds, self.times, 7, np.array([2, 0, 1], np.int8))
        assert history.last(2).scenarios.tolist() == [0, 1]
        assert history.last(0).scenarios.tolist() == []
        part = history.where(np.array([True, False, True]))
        assert (part.rows.tolist(), part.scenarios.tolist(), part.user_row) == ([3, 5], [2, 1], 7)

    def test_codes_of_other_events_are_refused(self) -> None:
        with pytest.raises(ValueError, match="2 scenario codes for 3 events"):
            History(self.rows, self.kinds, self.times, 7, np.array([2, 0], np.int8))
