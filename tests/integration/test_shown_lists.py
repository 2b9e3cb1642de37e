"""A shop that logs the lists it shows: from its files to answers that follow what was clicked in them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from shelfwise.shop.facade import Shop

N_ITEMS, N_USERS, N_LISTS, LENGTH = 40, 60, 900, 8
START = datetime(2024, 1, 1, tzinfo=UTC)
CONFIG = """
version = 1
[ingest.items]
path = "items.csv"
[ingest.events]
path = "events.csv"
[behaviour]
target = "click"
repeats = "allow"
[objectives.click]
events = ["click"]
window_d = 1
[encode.text]
use = "none"
[retrieve.popular]
use = "popular"
k = 40
[retrieve.recent]
use = "recent"
k = 40
[rank]
use = "multi-objective"
epochs = 12
width = 16
requests_per_step = 32
"""


def write_shop(folder: Path, *, n_lists: int = N_LISTS, with_slates: bool = True) -> None:
    """Phones click what is cheap in the list, desks what is dear; and whoever it is, what stands first a little more.

    Item `i` costs `1 + i`. A click names its list; one in ten names an item of no list that day, as from an e-mail.
    """
    random = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shop.toml").write_text(CONFIG, encoding="utf-8")
    with (folder / "items.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["item_id", "title", "price"])
        table.writerows([f"item-{item}", f"Thing {item}", 1 + item] for item in range(N_ITEMS))
    columns = ["user_id", "item_id", "event", "timestamp", "slate_id", "position", "device", "price", "scenario"]
    with (folder / "events.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(columns)
        for number in range(n_lists):
            user = int(random.integers(N_USERS))
            device = "phone" if user % 2 else "desktop"
            moment = START + timedelta(minutes=100 * number)
            shown = random.permutation(N_ITEMS)[:LENGTH]
            slate = f"slate-{number}" if with_slates else ""
            about = [device, "", "home"]
            for position, item in enumerate(shown, start=1):
                table.writerow(
                    [f"user-{user}", f"item-{item}", "impression", moment.isoformat(), slate, position, *about]
                )
            pull = (-shown if device == "phone" else shown) / 6 - 0.2 * np.arange(LENGTH)
            share = np.exp(pull - pull.max())
            clicked = int(random.choice(shown, p=share / share.sum()))
            at = moment + timedelta(seconds=20)
            table.writerow([f"user-{user}", f"item-{clicked}", "click", at.isoformat(), slate, "", *about])
            if number % 10 == 0:
                at = moment + timedelta(seconds=40)
                other = int(random.integers(N_ITEMS))
                table.writerow([f"user-{user}", f"item-{other}", "click", at.isoformat(), "mail", "", *about])


def trained(folder: Path) -> Shop:
    shop = Shop.open(folder)
    reports = shop.ingest()
    assert all(not report.quarantined for report in reports), reports
    shop.train()
    return shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("lists") / "shop"
    write_shop(folder)
    with trained(folder) as found:
        yield found


def prices(shop: Shop, **query: str) -> list[int]:
    return [1 + int(one.item_id.removeprefix("item-")) for one in shop.recommend("user-new", k=10, **query).items]


def test_the_manifest_says_that_lists_were_learned_from(shop: Shop) -> None:
    about = shop.versions.get(shop.recommender.model.name).manifest["learned"]["ranker"]
    assert about["learned_from"]["lists"] > 300
    assert about["calibrated_on"] == "lists"


def test_a_phone_sees_what_phones_click_and_a_desk_what_desks_click(shop: Shop) -> None:
    cheap, dear = np.mean(prices(shop, device="mobile")), np.mean(prices(shop, device="desktop"))
    assert cheap < 15 and dear > 25


def test_a_device_that_nobody_said_or_knows_breaks_nothing(shop: Shop) -> None:
    assert len(prices(shop)) == 10
    assert len(prices(shop, device="fridge")) == 10


def test_what_is_predicted_is_the_chance_of_a_click_where_an_item_is_shown(shop: Shop) -> None:
    # One click in a list of eight; of all forty, most would be named to nobody.
    said = [one.predictions["click"] for one in shop.recommend("user-new", k=40, device="mobile").items]
    assert len(said) == N_ITEMS
    assert float(np.mean(said)) == pytest.approx(1 / LENGTH, abs=0.06)


def test_a_shop_without_lists_learns_from_visits_as_before(tmp_path: Path) -> None:
    write_shop(tmp_path / "shop", n_lists=300, with_slates=False)
    with trained(tmp_path / "shop") as shop:
        about = shop.versions.get(shop.recommender.model.name).manifest["learned"]["ranker"]
        assert about["learned_from"]["lists"] == 0
        assert about["learned_from"]["visits"] > 50
        assert len(prices(shop, device="mobile")) == 10
