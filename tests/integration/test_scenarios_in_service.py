"""Where somebody did something, from the event that says so to the history that the model in service reads."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise import Shop
from shelfwise.errors import ConfigError
from shelfwise.neural.state import State
from shelfwise.pipeline.model import load as load_model
from shelfwise.retrieve.sequence import Sequence
from shelfwise.schemas.candidates import History
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.queries import Query
from shelfwise.store import event_log
from shelfwise.store.event_keys import event_key
from shelfwise.store.event_log import EventRow
from shelfwise.store.versions import Version

pytest.importorskip("torch")

Serve = Callable[..., AbstractContextManager[Any]]
SEQUENCE = """
[retrieve.popular]
use = "popular"
[retrieve.sequence]
use = "sequence"
device = "cpu"
dim = 8
n_blocks = 1
epochs = 2
epochs_on = 1
"""
HOME, SEARCH = 1, 2
DAY_MS = 86_400_000


def bought(shop: Shop, user: str, *things: tuple[str, str | None], days_ago: int = 0) -> None:
    """Items, and where."""
    now_ms = int(time.time() * 1_000) - DAY_MS * days_ago
    kind = CODE_BY_KIND[EventKind.PURCHASE]
    with shop.records.write() as connection:
        event_log.append(
            connection,
            [
                EventRow(event_key(f"{user} {item}", ()), user, item, kind, now_ms + n, scenario=scenario)
                for n, (item, scenario) in enumerate(things)
            ],
            None,
        )


@pytest.fixture(scope="module")
def trained(tiny_shop_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny shop, some of whose events say where they happened."""
    folder = shutil.copytree(tiny_shop_template, tmp_path_factory.mktemp("scenarios") / "shop")
    shutil.rmtree(folder / "models")
    toml = folder / "shop.toml"
    toml.write_text(toml.read_text() + SEQUENCE)
    with Shop.open(folder) as shop:
        # Before all others: so early that the network learns of them at every moment.
        walk = (("mug-red", "home"), ("mug-blue", "search"), ("mug-green", "home"))
        for n in range(12):
            bought(shop, f"new-{n}", *walk, days_ago=40)
        shop.train()
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    return shutil.copytree(trained, tmp_path / "shop")


@pytest.fixture
def shop(folder: Path) -> Iterator[Shop]:
    with Shop.open(folder) as opened:
        yield opened


def history(shop: Shop, user: str) -> History:
    """As a request reads it."""
    return shop.recommender.asking.situation(Query(user_id=user), []).history


def sequence(shop: Shop) -> Sequence:
    found = shop.recommender.model.funnel.retrievers["sequence"]
    assert isinstance(found, Sequence)
    return found


def table(version: Version) -> Any:
    return State.load(version.folder / "retrieve" / "sequence" / "network").weights["encoder.scenarios.vectors"]


def test_a_version_keeps_the_names_that_its_codes_mean(shop: Shop) -> None:
    version = shop.versions.current()
    assert version.manifest["scenarios"] == ["home", "search"]
    assert load_model(version).scenario_names.names == ("home", "search")
    assert table(version).shape == (3, 8)


@pytest.mark.online
def test_a_posted_event_is_in_the_history_with_its_scenario(folder: Path, serve: Serve) -> None:
    with serve(folder) as server, Shop.open(folder) as shop:
        for item, scenario in (
            ("pen-red", "search"),
            ("pen-blue", None),
            ("pen-green", "toaster"),
            ("pen-pink", "home"),
        ):
            event = {"user_id": "poster", "item_id": item, "event": "purchase", "scenario": scenario}
            server.http.post("/events", json=event).raise_for_status()
        assert server.http.post("/recommend", json={"user_id": "poster", "k": 5}).json()["degraded"] == []
        found = history(shop, "poster")
        items = [shop.recommender.catalogue.item_ids[row] for row in found.rows.tolist()]
        assert dict(zip(items, found.scenarios.tolist(), strict=True)) == {
            "pen-red": SEARCH, "pen-blue": 0, "pen-green": 0, "pen-pink": HOME,
        }  # fmt: skip


