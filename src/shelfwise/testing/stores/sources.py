"""The contract of files that were ingested, and of what was refused."""

from __future__ import annotations

from dataclasses import replace

from shelfwise.store import sources
from shelfwise.store.records import Records
from shelfwise.store.sources import Refused
from shelfwise.testing.stores.contract import StoreContract


class SourcesContract(StoreContract):
    """A file is known by its fingerprint, goes on where it stopped, and loses no line."""

    def test_a_file_is_found_again_as_it_was_left(self, records: Records) -> None:
        with records.write() as connection:
            new = sources.find_or_start(connection, "f1", "events", "a.csv", 5)
            assert (new.source, new.lines_done, new.finished) == (0, 0, False)
            assert sources.find_or_start(connection, "f2", "items", "b.csv", 6).source == 1
            left = replace(new, lines_done=2**33, finished=True, stored=7, already_stored=2, quarantined=1)
            sources.record_progress(connection, left)
        with records.write() as connection:
            assert sources.find_or_start(connection, "f1", "events", "elsewhere.csv", 9) == left
        with records.read() as connection:
            assert [one.source for one in sources.read_all(connection)] == [0, 1]

    def test_what_was_refused_is_counted_exampled_and_read_back(self, records: Records) -> None:
        refused = [
            Refused(9, "bad_time", "no time", 'x,"y'),
            Refused(2, "unknown_item", "no item", "a\tb\\"),
            Refused(3, "bad_time", "no time 😀", ""),
            Refused(4, "bad_number", "no number", "n"),
        ]
        with records.write() as connection:
            first = sources.find_or_start(connection, "f1", "events", "a.csv", 5).source
            second = sources.find_or_start(connection, "f2", "events", "b.csv", 5).source
            sources.refuse(connection, first, refused)
            sources.refuse(connection, second, [refused[1]])
        with records.read() as connection:
            by_reason = sources.refused_by_reason(connection, first)
            assert list(by_reason.items()) == [("bad_time", 2), ("bad_number", 1), ("unknown_item", 1)]
            assert sources.refused_by_reason(connection) == {"bad_time": 2, "unknown_item": 2, "bad_number": 1}
            examples = sources.first_refused_by_reason(connection, first)
            assert {reason: one.line for reason, one in examples.items()} == {
                "unknown_item": 2, "bad_time": 3, "bad_number": 4,
            }  # fmt: skip
            read = list(sources.read_refused(connection))
        assert read == [
            *(("a.csv", refused[place]) for place in (1, 2, 3, 0)),
            ("b.csv", refused[1]),
        ]

    def test_a_refused_line_with_the_character_nul_is_kept(self, records: Records) -> None:
        with records.write() as connection:
            source = sources.find_or_start(connection, "f1", "events", "a.csv", 5).source
            sources.refuse(connection, source, [Refused(1, "bad_time", "no time", "u,\0,x")])
        with records.read() as connection:
            [(_, found)] = sources.read_refused(connection, source)
        assert found.raw in ("u,\0,x", "u,\ufffd,x")
