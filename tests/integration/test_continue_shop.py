"""A shop goes on from its last model version: what is kept, what is taken up, and what stands in the way."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete, select

from shelfwise.errors import ConfigError, StateError, UnknownError
from shelfwise.neural.state import State
from shelfwise.pipeline.model import load as load_model
from shelfwise.rank import fusion
from shelfwise.rank.fusion import Fusion
from shelfwise.retrieve.sequence import Sequence
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.items import Item
from shelfwise.shop import Shop
from shelfwise.store import catalogue, event_log
from shelfwise.store.event_keys import event_key
from shelfwise.store.event_log import EventRow
from shelfwise.store.tables import events
from shelfwise.store.versions import Version
from shelfwise.train import lineage

pytest.importorskip("torch")

RETRIEVERS = """
[retrieve.transitions]
use = "transitions"
[retrieve.content]
use = "content"
[retrieve.popular]
use = "popular"
[retrieve.sequence]
use = "sequence"
device = "cpu"
dim = 8
n_blocks = 1
epochs = 3
epochs_on = 1
"""
TUNE = """
[encode.tune]
use = true
method = "frozen"
epochs = 2
batch_texts = 32
max_tokens = 16
precision = "fp32"
n_checks = 2
n_questions = 40
pool = 60
"""
LATE = Item(
    item_id="mug-late",
    title="Late mug",
    description="ceramic cup for coffee and tea",
    category="Kitchen > Mugs",
    brand="New brand",
)


@pytest.fixture(scope="module")
def trained_template(tiny_shop_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny shop with a sequence retriever, trained once by the shop's own verb."""
    folder = shutil.copytree(tiny_shop_template, tmp_path_factory.mktemp("trained") / "shop")
    shutil.rmtree(folder / "models")
    toml = folder / "shop.toml"
    toml.write_text(toml.read_text() + RETRIEVERS)
    with Shop.open(folder) as shop:
        shop.train()
    return folder


