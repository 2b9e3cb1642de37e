"""The contract of what the pages of users and items read."""

from __future__ import annotations

import numpy as np

from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.items import Item
from shelfwise.store import catalogue, event_log, outcomes, people, people_lists, personal, slate_log, timelines
from shelfwise.store.bare_items import read_bare
from shelfwise.store.event_log import EventRow
from shelfwise.store.records import Records
from shelfwise.store.slate_log import LoggedSlate, Why
from shelfwise.testing.stores.contract import IMPRESSION, PURCHASE, VIEW, StoreContract, an_event

CLICK = CODE_BY_KIND[EventKind.CLICK]


def answered(name: str, slate_id: str | None, item: str = "i0", kind: int = CLICK) -> EventRow:
    """An event that answers a list."""
    return an_event(name, item=item, kind=kind)._replace(slate_id=slate_id)


def a_list(name: str, at_ms: int, *rows: int, clicks: float | None = None) -> LoggedSlate:
    """A list that was shown, with what was predicted of every item."""
    why = [] if clicks is None else [Why(["popular"], "Popular", [], {"click": clicks})] * len(rows)
    shown = np.array(rows, np.int32)
    return LoggedSlate(name, at_ms, "u", "home", "v1", 0, shown, np.ones(len(rows)), shown, {}, why)


class LookingContract(StoreContract):
    """Lists are in order, and pages meet without a gap."""

    def test_people_by_the_start_of_their_ids(self, records: Records) -> None:
        ids = ["b", "a", "a%", "a_1", "aa", "B", "ä", "a\U0010ffff", "ab"]
        with records.write() as connection:
            catalogue.upsert(connection, [Item(item_id="i0")])
            event_log.append(connection, [an_event(one, one, at=place) for place, one in enumerate(ids)], None)
            people.upsert(connection, [("aa", {"city": "Łódź"})])
            personal.erase(connection, "ab", "xyz")
        with records.read() as connection:
            found = [one.user_id for one in people_lists.starting_with(connection, "a", 9)]
            assert found == ["a", "a%", "a_1", "aa", "a\U0010ffff"]  # by the characters' numbers, whatever the locale
            pages: list[str] = []
            while page := people_lists.starting_with(connection, "a", 2, pages[-1] if pages else ""):
                pages += [one.user_id for one in page]
            assert pages == found
            assert [one.user_id for one in people_lists.starting_with(connection, "a%", 9)] == ["a%"]
            assert not people_lists.starting_with(connection, personal.ERASED, 9)
            told = people_lists.find(connection, "aa")
            assert told is not None
            assert (told.attributes, told.n_events, told.first_ms, told.last_ms) == ({"city": "Łódź"}, 1, 4, 4)
            assert people_lists.find(connection, "nobody") is None

    def test_the_latest_and_the_most_active(self, records: Records) -> None:
        with records.write() as connection:
            catalogue.upsert(connection, [Item(item_id="i0")])
            users = ["busy", "busy", "busy", "early", "late"]
            event_log.append(connection, [an_event(f"{n}", user, at=n) for n, user in enumerate(users)], None)
        with records.read() as connection:
            assert [one.user_id for one in people_lists.latest(connection, 2)] == ["late", "early"]
            assert [one.user_id for one in people_lists.latest(connection, 1, most_active=True)] == ["busy"]
            assert people_lists.names_of(connection, [0, 2, 7]) == {0: "busy", 2: "late"}

    def test_a_timeline_goes_on_behind_equal_moments(self, records: Records) -> None:
        with records.write() as connection:
            catalogue.upsert(connection, [Item(item_id="i0", title="Mug")])
            moments = [5, -5, 5, 5, 1]
            events = [an_event(f"{n}", at=at, kind=VIEW) for n, at in enumerate(moments)]
            shown = an_event("shown", at=3, kind=IMPRESSION)
            event_log.append(connection, [*events, shown, an_event("else", "v")], None)
        with records.read() as connection:
            row = personal.row_of(connection, "u")
            assert row is not None
            whole = timelines.page(connection, row, 9)
            assert [one.timestamp_ms for one in whole] == [5, 5, 5, 3, 1, -5]
            assert [one.seq for one in whole[:3]] == sorted((one.seq for one in whole[:3]), reverse=True)
            assert {one.title for one in whole} == {"Mug"}
            parts = timelines.page(connection, row, 2)
            while more := timelines.page(connection, row, 2, (parts[-1].timestamp_ms, parts[-1].seq)):
                parts += more
            assert parts == whole
            without = timelines.page(connection, row, 9, impressions=False)
            assert [one.timestamp_ms for one in without] == [5, 5, 5, 1, -5]
            assert timelines.counts_by_kind(connection, row) == {EventKind.VIEW: 5, EventKind.IMPRESSION: 1}

    def test_what_came_of_lists(self, records: Records) -> None:
        with records.write() as connection:
            catalogue.upsert(connection, [Item(item_id="i0"), Item(item_id="i1")])
            event_log.append(
                connection,
                [
                    answered("a", "s1"),
                    answered("b", "s1", "i1", PURCHASE),
                    answered("c", "s2"),
                    answered("d", "s1", kind=IMPRESSION),
                    answered("e", None),
                    answered("f", "other"),
                ],
                None,
            )
        with records.read() as connection:
            found = outcomes.of_slates(connection, ["s1", "s2", "none"])
            click, purchase = EventKind.CLICK, EventKind.PURCHASE
            assert sorted(found) == [("s1", 0, click), ("s1", 1, purchase), ("s2", 0, click)]
            assert outcomes.of_slates(connection, ["s1", "s2"], 1) == [("s1", 1, purchase)]
            assert outcomes.of_slates(connection, []) == []

    def test_where_an_item_was_shown_and_what_was_predicted(self, records: Records) -> None:
        with records.write() as connection:
            lists = [
                a_list("old", 1, 7, 3, clicks=0.5),
                a_list("across", 2, 0x0700, 0),  # the bytes of 7 stand across its numbers
                a_list("silent", 3, 7),
                a_list("new", 4, 1, 2, 7, clicks=0.25),
            ]
            slate_log.append(connection, lists)
        with records.read() as connection:
            found = slate_log.showings(connection, 7, 9, 9)
            assert [(one.slate_id, one.position, one.predictions) for one in found] == [
                ("new", 3, {"click": 0.25}),
                ("silent", 1, {}),
                ("old", 1, {"click": 0.5}),
            ]
            assert [one.slate_id for one in slate_log.showings(connection, 7, 9, 1)] == ["new"]
            assert [one.slate_id for one in slate_log.showings(connection, 7, 3, 9)] == ["new", "silent"]
            pages = slate_log.page_of_user(connection, "u", 3)
            pages += slate_log.page_of_user(connection, "u", 3, (pages[-1].at_ms, pages[-1].slate_id))
            assert [one.slate_id for one in pages] == ["new", "silent", "across", "old"]

    def test_bare_items(self, records: Records) -> None:
        with records.write() as connection:
            items = [Item(item_id="i0", description="ü" * 5_000), Item(item_id="gone"), Item(item_id="i2", price=3)]
            catalogue.upsert(connection, items)
            catalogue.delete(connection, "gone")
        with records.read() as connection:
            first, second = read_bare(connection)
        assert (first.row, first.description, first.available) == (0, "ü" * 1_000, True)
        assert (second.row, second.price, second.description) == (2, 3.0, None)
