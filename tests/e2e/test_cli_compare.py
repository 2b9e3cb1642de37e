"""Trainings leave curves, evaluations leave numbers, and `models compare` puts versions side by side."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]


def told(ran: Any) -> str:
    assert ran.code == 0, ran.err
    return " ".join((ran.out + ran.err).split())


@pytest.fixture(scope="module")
def two(cli: Cli, trained_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A shop with two versions of different configurations, evaluated on the same questions."""
    shop = shutil.copytree(trained_template, tmp_path_factory.mktemp("compared") / "shop")
    assert "kept with" in told(cli("evaluate", "--shop", shop, "--k", "5"))
    text = (shop / "shop.toml").read_text(encoding="utf-8")
    (shop / "shop.toml").write_text(text.replace("# n_trees = 400", "n_trees = 20"), encoding="utf-8")
    told(cli("train", "--shop", shop))
    a, b = (one["version"] for one in cli("models", "list", "--shop", shop, "--json").document)
    told(cli("evaluate", "--shop", shop, "--k", "5"))
    return shop, a, b


class TestCompare:
    def test_in_words(self, cli: Cli, two: tuple[Path, str, str]) -> None:
        shop, a, b = two
        words = told(cli("models", "compare", a, b, "--shop", shop))
        for part in (
            "events 280 280",
            "last event 2024-09-28T10:00:00+00:00",
            "rank.n_trees 400 20",
            "asked time-split, lists of 5 time-split, lists of 5",
            f"{b} against {a}, the same 40 users: NDCG",
            "retrieve.transitions",
        ):
            assert part in words, words

    def test_as_json(self, cli: Cli, two: tuple[Path, str, str]) -> None:
        shop, a, b = two
        document = cli("models", "compare", a, b, "--shop", shop, "--overlap", "--json").document
        assert [column["version"] for column in document["columns"]] == [a, b]
        assert [column["in_service"] for column in document["columns"]] == [False, True]
        assert document["configuration"] == {"rank.n_trees": [400, 20]}
        assert {"read", "rank", "ask", "retrieve.ease"} <= set(document["columns"][0]["seconds_by_stage"])
        (difference,) = document["differences"]
        assert (difference["version"], difference["against"], difference["n_users"]) == (b, a, 40)
        measured = [column["measured"] for column in document["columns"]]
        assert measured[0]["questions"] == measured[1]["questions"]
        assert difference["mean"] == pytest.approx(
            measured[1]["metrics"]["ndcg"]["mean"] - measured[0]["metrics"]["ndcg"]["mean"], abs=1e-6
        )
        (overlap,) = document["overlap"]
        assert (overlap["n_users"], overlap["k"]) == (40, 10)
        assert 0 < overlap["jaccard"] <= 1
        assert document["notes"] == []

    def test_a_version_that_was_not_evaluated(self, cli: Cli, two: tuple[Path, str, str], tmp_path: Path) -> None:
        shop, a, b = shutil.copytree(two[0], tmp_path / "shop"), *two[1:]
        shutil.rmtree(shop / "models" / "evaluations" / a)
        assert f"{a} was not evaluated: run `shelfwise evaluate --version {a}`" in told(
            cli("models", "compare", a, b, "--shop", shop)
        )
        report = cli("evaluate", "--shop", shop, "--k", "5", "--version", a, "--json").document
        assert report["version"] == a
        assert len(cli("models", "compare", a, b, "--shop", shop, "--json").document["differences"]) == 1

    def test_different_questions(self, cli: Cli, two: tuple[Path, str, str], tmp_path: Path) -> None:
        shop, a, b = shutil.copytree(two[0], tmp_path / "shop"), *two[1:]
        with (shop / "events.csv").open("a", encoding="utf-8") as file:
            file.write("user-0,kite-red,purchase,2024-09-29T10:00:00Z\n")
        told(cli("ingest", "--shop", shop))
        told(cli("evaluate", "--shop", shop, "--k", "5", "--version", b))
        document = cli("models", "compare", a, b, "--shop", shop, "--json").document
        assert document["differences"] == []
        assert "events or items came in between" in document["notes"][0]

    def test_shop_toml_that_made_no_version(self, cli: Cli, two: tuple[Path, str, str], tmp_path: Path) -> None:
        shop = shutil.copytree(two[0], tmp_path / "shop")
        text = (shop / "shop.toml").read_text(encoding="utf-8")
        (shop / "shop.toml").write_text(text.replace("n_trees = 20", "n_trees = 21"), encoding="utf-8")
        before = sorted((shop / "models" / "evaluations").rglob("*"))
        words = told(cli("evaluate", "--shop", shop))
        assert "kept with no version" in words
        assert sorted((shop / "models" / "evaluations").rglob("*")) == before

    def test_unknown_and_too_few(self, cli: Cli, two: tuple[Path, str, str]) -> None:
        shop, a, _ = two
        unknown = cli("models", "compare", a, f"{a}x", "--shop", shop)
        assert unknown.code == 2
        assert f"did you mean '{a}'?" in unknown.err
        few = cli("models", "compare", a, "--shop", shop, "--json")
        assert few.code == 2
        assert few.document["error"]["code"] == "nothing_to_compare"
        assert cli("evaluate", "--version", "nosuch", "--shop", shop).code == 2


class TestTracked:
    def test_a_training_and_its_evaluation_are_one_run(self, two: tuple[Path, str, str]) -> None:
        accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
        shop, a, b = two
        assert {path.name for path in (shop / "runs").iterdir()} == {a, b}
        found = accumulator.EventAccumulator(str(shop / "runs" / a)).Reload()
        scalars = set(found.Tags()["scalars"])
        assert {"seconds/rank", "transitions/everything/fit_s", "evaluate/time-split/popularity/ndcg_at_5"} <= scalars
        curve = [one.step for one in found.Scalars("rank/trees/fold-1/held_out_loss")]
        assert curve == list(range(1, len(curve) + 1))
        facts = found.Tensors("facts")[-1:]
        texts = " ".join(value.decode() for one in facts for value in one.tensor_proto.string_val)
        assert "| rank.n_trees | 400 |" in texts
        assert "| data.n_events | 280 |" in texts

    @pytest.mark.parametrize("table", ['use = "mlflow"\nuri = "http://127.0.0.1:9"', 'use = "broken_tracker:Broken"'])
    def test_a_tracker_that_fails_stops_nothing(
        self, cli: Cli, trained: Path, table: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        if "mlflow" in table:
            pytest.importorskip("mlflow", reason="the extra 'mlflow' is not installed")
        path = trained / "shop.toml"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace('use = "tensorboard"', table), encoding="utf-8")
        before = json.loads(cli("models", "list", "--shop", trained, "--json").out)
        assert cli("train", "--shop", trained).code == 0
        assert len(cli("models", "list", "--shop", trained, "--json").document) == len(before) + 1
        said = [record.getMessage() for record in caplog.records if record.name == "shelfwise.track"]
        assert len(said) == 1
        assert said[0].startswith("the rest of this run is not tracked")
