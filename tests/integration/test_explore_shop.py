"""A shop that explores: answers are logged with their chances, and the log tells what the order alone is worth."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from shelfwise.cli.main import app
from shelfwise.config.load import parse
from shelfwise.config.shop import ShopConfig
from shelfwise.errors import ConfigError, InputError, StateError
from shelfwise.pipeline.components import check
from shelfwise.shop import Shop
from shelfwise.store import slate_log

EXPLORING = {
    "rerank": {"explore": {"use": "epsilon", "share": 0.4, "pool": 20, "new_until": 5}},
    "scenarios": {"home": {"k": 6, "rerank": ["explore"]}, "plain": {"k": 6}},
}


def explore(shop: Path, **serve: Any) -> None:
    """Let the model in service explore, as if it had been trained so."""
    with Shop.open(shop) as opened:
        manifest = opened.versions.current().folder / "manifest.json"
    document = json.loads(manifest.read_text())
    document["config"] |= EXPLORING
    parse(document["config"])
    manifest.write_text(json.dumps(document))
    if serve:
        lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in serve.items())
        text = (shop / "shop.toml").read_text()
        assert "[serve]" not in text or "\n[serve]" in text
        (shop / "shop.toml").write_text(text.replace("[serve]\n", f"[serve]\n{lines}\n", 1) if "[serve]" in text
                                        else f"{text}\n[serve]\n{lines}\n")  # fmt: skip


def test_answers_are_kept_and_tell_what_the_order_is_worth(
    tiny_shop: Path, serve: Callable[..., AbstractContextManager[Any]]
) -> None:
    explore(tiny_shop)
    random = np.random.default_rng(0)
    sent: dict[str, dict[str, Any]] = {}
    with serve(tiny_shop) as server:
        for n in range(300):
            scenario = "home" if n < 280 else "plain"
            query = {"user_id": f"user-{n % 40}", "scenario": scenario}
            slate = server.http.post("/recommend", json=query).json()
            sent[slate["slate_id"]] = slate
            clicked = [item["item_id"] for item in slate["items"] if random.random() < 0.3 / item["position"]]
            events = [
                {"user_id": f"user-{n % 40}", "item_id": item_id, "event": "click", "slate_id": slate["slate_id"]}
                for item_id in clicked
            ]
            if events:
                assert server.http.post("/events", json=events).status_code == 202
        time.sleep(1.3)
        with Shop.open(tiny_shop) as opened, opened.records.read() as connection:
            assert slate_log.count(connection) > 0  # written while serving
    with Shop.open(tiny_shop) as opened:
        with opened.records.read() as connection:
            kept = slate_log.latest(connection, 1_000)
        assert {one.slate_id for one in kept} == set(sent)
        ids = opened.recommender.catalogue.item_ids
        for one in kept:
            answer = sent[one.slate_id]
            assert [ids[row] for row in one.rows] == [item["item_id"] for item in answer["items"]]
            told = [item["propensity"] for item in answer["items"]]
            if one.scenario == "plain":
                assert told == [None] * 6 and (one.propensities == 1).all() and (one.best == one.rows).all()
            else:
                assert np.allclose(one.propensities, told)
                assert (one.propensities > 0).all() and (one.propensities < 1).all()
            assert (one.user_id, one.model_version, one.rules_version) == (
                one.user_id, answer["model_version"], 0,
            )  # fmt: skip
        report = opened.off_policy("click", "home")
    assert (report.n_slates, report.reward) == (280, "click")
    assert 0 < report.n_drawn < 280
    for value in report.without_exploring.values():
        assert value.low < value.value < value.high
        assert value.low < report.logged.high and report.logged.low < value.high  # clicks follow positions alone
    found = CliRunner().invoke(app, ["evaluate", "--off-policy", "--shop", str(tiny_shop), "--json"])
    assert json.loads(found.stdout)["n_slates"] == 300
    shown = CliRunner().invoke(app, ["evaluate", "--off-policy", "--shop", str(tiny_shop)])
    assert shown.exit_code == 0 and "doubly robust" in shown.stdout


def test_an_answer_can_be_made_again_from_its_id(tiny_shop: Path) -> None:
    explore(tiny_shop)
    from shelfwise.schemas.queries import Query

    with Shop.open(tiny_shop) as opened:
        once = opened.recommender.recommend(Query(user_id="user-3"))
        again = opened.recommender.recommend(Query(user_id="user-3"), once.slate_id)
        assert again == once
        others = [opened.recommender.recommend(Query(user_id="user-3")) for _ in range(8)]
        assert any([item.item_id for item in other.items] != [item.item_id for item in once.items] for other in others)
        tried = [item for slate in [once, *others] for item in slate.items if item.steps]
        assert tried and all(item.steps == ["explore: tried out"] for item in tried)


def test_pins_stand_whatever_is_tried_out(tiny_shop: Path) -> None:
    explore(tiny_shop)
    (tiny_shop / "rules.toml").write_text("[rules.hero]\npin = 'kite-violet'\nposition = 2\n")
    with Shop.open(tiny_shop) as opened:
        opened.rules.apply(opened.rules.read())
        for user in range(20):
            slate = opened.recommend(f"user-{user}")
            assert slate.items[1].item_id == "kite-violet"
            assert slate.items[1].propensity is None
            assert all(item.propensity is not None for item in slate.items if item.position != 2)


def test_a_log_that_cannot_tell_says_why(tiny_shop: Path, serve: Callable[..., AbstractContextManager[Any]]) -> None:
    with Shop.open(tiny_shop) as opened:
        with pytest.raises(StateError, match="no slates are logged"):
            opened.off_policy()
        with pytest.raises(InputError, match=r"(?s)no kind of event 'clik'.*did you mean 'click'\?"):
            opened.off_policy("clik")
    with serve(tiny_shop) as server:
        server.http.post("/recommend", json={"user_id": "user-1"})
    with Shop.open(tiny_shop) as opened, pytest.raises(StateError, match="nothing was drawn in 1 logged slates"):
        opened.off_policy()


def test_a_shop_may_keep_no_answers(tiny_shop: Path, serve: Callable[..., AbstractContextManager[Any]]) -> None:
    explore(tiny_shop, log_slates=False)
    with serve(tiny_shop) as server:
        assert server.http.post("/recommend", json={"user_id": "user-1"}).status_code == 200
    with Shop.open(tiny_shop) as opened, opened.records.read() as connection:
        assert slate_log.count(connection) == 0


def test_what_explores_must_come_last() -> None:
    config = ShopConfig.model_validate(
        {
            "version": 1,
            "rerank": {"explore": {"use": "thompson"}, "apart": {"use": "window"}},
            "scenarios": {"home": {"rerank": ["explore", "apart"]}},
        }
    )
    with pytest.raises(ConfigError, match="'explore' draws items, and 'apart' comes after it") as caught:
        check(config)
    assert caught.value.where == "scenarios.home.rerank"
