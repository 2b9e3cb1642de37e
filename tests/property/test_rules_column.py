"""A column tells the same of its values whether each is held once or each item's by itself."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.rules import column as columns
from shelfwise.rules.column import Column

VALUES = {
    "texts": st.none() | st.text(max_size=3) | st.sampled_from(["7", "8.5"]),
    "numbers": st.none() | st.floats(0, 99),
    "paths": st.none() | st.lists(st.text(max_size=2), min_size=1, max_size=2).map(tuple),
    "anything": st.none() | st.text(max_size=3) | st.floats(1, 99),
}


@pytest.mark.parametrize("kind", VALUES)
@given(st.data())
def test_it_is_what_was_put(kind: str, data: st.DataObject) -> None:
    puts: list[tuple[int, Any]] = data.draw(st.lists(st.tuples(st.integers(0, 12), VALUES[kind]), max_size=40))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "MANY_VALUES", 3)
        column, plain = Column(), dict[int, Any]()
        for row, value in puts:
            column.put(row, value)
            plain[row] = value
            assert column.get(row) == value and type(column.get(row)) is type(value)
    n = 14
    held = [plain.get(row) for row in range(n)]
    assert [column.get(row) for row in range(n)] == held
    among = np.arange(n) % 3 != 1
    counted = Counter(value for row, value in enumerate(held) if among[row] and value is not None)
    found = column.counts(among)
    assert dict(found) == dict(counted) and len(found) == len(counted)
    assert [count for _, count in found] == sorted(counted.values(), reverse=True)
    assert column.passing(n, lambda value: value is None or value == held[0]).tolist() == [
        value is None or value == held[0] for value in held
    ]
    assert {value for value in held if value is not None} <= set(column.values)
    if any(columns.as_number(value) is not None for _, value in puts if value is not None):
        assert column.has_numbers


def test_values_of_nearly_every_item_are_held_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "MANY_VALUES", 8)
    own, shared = Column(), Column()
    for row in range(100):
        own.put(row, f"{row}")
        shared.put(row, f"{row % 7}")
    assert own.is_plain and not shared.is_plain
    own.put(3, True)  # which is no text
    assert not own.is_plain
    assert own.get(3) is True and own.get(99) == "99" and own.has_numbers
