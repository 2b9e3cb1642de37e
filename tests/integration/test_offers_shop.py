"""Offers on a shop as it is used: written in a file, checked, planned, asked for by the command line and a server."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from shelfwise.cli.main import app
from shelfwise.errors import ConfigError, InputError, QueryError
from shelfwise.pipeline.offer_plan import outlook, plan
from shelfwise.pipeline.recommender import Recommender
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.queries import Query
from shelfwise.shop import Shop
from shelfwise.store import event_log, people
from shelfwise.store.event_log import EventRow
from shelfwise.store.records import Records
from shelfwise.testing.opened_shop import opened_shop
from shelfwise.testing.small_shop import small_shop

YESTERDAY = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
TOMORROW = f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}"

OFFERS = f"""\
[offers.mugs]
items = 'category under "Kitchen"'
discount = 0.2
margin = 0.5
from = {YESTERDAY}
budget = 100
cost = 0.01

[offers.pens]
items = 'category under "Office" and price < 10'
amount_off = 1.5
margin = 0.4

[offers.young]
items = 'category under "Toys"'
discount = 0.1
audience = 'user.age = "young"'

[offers.later]
items = 'category under "Shoes"'
discount = 0.1
from = {TOMORROW}

[offers.past]
items = 'category under "Shoes"'
discount = 0.1
from = 2020-01-01
until = 2020-02-01
"""


@pytest.fixture
def shop(tiny_shop: Path) -> Path:
    (tiny_shop / "offers.toml").write_text(OFFERS)
    with Shop.open(tiny_shop) as opened, opened.records.write() as connection:
        people.upsert(connection, [("user-5", {"age": "young"}), ("user-6", {"age": "old"})])
    return tiny_shop


def run(shop: Path, *arguments: str) -> tuple[int, Any]:
    found = CliRunner().invoke(app, [*arguments, "--shop", str(shop), "--json"])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.exit_code, json.loads(found.stdout)


def bought(shop: Path, user: str, item: str, *, scenario: str = "promotion", at_s: float | None = None) -> None:
    at_ms = round((time.time() if at_s is None else at_s) * 1_000)
    row = EventRow(
        f"{user}{item}{at_ms}".encode()[-16:].rjust(16, b"0"),
        user,
        item,
        CODE_BY_KIND[EventKind.PURCHASE],
        at_ms,
        price=10.0,
        scenario=scenario,
    )
    with Shop.open(shop) as opened, opened.records.write() as connection:
        event_log.append(connection, [row], None)


def test_check_names_what_looks_like_a_slip(shop: Path) -> None:
    code, found = run(shop, "offers", "check")
    assert code == 0 and found["n_offers"] == 5
    assert {(one["code"], one["offer"]) for one in found["warnings"]} == {("not_begun", "later"), ("over", "past")}
    (shop / "offers.toml").write_text(
        "[offers.a]\nitems = 'price > 999'\ndiscount = 0.5\n"
        "[offers.b]\nitems = 'price > 1'\ndiscount = 0.1\naudience = 'user.age = \"ancient\"'\nbudget = 1\ncost = 2\n"
    )
    codes = [one["code"] for one in run(shop, "offers", "check")[1]["warnings"]]
    assert codes == ["no_items", "loses_money", "budget_too_small", "no_audience"]


def test_a_misspelt_condition_names_the_near_one(shop: Path) -> None:
    (shop / "offers.toml").write_text("[offers.a]\nitems = 'categry under \"Kitchen\"'\ndiscount = 0.5\n")
    with pytest.raises(ConfigError, match=r"offers\.a\.items: .*\n.*did you mean 'category'"):
        run(shop, "offers", "check")
    with pytest.raises(ConfigError, match="did you mean 'category'"):
        run(shop, "offers", "plan")


def test_without_a_file_the_answer_says_so(tiny_shop: Path) -> None:
    slate = run(tiny_shop, "recommend", "--user", "user-0", "--scenario", "promotion")[1]
    assert slate["offers"] == slate["items"] == []
    assert slate["degraded"] == ["this shop makes no offers: there is no offers.toml in its folder"]
    with pytest.raises(ConfigError, match="there is no such file"):
        run(tiny_shop, "offers", "list")


def test_from_file_to_answer(shop: Path) -> None:
    slate = run(shop, "recommend", "--user", "user-0", "--scenario", "promotion")[1]
    assert [one["offer"] for one in slate["offers"]] == ["mugs", "pens"]  # user-0 buys mugs; the others are not for him
    first = slate["offers"][0]
    assert 0 < first["chance"] < 1 and first["chance_of"] == "buying"
    assert first["cost"] == pytest.approx(0.01 + first["chance"] * 0.2 * 9.5, rel=0.2)
    assert first["reason"] == "You bought 10 of its items"
    assert [one["item_id"].split("-")[0] for one in first["items"]] == ["mug"] * 3
    assert slate["offers"][1]["reason"].startswith("Its “")
    assert "chances follow from how often" in slate["degraded"][0]  # a log of a month is too short to learn from
    young = run(shop, "recommend", "--user", "user-5", "--scenario", "promotion")[1]
    assert "young" in [one["offer"] for one in young["offers"]]
    stranger = run(shop, "recommend", "--scenario", "promotion", "--k", "1")[1]
    assert len(stranger["offers"]) == 1


def test_who_took_it_is_not_asked_again_and_money_is_counted(shop: Path) -> None:
    bought(shop, "user-0", "mug-red")
    state = {one["offer"]: one for one in run(shop, "offers", "list")[1]}
    assert state["mugs"]["answers"] == 1 and state["mugs"]["spent"] == pytest.approx(2.0)
    assert state["mugs"]["left"] == pytest.approx(98.0)
    assert {name: one["state"] for name, one in state.items()} == {
        "mugs": "running",
        "pens": "running",
        "young": "running",
        "later": "not begun",
        "past": "over",
    }
    slate = run(shop, "recommend", "--user", "user-0", "--scenario", "promotion")[1]
    assert "mugs" not in [one["offer"] for one in slate["offers"]]
    bought(shop, "user-1", "mug-red", scenario="home")  # no answer
    assert {one["offer"]: one["answers"] for one in run(shop, "offers", "list")[1]}["mugs"] == 1
    for user in range(12, 62):
        bought(shop, f"user-{user}", "mug-blue")
    state = {one["offer"]: one for one in run(shop, "offers", "list")[1]}
    assert state["mugs"]["state"] == "spent" and state["mugs"]["left"] == 0
    slate = run(shop, "recommend", "--user", "user-6", "--scenario", "promotion")[1]
    assert "mugs" not in [one["offer"] for one in slate["offers"]]


def test_plan_keeps_every_budget(shop: Path, tmp_path: Path) -> None:
    output = tmp_path / "plans" / "plan.parquet"
    code, found = run(shop, "offers", "plan", "--budget", "20", "--output", str(output))
    assert code == 0 and found["cost"] <= 20 + 1e-6
    assert found["value"] == pytest.approx(found["gain"]) and found["value"] <= found["bound"]
    assert found["chance_of"] == "buying" and found["budget"] == 20
    table = pl.read_parquet(output)
    assert table.columns == ["user_id", "offer", "chance", "expected_cost", "expected_gain"]
    assert len(table) == found["n_sendings"] == table["user_id"].n_unique()
    assert table["expected_cost"].sum() == pytest.approx(found["cost"])
    assert (table["expected_gain"] > 0).all()
    assert set(table.filter(pl.col("offer") == "young")["user_id"]) <= {"user-5"}
    again = tmp_path / "again.parquet"
    run(shop, "offers", "plan", "--budget", "20", "--output", str(again))
    second = pl.read_parquet(again)
    assert second.select("user_id", "offer").equals(table.select("user_id", "offer"))
    # The clock went on between the two.
    assert second["chance"].to_numpy() == pytest.approx(table["chance"].to_numpy(), rel=1e-3)
    more = run(shop, "offers", "plan", "--budget", "30", "--goal", "answers", "--per-user", "2")[1]
    assert more["answers"] > found["answers"] and more["value"] == pytest.approx(more["answers"])
    everything = run(shop, "offers", "plan")[1]
    assert everything["budget"] is None and everything["gain"] >= found["gain"]


def test_preview_and_words(shop: Path) -> None:
    found = {one["offer"]: one for one in run(shop, "offers", "preview")[1]}
    assert set(found) == {"mugs", "pens", "young"}
    assert found["young"]["n_users"] == 1 and found["mugs"]["n_users"] == 40 and found["mugs"]["n_items"] == 10
    assert found["mugs"]["answers"] == pytest.approx(40 * found["mugs"]["mean_chance"])
    for arguments in (("check",), ("list",), ("preview",), ("plan", "--budget", "2")):
        told = CliRunner().invoke(app, ["offers", *arguments, "--shop", str(shop)])
        assert told.exit_code == 0, told.output
    told = (
        CliRunner()
        .invoke(app, ["recommend", "--user", "user-0", "--scenario", "promotion", "--shop", str(shop)])
        .stdout
    )
    assert "1. mugs, 20% off: You bought 10 of its items" in told and "chance of buying" in told


def test_what_cannot_be_meant(shop: Path, tmp_path: Path) -> None:
    with Shop.open(shop) as opened:
        with pytest.raises(InputError, match="the budget is -1"):
            opened.offers.plan(-1)
        with pytest.raises(InputError, match="0 offers a user"):
            opened.offers.plan(1, per_user=0)
        with pytest.raises(QueryError, match="answers with offers"):
            opened.recommend_all(tmp_path / "lists.parquet", "promotion")


def test_a_server_follows_file_and_log(shop: Path, serve: Callable[..., AbstractContextManager[Any]]) -> None:
    with serve(shop) as server:

        def asked(user: str) -> dict[str, Any]:
            answer = server.http.post("/recommend", json={"user_id": user, "scenario": "promotion"})
            assert answer.status_code == 200, answer.text
            return answer.json()

        assert asked("user-0")["offers"][0]["offer"] == "mugs"
        sent = {"user_id": "user-0", "item_id": "mug-red", "event": "purchase", "scenario": "promotion", "price": 5}
        assert server.http.post("/events", json=sent).status_code in (200, 201, 202)
        assert "mugs" not in [one["offer"] for one in asked("user-0")["offers"]]
        (shop / "offers.toml").write_text("[offers.lamps]\nitems = 'category under \"Home\"'\ndiscount = 0.1\n")
        time.sleep(1.1)
        assert [one["offer"] for one in asked("user-0")["offers"]] == ["lamps"]
        (shop / "offers.toml").write_text("[offers.lamps]\nitem = 'x'\n")  # misspelt: those before stay
        time.sleep(1.1)
        slate = asked("user-0")
        assert [one["offer"] for one in slate["offers"]] == ["lamps"]
        assert any("offers.lamps.item: there is no such key" in note for note in slate["degraded"])
        (shop / "offers.toml").unlink()
        assert asked("user-0")["offers"] == []


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Recommender, Records]:
    """A shop with enough of a past to learn from, which lives at the end of its log."""
    folder = tmp_path_factory.mktemp("learned")
    (folder / "offers.toml").write_text(
        "".join(
            f"[offers.set-{group}]\nitems = 'category under \"Things > Set {group}\"'\ndiscount = 0.1\ncost = 0.01\n"
            for group in range(8)
        )
    )
    return opened_shop(folder, small_shop(n_users=600), with_offers=True)


def test_one_user_is_told_the_same_as_all(learned: tuple[Recommender, Records]) -> None:
    recommender, records = learned
    seen = outlook(recommender, records)
    for user in ("user-3", "user-100", "user-598"):
        slate = recommender.recommend(Query(user_id=user, scenario="promotion", k=8))
        assert slate.degraded == []
        of_all = dict(
            zip(
                (one.offer.name for one in seen.offers),
                seen.chances[seen.user_ids.index(user)].tolist(),
                strict=True,
            )
        )
        for entry in slate.offers:
            # The shop's clock went on between the two.
            assert entry.chance == pytest.approx(of_all[entry.offer], rel=0.02)


def test_most_is_planned_for_those_who_walk_there(learned: tuple[Recommender, Records]) -> None:
    found = plan(outlook(*learned), budget=1.0)
    own = [
        int(user.removeprefix("user-")) % 8 == int(offer[-1])
        for user, offer in zip(found.user_ids, found.offers, strict=True)
    ]
    assert len(own) > 10 and np.mean(own) > 0.9
    assert found.value >= 0.97 * found.bound
