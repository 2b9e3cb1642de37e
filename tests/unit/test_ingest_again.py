"""Lines of the quarantine are tried again where they lie, whatever their file was, and counts go on adding up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import update

from shelfwise.config.ingest import EventsSpec, ItemsSpec, UsersSpec
from shelfwise.errors import StateError, UnknownError
from shelfwise.ingest.again import begin_again, ingest_again
from shelfwise.ingest.asked import MAX_RAW_CHARS, TableName, Wanted
from shelfwise.ingest.run import ingest_table
from shelfwise.schemas.items import Item
from shelfwise.store import catalogue, erasures, imports, people, personal, sources
from shelfwise.store.records import Records
from shelfwise.store.tables import sources as sources_table

HEAD = "user_id,item_id,event,timestamp,query\n"


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    found = Records.open("sqlite:///shop.db", tmp_path)
    with found.write() as connection:
        catalogue.upsert(connection, [Item(item_id="a"), Item(item_id="b")])
    yield found
    found.close()


def ingest(records: Records, table: TableName, spec: Any) -> int:
    return ingest_table(records, spec, records.folder, table).source


def again(records: Records, spec: Any, source: int, **wanted: Any) -> tuple[int, int, int]:
    """Stored, there before, refused."""
    number = ingest_again(records, spec, Wanted(source, **wanted))
    with records.read() as connection:
        found, state = imports.get(connection, number), sources.origin(connection, source).state
    assert found.state == "done" and found.lines == found.stored + found.already_stored + found.quarantined
    assert state.lines_done == state.stored + state.already_stored + state.quarantined
    return found.stored, found.already_stored, found.quarantined


def refused(records: Records, source: int) -> dict[int, str]:
    with records.read() as connection:
        return {one.line: one.reason for _, one in sources.refused_page(connection, 99, source=source)}


def put(records: Records, *item_ids: str) -> None:
    with records.write() as connection:
        catalogue.upsert(connection, [Item(item_id=one) for one in item_ids])


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_the_missing_item_came(records: Records, kind: str) -> None:
    frame = pl.DataFrame(
        {
            "user_id": ["u", "u", "v"],
            "item_id": ["a", "c", "c"],
            "event": ["view"] * 3,
            "timestamp": [1.7e9, 1.7e9, 1.71e9],
        }
    )
    path = records.folder / f"events.{kind}"
    {"csv": frame.write_csv, "jsonl": frame.write_ndjson, "parquet": frame.write_parquet}[kind](path)
    spec = EventsSpec(path=path.name)
    source = ingest(records, "events", spec)
    path.unlink()  # nobody needs it any more
    assert set(refused(records, source).values()) == {"unknown_item"}
    assert again(records, spec, source) == (0, 0, 2)
    put(records, "c")
    assert again(records, spec, source, reason="unknown_item") == (2, 0, 0)
    with pytest.raises(StateError, match="no such lines"):
        ingest_again(records, spec, Wanted(source))


def test_lines_with_open_quotes_do_not_swallow_each_other(records: Records) -> None:
    (records.folder / "e.csv").write_text(
        HEAD + 'u,a,view,2024-01-01,"open\nu,a,view,2024-01-02,fine\nu,b,view,2024-01-03,"open too\n'
    )
    spec = EventsSpec(path="e.csv")
    source = ingest(records, "events", spec)
    both = {2: "bad_quotes", 4: "bad_quotes"}
    assert refused(records, source) == both
    assert again(records, spec, source) == (0, 0, 2)
    assert refused(records, source) == both
    two_lines = "u,b,view,2024-01-03,x\nu,b,view,2024-01-04,y"
    corrected = {2: 'u,a,view,2024-01-01,"now ""closed"""', 4: two_lines}
    assert again(records, spec, source, corrected=corrected) == (1, 0, 1)
    assert list(refused(records, source)) == [4]


def test_what_was_stored_meanwhile_leaves_the_quarantine(records: Records) -> None:
    (records.folder / "e.csv").write_text(HEAD + "u,c,view,2024-01-01,\n")
    (records.folder / "same.csv").write_text(HEAD + "u,c,view,2024-01-01,\nv,a,view,2024-01-01,\n")
    spec = EventsSpec(path="e.csv")
    source = ingest(records, "events", spec)
    put(records, "c")
    ingest(records, "events", EventsSpec(path="same.csv"))
    assert again(records, spec, source) == (0, 1, 0)


def test_a_mended_mapping_is_used_and_the_files_own_times(records: Records) -> None:
    (records.folder / "e.csv").write_text("who,what,when\nu,a,31.12.2023\nu,b,05.01.2024\nv,bogus,06.01.2024\n")
    spec = EventsSpec(
        path="e.csv", columns={"user_id": "who", "item_id": "what", "timestamp": "when"}, timestamp_format="%d.%m.%Y"
    )
    source = ingest(records, "events", spec)
    assert set(refused(records, source).values()) == {"unknown_event"}
    mended = spec.model_copy(update={"default_event": "purchase"})
    assert again(records, mended, source) == (2, 0, 1)


