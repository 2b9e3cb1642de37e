"""The contract of the catalogue: a row never changes its meaning."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shelfwise.schemas.items import Item
from shelfwise.store import bulk, catalogue
from shelfwise.store.records import Records
from shelfwise.testing.stores.contract import StoreContract


class CatalogueContract(StoreContract):
    """Items are stored whole, replaced whole, deleted by mark."""

    @pytest.fixture
    def records(self, url: str, tmp_path: Path) -> Iterator[Records]:
        """A store of five items."""
        opened = Records.open(url, tmp_path)
        with opened.write() as connection:
            catalogue.upsert(connection, [Item(item_id=f"i{n}") for n in range(5)])
        yield opened
        opened.close()

    def test_items_are_replaced_whole_and_keep_their_row(self, records: Records) -> None:
        when = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
        full = Item(
            item_id="i1", title="Mug\t\\N 😀", description='"a"\nb', price=3.5, currency="EUR", created_at=when,
            attributes={"colour": "red", "size\\": "größer"}, category="A > B", brand="b", image="x.png",
            available=False, group_id="g",
        )  # fmt: skip
        with records.write() as connection:
            outcome = catalogue.upsert(connection, [full, Item(item_id="new"), Item(item_id="i2")])
            assert outcome.rows == [1, 5, 2]
            assert (outcome.n_new, outcome.n_changed, outcome.n_unchanged) == (1, 1, 1)
            again = catalogue.upsert(connection, [full])
            assert (again.n_new, again.n_changed, again.n_unchanged) == (0, 0, 1)
            stored = catalogue.get(connection, "i1")
            assert stored is not None
            assert (stored.row, stored.item) == (1, full)
            catalogue.upsert(connection, [Item(item_id="i1", title="Cup")])
            replaced = catalogue.get(connection, "i1")
        assert replaced is not None
        assert replaced.item == Item(item_id="i1", title="Cup")

    def test_new_items_come_back_as_they_were_sent(self, records: Records) -> None:
        sent = Item(item_id="Ω", title="\\.", price=0.1, available=False, attributes={"a": "\0"}, category="A")
        with records.write() as connection:
            catalogue.upsert(connection, [sent])
        with records.read() as connection:
            stored = catalogue.get(connection, "Ω")
        assert stored is not None
        assert (stored.item, stored.deleted) == (sent, False)

    def test_the_last_of_a_repeated_id_wins(self, records: Records) -> None:
        with records.write() as connection:
            outcome = catalogue.upsert(connection, [Item(item_id="x", title="a"), Item(item_id="x", title="b")])
            stored = catalogue.get(connection, "x")
        assert outcome.rows == [5, 5]
        assert stored is not None
        assert stored.item.title == "b"

    def test_a_deleted_item_keeps_its_row_and_comes_back_when_sent_again(self, records: Records) -> None:
        with records.write() as connection:
            assert catalogue.delete(connection, "i3")
            assert not catalogue.delete(connection, "i3")
            assert not catalogue.delete(connection, "nowhere")
            assert catalogue.count(connection) == 4
            assert [entry.deleted for entry in catalogue.read_all(connection)] == [False, False, False, True, False]
            catalogue.upsert(connection, [Item(item_id="i3")])
            back = catalogue.get(connection, "i3")
        assert back is not None
        assert (back.row, back.deleted) == (3, False)

    def test_rows_count_up_without_gaps(self, records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bulk, "LOOKUP_CHUNK", 7)
        with records.write() as connection:
            catalogue.upsert(connection, [Item(item_id=f"n{n}") for n in range(50)])
            rows = [entry.row for entry in catalogue.read_all(connection)]
            some = [entry.row for entry in catalogue.read_rows(connection, [7, 3, 3, 99])]
        assert rows == list(range(55))
        assert some == [3, 7]

    def test_a_title_with_the_character_nul_is_kept(self, records: Records) -> None:
        with records.write() as connection:
            catalogue.upsert(connection, [Item(item_id="nul", title="red\0mug")])
            stored = catalogue.get(connection, "nul")
        assert stored is not None
        assert stored.item.title in ("red\0mug", "red\ufffdmug")

    def test_who_follows_the_catalogue_sees_every_change_in_order(self, records: Records) -> None:
        with records.read() as connection:
            start = catalogue.newest_change(connection)
        with records.write() as connection:
            catalogue.upsert(connection, [Item(item_id="i1", title="Mug"), Item(item_id="new"), Item(item_id="i2")])
        with records.write() as connection:
            catalogue.upsert(connection, [Item(item_id="i1", title="Mug", price=3)])
            assert catalogue.delete(connection, "i4")
        with records.read() as connection:
            last = 2**31 - 1
            found = catalogue.changed_since(connection, start, last, 10)
            assert [(one.entry.item.item_id, one.entry.deleted) for one in found] == [
                ("new", False), ("i1", False), ("i4", True),
            ]  # fmt: skip
            by_id = {one.entry.item.item_id: one for one in found}
            # A price is nothing that an encoder reads.
            assert by_id["i1"].content_seq < by_id["i1"].changed_seq
            assert by_id["new"].content_seq == by_id["new"].changed_seq
            # In parts, also within one transaction.
            one_by_one, at = list[str](), (start, last)
            while part := catalogue.changed_since(connection, *at, 1):
                one_by_one.append(part[0].entry.item.item_id)
                at = (part[0].changed_seq, part[0].entry.row)
            assert one_by_one == [one.entry.item.item_id for one in found]
            assert [one.entry.item.item_id for one in catalogue.unseen(connection, start)] == ["i1", "i4", "new"]
            assert [one.entry.item.item_id for one in catalogue.from_row(connection, 3)] == ["i3", "i4", "new"]

    def test_who_follows_the_catalogue_is_told_at_once_of_what_is_gone(self, records: Records) -> None:
        with records.read() as connection:
            start = catalogue.newest_change(connection)
        with records.write() as connection:
            catalogue.upsert(connection, [Item(item_id="i3", available=False), Item(item_id="new"), Item(item_id="i2")])
            assert catalogue.delete(connection, "i1")
        with records.read() as connection:
            assert catalogue.gone_since(connection, start) == [1, 3]
            assert catalogue.gone_since(connection, catalogue.newest_change(connection)) == []
