"""Trends by region: from three files to what rises where a user is at home."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise import Shop
from shelfwise.errors import QueryError
from shelfwise.schemas.queries import Query

Cli = Callable[..., Any]

N_USERS = 40
COUNTRIES = ("France", "Chile")
LAST_DAY = np.datetime64("2024-06-30T12:00:00")

SHOP = """
version = 1
[ingest.items]
path = "items.csv"
[ingest.users]
path = "users.csv"
attributes = ["country"]
[ingest.events]
path = "events.csv"
[behaviour]
region = "country"
[encode.text]
use = "wide_bag_of_words:WideBagOfWords"
"""


def written(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def event_rows() -> list[list[str]]:
    """Everybody buys something every other week; lately the French buy skis and the Chileans buy swimsuits."""
    rows = [["user_id", "item_id", "event", "timestamp"]]
    random = np.random.default_rng(3)

    def bought(user: int, item: str, days_ago: float) -> None:
        when = LAST_DAY - np.timedelta64(round(days_ago * 86_400) + user, "s")
        rows.append([f"user-{user}", item, "purchase", f"{when}Z"])

    for user in range(N_USERS):
        for week in range(1, 9):
            bought(user, f"plain-{int(random.integers(20))}", 14 * week + float(random.random()))
        if user % 4 < 2:
            bought(user, ("skis", "swimsuit")[user % 2], 0.5)
    return rows


@pytest.fixture(scope="module")
def template(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("regions") / "shop"
    folder.mkdir()
    (folder / "shop.toml").write_text(SHOP, encoding="utf-8")
    names = ["skis", "swimsuit", "kite", *(f"plain-{n}" for n in range(20))]
    written(folder / "items.csv", [["item_id", "title"], *([name, name.title()] for name in names)])
    homes = [[f"user-{user}", COUNTRIES[user % 2]] for user in range(N_USERS)]
    written(folder / "users.csv", [["user_id", "country"], *homes, ["nomad", ""]])
    written(folder / "events.csv", event_rows())
    for verb in ("ingest", "train"):
        ran = cli(verb, "--shop", folder)
        assert ran.code == 0, ran.err
    return folder


@pytest.fixture
def shop(template: Path, tmp_path: Path) -> Any:
    with Shop.open(shutil.copytree(template, tmp_path / "shop")) as opened:
        yield opened


def first(cli: Cli, shop: Path, *options: str) -> str:
    ran = cli("recommend", "--shop", shop, "--scenario", "trending", "--k", "4", "--json", *options)
    assert ran.code == 0, ran.err
    return str(json.loads(ran.out)["items"][0]["item_id"])


def test_a_region_has_its_own_trends_and_a_user_those_of_home(cli: Cli, template: Path) -> None:
    for region, item in (("France", "skis"), ("Chile", "swimsuit")):
        assert first(cli, template, "--region", region) == item
        assert first(cli, template, "--user", f"user-{COUNTRIES.index(region)}") == item
    # Who travels may ask for elsewhere.
    assert first(cli, template, "--user", "user-0", "--region", "Chile") == "swimsuit"


def test_a_region_that_nobody_knows_is_said_and_the_shop_answers(shop: Shop) -> None:
    slate = shop.recommend(None, "trending", 4, region="Frace")
    whole = shop.recommend(None, "trending", 4)
    assert [item.item_id for item in slate.items] == [item.item_id for item in whole.items]
    assert any("'Frace' are not told apart" in note for note in slate.degraded)
    assert {whole.items[0].item_id, whole.items[1].item_id} == {"skis", "swimsuit"}
    with pytest.raises(QueryError, match=r"'Frace' are not told apart") as refused:
        shop.recommender.trending(4, region="Frace")
    assert "France" in str(refused.value)
    assert shop.recommend("nomad", "trending", 4).degraded == whole.degraded


def test_an_event_while_serving_counts_at_home_and_hardly_elsewhere(shop: Shop) -> None:
    recommender = shop.recommender
    now_ms = recommender.clock.now_ms()
    for user in (0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22):
        recommender.live.observe("kite", now_ms, f"user-{user}")
    france, chile = ([item.item_id for item in recommender.trending(3, region=region)] for region in COUNTRIES)
    assert "kite" in france[:2]
    assert "kite" not in chile[:1]
    assert recommender.trending(1, region="France")[0].item_id == france[0]


def test_events_that_came_after_training_count_at_home_when_the_shop_opens_again(shop: Shop) -> None:
    from shelfwise.schemas.events import CODE_BY_KIND, EventKind
    from shelfwise.store import event_log
    from shelfwise.store.event_log import EventRow

    now_ms = shop.recommender.clock.now_ms()
    code = CODE_BY_KIND[EventKind.PURCHASE]
    with shop.records.write() as connection:
        rows = [EventRow(f"{n:016d}".encode(), f"user-{2 * n}", "kite", code, now_ms + n) for n in range(12)]
        event_log.append(connection, rows, None)
    with Shop.open(shop.folder) as again:
        assert "kite" in [item.item_id for item in again.recommender.trending(2, region="France")]
        assert "kite" not in [item.item_id for item in again.recommender.trending(1, region="Chile")]


def test_all_users_lists_are_those_of_each_home(shop: Shop, tmp_path: Path) -> None:
    import polars as pl

    shop.recommend_all(tmp_path / "lists.parquet", "trending", 3)
    lists = pl.read_parquet(tmp_path / "lists.parquet")
    for user in ("user-0", "user-1", "nomad"):
        alone = shop.recommender.recommend(Query(user_id=user, scenario="trending", k=3))
        listed = lists.filter(pl.col("user_id") == user)["item_id"].to_list()
        assert listed == [item.item_id for item in alone.items]
