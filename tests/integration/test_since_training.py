"""What changed between a training's look at the store and the start of a server is part of its first answer."""

from __future__ import annotations

import asyncio
import gc
import json
import shutil
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from shelfwise import Shop
from shelfwise.pipeline.recommender import Recommender
from shelfwise.retrieve.popular import Popular
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.ids import Doubles, Floats
from shelfwise.schemas.items import Item
from shelfwise.schemas.queries import Query
from shelfwise.serve import model_in_service
from shelfwise.serve.live_items import LiveItems
from shelfwise.serve.measures import Measures
from shelfwise.serve.model_in_service import ModelInService
from shelfwise.store import catalogue, erasures, event_log, personal
from shelfwise.store.event_keys import event_key
from shelfwise.store.event_log import EventRow
from shelfwise.store.marks import marks
from shelfwise.store.records import Records
from shelfwise.store.versions import Versions

BOUGHT = CODE_BY_KIND[EventKind.PURCHASE]
DAY_MS = 86_400_000
KITE = Item(
    item_id="mug-red",
    title="Blue kite",
    description="flies high over beach and meadow",
    category="Toys > Kites",
    price=77.0,
)


@pytest.fixture
def records(tiny_shop: Path) -> Iterator[Records]:
    opened = Records.open("sqlite:///shelfwise.db", tiny_shop)
    yield opened
    opened.close()


def put(records: Records, *items: Item) -> None:
    with records.write() as connection:
        catalogue.upsert(connection, items)


def bought(records: Records, item: str, n: int, *, before_d: float, user: str = "late") -> None:
    """Store purchases that happened some days before the latest one that is known."""
    with records.write() as connection:
        at_ms = event_log.newest_ms(connection) - int(before_d * DAY_MS)
        rows = [
            EventRow(event_key(f"{user} {item} {at_ms} {number}", ()), user, item, BOUGHT, at_ms) for number in range(n)
        ]
        assert len(event_log.append(connection, rows, None).stored) == n


def counts(recommender: Recommender) -> Doubles:
    [popular] = [one for one in recommender.model.funnel.retrievers.values() if isinstance(one, Popular)]
    return np.array([popular._counts[row] for row in range(60)])


def vector(recommender: Recommender, item_id: str) -> Floats:
    row = recommender.catalogue.row(item_id)
    assert row is not None and recommender.model.funnel.vectors is not None
    return recommender.model.funnel.vectors.take(np.array([row], np.int32))[0][0]


def manifest_of(shop: Path) -> Path:
    return Versions(shop / "models").current().folder / "manifest.json"


def say(shop: Path, **changes: object) -> None:
    """Change what the manifest of the version in service says; None takes it out."""
    document = json.loads(manifest_of(shop).read_text()) | changes
    manifest_of(shop).write_text(json.dumps({name: value for name, value in document.items() if value is not None}))


def test_texts_and_prices_are_those_of_now(tiny_shop: Path, records: Records) -> None:
    put(records, KITE, Item(item_id="lamp-red", title="Red lamp", price=99.0, available=False))
    with Shop.open(tiny_shop) as shop:
        recommender = shop.recommender
        encoded = recommender.live.encode(KITE)
        assert encoded is not None and float(vector(recommender, "mug-red") @ encoded) > 0.95
        prices = np.exp(recommender.model.funnel.state.log_price)
        assert [round(float(prices[recommender.catalogue.row(one) or 0])) for one in ("mug-red", "lamp-red")] == [
            77,
            99,
        ]
        assert "mug-red" in [item.item_id for item in recommender.similar("kite-blue", 5)]


def test_a_text_that_was_taken_away_meanwhile_is_known_no_more(tiny_shop: Path, records: Records) -> None:
    with Shop.open(tiny_shop) as shop:
        running = shop.recommender
        gone = running.similar("mug-blue", 1)[0].item_id
        assert vector(running, gone).any()
        put(records, Item(item_id=gone, price=3.0))
        running.recommend(Query(k=1))  # who runs takes it up, and who starts finds it so
        with Shop.open(tiny_shop) as started:
            for recommender in (running, started.recommender):
                assert not vector(recommender, gone).any()
                assert gone not in [item.item_id for item in recommender.similar("mug-blue", 60)]


