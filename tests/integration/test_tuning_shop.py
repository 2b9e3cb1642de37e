"""Tuning from the command line to the model in service, on the tiny shop; and what tuning may not know."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from shelfwise.datasets.interactions import Interactions
from shelfwise.datasets.moments import before_all_questions, moments
from shelfwise.datasets.splits import leave_one_out, time_split
from shelfwise.datasets.training_data import TrainingData
from shelfwise.encode.passage import passage
from shelfwise.encode.weights import identity
from shelfwise.errors import ConfigError
from shelfwise.schemas.events import EventKind
from shelfwise.shop import Shop
from shelfwise.store import catalogue, people
from shelfwise.testing.small_shop import small_shop
from shelfwise.train.data import load, make_tuner
from shelfwise.train.fit import fit
from shelfwise.train.tuning import run
from shelfwise.train.tuning.run import finished
from shelfwise.train.tuning.tuner import KEPT, Tuner

pytest.importorskip("torch")
pytest.importorskip("peft")
pytestmark = pytest.mark.usefixtures("exported_here")

TUNE = """
[encode.tune]
use = {use}
method = "lora"
epochs = 6
rank = 4
batch_texts = 32
max_tokens = 16
precision = "fp32"
n_checks = 4
n_questions = 40
pool = 60
"""


def silent(*_: object) -> None:
    """Nobody watches."""


def with_tuning(shop: Path, *, use: bool) -> Path:
    toml = shop / "shop.toml"
    toml.write_text(toml.read_text() + TUNE.format(use=str(use).lower()))
    return shop


def cli(*arguments: object) -> str:
    """Standard output of the console script, which must succeed."""
    from shelfwise.cli.main import run as console

    out, err = io.StringIO(), io.StringIO()
    with (
        patch.object(sys, "argv", ["shelfwise", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            console()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
    assert code == 0, err.getvalue()
    return out.getvalue()


@pytest.fixture
def always_better(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every check finds the encoder better than before, whatever its worth on so small a shop."""
    from shelfwise.train.tuning import quality

    figures = iter(np.linspace(0.1, 0.9, 10_000).tolist())
    monkeypatch.setattr(quality.Pool, "mrr", lambda *_: next(figures))


@pytest.mark.usefixtures("always_better")
def test_tune_then_train_then_recommend(tiny_shop: Path) -> None:
    with_tuning(tiny_shop, use=False)
    told = json.loads(cli("tune", "--shop", tiny_shop, "--json"))
    folder = Path(told["folder"])
    assert not told["in_use"] and told["is_better"]
    assert set(told["quality"]) == {"warm", "cold"}
    assert told["quality"]["warm"]["tuned"]["n"] == told["quality"]["warm"]["frozen"]["n"] > 0
    assert told["n_cold_items"] == 6
    assert {path.name for path in folder.iterdir()} == {"tuning.json", "adapter", "model"}
    assert json.loads((folder / "tuning.json").read_text())["quality"] == told["quality"]
    # Asked again, nothing is done again.
    before = (folder / "tuning.json").stat().st_mtime_ns
    assert json.loads(cli("tune", "--shop", tiny_shop, "--json")) == told
    assert (folder / "tuning.json").stat().st_mtime_ns == before

    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    first = min((tiny_shop / "runs").iterdir(), key=lambda path: path.stat().st_mtime)
    curves = accumulator.EventAccumulator(str(first)).Reload()
    assert [one.step for one in curves.Scalars("tune/loss")] == list(range(1, told["step"] + 1))
    assert len(curves.Scalars("tune/held_out_mrr")) == len(told["checks"])
    assert {"tune/learning_rate", "quality/cold/tuned/recall_at_20"} <= set(curves.Tags()["scalars"])

    assert "items that tuning never saw, tuned" in cli("tune", "--shop", tiny_shop)

    trained = json.loads(cli("train", "--shop", tiny_shop, "--json"))
    assert "tuned_encoder" not in trained["learned"]
    toml = tiny_shop / "shop.toml"
    toml.write_text(toml.read_text().replace("use = false", "use = true"))
    trained = json.loads(cli("train", "--shop", tiny_shop, "--json"))
    assert trained["learned"]["tuned_encoder"]["quality"] == told["quality"]
    assert (folder / "tuning.json").stat().st_mtime_ns == before, "train tuned anew"
    graph = (tiny_shop / "models" / trained["version"] / "encoder" / "encoder.onnx").read_bytes()
    assert graph == (tiny_shop / "vectors" / told_encoder(folder) / "encoder.onnx").read_bytes()
    with Shop.open(tiny_shop) as shop:
        assert shop.recommend("user-1", k=5).items
        # A new item is encoded by the tuned graph that the version carries, and lands where the catalogue's own did.
        model = shop.recommender.model
        assert model.encoder is not None and model.whitening is not None and model.funnel.vectors is not None
        with shop.records.read() as connection:
            first = next(iter(catalogue.read_all(connection)))
        made = model.whitening(model.encoder.encode([passage(first.item)]))[0]
        assert float(made @ model.funnel.vectors.base[0]) > 0.95


