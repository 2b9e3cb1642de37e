"""What is told of people and items: interests, price levels, names of themes, shares, usual prices."""

from __future__ import annotations

import numpy as np
import pytest

from shelfwise.datasets.interactions import DAY_MS
from shelfwise.metrics.proportions import proportion
from shelfwise.pipeline.findings.prices import usual_prices
from shelfwise.pipeline.interests import HALF_LIFE_D, interests, price_cuts, price_level, weights_of
from shelfwise.pipeline.theme_names import theme_names
from shelfwise.schemas.candidates import History
from shelfwise.schemas.events import CODE_BY_KIND, EventKind

NOW_MS = 1_800_000_000_000
VIEW, PURCHASE = CODE_BY_KIND[EventKind.VIEW], CODE_BY_KIND[EventKind.PURCHASE]


def a_history(*events: tuple[int, int, float]) -> History:
    """Row, kind and days ago of each event."""
    rows, kinds, ages_d = zip(*events, strict=True)
    times = NOW_MS - np.array(ages_d) * DAY_MS
    return History(np.array(rows, np.int32), np.array(kinds, np.int8), times.astype(np.int64))


def test_an_event_counts_half_after_its_half_life() -> None:
    history = a_history((0, VIEW, 2 * HALF_LIFE_D), (1, VIEW, HALF_LIFE_D), (2, VIEW, 0))
    np.testing.assert_allclose(weights_of(history, NOW_MS, has_clock=True), [0.25, 0.5, 1])
    np.testing.assert_allclose(weights_of(history, NOW_MS, has_clock=False), 2.0 ** (-np.array([2, 1, 0]) / 50))


def test_interests_are_shares_with_their_evidence() -> None:
    history = a_history((0, PURCHASE, HALF_LIFE_D), (1, VIEW, 0), (1, VIEW, 0), (2, VIEW, 0))
    weights = weights_of(history, NOW_MS, has_clock=True)
    found = interests(history, weights, ["Pens", "Mugs", "Mugs", None])
    assert [(one.name, round(one.share, 3), one.n_events, one.n_items) for one in found] == [
        ("Mugs", 0.8, 2, 1),
        ("Pens", 0.2, 1, 1),
    ]
    assert found[0].kinds == {EventKind.VIEW: 2} and found[1].last_ms == history.times_ms[0]
    assert interests(history, weights, ["b", "a", "a", "b"], limit=1)[0].name == "a"
    assert interests(History.empty(), np.empty(0), []) == []


def test_prices_are_cut_into_thirds() -> None:
    cuts = price_cuts(np.log(np.array([1, 2, 3, 4, 5, 6, np.nan])))
    assert cuts is not None
    levels = [price_level(price, cuts) for price in (1, 2, 3, 4, 5, 6)]
    assert [levels.count(one) for one in ("lower third", "middle third", "upper third")] == [2, 2, 2]
    assert price_cuts(np.full(9, 1.0)) is None and price_cuts(np.full(3, np.nan)) is None


def test_a_theme_is_named_by_the_words_that_set_it_apart() -> None:
    titles = [*["Red glass candle"] * 5, *["Red wool scarf"] * 5, None, "Red"]
    codes = np.array([0] * 5 + [1] * 5 + [-1, 2], np.int32)
    assert theme_names(titles, codes, 3) == ["candle · glass", "scarf · wool", "theme 3"]


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (10, 10), (3, 100), (1, 1)])
def test_an_interval_holds_its_share_and_stays_a_share(hits: int, n: int) -> None:
    found = proportion(hits, n)
    assert found.share == hits / n
    assert 0 <= found.low <= hits / n <= found.high <= 1 and found.high - found.low > 0.01


def test_wilsons_interval() -> None:
    assert proportion(10, 50)[3:] == pytest.approx((0.1124, 0.3304), abs=1e-4)
    assert proportion(0, 0)[2:] == (None, 0, 1)
    with pytest.raises(ValueError, match="no share"):
        proportion(3, 2)


def test_usual_prices_are_told_by_category() -> None:
    prices = np.array([*np.linspace(4, 6, 12), *[1.0] * 11, np.nan, 0.0])
    found = usual_prices(prices, [*["Mugs"] * 12, *["Pens"] * 11, "Pens", "Pens"])
    assert set(found) == {"Mugs"}  # eleven prices say nothing yet
    assert found["Mugs"].median == pytest.approx(5, abs=0.05)
    assert found["Mugs"].low < 1.26 and found["Mugs"].high > 19.9