def test_the_model_in_service_reads_them_as_in_training(shop: Shop) -> None:
    """The same item in four places; where nobody was in training, nothing is said."""
    bought(shop, "by-search", ("kite-red", "search"))
    bought(shop, "at-home", ("kite-red", "home"))
    bought(shop, "elsewhere", ("kite-red", "toaster"))
    bought(shop, "unsaid", ("kite-red", None))
    users = ("by-search", "at-home", "elsewhere", "unsaid")
    vectors = [sequence(shop).user_vector(shop.recommender.asking.situation(Query(user_id=user), [])) for user in users]
    assert not np.allclose(vectors[0], vectors[1], atol=1e-5)
    assert not np.allclose(vectors[1], vectors[3], atol=1e-5)
    np.testing.assert_array_equal(vectors[2], vectors[3])  # what nobody saw in training says nothing


def test_the_request_says_where_its_items_are_looked_at(shop: Shop) -> None:
    scenario = shop.recommender.asking.situation(Query(scenario="home", items=["mug-red"]), []).scenario
    assert scenario == HOME
    assert shop.recommender.asking.situation(Query(scenario="item"), []).scenario == 0


def test_all_users_are_read_with_the_same_codes(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, list[int]] = {}
    plain = type(shop.recommender).recommend_all

    def noted(self: Any, histories: Iterator[tuple[str, History]], *rest: Any) -> Any:
        def pass_on() -> Iterator[tuple[str, History]]:
            for user_id, found in histories:
                told[user_id] = found.scenarios.tolist()
                yield user_id, found

        return plain(self, pass_on(), *rest)

    monkeypatch.setattr(type(shop.recommender), "recommend_all", noted)
    # More of another scenario than of all others: codes are still those of the version.
    for n in range(40):
        bought(shop, f"late-{n}", ("boot-red", "toaster"), ("boot-blue", "search"))
    shop.recommend_all(tmp_path / "lists.parquet", k=3)
    assert told["new-3"] == [HOME, SEARCH, HOME]
    assert told["late-7"] == [0, SEARCH]
    assert told["user-0"] == [0] * 10
    for user in ("new-3", "late-7", "user-0"):
        assert history(shop, user).scenarios.tolist() == told[user]


class TestGoingOn:
    def test_codes_stay_and_new_scenarios_are_added(self, shop: Shop) -> None:
        for n in range(40):
            bought(shop, f"late-{n}", ("boot-red", "email"), ("boot-blue", "search"))
        version = shop.train(continue_from="current")
        assert version.manifest["scenarios"] == ["home", "search", "email"]
        assert table(version).shape == (4, 8)
        with Shop.open(shop.folder) as again:
            assert history(again, "late-3").scenarios.tolist() == [3, SEARCH]
            assert history(again, "new-3").scenarios.tolist() == [HOME, SEARCH, HOME]

    def test_a_log_that_had_none_may_get_some(self, tiny_shop: Path) -> None:
        toml = tiny_shop / "shop.toml"
        toml.write_text(toml.read_text() + SEQUENCE)
        with Shop.open(tiny_shop) as shop:
            before = shop.train()
            assert before.manifest["scenarios"] == []
            for n in range(12):
                bought(shop, f"new-{n}", ("mug-red", "home"), ("mug-blue", "search"))
            version = shop.train(continue_from="current")
        assert version.manifest["scenarios"] == ["home", "search"]
        assert table(version)[1:].any()

    def test_no_longer_reading_them_asks_for_a_full_training(self, folder: Path) -> None:
        toml = folder / "shop.toml"
        toml.write_text(toml.read_text().replace("dim = 8", "dim = 8\nscenario = false"))
        with Shop.open(folder) as shop:
            bought(shop, "newcomer", ("kite-red", "home"))
            with pytest.raises(ConfigError, match="retrieve.sequence.scenario was True, is False"):
                shop.train(continue_from="current")
