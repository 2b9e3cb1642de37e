"""Interactions: what counts as interest, whose it is, and what is to be predicted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from shelfwise.datasets.catalogue import NO_TIME_MS, Catalogue
from shelfwise.datasets.interactions import DAY_MS, Interactions, target_kind
from shelfwise.datasets.splits import cut_before_end, require_clock
from shelfwise.errors import StateError
from shelfwise.schemas.events import CODE_BY_KIND, POSITIVE_KINDS, EventKind
from shelfwise.schemas.items import Item
from shelfwise.store.catalogue import StoredItem
from shelfwise.store.event_log import EventArrays

NOW_MS = 1_700_000_000_000


def arrays(events: list[tuple[int, int, EventKind, int]], scenarios: list[str | None] | None = None) -> EventArrays:
    """User, item, kind, time; and where."""
    n = len(events)
    named = scenarios or [None] * n
    names = sorted({name for name in named if name is not None})
    return EventArrays(
        np.array([event[0] for event in events], np.int32),
        np.array([event[1] for event in events], np.int32),
        np.array([CODE_BY_KIND[event[2]] for event in events], np.int8),
        np.array([event[3] for event in events], np.int64),
        np.full(n, np.nan, np.float32),
        np.arange(n, dtype=np.float32),
        np.arange(n, dtype=np.int64),
        np.array([-1 if name is None else names.index(name) for name in named], np.int32),
        names,
    )


def of(events: list[tuple[int, int, EventKind, int]], n_users: int = 4) -> Interactions:
    return Interactions.of(arrays(events), n_users=n_users, n_items=9)


def test_only_what_shows_interest_is_kept() -> None:
    found = of([(0, place, kind, NOW_MS) for place, kind in enumerate(EventKind)])
    kept = {tuple(EventKind)[item] for item in found.item_rows.tolist()}
    assert kept == set(POSITIVE_KINDS)
    assert not kept & {EventKind.IMPRESSION, EventKind.RETURN, EventKind.CART_REMOVE, EventKind.SEARCH}
    # The columns stay side by side.
    np.testing.assert_array_equal(found.prices, found.item_rows)
    np.testing.assert_array_equal(found.sessions, found.item_rows)


def test_a_history_is_a_slice_of_one_user() -> None:
    log = of(
        [(0, 1, EventKind.VIEW, 5), (2, 3, EventKind.VIEW, 6), (2, 4, EventKind.PURCHASE, 7), (2, 3, EventKind.CART, 9)]
    )
    bounds = log.bounds()
    assert bounds.tolist() == [0, 1, 1, 4, 4]
    history = log.history(int(bounds[2]), int(bounds[3]) - 1)
    assert history.rows.tolist() == [3, 4]
    assert history.times_ms.tolist() == [6, 7]
    assert history.kinds.tolist() == [CODE_BY_KIND[EventKind.VIEW], CODE_BY_KIND[EventKind.PURCHASE]]
    assert len(log.history(int(bounds[1]), int(bounds[2]))) == 0
    assert history.last(1).rows.tolist() == [4]
    assert len(history.last(0)) == 0
    assert history.last(99).rows.tolist() == [3, 4]


def test_before_is_strict_and_the_end_is_just_after() -> None:
    log = of([(0, 1, EventKind.VIEW, 5), (0, 2, EventKind.VIEW, 6)])
    assert log.before(6).item_rows.tolist() == [1]
    assert log.end_ms == 7
    assert len(log.before(log.end_ms)) == 2
    assert of([]).end_ms == 0
    assert (log.before(6).n_users, log.before(6).n_items) == (4, 9)


def test_a_log_without_a_clock_is_seen_as_such() -> None:
    ordered = of([(0, 1, EventKind.VIEW, 5), (0, 2, EventKind.VIEW, 6)])
    assert not ordered.has_clock
    assert not of([]).has_clock
    assert of([(0, 1, EventKind.VIEW, NOW_MS)]).has_clock
    with pytest.raises(StateError, match=r"(?s)only order.*--protocol leave-one-out"):
        require_clock(ordered)


def test_the_cut_lies_so_many_days_before_the_end() -> None:
    log = of([(0, 1, EventKind.VIEW, NOW_MS)])
    assert cut_before_end(log, 2.5) == NOW_MS + 1 - int(2.5 * DAY_MS)


class TestTarget:
    @staticmethod
    def log(**counts: int) -> Interactions:
        return of([(0, 0, EventKind(kind), NOW_MS) for kind, n in counts.items() for _ in range(n)])

    @pytest.mark.parametrize(
        ("counts", "target"),
        [
            ({"view": 500, "purchase": 5}, "purchase"),  # one in a hundred is enough
            ({"view": 1_000, "purchase": 9}, "view"),
            ({"view": 1_000, "cart": 20, "purchase": 1}, "cart"),
            ({"rating": 10}, "rating"),
            ({"view": 3}, "view"),
        ],
    )
    def test_auto_takes_the_strongest_of_which_there_is_enough(self, counts: dict[str, int], target: str) -> None:
        assert target_kind(self.log(**counts), "auto") == EventKind(target)

    def test_a_thousand_are_enough_however_many_views_there_are(self) -> None:
        assert target_kind(self.log(view=150_000, purchase=1_000), "auto") == EventKind.PURCHASE
        assert target_kind(self.log(view=150_000, purchase=999), "auto") == EventKind.VIEW

    def test_what_is_wanted_is_taken(self) -> None:
        assert target_kind(self.log(view=5, purchase=5), "view") == EventKind.VIEW


class TestCatalogue:
    def test_rows_are_places(self) -> None:
        items: list[dict[str, Any]] = [
            {
                "item_id": "a",
                "title": "Mug",
                "category": "K > M",
                "brand": "B",
                "price": 2,
                "created_at": "2024-01-01T00:00:00Z",
            },
            {"item_id": "b", "category": "K > M", "available": False},
            {"item_id": "c", "category": "K", "brand": "B"},
            {"item_id": "d"},
        ]
        found = Catalogue.of(
            StoredItem(row, Item.model_validate(item), deleted=row == 2) for row, item in enumerate(items)
        )
        assert len(found) == 4
        assert found.titles == ["Mug", "b", "c", "d"]
        assert found.allowed.tolist() == [True, False, False, True]
        assert found.category_codes().tolist() == [0, 0, 1, -1]
        assert found.brand_codes().tolist() == [0, -1, 0, -1]
        assert found.created_ms.tolist() == [1_704_067_200_000, NO_TIME_MS, NO_TIME_MS, NO_TIME_MS]
        np.testing.assert_array_equal(found.prices, [2, np.nan, np.nan, np.nan])
