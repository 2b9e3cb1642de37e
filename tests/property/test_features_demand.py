"""What is told of an item's last weeks, against counting user by user."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelfwise.features.recent_demand import DAY_MS, DOUBT, LATELY_D, recent_demand

N_USERS, N_ITEMS, NOW_D = 4, 4, 100

logs: Any = st.lists(
    st.tuples(st.integers(0, N_USERS - 1), st.integers(0, N_ITEMS - 1), st.integers(60, NOW_D - 1)), max_size=25
)


@settings(max_examples=200)
@given(logs)
def test_reach_and_return_against_counting(log: list[tuple[int, int, int]]) -> None:
    reach, back = recent_demand(
        np.array([event[0] for event in log], np.int32),
        np.array([event[1] for event in log], np.int32),
        np.array([event[2] * DAY_MS for event in log], np.int64),
        now_ms=NOW_D * DAY_MS,
        n_items=N_ITEMS,
    )
    lately = {(user, item) for user, item, day in log if day >= NOW_D - LATELY_D}
    earlier = {(user, item) for user, item, day in log if day < NOW_D - LATELY_D}
    active = {user for user, _ in lately}
    had = {(user, item) for user, item in earlier if user in active}
    overall = len(had & lately) / max(len(had), 1)
    for item in range(N_ITEMS):
        anew = sum((user, item) in lately and (user, item) not in earlier for user in range(N_USERS))
        assert reach[item] == pytest.approx(anew / max(len(active), 1))
        n_had = sum(one[1] == item for one in had)
        n_back = sum(one[1] == item for one in had & lately)
        assert back[item] == pytest.approx((n_back + DOUBT * overall) / (n_had + DOUBT), rel=1e-5)
