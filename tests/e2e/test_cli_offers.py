"""Offers from a shop's own files to a plan, as its engineer types it: ingest, train, check, plan, recommend."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

Cli = Callable[..., Any]

THINGS = {"mug": "Kitchen > Mugs", "lamp": "Home > Lamps", "boot": "Shoes > Boots", "kite": "Toys > Kites"}
N_USERS, N_WEEKS = 160, 36
START = datetime(2024, 1, 1, 10, tzinfo=UTC)

TOML = """version = 1
[ingest.items]
path = "items.csv"
[ingest.events]
path = "events.csv"
[encode.text]
use = "none"
[encode.image]
use = "none"
[retrieve.transitions]
use = "transitions"
[retrieve.popular]
use = "popular"
[retrieve.again]
use = "again"
[rank]
use = "fusion"
model = "reciprocal"
"""

OFFERS = """
[offers.spring-{thing}]
items = 'category = "{category}"'
discount = 0.1
from = 2024-06-03
until = 2024-06-30

[offers.summer-{thing}]
items = 'category = "{category}"'
discount = 0.1
from = 2024-07-01
until = 2024-07-28

[offers.now-{thing}]
items = 'category = "{category}"'
discount = 0.1
margin = 0.4
cost = 0.02
from = 2024-08-01
"""


def is_eager(user: int) -> bool:
    return user // 4 % 2 == 0


def write_shop(folder: Path) -> None:
    """Who has a favourite kind buys of it every other week or so; the eager take what is offered of it."""
    draw = random.Random(0)
    items = ["item_id,title,category,price"]
    for thing, category in THINGS.items():
        items += [f"{thing}-{n},{thing} {n},{category},{5 + n}" for n in range(10)]
    events = ["user_id,item_id,event,timestamp,scenario"]
    things = list(THINGS)
    for user in range(N_USERS):
        for week in range(N_WEEKS):
            if draw.random() < 0.5:
                thing = things[user % 4] if draw.random() < 0.9 else draw.choice(things)
                at = START + timedelta(weeks=week, hours=draw.randrange(160))
                place = "promotion" if is_eager(user) and 22 <= week < 30 else "home"
                events.append(f"user-{user},{thing}-{draw.randrange(10)},purchase,{at:%Y-%m-%dT%H:%M:%SZ},{place}")
    (folder / "items.csv").write_text("\n".join(items) + "\n")
    (folder / "events.csv").write_text("\n".join(events) + "\n")
    (folder / "shop.toml").write_text(TOML)
    offers = [OFFERS.format(thing=thing, category=category) for thing, category in THINGS.items()]
    (folder / "offers.toml").write_text("".join(offers))


@pytest.fixture(scope="module")
def shop(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("offers")
    write_shop(folder)
    for verb in ("ingest", "train"):
        ran = cli(verb, "--shop", folder)
        assert ran.code == 0, ran.err
    return folder


def test_training_tells_what_it_learned_from(cli: Cli, shop: Path) -> None:
    version = cli("models", "list", "--shop", shop, "--json").document[0]["version"]
    about = json.loads((shop / "models" / version / "manifest.json").read_text())["offers"]
    assert about["bought"] >= 200 and about["past_offers"] == 8
    # Nobody's impressions were logged: the offers that are over count as made to all.
    assert about["answers"] >= 100


def test_plan_and_answer(cli: Cli, shop: Path, tmp_path: Path) -> None:
    ran = cli("offers", "check", "--shop", shop, "--json")
    assert ran.code == 0 and {one["code"] for one in ran.document["warnings"]} == {"over"}
    output = tmp_path / "plan.parquet"
    found = cli("offers", "plan", "--budget", 10, "--output", output, "--shop", shop, "--json").document
    assert found["chance_of"] == "answering"
    assert 0 < found["cost"] <= 10 + 1e-6 and 0.95 * found["bound"] <= found["value"] <= found["bound"]
    table = pl.read_parquet(output)
    users = [int(user.removeprefix("user-")) for user in table["user_id"]]
    kinds = [list(THINGS).index(offer.removeprefix("now-")) for offer in table["offer"]]
    assert sum(user % 4 == kind for user, kind in zip(users, kinds, strict=True)) > 0.8 * len(users)
    assert sum(map(is_eager, users)) > 0.6 * len(users)
    slate = cli("recommend", "--user", "user-3", "--scenario", "promotion", "--shop", shop, "--json").document
    assert slate["offers"][0]["offer"] == "now-kite" and slate["offers"][0]["chance_of"] == "answering"
    assert slate["degraded"] == []
    assert slate["offers"][0]["reason"].startswith("You bought ")
    others = [one["chance"] for one in slate["offers"][1:]]
    assert all(slate["offers"][0]["chance"] > chance for chance in others)


def test_a_version_that_goes_on_learns_anew(cli: Cli, shop: Path) -> None:
    (shop / "shop.toml").write_text(TOML + "[offers]\nlearn = false\n")
    ran = cli("train", "--continue", "--shop", shop, "--json")
    assert ran.code == 0, ran.err
    slate = cli("recommend", "--user", "user-3", "--scenario", "promotion", "--shop", shop, "--json").document
    assert slate["offers"][0]["chance_of"] == "buying"
    assert slate["degraded"][0].startswith("who answers could not be learned here")


def test_what_is_misspelt_is_said(cli: Cli, shop: Path) -> None:
    kept = (shop / "offers.toml").read_text()
    (shop / "offers.toml").write_text("[offers.now]\nitems = 'catgory = \"x\"'\ndiscount = 0.1\n")
    ran = cli("offers", "plan", "--shop", shop)
    assert ran.code == 2 and "did you mean 'category'" in ran.err
    (shop / "offers.toml").write_text("[offers.now]\nitems = 'price > 1'\ndiscount = 20\n")
    ran = cli("offers", "check", "--shop", shop)
    assert ran.code == 2 and "20 is no share of the price" in ran.err
    (shop / "offers.toml").unlink()
    ran = cli("offers", "list", "--shop", shop)
    assert ran.code == 2 and "docs/offers.md" in ran.err
    (shop / "offers.toml").write_text(kept)
