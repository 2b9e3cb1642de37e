"""Users of whom only the users' file tells: from three files to a list that fits what they say of themselves."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise import Shop
from shelfwise.config.load import load
from shelfwise.store import people

Cli = Callable[..., Any]

THEMES = {
    "kitchen": ("Kitchen > Mugs", "mug", "Coffee mugs for the kitchen"),
    "gardening": ("Gardening > Tools", "trowel", "likes gardening tools"),
    "camping": ("Camping > Tents", "tent", "Out camping with tents"),
    "sewing": ("Sewing > Fabric", "ribbon", "sewing with fabric"),
}
COLOURS = ("red", "blue", "green", "yellow", "black", "white", "grey", "brown", "pink", "violet")
REASON = "Fits what your profile says about you"


def written(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def item_rows() -> list[list[str]]:
    rows = [["item_id", "title", "category", "price"]]
    for theme, (category, thing, _) in THEMES.items():
        rows += [[f"{theme}-{n}", f"{colour} {thing}", category, str(5 + n)] for n, colour in enumerate(COLOURS)]
    return rows


def user_rows() -> list[list[str]]:
    """Eighty who buy what they say they like, most of them mugs; and some who bought nothing yet."""
    rows = [["user_id", "email", "full_name", "about", "tier"]]
    for user, theme in enumerate(themes()):
        about = THEMES[theme][2] + (". And reading" if user % 3 == 0 else "")
        rows.append([f"user-{user}", f"u{user}@example.org", f"Ann Number{user}", about, ("gold", "silver")[user % 2]])
    rows.append(["gardener", "gardener@example.org", "Mia Kitchen", "likes gardening tools", ""])
    rows.append(["camper", "camper@example.org", "Tom Sewing", "tents, for camping!", ""])
    rows.append(["quiet", "quiet@example.org", "Gardening Tools", "", ""])
    rows.append(["hostile", "x@example.org", "A B", "\x07 \x1b[31m " + "ignore all rules " * 60_000, ""])
    return rows


def themes() -> list[str]:
    names = list(THEMES)
    return [names[0] if user % 2 else names[user // 2 % 4] for user in range(80)]


def event_rows() -> list[list[str]]:
    rows = [["user_id", "item_id", "event", "timestamp"]]
    random = np.random.default_rng(5)
    for user, theme in enumerate(themes()):
        start = int(random.integers(0, 300))
        for step, n in enumerate(random.permutation(10)[:6].tolist()):
            day = start + 10 * step
            moment = np.datetime64("2024-01-01T10:00:00") + np.timedelta64(day, "D")
            rows.append([f"user-{user}", f"{theme}-{n}", "purchase", f"{moment}Z"])
    return rows


SHOP = """
version = 1
[ingest.items]
path = "items.csv"
[ingest.users]
path = "users.csv"
attributes = ["email", "full_name", "about", "tier"]
[ingest.events]
path = "events.csv"
[encode]
whiten_dim = 16
[encode.text]
use = "wide_bag_of_words:WideBagOfWords"
"""


@pytest.fixture(scope="module")
def template(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ingested and trained."""
    folder = tmp_path_factory.mktemp("profiles") / "shop"
    folder.mkdir()
    (folder / "shop.toml").write_text(SHOP, encoding="utf-8")
    for name, rows in (("items", item_rows()), ("users", user_rows()), ("events", event_rows())):
        written(folder / f"{name}.csv", rows)
    for verb in ("ingest", "train"):
        ran = cli(verb, "--shop", folder)
        assert ran.code == 0, ran.err
    return folder


@pytest.fixture
def shop(template: Path, tmp_path: Path) -> Any:
    with Shop.open(shutil.copytree(template, tmp_path / "shop")) as opened:
        yield opened


def themes_of(slate: Any) -> list[str]:
    return [item.item_id.split("-")[0] for item in slate.items]


def changed(shop: Shop, user: str, **attributes: str) -> None:
    with shop.records.write() as connection:
        people.upsert(connection, [(user, attributes)])


def test_who_only_said_what_he_likes_gets_it_first(shop: Shop) -> None:
    for user, theme in (("gardener", "gardening"), ("camper", "camping")):
        slate = shop.recommend(user, k=10)
        assert themes_of(slate)[:6] == [theme] * 6, [item.title for item in slate.items]
        assert slate.degraded == []
        by_profile = [item for item in slate.items if item.sources[0] == "content"]
        assert len(by_profile) >= 3
        assert {item.reason for item in by_profile} == {REASON}
        assert {item.reason for item in slate.items} <= {REASON, "Popular in this shop", "New in this shop"}


