"""The contract of known users."""

from __future__ import annotations

from sqlalchemy import select

from shelfwise.schemas.items import Item
from shelfwise.store import catalogue, erasures, event_log, people, personal, unfinished_erasures
from shelfwise.store.marks import marks
from shelfwise.store.records import Records
from shelfwise.store.tables import erasures as erasures_table
from shelfwise.store.tables import users
from shelfwise.store.unfinished_erasures import Unfinished
from shelfwise.testing.stores.contract import StoreContract, an_event


class PeopleContract(StoreContract):
    """Users have one row each, whoever names them first: a file of users or an event."""

    def test_attributes_are_replaced_and_the_last_of_a_repeated_id_wins(self, records: Records) -> None:
        with records.write() as connection:
            people.upsert(connection, [("u", {"a": "1", "b": "2"}), ("v", {}), ("u", {"land": "Österreich 😀"})])
            assert people.count(connection) == 2
            assert people.read_attributes(connection) == {0: {"land": "Österreich 😀"}}
            people.upsert(connection, [("v", {"a": 'say "x"'})])
        with records.read() as connection:
            assert people.attributes_of_one(connection, "v") == {"a": 'say "x"'}
            assert people.attributes_of_one(connection, "nobody") == {}
            assert people.attributes_of(connection, ["v", "u", "nobody"]) == {
                "u": {"land": "Österreich 😀"},
                "v": {"a": 'say "x"'},
            }
            assert people.values_by_attribute(connection) == {"land": {"Österreich 😀"}, "a": {'say "x"'}}

    def test_rows_are_given_in_the_order_in_which_users_appear(self, records: Records) -> None:
        with records.write() as connection:
            catalogue.upsert(connection, [Item(item_id="i0")])
            event_log.append(connection, [an_event("a", "c"), an_event("b", "a")], None)
            people.upsert(connection, [("b", {"x": "y"}), ("a", {"x": "z"})])
            event_log.append(connection, [an_event("d", "d"), an_event("e", "b")], None)
        with records.read() as connection:
            found = connection.execute(select(users.c.row, users.c.user_id).order_by(users.c.row)).fetchall()
        assert [tuple(row) for row in found] == [(0, "c"), (1, "a"), (2, "b"), (3, "d")]

    def test_ids_are_told_apart_to_the_letter(self, records: Records) -> None:
        names = ["a", "A", "a ", "ä", "a\u0308", "1", "01", "x" * 256, "😀" * 256]
        with records.write() as connection:
            people.upsert(connection, [(name, {"n": str(place)}) for place, name in enumerate(names)])
        with records.read() as connection:
            assert people.attributes_of(connection, names) == {
                name: {"n": str(place)} for place, name in enumerate(names)
            }

    def test_attributes_are_read_some_users_at_a_time(self, records: Records) -> None:
        given = {f"u{n}": {"n": str(n)} if n % 3 else {} for n in range(20)}
        with records.write() as connection:
            people.upsert(connection, list(given.items()))
        with records.read() as connection:
            every = people.read_attributes(connection)
            assert list(every) == [n for n in range(20) if n % 3]
            for n in (1, 4, 13, 14):
                row, found = -1, dict[int, dict[str, str]]()
                while part := people.read_attributes_after(connection, row, n):
                    assert len(part) == min(n, len(every) - len(found)) and min(part) > row
                    found, row = found | part, max(part)
                assert found == every

    def test_erasures_of_accounts_are_counted_apart_and_name_nobody(self, records: Records) -> None:
        def counted() -> tuple[int, int]:
            with records.read() as connection:
                now = marks(connection)
            return now.erasures, now.accounts_erased

        assert counted() == (0, 0)
        for user_id, expected in (("ann", (1, 1)), ("visitor:x", (2, 1)), ("ben", (3, 2)), ("visitor:x", (4, 2))):
            with records.write() as connection:
                todo = erasures.add(connection, user_id, 7)
                unfinished_erasures.note(connection, Unfinished(todo.receipt, None, ()))
            assert counted() == expected
        with records.read() as connection:
            kinds = [one.of_account for one in unfinished_erasures.read_all(connection)]
            assert sorted(kinds) == [False, False, True, True]
            written = repr(connection.execute(select(erasures_table)).fetchall())
        assert not any(name in written for name in ("ann", "ben", "visitor"))

    def test_what_is_left_to_do_of_erasures_is_noted_until_it_is_done(self, records: Records) -> None:
        todo = [
            Unfinished("r1", 3, (b"a" * 16, b"b" * 16)),
            Unfinished("r2", None, ()),
            Unfinished("r3", 3, (b"a" * 16,)),
        ]
        with records.write() as connection:
            for one in reversed(todo):
                unfinished_erasures.note(connection, one)
        with records.read() as connection:
            assert unfinished_erasures.read_all(connection) == todo
            assert unfinished_erasures.read_all(connection, 10**15) == []  # no erasure is known by these receipts
        with records.write() as connection:
            made = erasures.add(connection, "somebody", 7)
            unfinished_erasures.note(connection, Unfinished(made.receipt, 1, ()))
            begun = unfinished_erasures.read_all(connection, made.at_ms + 1)
            assert [one.receipt for one in begun] == [made.receipt]
            assert unfinished_erasures.read_all(connection, made.at_ms) == []
            unfinished_erasures.done(connection, [made.receipt])
        assert unfinished_erasures.hashes_of(todo) == [b"a" * 16, b"b" * 16]
        assert unfinished_erasures.rows_of(todo) == [3]
        with records.write() as connection:
            unfinished_erasures.done(connection, ["r3", "r1", "no such"])
            assert unfinished_erasures.read_all(connection) == todo[1:2]

    def test_who_was_erased_is_known_by_row_and_receipt(self, records: Records) -> None:
        with records.write() as connection:
            people.upsert(connection, [("a", {}), ("b%_", {}), ("c", {})])
            assert personal.erased_rows(connection) == {}
            personal.erase(connection, "b%_", "r1")
            assert personal.erased_rows(connection) == {1: "r1"}
