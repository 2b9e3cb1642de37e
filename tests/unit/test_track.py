"""Trackers cannot stop a training, tell no secrets, and are found like every other component."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from shelfwise.config.shop import ShopConfig
from shelfwise.errors import ConfigError, MissingExtraError
from shelfwise.pipeline.components import build_tracker, check, resolved
from shelfwise.pipeline.tracking import tracked
from shelfwise.track.facts import flat, without_login
from shelfwise.track.guarded import Guarded
from shelfwise.track.mlflow_runs import MLflowRuns
from shelfwise.track.origin import origin
from shelfwise.track.tensorboard_files import TensorBoardFiles
from shelfwise.track.tracker import NOTHING, Fact, Nothing, Run, Tracker, under, untracked
from shelfwise.track.wandb_runs import WandbRuns

SAID = "the rest of this run is not tracked"


class Remembering(Nothing):
    """Keeps what it is told in lists that all of its kind share; breaks where it is told to."""

    told: list[tuple[Any, ...]]
    breaks_at = ""

    def _tell(self, *what: Any) -> None:
        if what[0] == self.breaks_at:
            raise ConnectionError("no answer from http://shop:hush@tracker:5000/\nand more")
        type(self).told.append(what)

    def begin(self, run: Run) -> None:
        self._tell("begin", run.name)

    def facts(self, facts: Mapping[str, Fact]) -> None:
        self._tell("facts", dict(facts))

    def scalar(self, name: str, value: float, step: int) -> None:
        self._tell("scalar", name, value, step)

    def text(self, name: str, text: str) -> None:
        self._tell("text", name)

    def close(self, *, failed: bool) -> None:
        self._tell("close", failed)


@pytest.fixture(autouse=True)
def _nothing_told_yet() -> None:
    Remembering.told, Remembering.breaks_at = [], ""


def shop(**track: Any) -> ShopConfig:
    return ShopConfig.model_validate({"version": 1, "track": track})


OWN = f"{__name__}:Remembering"


class TestFacts:
    def test_nested_tables_become_dotted_paths(self) -> None:
        document = {"store": {"models": "models"}, "k": 3, "x": None, "scenarios": {"home": {"retrieve": ["a", "b"]}}}
        assert flat(document) == {"store.models": "models", "k": 3, "scenarios.home.retrieve": '["a", "b"]'}

    @pytest.mark.parametrize("key", ["api_key", "token", "PASSWORD", "client-secret", "key", "hf_token"])
    def test_what_is_called_a_secret_is_left_out(self, key: str) -> None:
        assert flat({"encode": {key: "hush", "dim": 8}}) == {"encode.dim": 8}

    @pytest.mark.parametrize("key", ["api_key_env", "max_tokens", "keyboard", "prefix_tokens"])
    def test_what_only_sounds_like_one_stays(self, key: str) -> None:
        assert flat({key: 5}) == {key: 5}

    @pytest.mark.parametrize(
        ("text", "left"),
        [
            ("postgresql+psycopg://shop:hush@db:5432/shelf", "postgresql+psycopg://***@db:5432/shelf"),
            (
                "postgresql://db/shelf?user=shop&password=hush&sslmode=require",
                "postgresql://db/shelf?user=shop&password=***&sslmode=require",
            ),
            ("https://host/v1?api_key=hush", "https://host/v1?api_key=***"),
            ("sqlite:///shelfwise.db", "sqlite:///shelfwise.db"),
            ("redis://:hu@sh@cache:6379/0", "redis://***@cache:6379/0"),
            ("mail@example.org", "mail@example.org"),
        ],
    )
    def test_logins_within_addresses_are_hidden(self, text: str, left: str) -> None:
        assert without_login(text) == left
        assert flat({"records": text, "many": [text]}) == {"records": left, "many": f'["{left}"]'}

    def test_of_a_shop_hold_every_option_and_no_login(self) -> None:
        config = ShopConfig.model_validate({"version": 1, "store": {"records": "postgresql://shop:hush@db/shelf"}})
        facts = flat(resolved(config))
        assert facts["rank.n_trees"] == 400  # a default that the file does not name
        assert facts["retrieve.transitions.use"] == "transitions"
        assert facts["encode.text.model"] == "builtin:minilm"
        assert "hush" not in str(facts)


class TestGuarded:
    @pytest.mark.parametrize("place", ["begin", "facts", "scalar", "text", "close"])
    def test_what_fails_is_said_once_and_ends_the_tracking(self, place: str, caplog: pytest.LogCaptureFixture) -> None:
        Remembering.breaks_at = place
        tracker = Guarded(Remembering(Nothing.Config()))
        tracker.begin(Run("a", Path()))
        for step in range(3):
            tracker.facts({"a": 1})
            tracker.scalar("loss", 0.5, step)
            tracker.text("note", "x")
        tracker.close(failed=False)
        said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
        assert said == [f"{SAID}: ConnectionError: no answer from http://***@tracker:5000/"]
        assert not any(what[0] == place for what in Remembering.told)
        if place == "begin":
            assert Remembering.told == []

    def test_what_the_user_can_put_right_is_not_swallowed(self) -> None:
        class Refuses(Nothing):
            def begin(self, run: Run) -> None:
                raise ConfigError("no key", where="track.mode")

        with pytest.raises(ConfigError, match="no key"):
            Guarded(Refuses(Nothing.Config())).begin(Run("a", Path()))

    def test_an_interruption_is_not_a_failure_of_the_tracker(self) -> None:
        class Stopped(Nothing):
            def scalar(self, name: str, value: float, step: int) -> None:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            Guarded(Stopped(Nothing.Config())).scalar("loss", 0.0, 0)


class TestTracked:
    def test_a_tracker_of_the_shops_own(self, tmp_path: Path) -> None:
        with tracked(shop(use=OWN), Run("v1", tmp_path)) as tracker:
            under(tracker, "sequence", "everything")("loss", 0.5, 3)
        assert Remembering.told == [("begin", "v1"), ("scalar", "sequence/everything/loss", 0.5, 3), ("close", False)]

    def test_what_failed_is_closed_as_failed(self, tmp_path: Path) -> None:
        with pytest.raises(ZeroDivisionError), tracked(shop(use=OWN), Run("v1", tmp_path)):
            _ = 1 / 0
        assert Remembering.told[-1] == ("close", True)

    def test_without_tensorboard_nothing_is_tracked_and_that_is_said(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        for name in [name for name in sys.modules if name.split(".")[0] == "tensorboard"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "tensorboard", None)
        with tracked(ShopConfig(version=1), Run("v1", tmp_path)) as tracker:
            tracker.scalar("loss", 0.5, 0)
        (said,) = [record.getMessage() for record in caplog.records]
        assert said.startswith("nothing is tracked: tensorboard is not installed; pip install 'shelfwise[train]'")
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("use", ["mlflow", "wandb"])
    def test_a_tracker_that_was_asked_for_and_is_missing(
        self, use: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, use, None)
        wanted = rf"(?s)track.use: {use} is not installed.*pip install 'shelfwise\[{use}\]'"
        with pytest.raises(MissingExtraError, match=wanted), tracked(shop(use=use), Run("v1", tmp_path)):
            pass

    def test_none(self, tmp_path: Path) -> None:
        with tracked(shop(use="none"), Run("v1", tmp_path)) as tracker:
            tracker.scalar("loss", 0.5, 0)
        assert not list(tmp_path.iterdir())


class TestConfiguration:
    @pytest.mark.parametrize(
        ("use", "kind"),
        [("tensorboard", TensorBoardFiles), ("mlflow", MLflowRuns), ("wandb", WandbRuns), ("none", Nothing)],
    )
    def test_built_in_names(self, use: str, kind: type[Tracker]) -> None:
        assert isinstance(build_tracker(shop(use=use)), kind)

    def test_a_name_that_nobody_bears(self) -> None:
        with pytest.raises(ConfigError, match=r"(?s)track.use: no tracker is called 'mlfow'.*did you mean 'mlflow'"):
            check(shop(use="mlfow"))

    def test_an_option_that_nobody_knows(self) -> None:
        with pytest.raises(ConfigError, match=r"track.fodler"):
            build_tracker(shop(use="tensorboard", fodler="runs"))

    def test_an_address_with_a_login_is_refused_and_not_repeated(self) -> None:
        with pytest.raises(ConfigError, match="MLFLOW_TRACKING_USERNAME") as refused:
            build_tracker(shop(use="mlflow", uri="http://shop:hush@host:5000"))
        assert "hush" not in str(refused.value)

    def test_wandb_online_needs_a_key_before_anything_begins(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "wandb", type(sys)("wandb"))
        monkeypatch.delenv("WANDB_API_KEY", raising=False)
        with pytest.raises(ConfigError, match="holds no WANDB_API_KEY"):
            build_tracker(shop(use="wandb")).begin(Run("v1", tmp_path))


def test_nobody_listening_is_no_special_case() -> None:
    untracked("loss", 0.5, 1)
    under(NOTHING, "a")("loss", 0.5, 1)


def test_the_code_that_runs_is_named() -> None:
    found = origin()
    assert found["shelfwise"]
    assert found["python"].startswith("3.11")
