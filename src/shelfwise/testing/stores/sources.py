"""The contract of files that were ingested, and of what was refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shelfwise.errors import UnknownError
from shelfwise.store import imports, sources
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

    def test_lines_are_paged_counted_and_settled(self, records: Records) -> None:
        layout = {"format": "csv", "columns": ["who", "größe"]}
        with records.write() as connection:
            first = sources.find_or_start(connection, "f1", "events", "a.csv", 5)
            second = sources.find_or_start(connection, "f2", "users", "b.csv", 5)
            sources.put_layout(connection, first.source, layout)
            sources.refuse(
                connection, first.source, [Refused(line, "bad_time", "no time", f"{line}") for line in (9, 2, 4)]
            )
            sources.refuse(connection, first.source, [Refused(3, "unknown_item", "no item", "x")])
            sources.refuse(connection, second.source, [Refused(1, "missing_user", "nobody", "y")])
            sources.record_progress(connection, replace(first, lines_done=10, stored=6, quarantined=4))
        with records.read() as connection:
            assert sources.origin(connection, 0)[1:] == ("events", layout)
            assert sources.origin(connection, 1).layout is None
            with pytest.raises(UnknownError, match="no source 7"):
                sources.origin(connection, 7)
            assert [tuple(one) for one in sources.quarantine_counts(connection)] == [
                (1, "users", "b.csv", "missing_user", 1),
                (0, "events", "a.csv", "bad_time", 3),
                (0, "events", "a.csv", "unknown_item", 1),
            ]
            page = sources.refused_page(connection, 2)
            assert [(source, one.line) for source, one in page] == [(0, 2), (0, 3)]
            behind = sources.refused_page(connection, 9, after=(0, 3))
            assert [(source, one.line) for source, one in behind] == [(0, 4), (0, 9), (1, 1)]
            some = sources.refused_page(connection, 9, source=0, reason="bad_time", lines=[2, 3, 4])
            assert [one.line for _, one in some] == [2, 4]
        with records.write() as connection:
            # Of three lines that were tried again one is stored, one was there, one is refused for another reason.
            again = [Refused(4, "bad_number", "no number", "mended")]
            sources.settle(connection, 0, [2, 4, 9], again, stored=1)
            sources.settle(connection, 0, [2, 9], [], stored=1)  # somebody else was there before
        with records.read() as connection:
            now = sources.origin(connection, 0).state
            assert (now.lines_done, now.stored, now.already_stored, now.quarantined) == (10, 7, 1, 2)
            assert [one.raw for _, one in sources.refused_page(connection, 9, source=0)] == ["x", "mended"]

    def test_runs_are_followed_and_end(self, records: Records) -> None:
        with records.write() as connection:
            source = sources.find_or_start(connection, "f1", "events", "a.csv", 5).source
            first = imports.start(connection, source, "file", "Kim")
            second = imports.start(connection, source, "again", "")
            imports.advance(connection, first, lines=2**33, stored=5, already_stored=2, quarantined=1, progress=0.5)
            imports.finish(connection, second, "the disk is full")
        with records.read() as connection:
            failed, running = imports.latest(connection, 5)
            assert (running.import_id, running.state, running.lines, running.progress) == (first, "running", 2**33, 0.5)
            assert (running.table, running.name, running.kind, running.actor) == ("events", "a.csv", "file", "Kim")
            assert (failed.state, failed.failure, failed.progress) == ("failed", "the disk is full", 0.0)
            assert [one.import_id for one in imports.latest(connection, 5, before=second)] == [first]
            with pytest.raises(UnknownError, match="no import 9"):
                imports.get(connection, 9)
        with records.write() as connection:
            imports.touch(connection, first)
            imports.finish(connection, first)
        with records.read() as connection:
            done = imports.get(connection, first)
        assert (done.state, done.progress) == ("done", 1.0) and done.finished_at is not None

    def test_a_refused_line_with_the_character_nul_is_kept(self, records: Records) -> None:
        with records.write() as connection:
            source = sources.find_or_start(connection, "f1", "events", "a.csv", 5).source
            sources.refuse(connection, source, [Refused(1, "bad_time", "no time", "u,\0,x")])
        with records.read() as connection:
            [(_, found)] = sources.read_refused(connection, source)
        assert found.raw in ("u,\0,x", "u,\ufffd,x")
