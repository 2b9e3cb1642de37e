"""Lists gathered from impressions, and what became of their items, against a slow literal reading of the log."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shelfwise.config.objectives import ObjectiveSpec
from shelfwise.datasets.examples import NO_CONTEXT, Example
from shelfwise.datasets.interactions import DAY_MS, Interactions
from shelfwise.datasets.outcomes import Judge
from shelfwise.datasets.shown_lists import ShownLists
from shelfwise.schemas.candidates import History, Situation
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.scenario_names import ScenarioNames
from shelfwise.store.event_log import NO_SLATE, EventArrays, slate_number

START_MS = 1_700_000_000_000
HOUR_MS = 3_600_000
IMPRESSION, CLICK = CODE_BY_KIND[EventKind.IMPRESSION], CODE_BY_KIND[EventKind.CLICK]
NAMES = ScenarioNames(("home", "search"))
SPECS = {"click": ObjectiveSpec(events=[EventKind.CLICK], window_d=2)}


class Line(NamedTuple):
    user: int
    hour: int
    kind: int
    item: int
    slate: int
    position: int
    price: float


def logs(n_users: int, n_items: int, kinds: list[int], n_least: int) -> st.SearchStrategy[list[Line]]:
    line = st.builds(
        Line,
        user=st.integers(0, n_users - 1),
        hour=st.integers(0, 90),
        kind=st.sampled_from(kinds),
        item=st.integers(0, n_items - 1),
        slate=st.sampled_from([NO_SLATE, slate_number("a"), slate_number("b"), slate_number("c")]),
        position=st.integers(0, 4),
        price=st.sampled_from([9.0, 12.5]),
    )
    found = st.lists(line, min_size=n_least, max_size=40)
    return found.map(lambda log: sorted(log, key=lambda line: (line.user, line.hour)))


lines = logs(3, 6, [IMPRESSION, IMPRESSION, CLICK], 0)
busy = logs(2, 3, [IMPRESSION, CLICK], 12)
"""Few users and items, so that lists are answered."""


def arrays(log: list[Line]) -> EventArrays:
    n = len(log)
    return EventArrays(
        np.array([line.user for line in log], np.int32),
        np.array([line.item for line in log], np.int32),
        np.array([line.kind for line in log], np.int8),
        np.array([START_MS + line.hour * HOUR_MS for line in log], np.int64),
        np.full(n, np.nan, np.float32),
        np.array([line.price for line in log], np.float32),
        np.full(n, -1, np.int64),
        np.array([line.user % 2 for line in log], np.int32),
        ["home", "search"],
        np.array([line.slate for line in log], np.int64),
        np.array([line.position for line in log], np.int32),
        np.array([1 + line.user for line in log], np.int8),
    )


def read_slowly(log: list[Line]) -> dict[tuple[int, int], list[Line]]:
    """Each list's impressions by position, those without one last; an item that comes twice counts first."""
    found: dict[tuple[int, int], list[Line]] = {}
    for line in log:
        if line.kind == IMPRESSION and line.slate != NO_SLATE:
            found.setdefault((line.user, line.slate), []).append(line)
    for key, shown in found.items():
        shown.sort(key=lambda line: line.position or 10**9)
        found[key] = [line for place, line in enumerate(shown) if line.item not in [one.item for one in shown[:place]]]
    return found


@given(lines)
def test_lists_are_what_a_slow_reading_finds(log: list[Line]) -> None:
    found = ShownLists.of(arrays(log), NAMES)
    expected = read_slowly(log)
    assert len(found) == len(expected)
    assert (np.diff(found.times_ms) >= 0).all()
    for shown in found:
        wanted = expected[shown.user_row, shown.slate]
        assert shown.rows.tolist() == [line.item for line in wanted]
        assert shown.positions.tolist() == [line.position for line in wanted]
        assert shown.prices.tolist() == [line.price for line in wanted]
        assert (shown.scenario, shown.device) == (1 + shown.user_row % 2, 1 + shown.user_row)
        everything = [
            one for one in log if (one.user, one.slate, one.kind) == (shown.user_row, shown.slate, IMPRESSION)
        ]
        firsts = {one.item: one.hour for one in sorted(everything, key=lambda one: one.position or 10**9)[::-1]}
        assert shown.time_ms == START_MS + min(firsts.values()) * HOUR_MS


@given(lines, st.integers(0, 90), st.integers(0, 90))
def test_a_part_of_time_holds_exactly_its_lists(log: list[Line], one: int, other: int) -> None:
    found = ShownLists.of(arrays(log), NAMES)
    cut_ms, until_ms = (START_MS + hour * HOUR_MS for hour in sorted((one, other)))
    users = np.array([True, False, True])
    inside = found.within(cut_ms, until_ms, users).tolist()
    assert inside == [
        place for place, shown in enumerate(found) if cut_ms <= shown.time_ms < until_ms and users[shown.user_row]
    ]
    before = found.before(cut_ms)
    assert [shown.slate for shown in before] == [shown.slate for shown in found if shown.time_ms < cut_ms]
    assert all(earlier.rows.tolist() == shown.rows.tolist() for earlier, shown in zip(before, found, strict=False))


@settings(max_examples=200)
@given(busy)
def test_a_click_counts_for_the_list_that_it_names_and_else_for_those_before_it_in_time(log: list[Line]) -> None:
    events = arrays(log)
    interactions = Interactions.of(events, n_users=3, n_items=6, scenario_names=NAMES)
    judge = Judge(interactions, SPECS, START_MS + 300 * DAY_MS)
    for shown in ShownLists.of(events, NAMES):
        asked = Example(shown.user_row, Situation(History.empty(), shown.time_ms, NO_CONTEXT), NO_CONTEXT)
        clicked = judge.of(asked, shown.slate).of(shown.rows)[:, 0].tolist()
        for item, told in zip(shown.rows.tolist(), clicked, strict=True):
            wanted = any(
                line.kind == CLICK
                and (line.user, line.item) == (shown.user_row, item)
                and line.slate in (shown.slate, NO_SLATE)
                and shown.time_ms <= START_MS + line.hour * HOUR_MS < shown.time_ms + 2 * DAY_MS
                for line in log
            )
            assert told == wanted
