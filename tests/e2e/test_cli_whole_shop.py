"""From two files to recommendations, verb by verb, as the guide says."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from shelfwise.config.draft import render
from shelfwise.config.load import load
from shelfwise.config.shop import ShopConfig
from shelfwise.pipeline.scenario_changes import put_in_force
from shelfwise.schemas.scenario_settings import ScenarioSettings
from shelfwise.shop import Shop
from shelfwise.shop.draft import manual

Cli = Callable[..., Any]

COLOURS = ("red", "blue", "green", "yellow", "black", "white", "grey", "brown", "pink", "violet")


def told(ran: Any) -> str:
    assert ran.code == 0, ran.err
    return " ".join((ran.out + ran.err).split())


class TestTheVerbsInOrder:
    def test_init_shows_its_guess_and_the_next_step(self, cli: Cli, tmp_path: Path, drafted_template: Path) -> None:
        files = ("--items", drafted_template / "items.csv", "--events", drafted_template / "events.csv")
        ran = cli("init", tmp_path / "new", *files, "--yes")
        assert "item_id item_id yes it has our name" in told(ran)
        assert f"shelfwise ingest --shop {tmp_path / 'new'}" in ran.err
        assert load(tmp_path / "new").ingest.items is not None

    def test_init_as_json(self, cli: Cli, tmp_path: Path, drafted_template: Path) -> None:
        document = cli("init", tmp_path / "new", "--items", drafted_template / "items.csv", "--json").document
        assert document["shop"] == str(tmp_path / "new")
        assert (tmp_path / "new" / "shop.toml").is_file()

    def test_check_ingest_and_ingest_again(self, cli: Cli, drafted: Path) -> None:
        assert "shop.toml is fine" in told(cli("check", "--shop", drafted))
        first = cli("ingest", "--shop", drafted, "--json").document
        assert [(one["table"], one["stored"], one["quarantined"]) for one in first] == [
            ("items", 40, 0),
            ("events", 280, 0),
        ]
        again = cli("ingest", "--shop", drafted, "--json").document
        assert all(one["skipped"] for one in again)
        assert "nothing changed" in told(cli("ingest", "--shop", drafted))

    def test_refused_lines_are_counted_explained_and_exported(self, cli: Cli, drafted: Path, tmp_path: Path) -> None:
        with (drafted / "events.csv").open("a") as file:
            file.write("user-0,no-such-item,purchase,2024-03-01T10:00:00Z\n")
        output = tmp_path / "refused.jsonl"
        ran = cli("ingest", "--shop", drafted, "--quarantine", output)
        assert "281 lines: 280 stored, 0 known before, 1 refused" in told(ran)
        lines = [json.loads(line) for line in output.read_text().splitlines()]
        assert len(lines) == 1
        assert "no-such-item" in json.dumps(lines[0])

    def test_a_trained_shop_says_what_comes_next(self, cli: Cli, trained_template: Path) -> None:
        # user-0 went from red to grey mugs: the next colour is brown.
        slate = cli("recommend", "--shop", trained_template, "--user", "user-0", "--k", "5", "--json").document
        assert [item["position"] for item in slate["items"]] == [1, 2, 3, 4, 5]
        assert slate["items"][0]["item_id"] == "mug-brown"
        assert slate["items"][0]["title"] == "Brown mug"
        assert slate["scenario"] == "home"
        assert slate["degraded"] == []
        had = {f"mug-{colour}" for colour in COLOURS[:7]}
        assert not had & {item["item_id"] for item in slate["items"]}
        scores = [item["score"] for item in slate["items"]]
        assert scores == sorted(scores, reverse=True)

    def test_in_words(self, cli: Cli, trained_template: Path) -> None:
        words = told(cli("recommend", "--shop", trained_template, "--user", "user-0", "--k", "2"))
        assert "1 mug-brown Brown mug" in words

    def test_a_product_page_names_its_item(self, cli: Cli, trained_template: Path) -> None:
        at = ("--shop", trained_template, "--scenario", "item", "--item", "boot-red", "--json")
        slate = cli("recommend", *at).document
        ids = [item["item_id"] for item in slate["items"]]
        assert len(ids) <= 12
        assert "boot-red" not in ids
        assert ids[0] == "boot-blue"

    def test_alternatives_of_a_product_page(self, cli: Cli, trained_template: Path) -> None:
        at = ("--scenario", "item", "--item", "boot-red", "--relation", "alternatives", "--k", "5", "--json")
        slate = cli("recommend", "--shop", trained_template, *at).document
        assert len(slate["items"]) == 5
        assert all(item["item_id"].startswith("boot-") for item in slate["items"])

    def test_evaluate_prints_a_table_with_the_baselines(self, cli: Cli, trained_template: Path) -> None:
        words = told(cli("evaluate", "--shop", trained_template, "--protocol", "leave-one-out", "--k", "5"))
        for part in ("leave-one-out: 40 users, all 40 items", "NDCG@5", "95 % interval", "popularity", "item-kNN"):
            assert part in words

    def test_evaluate_as_json(self, cli: Cli, trained_template: Path) -> None:
        report = cli("evaluate", "--shop", trained_template, "--json").document
        assert report["protocol"] == "time-split"
        assert report["rows"][0]["model"] == "shelfwise"
        ndcg = {row["model"]: row["metrics"]["ndcg"]["mean"] for row in report["rows"]}
        assert ndcg["shelfwise"] > ndcg["popularity"] + 0.3
        assert report["set_apart"] == {}

    def test_evaluate_says_that_places_are_set_to_something_else(
        self, cli: Cli, trained_template: Path, tmp_path: Path
    ) -> None:
        folder = shutil.copytree(trained_template, tmp_path / "shop")
        turned = ScenarioSettings.model_validate({"weights": {"purchase": 6, "click": 0.5}, "diversity": "auto"})
        with Shop.open(folder) as shop, shop.records.write() as connection:
            put_in_force(connection, "home", turned, author="ann")
            put_in_force(connection, "cart", turned, author="ann")
            put_in_force(connection, "cart", ScenarioSettings(), author="ann")  # back to what shop.toml says
        at = ("evaluate", "--shop", folder, "--protocol", "leave-one-out")
        assert cli(*at, "--json").document["set_apart"] == {"home": turned.as_document()}
        words = told(cli(*at))
        assert "not in these numbers" in words and "home: weights purchase=6 click=0.5, diversity auto" in words
        assert "shelfwise tradeoff --scenario home" in words

    def test_doctor_finds_everything_well(self, cli: Cli, trained_template: Path) -> None:
        findings = {one["what"]: one for one in cli("doctor", "--shop", trained_template, "--json").document}
        assert findings["records"]["found"] == "40 items, 280 events"
        assert findings["model"]["ok"]
        assert findings["drift"]["ok"] and "too few answers" in findings["drift"]["found"]
        assert all(findings[what]["ok"] for what in ("shop.toml", "files and components", "serving"))
        assert "40 items, 280 events" in told(cli("doctor", "--shop", trained_template))

    def test_doctor_says_what_to_do(self, cli: Cli, tmp_path: Path, drafted: Path) -> None:
        assert "shelfwise init" in told(cli("doctor", "--shop", tmp_path))
        assert "shelfwise ingest" in told(cli("doctor", "--shop", drafted))


class TestAllUsers:
    def test_one_file_with_everybodys_list(self, cli: Cli, trained_template: Path, tmp_path: Path) -> None:
        output = tmp_path / "out" / "lists.parquet"
        document = cli(
            "recommend", "--shop", trained_template, "--all-users", "--output", output, "--k", "4", "--json"
        ).document
        assert document == {"users": 40, "output": str(output)}
        lists = pl.read_parquet(output)
        assert lists.schema == {
            "user_id": pl.String,
            "item_id": pl.String,
            "position": pl.Int32,
            "score": pl.Float32,
        }
        assert lists["user_id"].n_unique() == 40
        by_user = {key[0]: part for key, part in lists.group_by("user_id", maintain_order=True)}
        assert list(by_user) == [f"user-{n}" for n in range(40)]
        for part in by_user.values():
            assert part["position"].to_list() == [1, 2, 3, 4]
            assert part["item_id"].n_unique() == 4
            assert part["score"].is_sorted(descending=True)
        assert [path.name for path in output.parent.iterdir()] == ["lists.parquet"]

    def test_the_lists_are_those_of_single_requests(self, cli: Cli, trained_template: Path, tmp_path: Path) -> None:
        output = tmp_path / "lists.parquet"
        cli("recommend", "--shop", trained_template, "--all-users", "--output", output, "--k", "5")
        lists = pl.read_parquet(output)
        for user in ("user-0", "user-7", "user-39"):
            slate = cli("recommend", "--shop", trained_template, "--user", user, "--k", "5", "--json").document
            assert lists.filter(user_id=user)["item_id"].to_list() == [item["item_id"] for item in slate["items"]]

    def test_visitors_are_left_out_and_new_users_are_in(self, cli: Cli, trained: Path, tmp_path: Path) -> None:
        with sqlite3.connect(trained / "shelfwise.db") as connection:
            connection.execute("INSERT INTO users (row, user_id) VALUES (40, 'visitor:s'), (41, 'late')")
        output = tmp_path / "lists.parquet"
        cli("recommend", "--shop", trained, "--all-users", "--output", output, "--k", "3")
        users = set(pl.read_parquet(output)["user_id"])
        assert "visitor:s" not in users
        assert "late" in users


class TestModels:
    def test_list_promote_and_roll_back(self, cli: Cli, trained: Path) -> None:
        at = ("--shop", trained)
        first = cli("models", "list", *at, "--json").document
        assert [one["in_service"] for one in first] == [True]
        second = cli("train", *at, "--json").document["version"]
        listed = cli("models", "list", *at, "--json").document
        assert [(one["version"], one["in_service"]) for one in listed] == [(first[0]["version"], False), (second, True)]
        assert cli("models", "rollback", *at, "--json").document == {"in_service": first[0]["version"]}
        assert cli("recommend", *at, "--json").document["model_version"] == first[0]["version"]
        assert cli("models", "rollback", *at).code == 2
        assert cli("models", "promote", second, *at, "--json").document == {"in_service": second}
        assert cli("recommend", *at, "--json").document["model_version"] == second
        assert second in told(cli("models", "list", *at))
        assert "takes it up by itself" in told(cli("models", "promote", first[0]["version"], *at))

    def test_a_misspelt_version_names_the_near_one(self, cli: Cli, trained_template: Path) -> None:
        name = cli("models", "list", "--shop", trained_template, "--json").document[0]["version"]
        ran = cli("models", "promote", name[:-1], "--shop", trained_template)
        assert ran.code == 2
        assert f"did you mean '{name}'?" in ran.err


class TestTheDraftedFile:
    @pytest.fixture
    def keys(self, drafted_template: Path) -> dict[str, set[str]]:
        """What stands under each table, set or commented out."""
        found: dict[str, set[str]] = {"": set()}
        table = ""
        for line in (drafted_template / "shop.toml").read_text().splitlines():
            if line.startswith("["):
                table = line.strip("[]")
                found[table] = set()
            name = line.removeprefix("# ").split(" =")[0]
            if " =" in line and name.isidentifier():
                found[table].add(name)
        return found

    def test_every_key_stands_there(self, keys: dict[str, set[str]]) -> None:
        from shelfwise.pipeline.components import (
            build_picture_encoder,
            build_ranker,
            build_retrievers,
            build_text_encoder,
            build_tracker,
        )

        config = ShopConfig(version=1)
        for name in ("store", "behaviour", "encode", "evaluate", "serve"):
            fields = set(type(getattr(config, name)).model_fields) - {"text", "image", "tune", "users"}  # own tables
            assert fields <= keys[name], name
        assert set(type(config.encode.tune).model_fields) <= keys["encode.tune"]
        assert set(type(config.encode.users).model_fields) <= keys["encode.users"]
        for name, objective in config.objectives.items():
            assert set(type(objective).model_fields) <= keys[f"objectives.{name}"]
        for name in ("items", "events"):
            fields = set(type(config.ingest).model_fields[name].annotation.__args__[0].model_fields)  # type: ignore[union-attr]
            assert fields <= keys[f"ingest.{name}"], name
        for name, retriever in build_retrievers(config).items():
            assert {"use", *type(retriever).Config.model_fields} <= keys[f"retrieve.{name}"]
        assert {"use", *type(build_ranker(config)).Config.model_fields} <= keys["rank"]
        assert {"use", *type(build_text_encoder(config)).Config.model_fields} <= keys["encode.text"]
        assert {"use", *type(build_picture_encoder(config)).Config.model_fields} <= keys["encode.image"]
        assert {"use", *type(build_tracker(config)).Config.model_fields} <= keys["track"]
        assert set(config.scenarios) == {name.split(".")[1] for name in keys if name.startswith("scenarios.")}

    def test_every_key_is_preceded_by_what_it_does(self, drafted_template: Path) -> None:
        lines = (drafted_template / "shop.toml").read_text().splitlines()
        for place, line in enumerate(lines):
            name = line.removeprefix("# ").split(" =")[0]
            if " =" in line and name.isidentifier() and name != "use":
                assert lines[place - 1].startswith("# "), line

    def test_drafting_what_was_read_gives_the_same_file(self, drafted_template: Path) -> None:
        assert manual(load(drafted_template)) == (drafted_template / "shop.toml").read_text()

    def test_every_commented_default_can_be_switched_on(self, drafted_template: Path, tmp_path: Path) -> None:
        shutil.copytree(drafted_template, tmp_path / "shop")
        path = tmp_path / "shop" / "shop.toml"
        lines = []
        for line in path.read_text().splitlines():
            name, _, value = line.removeprefix("# ").partition(" = ")
            lines.append(line.removeprefix("# ") if value and name.isidentifier() else line)
        path.write_text("\n".join(lines))
        written, drafted = load(tmp_path / "shop"), load(drafted_template)
        assert path.read_text().count("\n# ") < (drafted_template / "shop.toml").read_text().count("\n# ")
        assert _options_of(written) == _options_of(drafted)

    @pytest.fixture
    def changed(self) -> ShopConfig:
        """A configuration in which much is set, and not as by default."""
        return ShopConfig.model_validate(
            {
                "version": 1,
                "ingest": {
                    "events": {
                        "path": 'a "quoted" näme.csv',
                        "delimiter": "\t",
                        "columns": {"user_id": "kunde", "item_id": "wa re"},
                        "require": {"item_id": r"\d{5}[A-Z]{0,2}"},
                        "timestamp_format": ["%d/%m/%Y", "iso8601"],
                        "event_when": [{"column": "n", "starts_with": "C", "event": "return"}],
                        "event_names": {"addtocart": "cart"},
                        "default_event": "purchase",
                        "earliest": "2001-02-03",
                    }
                },
                "behaviour": {"target": "purchase", "repeats": "allow", "history": 7},
                "retrieve": {
                    "after": {"use": "transitions", "half_life_d": 3.5},
                    "hot": {"use": "popular", "k": 9},
                },
                "scenarios": {"start": {"k": 3, "retrieve": ["hot"], "repeats": "exclude"}},
                "evaluate": {"seed": 5},
            }
        )

    def test_a_configuration_survives_being_written(self, changed: ShopConfig, tmp_path: Path) -> None:
        (tmp_path / "shop.toml").write_text(manual(changed), encoding="utf-8")
        again = load(tmp_path)
        assert _options_of(again) == _options_of(changed)
        assert again.ingest == changed.ingest
        assert again.behaviour == changed.behaviour
        assert again.scenarios == changed.scenarios

    def test_a_plugin_without_known_options_is_written_as_it_stands(self, tmp_path: Path) -> None:
        config = ShopConfig.model_validate(
            {
                "version": 1,
                "rank": {"use": "theirs:Ranker", "depth": 3, "name": "x"},
                "retrieve": {"p": {"use": "popular"}},
            }
        )
        (tmp_path / "shop.toml").write_text(render(config, {}), encoding="utf-8")
        assert load(tmp_path).rank == config.rank


def _options_of(config: ShopConfig) -> dict[str, Any]:
    """Every component with all of its options, those at their default too."""
    from shelfwise.pipeline.components import build_rerankers, build_retrievers, build_tracker

    document = config.model_dump(exclude={"retrieve", "rank", "rerank", "encode", "track"})
    document["rerank"] = {
        name: (type(one).__name__, one.config.model_dump()) for name, one in build_rerankers(config).items()
    }
    document["track"] = (config.track.use, build_tracker(config).config.model_dump())
    document["retrieve"] = {
        name: (type(one).__name__, one.config.model_dump()) for name, one in build_retrievers(config).items()
    }
    return document
