"""A shop that tells regions apart, and users whose attributes cannot be opened: nobody else is held up by them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, update

from shelfwise.pipeline.funnel import Funnel
from shelfwise.pipeline.recommender import Recommender
from shelfwise.schemas.candidates import History
from shelfwise.schemas.items import Item
from shelfwise.schemas.queries import Query
from shelfwise.store import catalogue, event_log, people
from shelfwise.store.data_keys import DataKey, DataKeys
from shelfwise.store.event_log import EventRow
from shelfwise.store.marks import marks
from shelfwise.store.records import Records
from shelfwise.store.tables import users
from shelfwise.testing.opened_shop import QUICK, opened_shop
from shelfwise.testing.small_shop import START_MS, small_shop

DAY_MS = 86_400_000
CITIES = {"user-0": "Łódź", "user-1": "Bonn", "user-2": "Graz", "user-3": "Ulm"}
OFFERS = """
[offers.all]
items = "price > 0"
discount = 0.1

[offers.ulm]
items = "price > 0"
discount = 0.2
audience = 'user.city = "Ulm"'
"""
HERE, AWAY = DataKey(b"h" * 32), DataKey(b"a" * 32)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[Recommender, Records]]:
    """In service with one of its two keys: of four users it can open the last two, and the second one's no more."""
    document: dict[str, Any] = {
        **QUICK,
        "behaviour": {"region": "city"},
        "scenarios": {"home": {}, "deals": {"answer": "offers"}},
    }
    (tmp_path / "offers.toml").write_text(OFFERS)
    recommender, made = opened_shop(tmp_path, small_shop(n_users=40), document, with_offers=True)
    made.close()
    for key, named in ((AWAY, ["user-0"]), (HERE, ["user-1", "user-2", "user-3"])):
        records = Records.open("sqlite:///shop.db", tmp_path, DataKeys([key, AWAY]))
        with records.write() as connection:
            people.upsert(connection, [(user, {"city": CITIES[user]}) for user in named])
        records.close()
    records = Records.open("sqlite:///shop.db", tmp_path, DataKeys([HERE]))
    with records.write() as connection:
        altered = update(users).where(users.c.user_id == "user-1")
        connection.execute(altered.values(attributes=func.substr(users.c.attributes, 1, 30)))
    yield Recommender(recommender.model, records), records
    records.close()


def did(records: Records, place: int, user_ids: Sequence[str], item_id: str) -> None:
    rows = [
        EventRow(f"later-{place + n:010d}".encode(), user, item_id, 1, START_MS + 900 * DAY_MS)
        for n, user in enumerate(user_ids)
    ]
    with records.write() as connection:
        event_log.append(connection, rows, None)


def test_what_the_others_do_is_followed(shop: tuple[Recommender, Records], monkeypatch: pytest.MonkeyPatch) -> None:
    recommender, records = shop
    seen = list[str | None]()
    monkeypatch.setattr(Funnel, "observe", lambda _self, _row, _ms, region: seen.append(region))
    with records.write() as connection:
        catalogue.upsert(connection, [Item(item_id="lamp", title="A lamp")])
    did(records, 0, list(CITIES), "lamp")
    for k in (5, 6):
        assert recommender.recommend(Query(user_id="user-3", k=k)).degraded == []
    assert seen == [None, None, "Graz", "Ulm"]  # each once
    with records.read() as connection:
        assert recommender.live.marks == marks(connection)
    assert recommender.catalogue.row("lamp") is not None

    again = Recommender(recommender.model, records)  # as a server that starts now takes up what came after training
    assert seen[4:] == [None, None, "Graz", "Ulm"]
    assert again.live.regions_of(list(CITIES)) == [None, None, "Graz", "Ulm"]


def test_whose_words_cannot_be_opened_is_answered_without_and_told_so(shop: tuple[Recommender, Records]) -> None:
    recommender, _ = shop
    [missing] = recommender.recommend(Query(user_id="user-0", k=5)).degraded
    assert "sealed under a key that is not at hand" in missing
    [altered] = recommender.recommend(Query(user_id="user-1", k=5)).degraded
    assert "altered since it was sealed" in altered
    for user, n_told in (("user-0", 1), ("user-1", 1), ("user-3", 0)):
        deals = recommender.recommend(Query(user_id=user, scenario="deals", k=5))
        assert ({one.offer for one in deals.offers or []} == {"all"}) is bool(n_told), deals.offers
        assert len([one for one in deals.degraded if "this answer does without" in one]) == n_told
    histories = ((user, History.empty()) for user in CITIES)
    lists = list(recommender.recommend_all(histories, "home", 3))
    assert [(one.user_id, len(one.rows)) for one in lists] == [(user, 3) for user in CITIES]