@pytest.fixture
def folder(trained_template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(trained_template, tmp_path / "shop")


@pytest.fixture
def shop(folder: Path) -> Iterator[Shop]:
    with Shop.open(folder) as opened:
        yield opened


def put(shop: Shop, *items: Item) -> None:
    with shop.records.write() as connection:
        catalogue.upsert(connection, items)


def bought(shop: Shop, user: str, *items: str) -> None:
    now_ms = int(time.time() * 1_000)
    with shop.records.write() as connection:
        event_log.append(
            connection,
            [
                EventRow(event_key(f"{user} {item}", ()), user, item, CODE_BY_KIND[EventKind.PURCHASE], now_ms + n)
                for n, item in enumerate(items)
            ],
            None,
        )


def grow(shop: Shop) -> None:
    """A new item that twelve new users buy after the red mug."""
    put(shop, LATE)
    for n in range(12):
        bought(shop, f"newcomer-{n}", "mug-red", "mug-late")


def go_on(shop: Shop) -> Version:
    return shop.train(continue_from="current")


def network(version: Version) -> State:
    return State.load(version.folder / "retrieve" / "sequence" / "network")


def test_what_is_new_is_taken_up_and_what_is_dear_is_kept(shop: Shop) -> None:
    before = shop.versions.current()
    grow(shop)
    version = go_on(shop)
    assert version.is_current and version.name != before.name
    for kept in ("rank/trees.onnx", "rank/fusion.json", "encoder/encoder.onnx", "encoder/whitening_directions.npy"):
        assert (version.folder / kept).is_file() == (before.folder / kept).is_file(), kept
        if (before.folder / kept).is_file():
            assert (version.folder / kept).read_bytes() == (before.folder / kept).read_bytes(), kept
    assert version.manifest["learned"] == before.manifest["learned"]
    assert version.manifest["encoder"] == before.manifest["encoder"] is not None
    assert version.manifest["lineage"] == {
        "continues": before.name,
        "full": before.name,
        "n_times": 1,
        "n_events_at_full": 400,
        "n_events": 424,
        "n_new_events": 24,
        "n_new_items": 1,
        "n_new_users": 12,
        "full_is_due": None,
    }
    assert before.manifest["lineage"] is None
    model = load_model(version)
    assert model.n_items == 61 and model.target == CODE_BY_KIND[EventKind.PURCHASE]
    old = load_model(before)
    assert model.funnel.vectors is not None and old.funnel.vectors is not None
    np.testing.assert_array_equal(model.funnel.vectors.base[:60], old.funnel.vectors.base)  # the space did not turn


def test_trees_learn_from_what_is_new_where_it_is_enough(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toml = folder / "shop.toml"
    toml.write_text(
        toml.read_text().split("[retrieve.sequence]")[0] + '[rank]\nuse = "fusion"\nmodel = "trees"\nn_trees = 20\n'
    )
    with Shop.open(folder) as shop:
        before = shop.train()
        for n in range(12):
            bought(shop, f"newcomer-{n}", "mug-red", "mug-blue", "mug-green")
        few = go_on(shop)
        monkeypatch.setattr(fusion, "ENOUGH_NEWS", 12)
        enough = shop.train(continue_from=before.name)
        assert not (few.folder / "rank" / "newest" / "trees.onnx").exists()
        assert (enough.folder / "rank" / "newest" / "trees.onnx").is_file()
        for version in (few, enough):
            kept = (version.folder / "rank" / "trees.onnx").read_bytes()
            assert kept == (before.folder / "rank" / "trees.onnx").read_bytes()
        assert "n_newest_requests" not in few.manifest["learned"]
        assert enough.manifest["learned"]["n_newest_requests"] >= 12
        assert enough.manifest["learned"]["ranker"] == before.manifest["learned"]["ranker"]
        assert len(shop.recommend("newcomer-3", k=5).items) == 5
        # What is learned of news stays where there is no more of it.
        bought(shop, "newcomer-0", "kite-red")
        again = go_on(shop)
        newest = [(version.folder / "rank" / "newest" / "trees.onnx").read_bytes() for version in (enough, again)]
        assert newest[0] == newest[1]


def test_the_new_item_is_recommended_by_behaviour_and_by_text(shop: Shop) -> None:
    grow(shop)
    go_on(shop)
    slate = shop.recommend(None, scenario="item", k=5, items=["mug-red"])
    found = {item.item_id: item for item in slate.items}
    assert "mug-late" in found
    assert {"transitions", "content"} <= set(found["mug-late"].sources)
    assert "mug-late" not in [item.item_id for item in shop.recommend("newcomer-3", k=20).items]  # who had it


def test_the_network_goes_on(shop: Shop) -> None:
    before = network(shop.versions.current())
    grow(shop)
    version = go_on(shop)
    after = network(version)
    assert after.vocabulary.names[: len(before.vocabulary.names)] == before.vocabulary.names
    assert len(after.weights["tower.behaviour.deltas"]) == len(before.weights["tower.behaviour.deltas"]) + 1 == 61
    assert after.n_events.sum() == 424 and before.n_events.sum() == 400
    # One short pass from where it was is nearer to it than any new beginning.
    name = "tower.text.layers.0.weight"
    moved = np.linalg.norm(after.weights[name] - before.weights[name])
    assert moved < 0.3 * np.linalg.norm(before.weights[name])
    about = json.loads((version.folder / "retrieve" / "sequence" / "sequence.json").read_text())
    assert about["training"]["epochs"] == 1


def test_nothing_new_is_nothing_to_do(shop: Shop) -> None:
    before = shop.versions.current()
    assert go_on(shop).name == before.name
    assert [version.name for version in shop.versions.list()] == [before.name]


def test_a_changed_item_is_something_new(shop: Shop) -> None:
    before = shop.versions.current()
    put(shop, Item(item_id="mug-red", title="Crimson mug", category="Kitchen > Mugs", price=5.0))
    version = go_on(shop)
    assert version.name != before.name
    assert version.manifest["lineage"]["n_new_events"] == version.manifest["lineage"]["n_new_items"] == 0


def test_a_changed_scenario_is_taken_up(folder: Path) -> None:
    toml = folder / "shop.toml"
    toml.write_text(toml.read_text() + '[scenarios.email]\nk = 3\nretrieve = ["popular"]\n')
    with Shop.open(folder) as shop:
        before = shop.versions.current()
        assert go_on(shop).name != before.name
        assert len(shop.recommend("user-0", scenario="email").items) == 3


def test_continued_twice_it_still_names_the_full_training(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    full = shop.versions.current().name
    bought(shop, "newcomer", "kite-red")
    first = go_on(shop)
    bought(shop, "newcomer", "kite-blue")
    monkeypatch.setattr(lineage, "FULL_AFTER_TIMES", 2)
    second = go_on(shop).manifest["lineage"]
    assert (second["continues"], second["full"], second["n_times"]) == (first.name, full, 2)
    assert (second["n_new_events"], second["n_events_at_full"]) == (1, 400)
    assert second["full_is_due"] == "training went on 2 times since everything was fitted"


def test_an_earlier_version_can_be_continued_by_name(shop: Shop) -> None:
    full = shop.versions.current().name
    bought(shop, "newcomer", "kite-red")
    go_on(shop)
    version = shop.train(continue_from=full)
    assert version.is_current and version.manifest["lineage"]["continues"] == full
    with pytest.raises(UnknownError, match="no model version 'last'"):
        shop.train(continue_from="last")


@pytest.mark.parametrize(
    ("was", "now", "named"),
    [
        ('[retrieve.popular]\nuse = "popular"\n', "", "retrieve.popular was popular, is nothing"),
        ("dim = 8", "dim = 4", "retrieve.sequence.dim was 8, is 4"),
        ("whiten_dim = 16", "whiten_dim = 12", "encode.whiten_dim was 16, is 12"),
        ("max_tokens = 32", "max_tokens = 16", "encode.text was"),
        ('repeats = "exclude"', 'repeats = "allow"', "behaviour.repeats was exclude, is allow"),
        ("[behaviour]", "[behaviour]\nhistory = 9", "behaviour.history was 50, is 9"),
        ("[behaviour]", '[behaviour]\ntarget = "view"', "behaviour.target was purchase, is view"),
        ("[retrieve.transitions]", '[rank]\nuse = "fusion"\nn_trees = 9\n[retrieve.transitions]', "rank was"),
    ],
)
def test_other_parts_cannot_go_on(folder: Path, was: str, now: str, named: str) -> None:
    toml = folder / "shop.toml"
    assert was in toml.read_text()
    toml.write_text(toml.read_text().replace(was, now))
    with Shop.open(folder) as shop:
        bought(shop, "newcomer", "kite-red")
        before = shop.versions.current().name
        with pytest.raises(ConfigError, match="(?s)cannot go on.*run `shelfwise train`") as told:
            go_on(shop)
        assert named in str(told.value) and told.value.code == "cannot_continue"
        assert shop.versions.current().name == before


def test_how_it_learns_may_change(folder: Path) -> None:
    toml = folder / "shop.toml"
    toml.write_text(toml.read_text().replace("epochs_on = 1", "epochs_on = 2\nreplay = 0.5\nrate = 0.001"))
    with Shop.open(folder) as shop:
        grow(shop)
        version = go_on(shop)
    about = json.loads((version.folder / "retrieve" / "sequence" / "sequence.json").read_text())
    assert 1 <= about["training"]["epochs"] <= 2


def test_events_that_were_taken_away_ask_for_a_full_training(shop: Shop) -> None:
    with shop.records.write() as connection:
        connection.execute(delete(events).where(events.c.user_row == 3))
    with pytest.raises(StateError, match=r"(?s)learned from 400 events, and 390 are left.*run `shelfwise train`"):
        go_on(shop)


def test_another_store_is_noticed(shop: Shop) -> None:
    bought(shop, "newcomer", "kite-red")
    version = shop.versions.current()
    manifest = version.folder / "manifest.json"
    document = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**document, "data": {**document["data"], "item_rows": "other"}}))
    with pytest.raises(StateError, match="its items are not those of this store"):
        go_on(shop)


