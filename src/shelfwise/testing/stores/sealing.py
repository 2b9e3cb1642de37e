"""The contract of what users say of themselves, sealed under the shop's own keys."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, update

from shelfwise.config.shop import ShopConfig
from shelfwise.errors import ConfigError, DataKeyError, StateError, UnknownError
from shelfwise.pipeline.erasure import Eraser
from shelfwise.shop.encryption import ShopEncryption
from shelfwise.store import known_keys, people, people_lists, personal, sealed_values, sources
from shelfwise.store.copies import copy_records
from shelfwise.store.data_keys import FILE_KEY, DataKey, DataKeys, put_first
from shelfwise.store.migrations.run import downgrade
from shelfwise.store.personal import ErasedRows
from shelfwise.store.records import Records
from shelfwise.store.sealing import ALTERED_ONLY
from shelfwise.store.sources import Refused
from shelfwise.store.tables import metadata, quarantine, users
from shelfwise.testing.stores.contract import StoreContract

OLD, NEW, OTHER = DataKey(b"o" * 32), DataKey(b"n" * 32), DataKey(b"x" * 32)

WORD = "lighthouse"
"""Stands in everything that users say here, and nowhere else."""


def says(n: int) -> dict[str, str]:
    """What a user says."""
    return {"about": f"collects {WORD} number {n}", "city": "Łódź"}


def everything(connection: Connection) -> str:
    """Whatever the tables hold, as a dump would."""
    return "\n".join(repr(tuple(row)) for table in metadata.sorted_tables for row in connection.execute(table.select()))


class SealingContract(StoreContract):
    """Sealed on the way in, opened on the way out, under as many keys as there are; never lost, never mixed up."""

    @pytest.fixture
    def opens(self, url: str, tmp_path: Path) -> Iterator[Callable[..., Records]]:
        """Opens the store of the test with keys, the first of which seals."""
        opened: list[Records] = []

        def with_keys(*keys: DataKey) -> Records:
            opened.append(Records.open(url, tmp_path, DataKeys(keys)))
            return opened[-1]

        yield with_keys
        for one in opened:
            one.close()

    def test_without_a_key_nothing_changes(self, opens: Callable[..., Records]) -> None:
        records = opens()
        _put(records, range(3))
        with records.read() as connection:
            assert connection.execute(select(users.c.attributes)).scalars().first() == (
                '{"about": "collects lighthouse number 0", "city": "Łódź"}'
            )
            assert known_keys.read_all(connection) == []
        found = _shop(records).status()
        assert (found.sealing, found.plain, found.values, found.to_seal) == (None, 3, {}, 0)
        with pytest.raises(StateError, match="no data key"):
            _shop(records).seal()

    def test_what_was_in_plain_is_sealed_and_read_by_all_who_read_it(
        self, opens: Callable[..., Records], tmp_path: Path
    ) -> None:
        _put(opens(), range(600))
        records = opens(OLD)
        with records.read() as connection:
            assert people.attributes_of_one(connection, "user-7") == says(7)  # what is in plain is read with a key too
        _put(records, [600])
        assert _shop(records).status().values == {OLD.key_id: 1}
        brought = _shop(records).seal()
        assert (brought.key_id, brought.n, brought.altered.n, brought.rebuilt) == (OLD.key_id, 600, 0, True)
        found = _shop(records).status(check=True)
        assert (found.values, found.plain, found.to_seal) == ({OLD.key_id: 601}, 0, 0)
        with records.read() as connection:
            assert WORD not in everything(connection)
            assert people.read_attributes(connection) == {n: says(n) for n in range(601)}
            assert people.attributes_of(connection, ["user-1", "nobody"]) == {"user-1": says(1)}
            assert people.counts_by_attribute(connection)["city"] == {"Łódź": 601}
            person = people_lists.find(connection, "user-9")
            assert person is not None and person.attributes == says(9)
        with records.glance() as connection:
            assert people.attributes_of_one(connection, "user-600") == says(600)
        for path in tmp_path.glob("s.db*"):
            assert WORD.encode() not in path.read_bytes(), path

    def test_refused_lines_of_users_are_sealed_and_others_are_not(self, opens: Callable[..., Records]) -> None:
        records = opens(OLD)
        rows = [
            Refused(2, "bad_value", f"{WORD}?", f"ann,{WORD}"),
            Refused(3, "bad_value", "no id", "bob,sealed:1:no"),
        ]
        with records.write() as connection:
            of_users = sources.find_or_start(connection, "f1", "users", "users.csv", 5).source
            of_items = sources.find_or_start(connection, "f2", "items", "items.csv", 5).source
            sources.refuse(connection, of_users, rows)
            sources.refuse(connection, of_items, [Refused(1, "bad_value", "sealed:0:", "sealed:1:item")])
        with records.read() as connection:
            assert WORD not in everything(connection)
            assert sources.refused_page(connection, 9, source=of_users) == [(of_users, row) for row in rows]
            assert [row for _, row in sources.read_refused(connection, of_users)] == rows
            assert sources.first_refused_by_reason(connection, of_users)["bad_value"] == rows[0]
            assert [row.raw for _, row in sources.read_refused(connection, of_items)] == ["sealed:1:item"]
        with records.write() as connection:
            assert personal.erase(connection, "ann", "r").quarantined == 1
            assert personal.erase(connection, "item", "r").quarantined == 1
        with records.read() as connection:
            kept = [row for _, row in sources.read_refused(connection, of_users)]
        assert kept == [Refused(2, "bad_value", "erased", ""), rows[1]]
        again = opens(NEW, OLD)
        assert _shop(again).seal().n == 1
        with again.read() as connection:
            assert [row for _, row in sources.read_refused(connection, of_users)] == kept

    def test_a_value_is_refused_where_it_was_not_sealed(self, opens: Callable[..., Records]) -> None:
        records = opens(OLD)
        _put(records, range(3))
        with records.write() as connection:
            of_first = connection.execute(select(users.c.attributes).where(users.c.row == 0)).scalar_one()
            connection.execute(update(users).where(users.c.row == 1).values(attributes=of_first))
        with records.read() as connection:
            assert people.attributes_of_one(connection, "user-0") == says(0)
            with pytest.raises(DataKeyError, match="changed or moved") as caught:
                people.attributes_of_one(connection, "user-1")
            assert caught.value.code == "sealed_value_altered" and "user-1" not in str(caught.value)
        altered = _shop(records).status(check=True).altered
        assert altered is not None and (altered.n, altered.rows) == (1, ["users row 1"])
        with records.write() as connection:
            cut = of_first[:-9] + ("A" if of_first[-9] != "A" else "B") + of_first[-8:]
            connection.execute(update(users).where(users.c.row == 0).values(attributes=cut))
        # The rest is brought under the new key all the same, and what is sent again is whole again.
        rotated = opens(NEW, OLD)
        brought = _shop(rotated).seal()
        assert (brought.n, brought.altered.rows) == (1, ["users row 0", "users row 1"])
        assert brought.unused == []  # the old key is still named by what cannot be opened
        _put(rotated, range(2))
        with rotated.read() as connection:
            assert people.read_attributes(connection) == {n: says(n) for n in range(3)}

    def test_who_is_called_as_the_sealed_form_is_written_erases_nobody_elses_lines(
        self, opens: Callable[..., Records]
    ) -> None:
        records = opens(OLD)
        lines = [Refused(n, "bad_value", f"no id, n{n}", f"bob,{WORD} n{n}") for n in range(40)]
        with records.write() as connection:
            of_users = sources.find_or_start(connection, "f1", "users", "users.csv", 5).source
            of_items = sources.find_or_start(connection, "f2", "items", "items.csv", 5).source
            sources.refuse(connection, of_users, lines)
            written = connection.execute(select(quarantine.c.raw)).scalars()
            pieces = sorted({piece for raw in written for piece in re.findall(r"\w+", raw) if len(piece) > 3})
            for user in ("1", "sealed", OLD.key_id, *pieces[:50]):
                assert personal.erase(connection, user, f"r-{user}").quarantined == 0, user
            sources.refuse(connection, of_items, [Refused(1, "bad_value", "no title", "sealed:1:item")])
            assert personal.erase(connection, "0", "r").quarantined == 0  # stands before a plain text that looks so
            assert personal.erase(connection, "item", "r2").quarantined == 1
            assert personal.erase(connection, "n39", "r3").quarantined == 1
        with records.read() as connection:
            assert [row for _, row in sources.read_refused(connection, of_users)][:-1] == lines[:-1]

    def test_what_was_altered_holds_up_neither_erasures_nor_lists(self, opens: Callable[..., Records]) -> None:
        records = opens(OLD)
        _put(records, range(6))
        with records.write() as connection:
            source = sources.find_or_start(connection, "f1", "users", "users.csv", 5).source
            lines = [Refused(n, "bad_value", "no id", f"ann,{WORD} {n}") for n in range(3)]
            sources.refuse(connection, source, lines)
            of_first = connection.execute(select(users.c.attributes).where(users.c.row == 0)).scalar_one()
            for row, attributes in (
                (1, of_first),
                (2, "sealed:1:00000000:AAAA"),
                (3, f"sealed:1:{OLD.key_id}"),
                (5, "x" + of_first),
            ):
                connection.execute(update(users).where(users.c.row == row).values(attributes=attributes))
            raw = connection.execute(select(quarantine.c.raw).where(quarantine.c.line == 0)).scalar_one()
            connection.execute(update(quarantine).where(quarantine.c.line == 1).values(raw=raw))
        with records.read() as connection:
            told = {one.user_id: one.attributes for one in people_lists.starting_with(connection, "user", 9)}
            shown = [row for _, row in sources.refused_page(connection, 9)]
            assert people.attributes_of(connection, list(told), ALTERED_ONLY) == {f"user-{n}": says(n) for n in (0, 4)}
        assert told == {f"user-{n}": says(n) if n in (0, 4) else None for n in range(6)}
        assert shown == [lines[0], Refused(1, "bad_value", sources.UNREADABLE, ""), lines[2]]
        found = _shop(records).status(check=True)
        altered = found.altered
        assert altered is not None and found.missing == {} and found.values["00000000"] == 1
        assert altered.rows == ["users row 1", "users row 2", "users row 3", f"quarantine line {source}:1"]

        eraser = Eraser(records, ShopConfig(version=1), records.folder)
        assert eraser.erase("user-4", "somebody").rows == ErasedRows(2, 0, 0, 1)  # the altered line may be his
        for user in ("user-1", "user-5"):
            assert eraser.erase(user, "somebody").rows == ErasedRows(0, 0, 0, 0)
        with records.read() as connection:
            assert connection.execute(select(users.c.attributes).where(users.c.row == 1)).scalar_one() == "{}"
            kept = [row for _, row in sources.read_refused(connection, source)]
        assert kept == [lines[0], Refused(1, "bad_value", "erased", ""), lines[2]]

        with records.write() as connection:
            connection.execute(update(quarantine).where(quarantine.c.line == 2).values(raw=raw))
        assert _shop(records).drop_altered() == 3
        assert _shop(records).drop_altered() == 0
        with records.read() as connection:
            assert people.read_attributes(connection) == {0: says(0)}
            kept = [row for _, row in sources.read_refused(connection, source)]
        assert kept[2] == Refused(2, "bad_value", "it was altered since it was sealed", "")
        altered = _shop(records).status(check=True).altered
        assert altered is not None and altered.n == 0
        with pytest.raises(DataKeyError, match=OLD.key_id):
            _shop(opens(NEW)).drop_altered()

    def test_a_missing_key_is_named_and_nothing_is_written_without_it(self, opens: Callable[..., Records]) -> None:
        _put(opens(OLD), range(4))
        for records in (opens(), opens(OTHER)):  # taken away; a wrong one
            with records.read() as connection:
                with pytest.raises(DataKeyError, match=f"4 values.*{OLD.key_id}.*not at hand") as caught:
                    sealed_values.require_keys(connection)
                assert (caught.value.code, FILE_KEY in str(caught.value)) == ("data_key_missing", True)
                with pytest.raises(DataKeyError, match=OLD.key_id):
                    people.attributes_of_one(connection, "user-1")
            with pytest.raises(DataKeyError, match=OLD.key_id):
                _put(records, [9])
            with pytest.raises(DataKeyError, match=OLD.key_id):
                _shop(records).seal()
            found = _shop(records).status()
            assert (found.sealing, found.missing, found.values) == (OLD.key_id, {OLD.key_id: 4}, {OLD.key_id: 4})
        with opens(OLD).read() as connection:
            assert people.read_attributes(connection) == {n: says(n) for n in range(4)}

    def test_an_old_key_that_is_taken_away_too_early_is_named(
        self, opens: Callable[..., Records], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sealed_values, "BATCH", 10)
        _put(opens(OLD), range(50))
        with pytest.raises(KeyboardInterrupt):
            _shop(opens(NEW, OLD)).seal(_interrupted_after(20))
        early = opens(NEW)
        with (
            early.read() as connection,
            pytest.raises(DataKeyError, match=f"30 values of the store .*{OLD.key_id}, which is not at hand"),
        ):
            sealed_values.require_keys(connection)
        assert _shop(early).status().missing == {OLD.key_id: 30}
        assert _shop(opens(OLD, NEW)).seal().n == 30
        with early.read() as connection:
            sealed_values.require_keys(connection)

    def test_a_rotation_that_was_interrupted_goes_on(
        self, opens: Callable[..., Records], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sealed_values, "BATCH", 10)
        _put(opens(OLD), range(55))
        records = opens(NEW, OLD)
        with pytest.raises(KeyboardInterrupt):
            _shop(records).seal(_interrupted_after(30))
        found = _shop(records).status()
        assert (found.sealing, found.to_seal) == (NEW.key_id, 25)
        assert found.values == {NEW.key_id: 30, OLD.key_id: 25}
        with records.read() as connection:
            assert people.read_attributes(connection) == {n: says(n) for n in range(55)}
        brought = _shop(records).seal()
        assert (brought.n, brought.unused) == (25, [OLD.key_id])
        with opens(NEW).read() as connection:
            assert people.read_attributes(connection) == {n: says(n) for n in range(55)}
            assert known_keys.read_all(connection) == [NEW.key_id]

    def test_keys_change_while_others_write(self, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sealed_values, "BATCH", 20)
        monkeypatch.setattr("shelfwise.store.data_keys.REREAD_AFTER_S", 0.0)
        file = tmp_path / "keys"
        put_first(file, OLD, "old")
        with _opened(url, tmp_path) as server, _opened(url, tmp_path) as reader:
            _put(server, range(200))
            put_first(file, NEW, "new")
            written: list[int] = []
            rotated, failures = threading.Event(), list[BaseException]()

            def goes_on() -> None:
                try:
                    n = 1_000
                    while not rotated.is_set() or n < 1_005:
                        _put(server, [n])  # which has read the file before there was a new key in it
                        _put(server, [n % 200])
                        with reader.read() as connection:
                            assert people.attributes_of_one(connection, "user-3") == says(3)
                        written.append(n)
                        n += 1
                except BaseException as failure:
                    failures.append(failure)

            writer = threading.Thread(target=goes_on)
            writer.start()
            with _opened(url, tmp_path) as operator:
                _shop(operator).seal(rebuild=False)
                rotated.set()
                writer.join()
                assert failures == [] and written
                assert _shop(operator).status().values == {NEW.key_id: 200 + len(written)}
        with _opened(url, tmp_path, NEW) as records, records.read() as connection:
            found = people.read_attributes(connection)
        assert sorted(found.values(), key=repr) == sorted(map(says, [*range(200), *written]), key=repr)

    def test_all_processes_seal_under_the_key_that_came_last(self, opens: Callable[..., Records]) -> None:
        _put(opens(OLD), [0])
        _put(opens(NEW, OLD), [1])
        _put(opens(OLD, NEW), [2])  # in whichever order it has them
        with opens(OLD, NEW).read() as connection:
            assert sealed_values.counts(connection) == {OLD.key_id: 1, NEW.key_id: 2}
        with pytest.raises(DataKeyError, match=NEW.key_id):
            _put(opens(OLD), [3])

    def test_a_key_that_was_let_go_never_seals_again(self, opens: Callable[..., Records]) -> None:
        server = opens(OLD, NEW)  # as operators restart their servers before they seal
        _put(server, range(3))
        assert _shop(opens(NEW, OLD)).seal().unused == [OLD.key_id]
        _put(server, [1, 7])
        found = _shop(server).status()
        assert (found.sealing, found.values, found.to_seal) == (NEW.key_id, {NEW.key_id: 4}, 0)
        with opens(NEW).read() as connection:
            assert people.read_attributes(connection)[1] == says(1)
            assert known_keys.read_all(connection) == [NEW.key_id]
        with server.write() as connection:
            for user in (0, 1, 2, 7):
                personal.erase(connection, f"user-{user}", f"r{user}")
        with pytest.raises(DataKeyError, match=f"under the data key {OLD.key_id} again") as caught:
            _put(opens(OLD), [8])
        assert caught.value.code == "data_key_retired"
        assert _shop(opens(OLD)).status().sealing is None
        _put(opens(OLD, OTHER), [9])
        assert _shop(opens(OTHER)).status().values == {OTHER.key_id: 1}
        # Opened for an earlier release, and taken up again: then it is a key as any other.
        assert _shop(opens(OTHER)).unseal().n == 1
        _put(opens(OLD), [9])
        assert _shop(opens(OLD)).status().values == {OLD.key_id: 1}

    def test_a_key_that_nothing_stands_under_is_not_missed(self, opens: Callable[..., Records]) -> None:
        records = opens(OLD)
        _put(records, [0])
        with records.write() as connection:
            personal.erase(connection, "user-0", "r")
        _put(opens(NEW), [1])
        with opens(NEW).read() as connection:
            assert known_keys.read_all(connection) == [NEW.key_id]

    def test_what_stands_under_a_lost_key_can_be_let_go(self, opens: Callable[..., Records]) -> None:
        _put(opens(OLD), range(3))
        records = opens(NEW)
        with pytest.raises(UnknownError, match=OLD.key_id):
            _shop(records).drop(OTHER.key_id)
        with pytest.raises(StateError, match="at hand"):
            _shop(opens(OLD)).drop(OLD.key_id)
        assert _shop(records).drop(OLD.key_id) == 3
        _put(records, [1])
        with records.read() as connection:
            sealed_values.require_keys(connection)
            assert people.read_attributes(connection) == {1: says(1)}

    def test_it_is_opened_again_for_an_earlier_release(self, opens: Callable[..., Records]) -> None:
        records = opens(OLD)
        _put(records, range(3))
        with records.write() as connection:
            source = sources.find_or_start(connection, "f1", "users", "users.csv", 5).source
            sources.refuse(connection, source, [Refused(2, "bad_value", "no id", "sealed:1:no")])
        with pytest.raises(StateError, match="sealed"):
            downgrade(records.engine, "0010")
        assert _shop(records).unseal().n == 4
        with opens().read() as connection:
            assert people.read_attributes(connection) == {n: says(n) for n in range(3)}
            assert [row.raw for _, row in sources.read_refused(connection, source)] == ["sealed:1:no"]
            assert known_keys.read_all(connection) == []
            assert not connection.execute(select(quarantine.c.raw)).scalar_one().startswith("sealed:1:")
        downgrade(records.engine, "0010")

    def test_a_file_of_keys_that_is_not_there_lets_nothing_be_written_in_plain(self, url: str, tmp_path: Path) -> None:
        records = Records.open(url, tmp_path, DataKeys.of("not/mounted", tmp_path))
        with pytest.raises(ConfigError, match="no file of data keys"):
            _put(records, [0])
        with records.read() as connection, pytest.raises(ConfigError, match="no file of data keys"):
            sealed_values.require_keys(connection)
        with records.write() as connection:
            people.upsert(connection, [("says-nothing", {})])
        records.close()

    def test_a_copy_stays_sealed_and_needs_no_key(self, opens: Callable[..., Records], tmp_path: Path) -> None:
        _put(opens(OLD), range(3))
        copy = tmp_path / "copy"
        target = Records.open("sqlite:///c.db", copy)
        copy_records(opens(), target)
        target.close()
        assert WORD.encode() not in (copy / "c.db").read_bytes()
        with _opened("sqlite:///c.db", copy, OLD) as again, again.read() as connection:
            assert people.read_attributes(connection) == {n: says(n) for n in range(3)}


def _put(records: Records, numbers: Sequence[int]) -> None:
    with records.write() as connection:
        people.upsert(connection, [(f"user-{n}", says(n)) for n in numbers])


def _shop(records: Records) -> ShopEncryption:
    return ShopEncryption(records.folder, ShopConfig(version=1), records)


@contextmanager
def _opened(url: str, folder: Path, *keys: DataKey) -> Generator[Records]:
    """With these keys, or those in the test's file."""
    records = Records.open(url, folder, DataKeys(keys) if keys else DataKeys.of("keys", folder))
    try:
        yield records
    finally:
        records.close()


def _interrupted_after(n: int) -> Callable[[str, int | None, int | None], None]:
    def stop(_what: str, done: int | None, _total: int | None) -> None:
        if done is not None and done >= n:
            raise KeyboardInterrupt

    return stop
