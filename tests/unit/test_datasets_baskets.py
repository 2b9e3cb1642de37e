"""A basket is what one session bought, or one user at the very same time; and which items share a name."""

from __future__ import annotations

import numpy as np
import pytest

from shelfwise.datasets.baskets import LARGEST_BASKET, baskets
from shelfwise.datasets.interactions import Interactions
from shelfwise.pipeline.named_groups import UNNAMED, NamedGroups
from shelfwise.schemas.events import CODE_BY_KIND, EventKind

BOUGHT, SEEN = CODE_BY_KIND[EventKind.PURCHASE], CODE_BY_KIND[EventKind.VIEW]


def log(*events: tuple[int, int, int, int, int]) -> Interactions:
    """Events as user, item, kind, time, session."""
    columns = np.array(events, np.int64).reshape(-1, 5)
    users, items, kinds, times, sessions = columns.T
    n = len(columns)
    return Interactions(
        users.astype(np.int32),
        items.astype(np.int32),
        kinds.astype(np.int8),
        times,
        np.full(n, np.nan, np.float32),
        sessions,
        10,
        1_000,
    )


def held(interactions: Interactions) -> list[list[int]]:
    found = baskets(interactions)
    return sorted(
        sorted(found.indices[start:end].tolist()) for start, end in zip(found.indptr, found.indptr[1:], strict=False)
    )


@pytest.mark.parametrize(
    ("events", "wanted"),
    [
        ([], []),
        ([(0, 1, BOUGHT, 5, -1), (0, 2, BOUGHT, 5, -1)], [[1, 2]]),
        ([(0, 1, BOUGHT, 5, -1), (0, 2, BOUGHT, 6, -1)], []),  # another moment
        ([(0, 1, BOUGHT, 5, -1), (1, 2, BOUGHT, 5, -1)], []),  # somebody else
        ([(0, 1, BOUGHT, 5, 3), (0, 2, BOUGHT, 9, 3), (0, 4, BOUGHT, 9, 8)], [[1, 2]]),  # one session, two times
        ([(0, 1, BOUGHT, 5, 3), (0, 2, BOUGHT, 5, 4)], []),  # two sessions at the same time
        ([(0, 1, BOUGHT, 5, -1), (0, 2, SEEN, 5, -1)], []),  # only looked at
        ([(0, 1, BOUGHT, 5, -1), (0, 1, BOUGHT, 5, -1)], []),  # twice the same is one item
        ([(0, 1, BOUGHT, 5, 0), (0, 2, BOUGHT, 5, 0), (1, 3, BOUGHT, 5, -1), (1, 4, BOUGHT, 5, -1)], [[1, 2], [3, 4]]),
    ],
)
def test_what_is_a_basket(events: list[tuple[int, int, int, int, int]], wanted: list[list[int]]) -> None:
    assert held(log(*events)) == wanted


def test_a_wholesalers_basket_tells_nothing() -> None:
    events = [(0, item, BOUGHT, 5, -1) for item in range(LARGEST_BASKET + 1)]
    assert held(log(*events)) == []
    assert held(log(*events[:-1])) == [list(range(LARGEST_BASKET))]


class TestNamedGroups:
    def test_names_follow_every_change(self) -> None:
        groups = NamedGroups()
        for row, name in enumerate(["a", None, "b", "a", ()]):
            groups.put(row, name)
        assert groups.named("a").tolist() == [True, False, False, True, False]
        assert groups.sharing(np.array([1, 2], np.int32)).tolist() == [False, False, True, False, False]
        assert groups.number("never") == UNNAMED
        assert not groups.named("never").any()
        groups.put(3, "b")
        groups.put(3_000, "a")
        assert np.flatnonzero(groups.named("a")).tolist() == [0, 3_000]
        assert np.flatnonzero(groups.named("b")).tolist() == [2, 3]
        assert len(groups.codes) == 3_001
