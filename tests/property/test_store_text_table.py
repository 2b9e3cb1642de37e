"""A table of texts is a list of texts, and ids are found in it, whatever was put in whatever order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.store import row_by_id, text_table
from shelfwise.store.row_by_id import RowById
from shelfwise.store.text_table import TextTable

TEXTS = st.none() | st.text(max_size=9) | st.sampled_from(["", "a", "ä", "\ud800", "\x00", "𝄞"])
PUTS = st.lists(st.tuples(st.integers(0, 30), TEXTS), max_size=60)


@given(PUTS, st.integers(0, 200))
def test_what_was_put_last_stands_there(puts: list[tuple[int, str | None]], many_bytes: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_table, "MANY_BYTES", many_bytes)  # so that texts are moved together now and then
        table, plain = TextTable(), list[str | None]()
        for row, text in puts:
            table.put(row, text)
            plain.extend([None] * (row + 1 - len(plain)))
            plain[row] = text
            assert table[row] == text
    assert list(table) == plain and table[:] == plain and table[1:-1] == plain[1:-1]
    assert len(table) == len(plain) and (not plain or table[-1] == plain[-1])
    for row, text in enumerate(plain):
        for asked in (text or "", "a", "ab"):
            assert table.is_at(row, text_table.written(asked)) == (text == asked)


def test_replaced_texts_do_not_fill_memory() -> None:
    table = TextTable()
    for number in range(4_000):
        table.put(number % 2, f"{number:04d}" * 1_000)
    assert table.n_bytes < 2 * text_table.MANY_BYTES + 10_000
    assert table[:] == ["3998" * 1_000, "3999" * 1_000]


def test_a_row_behind_the_last_is_none_of_the_table() -> None:
    with pytest.raises(IndexError):
        TextTable()[0]


@given(st.lists(st.text(max_size=4), unique=True, max_size=60), st.lists(st.text(max_size=4), max_size=20))
def test_ids_are_found_and_others_are_not(ids: list[str], asked: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_by_id, "LEAST_PLACES", 2)
        table = TextTable()
        rows = RowById(table)
        for row, item_id in enumerate(ids):
            table.put(row, item_id)
            rows.put(row)
            rows.put(row)  # an item that changed is put again
            if row == len(ids) // 2:
                rows.make_room(2 * len(ids))
        by_id = {item_id: row for row, item_id in enumerate(ids)}
        for item_id in [*ids, *asked]:
            assert rows.get(item_id) == by_id.get(item_id)