def test_items_and_users_too_and_the_most_common_line_keeps_its_weight(records: Records) -> None:
    (records.folder / "i.csv").write_text("item_id,title,price\nn,New,x\nk,Known,5\nk,Slip,x\n")
    spec = ItemsSpec(path="i.csv", many_rows="most-common")
    source = ingest(records, "items", spec)
    mended = spec.model_copy(update={"missing": ["x"]})
    assert again(records, mended, source) == (1, 1, 0)
    with records.read() as connection:
        stored = {item_id: catalogue.get(connection, item_id) for item_id in ("n", "k")}
    assert [one.item.title for one in stored.values() if one is not None] == ["New", "Known"]
    (records.folder / "u.csv").write_text("user_id,city\n,Bonn\nu,Köln\n")
    users = UsersSpec(path="u.csv", attributes=["city"])
    source = ingest(records, "users", users)
    assert again(records, users, source, corrected={2: "w,Bonn"}) == (1, 0, 0)
    with records.read() as connection:
        assert people.attributes_of_one(connection, "w") == {"city": "Bonn"}


def test_what_is_not_known_as_a_whole_stays(records: Records) -> None:
    long = "x" * (MAX_RAW_CHARS + 5)
    (records.folder / "e.csv").write_text(HEAD + f"u,c,view,2024-01-01,{long}\nu,c,view,2024-01-01,\n")
    spec = EventsSpec(path="e.csv")
    source = ingest(records, "events", spec)
    put(records, "c")
    assert again(records, spec, source) == (1, 0, 1)
    assert list(refused(records, source)) == [2]
    assert again(records, spec, source, corrected={2: "u,c,view,2024-01-02,short"}) == (1, 0, 0)
    with records.write() as connection:
        connection.execute(update(sources_table).values(layout=None))
    with pytest.raises(StateError, match="how e.csv was laid out is not known"):
        ingest_again(records, spec, Wanted(source))
    with pytest.raises(UnknownError):
        ingest_again(records, spec, Wanted(77))


def erase(records: Records, user_id: str) -> None:
    with records.write() as connection:
        erasures.add(connection, user_id, 2**42)
        personal.erase(connection, user_id, "receipt")


def raws(records: Records, source: int) -> list[str]:
    with records.read() as connection:
        return [one.raw for _, one in sources.refused_page(connection, 99, source=source)]


def test_an_erasure_in_the_middle_of_a_try_is_final(records: Records) -> None:
    (records.folder / "e.csv").write_text(HEAD + "eve,c,view,2024-01-01,\nbob,c,view,2024-01-01,\n")
    spec = EventsSpec(path="e.csv")
    source = ingest(records, "events", spec)
    begun = begin_again(records, spec, Wanted(source))
    erase(records, "eve")
    begun.run()
    assert raws(records, source) == ["", "bob,c,view,2024-01-01,"]
    # Nor does a correction that was written before bring the person back.
    assert again(records, spec, source, corrected={2: "eve,c,view,2024-01-01,x"}) == (0, 0, 1)
    assert again(records, spec, source, corrected={3: "eve,c,view,2024-01-01,x"}) == (0, 1, 0)
    assert raws(records, source) == [""]


@pytest.mark.parametrize("user_id", ["eve", "eve@shop.example", "Zoë 😀", "shop:7"])
def test_lines_of_erased_people_come_into_quarantine_without_words(records: Records, user_id: str) -> None:
    with records.write() as connection:
        people.upsert(connection, [(user_id, {})])
    erase(records, user_id)
    (records.folder / "e.csv").write_text(
        HEAD + f"{user_id},a,view,yesterday,\nbob,a,view,yesterday,\n" + "x,a,view,2024-01-01,\n" * 9
    )
    rows = [{"user_id": one, "item_id": "a", "event": "view", "timestamp": "never"} for one in (user_id, "bob")]
    rows += [{**rows[1], "timestamp": "2024-01-01"}] * 9
    (records.folder / "e.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    for name in ("e.csv", "e.jsonl"):
        source = ingest(records, "events", EventsSpec(path=name))
        first, second, *_ = raws(records, source)
        assert first == "" and "bob" in second
        assert list(refused(records, source).values())[:2] == ["bad_time", "bad_time"]


@pytest.mark.parametrize("many_rows", ["last", "most-common"])
def test_lines_are_tried_again_while_their_file_is_still_read(records: Records, many_rows: str) -> None:
    (records.folder / "i.csv").write_text("item_id,price\nn,x\nm,y\nk,5\nl,6\n")
    spec = ItemsSpec(path="i.csv", batch_rows=1, many_rows=many_rows)  # pyright: ignore[reportArgumentType]
    mended = spec.model_copy(update={"missing": ["x"]})
    tries: list[int] = []

    def try_again(lines_done: int, *_: Any) -> None:
        if lines_done == 3:
            tries.append(ingest_again(records, mended, Wanted(0)))

    report = ingest_table(records, spec, records.folder, "items", progress=try_again)
    assert len(tries) == 1
    assert (report.lines, report.stored, report.already_stored, report.quarantined) == (4, 3, 0, 1)
    with records.read() as connection:
        mine, other = imports.get(connection, 0), imports.get(connection, tries[0])
        assert sources.origin(connection, 0).state.quarantined == 1
    assert (mine.state, mine.quarantined, other.stored, other.quarantined) == ("done", 2, 1, 1)


def test_two_tries_at_once_count_a_line_once(records: Records) -> None:
    (records.folder / "e.csv").write_text(HEAD + "u,c,view,2024-01-01,\nu,c,view,2024-01-02,\n")
    spec = EventsSpec(path="e.csv")
    source = ingest(records, "events", spec)
    put(records, "c")

    begun = begin_again(records, spec, Wanted(source))
    ingest_again(records, spec, Wanted(source))
    begun.run()
    with records.read() as connection:
        state, first = sources.origin(connection, source).state, imports.get(connection, begun.number)
    assert (state.stored, state.already_stored, state.quarantined) == (2, 0, 0)
    assert (first.state, first.lines) == ("done", 0)
