"""Two recommenders over one store, as two server processes are: what one stores the other's next answer knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from shelfwise.pipeline import live_model
from shelfwise.pipeline.live_model import AT_ONCE
from shelfwise.pipeline.recommender import Recommender
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.items import Item
from shelfwise.schemas.queries import Query
from shelfwise.store import catalogue, erasures, event_log, personal, rule_versions
from shelfwise.store.event_log import EventRow
from shelfwise.store.marks import marks
from shelfwise.store.records import Records
from shelfwise.testing.opened_shop import opened_shop
from shelfwise.testing.small_shop import N_ITEMS, small_shop

BOUGHT = CODE_BY_KIND[EventKind.PURCHASE]


class Two(NamedTuple):
    """One process answers, and another one stores through its own connection."""

    answering: Recommender
    elsewhere: Records


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    answering, records = opened_shop(tmp_path, small_shop())
    elsewhere = Records.open("sqlite:///shop.db", tmp_path)
    yield Two(answering, elsewhere)
    elsewhere.close()
    records.close()


def shown(answering: Recommender, **query: object) -> list[str]:
    return [item.item_id for item in answering.recommend(Query.model_validate({"k": 100, **query})).items]


def bought(records: Records, user: str, *items: str, first: int = 0) -> None:
    with records.write() as connection:
        now_ms = event_log.newest_ms(connection) + 1
        rows = [
            EventRow(f"{user[:6]:_<6}{first + n:010d}".encode(), user, item, BOUGHT, now_ms + n)
            for n, item in enumerate(items)
        ]
        assert len(event_log.append(connection, rows, None).stored) == len(items)


def test_an_item_that_is_new_is_shown_and_one_that_is_gone_is_not(two: Two) -> None:
    best = shown(two.answering)[0]
    with two.elsewhere.write() as connection:
        catalogue.upsert(connection, [Item(item_id="fresh", title="Something new", category="Set 1")])
    assert "fresh" in shown(two.answering)
    with two.elsewhere.write() as connection:
        catalogue.delete(connection, best)
        sold_out = catalogue.get(connection, "fresh")
        assert sold_out is not None
        catalogue.upsert(connection, [sold_out.item.model_copy(update={"available": False})])
    assert not {best, "fresh"} & set(shown(two.answering))


def test_events_count_once_whoever_stored_them(two: Two) -> None:
    item = shown(two.answering, scenario="trending")[-1]
    bought(two.elsewhere, "crowd", *[item] * 60)
    assert shown(two.answering, scenario="trending")[0] == item
    seen = two.answering.live.marks
    assert not two.answering.live.follow()
    assert two.answering.live.marks == seen


def test_a_user_who_bought_elsewhere_is_known_here(two: Two) -> None:
    before = shown(two.answering, user_id="newcomer", k=10)
    bought(two.elsewhere, "newcomer", "item-31", "item-32", "item-33")
    after = shown(two.answering, user_id="newcomer", k=10)
    assert after != before
    assert sum(item.startswith("item-3") for item in after) > sum(item.startswith("item-3") for item in before)


def test_rules_hold_at_once(two: Two) -> None:
    best = shown(two.answering)[0]
    with two.elsewhere.write() as connection:
        rule_versions.put(
            connection, {"version": 1, "rules": {"hide": {"block": f'item_id = "{best}"'}}}, author="somebody"
        )
    assert best not in shown(two.answering)


def test_a_flood_is_taken_up_in_parts_and_wholly(two: Two) -> None:
    n = 2 * AT_ONCE + 10
    with two.elsewhere.write() as connection:
        # Of one transaction: it is taken up in parts all the same.
        catalogue.upsert(connection, [Item(item_id=f"new-{number}", title=f"Thing {number}") for number in range(n)])
    bought(two.elsewhere, "crowd", *["item-5"] * n)
    live = two.answering.live
    assert live.follow()
    assert len(live.catalogue) == N_ITEMS + AT_ONCE
    assert live.follow() and not live.follow()
    assert all(live.catalogue.row(f"new-{number}") is not None for number in range(n))
    with two.elsewhere.read() as connection:
        assert live.marks == marks(connection)


def test_a_batch_that_was_acknowledged_is_wholly_in_the_next_answer(two: Two) -> None:
    n = 1_000  # as many as one request may send
    with two.elsewhere.write() as connection:
        catalogue.upsert(connection, [Item(item_id=f"new-{number}", title=f"Thing {number}") for number in range(n)])
    shown(two.answering)
    live = two.answering.live
    assert live.catalogue.row(f"new-{n - 1}") is not None and not live.follow()


def test_of_a_flood_what_is_gone_is_gone_at_once(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_model, "CATCH_UP_S", 0.0)
    everything, n = shown(two.answering), 3 * AT_ONCE * live_model.LOOKS_AT_LEAST
    deleted, sold_out, *_ = everything
    with two.elsewhere.write() as connection:
        catalogue.upsert(connection, [Item(item_id=f"new-{number}", title=f"Thing {number}") for number in range(n)])
        catalogue.upsert(connection, [Item(item_id=sold_out, title="Sold out", available=False)])
        catalogue.delete(connection, deleted)
    assert not {deleted, sold_out} & set(shown(two.answering))
    live = two.answering.live
    assert len(live.catalogue) == N_ITEMS + AT_ONCE * live_model.LOOKS_AT_LEAST  # a request does no more than this
    shown(two.answering)
    assert len(live.catalogue) == N_ITEMS + AT_ONCE * (live_model.LOOKS_AT_LEAST + 1)
    with two.elsewhere.write() as connection:
        catalogue.upsert(connection, [Item(item_id=sold_out, title="Back again", created_at=None)])
    while live.follow():
        pass
    assert len(live.catalogue) == N_ITEMS + n
    assert sold_out in shown(two.answering) and deleted not in shown(two.answering)


def test_a_text_whose_price_changed_before_it_was_seen_is_encoded_all_the_same(two: Two) -> None:
    live, n = two.answering.live, 2 * AT_ONCE
    live.encodes_at_once = False
    new = [Item(item_id=f"new-{number}", title=f"Thing {number}") for number in range(n)]
    with two.elsewhere.write() as connection:
        catalogue.upsert(connection, new)
    with two.elsewhere.write() as connection:
        catalogue.upsert(connection, [item.model_copy(update={"price": 3.0}) for item in new])
    while live.follow():
        pass
    assert len(live.pending) == n


def test_events_count_though_the_latest_ones_before_them_were_erased(two: Two) -> None:
    item = shown(two.answering, scenario="trending")[-1]
    bought(two.elsewhere, "gone", *["item-5"] * 40)
    shown(two.answering)
    with two.elsewhere.write() as connection:
        erasures.add(connection, "gone", event_log.newest_ms(connection))
        personal.erase(connection, "gone", "receipt")
    shown(two.answering)  # SQLite gives the numbers of the erased events again
    bought(two.elsewhere, "crowd", *[item] * 60, first=100)
    assert shown(two.answering, scenario="trending")[0] == item


def test_an_erasure_elsewhere_is_forgotten_here_whoever_looks_first(two: Two) -> None:
    asking, forgotten = two.answering.asking, list[str]()
    asking.on_erasure.append(lambda: forgotten.append("kept answers"))
    shown(two.answering, user_id="user-3")
    assert len(asking.remembered.of("user-3"))
    with two.elsewhere.write() as connection:
        erasures.add(connection, "user-3", event_log.newest_ms(connection))
        personal.erase(connection, "user-3", "receipt")
    two.answering.live.follow()  # as a server's background task does, between two requests
    asking.follow()
    assert not len(asking.remembered.of("user-3"))
    assert forgotten == ["kept answers"]