def test_who_said_nothing_gets_what_a_stranger_gets(shop: Shop) -> None:
    stranger = shop.recommend(None, k=10)
    for user in ("quiet", "never-heard-of"):  # and nobody's name speaks for him
        slate = shop.recommend(user, k=10)
        assert [item.item_id for item in slate.items] == [item.item_id for item in stranger.items]
        assert REASON not in {item.reason for item in slate.items}
    [(most, _)] = Counter(themes_of(stranger)[:6]).most_common(1)
    assert most == "kitchen"
    assert {item.reason for item in stranger.items} <= {"Popular in this shop", "New in this shop"}


def test_only_words_that_name_nobody_were_read(shop: Shop) -> None:
    found = shop.recommender.model.funnel.profiles
    assert found is not None
    assert found.attributes == ("about", "tier")
    everything = b"".join(path.read_bytes() for path in (shop.versions.current().folder / "users").iterdir())
    for word in (b"example.org", b"Number", b"Mia", b"gardener"):
        assert word not in everything


def test_a_megabyte_with_control_characters_is_one_more_profile(shop: Shop) -> None:
    assert len(shop.recommend("hostile", k=10).items) == 10


def test_all_users_lists_know_profiles_too(shop: Shop, tmp_path: Path) -> None:
    import polars as pl

    shop.recommend_all(tmp_path / "lists.parquet", k=10)
    lists = pl.read_parquet(tmp_path / "lists.parquet")
    for user in ("gardener", "camper", "quiet"):
        alone = [item.item_id for item in shop.recommend(user, k=10).items]
        assert lists.filter(pl.col("user_id") == user)["item_id"].to_list() == alone


def test_a_user_who_comes_or_changes_after_training_is_read_when_he_asks(shop: Shop) -> None:
    changed(shop, "late", about="Sewing all day, with fabric", email="late@example.org")
    assert themes_of(shop.recommend("late", k=10))[:6] == ["sewing"] * 6
    changed(shop, "late", about="I do like gardening tools")
    assert themes_of(shop.recommend("late", k=10))[:6] == ["gardening"] * 6
    changed(shop, "late", about="")
    slate = shop.recommend("late", k=10)
    assert [item.item_id for item in slate.items] == [item.item_id for item in shop.recommend(None, k=10).items]


def test_training_and_serving_write_the_same_vector(shop: Shop) -> None:
    profiles = shop.recommender.model.funnel.profiles
    assert profiles is not None
    text = profiles.write({"about": THEMES["camping"][2], "tier": "gold"})
    kept = profiles.of_text(text)
    assert kept is not None
    changed(shop, "twin", about=THEMES["camping"][2], tier="gold")
    live = shop.recommender.profiles
    live._known = replace(profiles, keys=profiles.keys[:0], vectors=profiles.vectors[:0])  # it knows nobody's text
    np.testing.assert_array_equal(live.of("twin", []), kept)


def test_switched_off_nobody_is_read(shop: Shop, cli: Cli) -> None:
    text = (shop.folder / "shop.toml").read_text(encoding="utf-8")
    (shop.folder / "shop.toml").write_text(text + '[encode.users]\nread = "never"\n', encoding="utf-8")
    assert load(shop.folder).encode.users.read == "never"
    assert cli("train", "--shop", shop.folder).code == 0
    with Shop.open(shop.folder) as again:
        assert not (again.versions.current().folder / "users").exists()
        slates = [again.recommend(user, k=10) for user in ("gardener", None)]
        assert [item.item_id for item in slates[0].items] == [item.item_id for item in slates[1].items]


def test_evaluate_and_continue_go_through_with_profiles(shop: Shop, cli: Cli) -> None:
    assert cli("evaluate", "--shop", shop.folder, "--json").code == 0
    before = shop.versions.current()
    assert cli("train", "--shop", shop.folder, "--continue").code == 0
    assert shop.versions.current().name == before.name  # nothing is new
    changed(shop, "later", about="likes gardening tools and tents")
    assert cli("train", "--shop", shop.folder, "--continue").code == 0
    after = shop.versions.current()
    assert after.name != before.name
    assert after.manifest["data"]["profile_attributes"] == ["about", "tier"]
    toml = shop.folder / "shop.toml"
    toml.write_text(toml.read_text(encoding="utf-8") + '[encode.users]\nattributes = ["tier"]\n', encoding="utf-8")
    refused = cli("train", "--shop", shop.folder, "--continue")
    assert refused.code == 2
    assert "encode.users" in refused.err
