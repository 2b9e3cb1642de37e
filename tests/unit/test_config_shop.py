"""shop.toml: refused where it cannot be meant, with the near name; short where the defaults will do."""

from __future__ import annotations

from typing import Any

import pytest

from shelfwise import plugins
from shelfwise.config.load import parse
from shelfwise.config.shop import ShopConfig
from shelfwise.errors import ConfigError
from shelfwise.pipeline.components import build_ranker, build_retrievers, check
from shelfwise.retrieve.popular import Popular
from shelfwise.retrieve.retriever import Retriever


def parsed(**tables: Any) -> ShopConfig:
    return parse({"version": 1, **tables})


def test_a_version_alone_is_a_shop() -> None:
    config = parsed()
    check(config)
    assert set(config.retrieve) == {
        *("transitions", "cooccurrence", "ease", "similar_users"),
        *("content", "popular", "recent", "again"),
        *("complements", "basket", "trending"),
    }
    assert set(config.scenarios) == {
        *("home", "category", "item", "cart", "checkout", "brand", "trending", "email", "promotion"),
    }


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "version: the key is missing"),
        ({"version": 2}, r"version: 2: "),
        ({"version": 1, "behavior": {}}, "(?s)behavior: there is no such key.*did you mean 'behaviour'"),
        ({"version": 1, "zzz": {}}, "zzz: there is no such key; known: .*behaviour"),
        ({"version": 1, "evaluate": {"test_h": 3}}, "(?s)evaluate.test_h.*unit is wrong.*'test_d', in days"),
        ({"version": 1, "evaluate": {"test_d": "28 days"}}, "evaluate.test_d: '28 days'.*a plain number of days"),
        ({"version": 1, "evaluate": {"test_d": 0}}, "evaluate.test_d: 0: .*greater than 0"),
        ({"version": 1, "behaviour": {"history": 0}}, "behaviour.history: 0"),
        ({"version": 1, "behaviour": {"repeats": "never"}}, "behaviour.repeats: 'never'"),
        ({"version": 1, "scenarios": {"home": {"k": 501}}}, "scenarios.home.k: 501"),
        ({"version": 1, "scenarios": {"home": {"retreive": []}}}, "(?s)scenarios.home.retreive.*'retrieve'"),
        ({"version": 1, "scenarios": {}}, "scenarios"),
        ({"version": 1, "retrieve": {}}, "retrieve"),
        ({"version": 1, "retrieve": {"a": {"k": 3}}}, "retrieve.a.use: the key is missing"),
        (
            {"version": 1, "ingest": {"events": {"path": "e", "columns": {"itemid": "x"}}}},
            "ingest.events.*no column of ours is called 'itemid'.*did you mean 'item_id'",
        ),
        (
            {"version": 1, "ingest": {"events": {"path": "e", "event_when": [{"column": "c", "event": "view"}]}}},
            "0 conditions on 'c'",
        ),
        (
            {"version": 1, "ingest": {"events": {"path": "e", "event_when": [{"colum": "c", "event": "view"}]}}},
            "(?s)ingest.events.event_when.0.colum: there is no such key.*did you mean 'column'",
        ),
        ({"version": 1, "encode": {"whiten_d": 3}}, "(?s)encode.whiten_d.*'whiten_dim'"),
    ],
)
def test_what_cannot_be_meant(document: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        parse(document)
    assert caught.value.exit_code == 2


class TestNames:
    def test_a_scenario_that_names_no_retriever(self) -> None:
        with pytest.raises(ConfigError, match=r"(?s)scenarios.start.retrieve names 'poplar'.*did you mean 'popular'"):
            parsed(scenarios={"start": {"retrieve": ["popular", "poplar"]}})

    @pytest.mark.parametrize("key", ["alternatives", "complements"])
    def test_a_relation_that_names_no_retriever(self, key: str) -> None:
        with pytest.raises(ConfigError, match=rf"(?s)scenarios.start.{key} names 'contnt'.*did you mean 'content'"):
            parsed(scenarios={"start": {key: ["contnt"]}})

    def test_what_the_ranker_is_not_told_of_cannot_be_ordered_by_it(self) -> None:
        message = "(?s)scenarios.start.retrieve: 'trending' is not ranked.*order = .retrievers"
        with pytest.raises(ConfigError, match=message):
            check(parsed(scenarios={"start": {"retrieve": ["popular", "trending"]}}))
        check(parsed(scenarios={"start": {"retrieve": ["popular", "trending"], "order": "retrievers"}}))

    def test_own_retrievers_replace_the_default_ones_also_in_scenarios_that_nobody_wrote(self) -> None:
        config = parsed(retrieve={"popular": {"use": "popular", "half_life_d": 3}})
        assert {name: spec.retrieve for name, spec in config.scenarios.items()} == {
            **{key: [] for key in ("home", "category", "item", "brand", "email", "promotion")},
            **{key: ["popular"] for key in ("cart", "checkout", "trending")},
        }
        assert config.scenarios["cart"].order == "retrievers"
        assert config.scenarios["cart"].complements == config.scenarios["item"].alternatives == []
        assert parse(config.model_dump(mode="json")) == config

    @pytest.mark.parametrize(
        ("tables", "message"),
        [
            (
                {"retrieve": {"a": {"use": "transition"}}},
                r"(?s)retrieve.a.use: no retriever.*did you mean 'transitions'",
            ),
            ({"rank": {"use": "zzz"}}, r"(?s)rank.use: no ranker is called 'zzz'.*'package.module:Class' for your own"),
            ({"rank": {"use": "no.such:Thing"}}, "'no.such:Thing' cannot be imported"),
            ({"rank": {"use": "shelfwise.errors:near"}}, "is not a class"),
            ({"retrieve": {"a": {"use": "popular", "half_life_h": 3}}}, "(?s)retrieve.a.half_life_h.*in days"),
            ({"retrieve": {"a": {"use": "popular", "half_life_d": -1}}}, "retrieve.a.half_life_d: -1"),
        ],
    )
    def test_components_that_cannot_be_made(self, tables: dict[str, Any], message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            check(parsed(**tables))

    def test_a_class_of_ones_own_is_named_by_its_path(self) -> None:
        config = parsed(retrieve={"mine": {"use": f"{Popular.__module__}:Popular", "k": 7}})
        [retriever] = build_retrievers(config).values()
        assert isinstance(retriever, Popular)
        assert retriever.config.k == 7

    def test_an_installed_plugin_is_found_by_its_entry_point(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Point:
            name, value = "theirs", f"{Popular.__module__}:Popular"

        monkeypatch.setattr(plugins.metadata, "entry_points", lambda group: [Point] if "retriever" in group else [])
        [retriever] = build_retrievers(parsed(retrieve={"mine": {"use": "theirs"}})).values()
        assert isinstance(retriever, Popular)
        with pytest.raises(ConfigError, match="known: again, .*theirs"):
            build_retrievers(parsed(retrieve={"mine": {"use": "thers"}}))

    def test_retrievers_stand_in_the_order_of_the_file(self) -> None:
        made = build_retrievers(parsed(retrieve={"z": {"use": "recent"}, "a": {"use": "again"}}))
        assert list(made) == ["z", "a"]
        assert all(isinstance(one, Retriever) for one in made.values())
        assert build_ranker(parsed()).Config


def test_a_configuration_cannot_be_changed_by_accident() -> None:
    config = parsed()
    with pytest.raises(Exception, match="frozen"):
        config.behaviour.history = 3  # type: ignore[misc]