@pytest.mark.usefixtures("always_better")
def test_profiles_are_read_by_the_tuned_encoder_too(tiny_shop: Path) -> None:
    with_tuning(tiny_shop, use=True)
    with Shop.open(tiny_shop) as shop:
        with shop.records.write() as connection:
            people.upsert(connection, [(f"user-{user}", {"about": "soft wool and warm light"}) for user in range(3)])
        trained = shop.train()
        assert "tuned_encoder" in trained.manifest["learned"]
        model = shop.recommender.model
        profiles = model.funnel.profiles
        assert profiles is not None and model.encoder is not None
        kept = profiles.of_text("soft wool and warm light")
        assert kept is not None
        [made] = profiles.make(["soft wool and warm light"], model.encoder)
        np.testing.assert_array_equal(kept, made)
        untuned = load(shop.config, shop.records, tiny_shop / "vectors", None).data.profiles
        assert untuned is not None
        plain = untuned.of_user(0)
        assert plain is not None and not np.array_equal(kept, plain)


def told_encoder(folder: Path) -> str:
    return str(json.loads((folder / "tuning.json").read_text())["encoder"])


@pytest.mark.usefixtures("always_better")
def test_evaluate_tunes_on_its_own_past(tiny_shop: Path) -> None:
    with_tuning(tiny_shop, use=True)
    toml = tiny_shop / "shop.toml"
    toml.write_text(toml.read_text() + "\n[evaluate]\ntest_d = 4\n")
    cli("train", "--shop", tiny_shop, "--json")
    [first] = (tiny_shop / "vectors" / "tuned").iterdir()
    report = json.loads(cli("evaluate", "--shop", tiny_shop, "--json"))
    assert report["rows"][0]["model"] == "shelfwise"
    folders = list((tiny_shop / "vectors" / "tuned").iterdir())
    assert len(folders) == 2
    [other] = [path for path in folders if path != first]
    until = {path: json.loads((path / "tuning.json").read_text())["until_ms"] for path in folders}
    assert until[other] < until[first], "evaluate used an encoder that knew more than its past"


@pytest.mark.usefixtures("always_better")
def test_a_search_is_resumed_and_says_what_to_write(tiny_shop: Path) -> None:
    pytest.importorskip("optuna")
    with_tuning(tiny_shop, use=False)
    told = json.loads(cli("tune", "--shop", tiny_shop, "--search", "2", "--json"))
    assert [trial["state"] for trial in told["search"]["trials"]] == ["complete", "complete"]
    chosen = told["search"]["chosen"]
    assert {"lr", "temperature", "epochs", "hard_negatives", "rank"} == set(chosen)
    for name, value in chosen.items():
        assert told["spec"][name] == value
    assert "[encode.tune]" in told["search"]["snippet"] and f"rank = {chosen['rank']}" in told["search"]["snippet"]
    more = json.loads(cli("tune", "--shop", tiny_shop, "--search", "3", "--json"))["search"]
    assert more["trials"][:2] == told["search"]["trials"] and len(more["trials"]) == 3
    assert not any((tiny_shop / "vectors" / "tuned" / "search" / "trials").iterdir())


