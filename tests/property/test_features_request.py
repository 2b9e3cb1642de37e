"""Prices within a list, and what a request says beside who asks; against slow literal definitions."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.features.context_features import CONTEXT, OF_DEVICE, context_features, told_apart
from shelfwise.features.price_in_list import price_in_list
from shelfwise.schemas.candidates import History, Situation
from shelfwise.schemas.devices import DEVICES, UNKNOWN_DEVICE, device_code

prices = st.lists(st.one_of(st.just(math.nan), st.sampled_from([0.0, 1.0, 2.5, 4.0, 9.0])), max_size=12)


@given(prices)
def test_a_price_stands_where_a_count_of_the_others_puts_it(found: list[float]) -> None:
    above, share = price_in_list(np.array(found, np.float32))
    known = [price for price in found if not math.isnan(price)]
    for place, price in enumerate(found):
        if math.isnan(price) or len(known) < 2:
            assert math.isnan(above[place]) and math.isnan(share[place])
            continue
        others = [other for at, other in enumerate(found) if at != place and not math.isnan(other)]
        cheaper = sum(other < price for other in others) + sum(other == price for other in others) / 2
        assert share[place] == pytest.approx(cheaper / len(others), abs=1e-6)
        assert above[place] == pytest.approx(price - float(np.median(known)), abs=1e-6)


def asked(moment: datetime, device: int = UNKNOWN_DEVICE) -> Situation:
    return Situation(History.empty(), int(moment.timestamp() * 1_000), np.empty(0, np.int32), device=device)


@given(st.datetimes(datetime(1996, 1, 1), datetime(2090, 1, 1)))
def test_hours_and_weekdays_are_those_of_the_calendar(moment: datetime) -> None:
    moment = moment.replace(tzinfo=UTC, microsecond=0)
    told = dict(zip(CONTEXT, context_features([asked(moment)])[0].tolist(), strict=True))
    hour = moment.hour + moment.minute / 60 + moment.second / 3_600
    day = moment.weekday() + hour / 24
    assert told["hour_sin"] == pytest.approx(math.sin(2 * math.pi * hour / 24), abs=1e-4)
    assert told["hour_cos"] == pytest.approx(math.cos(2 * math.pi * hour / 24), abs=1e-4)
    assert told["weekday_sin"] == pytest.approx(math.sin(2 * math.pi * day / 7), abs=1e-4)
    assert told["weekday_cos"] == pytest.approx(math.cos(2 * math.pi * day / 7), abs=1e-4)


def test_a_log_without_a_clock_has_no_hour_and_who_says_no_device_has_none() -> None:
    nobody = Situation(History.empty(), 77_000, np.empty(0, np.int32))
    assert not context_features([nobody]).any()
    assert told_apart([nobody, nobody]) == ()


def test_each_device_has_its_column_and_one_that_never_differs_is_left_out() -> None:
    moment = datetime(2024, 5, 6, tzinfo=UTC)
    said = [asked(moment, code) for code in range(len(DEVICES) + 1)]
    told = context_features(said, OF_DEVICE)
    np.testing.assert_array_equal(told[0], 0)
    np.testing.assert_array_equal(told[1:], np.eye(len(DEVICES)))
    assert told_apart([asked(moment, 1), asked(moment, 2)]) == ("device_desktop", "device_mobile")


@pytest.mark.parametrize(
    ("name", "device"),
    [("Desktop", "desktop"), (" SMARTPHONE ", "mobile"), ("iPad", "tablet"), ("smart_tv", "tv"), ("fridge", "other")],
)
def test_usual_names_of_devices_are_known(name: str, device: str) -> None:
    assert device_code(name) == 1 + DEVICES.index(device)


def test_no_name_is_no_device() -> None:
    assert device_code(None) == device_code("  ") == UNKNOWN_DEVICE