def test_events_count_once_whether_they_were_followed_or_found_at_the_start(tiny_shop: Path, records: Records) -> None:
    with Shop.open(tiny_shop) as following, Shop.open(tiny_shop) as untouched:
        before = counts(untouched.recommender).sum()
        assert following.recommender.live.marks == untouched.recommender.live.marks
        bought(records, "scarf-pink", 30, before_d=12)  # came late: it happened before the last one that was learned
        bought(records, "pen-blue", 20, before_d=-1)
        assert not following.recommender.live.follow()
        with Shop.open(tiny_shop) as started:
            assert counts(started.recommender).sum() > before + 30
            np.testing.assert_allclose(counts(started.recommender), counts(following.recommender))
            assert not started.recommender.live.follow()


def test_events_count_though_an_erasure_set_their_numbers_free(tiny_shop: Path, records: Records) -> None:
    with records.write() as connection:
        erasures.add(connection, "user-39", event_log.newest_ms(connection))
        personal.erase(connection, "user-39", "receipt")  # whose events are the latest
    bought(records, "pen-blue", 20, before_d=-1)
    with records.read() as connection:
        assert marks(connection).events < json.loads(manifest_of(tiny_shop).read_text())["learned_up_to"]["events"] + 20
    with Shop.open(tiny_shop) as shop:
        assert shop.recommender.trending(1)[0].item_id == "pen-blue"


@pytest.mark.parametrize("wrong", ["no marks", "marks of a store that went on"])
def test_without_marks_new_items_and_later_events_are_told_by_rows_and_times(
    tiny_shop: Path, records: Records, wrong: str
) -> None:
    ahead = {"events": 10**6, "items": 10**6, "rules": 0, "erasures": 0}
    say(tiny_shop, learned_up_to=None if wrong == "no marks" else ahead)
    put(records, Item(item_id="late", title="Red mug"))
    bought(records, "pen-blue", 40, before_d=-1)
    with Shop.open(tiny_shop) as shop:
        assert shop.recommender.trending(1)[0].item_id == "pen-blue"
        assert vector(shop.recommender, "late").any()


def test_an_item_deleted_meanwhile_is_not_encoded(tiny_shop: Path, records: Records) -> None:
    put(records, KITE)
    with records.write() as connection:
        catalogue.delete(connection, "mug-red")
    with Shop.open(tiny_shop) as shop:
        live = Recommender(shop.recommender.model, records, encodes_at_once=False).live
        assert not live.pending and "mug-red" not in [item.item_id for item in shop.recommend(k=60).items]


def in_service(shop: Path, records: Records) -> ModelInService:
    found = ModelInService(Versions(shop / "models"), records, Measures(), patience_s=0.05)
    found.open()
    return found


def another(shop: Path) -> None:
    """A copy of the version in service, put in its place."""
    versions, name = Versions(shop / "models"), "20300101T000000-aaaa"
    shutil.copytree(versions.current().folder, shop / "models" / name)
    versions.promote(name)
    say(shop, version=name)


def test_a_server_answers_before_everything_is_encoded(
    tiny_shop: Path, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_in_service, "HEAD_START_S", 0.0)
    put(records, KITE)
    recommender = in_service(tiny_shop, records).recommender
    assert recommender is not None and len(recommender.live.pending) == 1
    old = vector(recommender, "mug-red")
    assert "mug-red" in [item.item_id for item in recommender.recommend(Query(k=60)).items]
    asyncio.run(LiveItems().encode(recommender.live))
    assert not recommender.live.pending and float(vector(recommender, "mug-red") @ old) < 0.95


def test_a_version_that_is_replaced_is_freed_at_once(tiny_shop: Path, records: Records) -> None:
    models = in_service(tiny_shop, records)
    another(tiny_shop)
    first = weakref.ref(models.recommender)
    gc.collect()
    gc.disable()
    try:
        asyncio.run(models.follow())
        assert models.recommender is not None and models.recommender.model.name == "20300101T000000-aaaa"
        assert first() is None
    finally:
        gc.enable()


def test_a_swap_ends_though_the_shop_changes_all_the_while(
    tiny_shop: Path, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = in_service(tiny_shop, records)
    another(tiny_shop)
    assert models.recommender is not None
    live, heard, looks = models.recommender.live, list[str](), list[int]()
    models.on_changed_item = lambda entry: heard.append(entry.item.item_id)
    put(records, replace_title("lamp-red"))
    follow = live.follow

    def restless() -> bool:
        looks.append(1)
        assert len(looks) < 50
        put(records, replace_title(f"new-{len(looks)}"))
        follow()
        return True

    monkeypatch.setattr(live, "follow", restless)
    asyncio.run(models.follow())
    assert models.recommender.live is not live
    assert "lamp-red" in heard


def replace_title(item_id: str) -> Item:
    return Item(item_id=item_id, title=f"Another {item_id}")