def test_a_network_that_cannot_go_on_is_an_error_not_a_long_wait(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    bought(shop, "newcomer", "kite-red")
    monkeypatch.setattr(State, "reads", lambda *_: False)
    with pytest.raises(StateError, match=r"(?s)retrieve.sequence: .*another space.*run `shelfwise train`"):
        go_on(shop)


@pytest.mark.parametrize("stage", [Sequence, Fusion])
def test_an_interruption_leaves_the_old_version_in_service(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, stage: type
) -> None:
    before = shop.versions.current().name
    grow(shop)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(stage, "save", stop)
        with pytest.raises(KeyboardInterrupt):
            go_on(shop)
    assert [path.name for path in shop.versions.folder.iterdir() if path.is_dir()] == [before]
    assert shop.versions.current().name == before
    slate = shop.recommend("user-0", k=5)
    assert slate.model_version == before and len(slate.items) == 5
    assert go_on(shop).name != before


def test_it_needs_neither_the_encoders_weights_nor_the_vectors_made_so_far(shop: Shop) -> None:
    """A version carries its encoder: a lost cache is made again by it."""
    before = load_model(shop.versions.current())
    shutil.rmtree(shop.folder / "vectors")
    grow(shop)
    version = go_on(shop)
    model = load_model(version)
    assert model.funnel.vectors is not None and before.funnel.vectors is not None
    np.testing.assert_allclose(model.funnel.vectors.base[:60], before.funnel.vectors.base, atol=0.02)
    assert (shop.folder / "vectors" / version.manifest["encoder"] / "vectors.f16").is_file()


@pytest.mark.usefixtures("exported_here")
def test_a_tuned_encoder_stays_and_is_not_tuned_again(tiny_shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("peft")
    figures = iter(np.linspace(0.1, 0.9, 10_000).tolist())
    monkeypatch.setattr("shelfwise.train.tuning.quality.Pool.mrr", lambda *_: next(figures))
    toml = tiny_shop / "shop.toml"
    toml.write_text(toml.read_text() + TUNE + RETRIEVERS)
    with Shop.open(tiny_shop) as shop:
        before = shop.train()
        assert before.manifest["learned"]["tuned_encoder"]

        def again(*_: object) -> None:
            raise AssertionError("tuned again")

        monkeypatch.setattr("shelfwise.train.tuning.tuner.tune", again)
        shutil.rmtree(tiny_shop / "vectors" / "tuned")
        grow(shop)
        version = go_on(shop)
        assert version.manifest["encoder"] == before.manifest["encoder"]
        assert version.manifest["learned"]["tuned_encoder"] == before.manifest["learned"]["tuned_encoder"]
        for name in ("encoder.onnx", "whitening_mean.npy"):
            assert (version.folder / "encoder" / name).read_bytes() == (before.folder / "encoder" / name).read_bytes()
        one, other = load_model(version).funnel.vectors, load_model(before).funnel.vectors
        assert one is not None and other is not None
        np.testing.assert_array_equal(one.base[:60], other.base)


def test_without_a_model_there_is_nothing_to_go_on_from(folder: Path) -> None:
    shutil.rmtree(folder / "models")
    with Shop.open(folder) as shop, pytest.raises(StateError, match="no model yet"):
        go_on(shop)


def test_every_event_is_stored_once(shop: Shop) -> None:
    grow(shop)
    with shop.records.read() as connection:
        assert len(list(connection.execute(select(events.c.seq)))) == 424