def test_what_was_tuned_in_vain_is_not_used(tiny_shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from shelfwise.train.tuning import quality

    monkeypatch.setattr(quality.Pool, "mrr", lambda *_: 0.5)
    with_tuning(tiny_shop, use=True)
    trained = json.loads(cli("train", "--shop", tiny_shop, "--json"))
    assert "tuned_encoder" not in trained["learned"]
    assert not list((tiny_shop / "vectors" / "tuned").rglob("model"))


def tuner_of(folder: Path) -> tuple[Tuner, TrainingData, Any, Shop]:
    shop = Shop.open(folder)
    loaded = load(shop.config, shop.records, folder / "vectors", None)
    return make_tuner(shop.config, shop.records, loaded.items, folder / "vectors"), loaded.data, loaded.users, shop


def test_an_earlier_tuning_serves_for_a_while_and_a_later_one_never(
    tiny_shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_tuning(tiny_shop, use=True)
    tuner, data, users, shop = tuner_of(tiny_shop)
    material = tuner.material(data, users)
    day_ms = 86_400_000

    def pretend(name: str, until_ms: int | None, family: str) -> None:
        (tuner.folder / name).mkdir(parents=True)
        run.write_about(tuner.folder / name, {"family": family, "until_ms": until_ms, "is_better": False})

    monkeypatch.setattr("shelfwise.train.tuning.tuner.tune", lambda *_: None)
    own = run.family(material, tuner.spec)
    now_ms = material.data.now_ms
    pretend("later", now_ms + 1, own)
    pretend("long ago", now_ms - 31 * day_ms, own)
    pretend("another configuration", now_ms - day_ms, "other")
    pretend("without a clock", None, own)
    assert tuner._found(material) is None
    pretend("lately", now_ms - 10 * day_ms, own)
    assert tuner._found(material) == finished(tuner.folder / "lately")
    pretend(run.key(material, tuner.spec), now_ms, own)
    assert tuner._found(material) == finished(tuner.folder / run.key(material, tuner.spec))
    for n in range(KEPT + 2):
        pretend(f"more {n}", 0, "other")
    tuner._prune()
    assert len(tuner._folders()) == KEPT
    shop.close()


def test_an_encoder_of_another_kind_cannot_be_tuned(tiny_shop: Path) -> None:
    toml = (tiny_shop / "shop.toml").read_text().split("[encode.text]")[0]
    (tiny_shop / "shop.toml").write_text(toml + '[encode.text]\nuse = "none"\n[encode.tune]\nuse = true\n')
    with Shop.open(tiny_shop) as shop, pytest.raises(ConfigError, match="cannot be tuned"):
        shop.train()


class Spy:
    """Stands where a tuner stands and keeps what it was offered."""

    def __init__(self, real: Any) -> None:
        self.real, self.seen = real, []

    def vectors(self, data: TrainingData, users: Any, progress: Any) -> None:
        target = EventKind.PURCHASE
        self.seen.append(before_all_questions(data, target, users).interactions)


def events_of(interactions: Interactions) -> set[tuple[int, int, int]]:
    return set(
        zip(
            interactions.user_rows.tolist(),
            interactions.item_rows.tolist(),
            interactions.times_ms.tolist(),
            strict=True,
        )
    )


@pytest.mark.parametrize("has_clock", [True, False])
def test_nothing_that_is_asked_about_is_learned_from(has_clock: bool) -> None:
    """Neither what evaluation asks nor what the ranker's training asks reaches the material of a tuning."""
    data = small_shop(n_users=60, has_clock=has_clock)
    users = np.ones(data.interactions.n_users, bool)
    target = EventKind.PURCHASE
    if has_clock:
        cut_ms = data.interactions.end_ms - 14 * 86_400_000
        split = time_split(data.interactions, target, users, cut_ms=cut_ms)
    else:
        split = leave_one_out(data.interactions, target, users)
    past = data.with_interactions(split.train, split.cut_ms)
    learned = events_of(before_all_questions(past, target, users).interactions)
    assert learned and learned <= events_of(past.interactions)
    asked = moments(past, target, users)
    for questions in (split.examples, *(moment.split.examples for moment in asked)):
        for question in questions:
            now_ms = question.situation.now_ms
            known = {(user, item, time) for user, item, time in learned if user == question.user_row}
            assert all(time < now_ms for _, _, time in known)
            if not has_clock:
                assert len(known) <= len(question.situation.history)


def test_fit_asks_the_tuner_before_anything_else() -> None:
    data = small_shop(n_users=60)
    config = replace_retrievers()
    spy = Spy(None)
    fit(config, data, np.ones(60, bool), silent, tuner=spy)  # type: ignore[arg-type]
    [seen] = spy.seen
    target_moments = moments(data, EventKind.PURCHASE, np.ones(60, bool))
    earliest = min(moment.data.now_ms for moment in target_moments)
    assert len(seen) and seen.times_ms.max() < earliest


def replace_retrievers() -> Any:
    from shelfwise.config.load import parse

    return parse({"version": 1, "retrieve": {"content": {"use": "content"}}})


def test_heads_in_folders_within_tell_models_apart(tmp_path: Path) -> None:
    (tmp_path / "2_Dense").mkdir()
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "2_Dense" / "model.safetensors").write_bytes(b"one")
    one = identity(str(tmp_path))
    (tmp_path / "2_Dense" / "model.safetensors").write_bytes(b"two")
    assert identity(str(tmp_path)) != one


def test_lessons_keep_the_held_out_apart() -> None:
    from shelfwise.config.tune import TuneSpec
    from shelfwise.train.tuning.split import lessons

    for has_clock in (True, False):
        data = small_shop(n_users=100, has_clock=has_clock)
        has_text = np.ones(80, bool)
        has_text[:3] = False
        parts = lessons(data, EventKind.PURCHASE, TuneSpec(), has_text)
        learned = events_of(parts.train)
        assert not parts.cold[:3].any() and parts.cold.sum() == 7
        assert not parts.cold[parts.train.item_rows].any()
        stop, test = {one.user_row for one in parts.stop}, {one.user_row for one in parts.test}
        assert stop and test and not stop & test
        for example in (*parts.stop, *parts.test):
            assert all(time < example.situation.now_ms for user, _, time in learned if user == example.user_row), (
                "a user's later events were learned from"
            )
            assert has_text[example.relevant].all()
        again = lessons(replace(data), EventKind.PURCHASE, TuneSpec(), has_text)
        assert (again.cold == parts.cold).all() and events_of(again.train) == learned
