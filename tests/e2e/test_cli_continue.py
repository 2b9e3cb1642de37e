"""`shelfwise train --continue`, as a shop's engineer types it after the day's events."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]


def told(ran: Any) -> str:
    assert ran.code == 0, ran.err
    return " ".join((ran.out + ran.err).split())


@pytest.fixture
def grown(cli: Cli, trained: Path) -> Path:
    """Twelve newcomers bought a new mug after the red one."""
    with (trained / "items.csv").open("a") as items, (trained / "events.csv").open("a") as events:
        items.write("mug-late,Late mug,Kitchen > Mugs,7\n")
        for n in range(12):
            events.write(f"newcomer-{n},mug-red,purchase,2024-10-{n + 1:02d}T10:00:00Z\n")
            events.write(f"newcomer-{n},mug-late,purchase,2024-10-{n + 1:02d}T11:00:00Z\n")
    told(cli("ingest", "--shop", trained))
    return trained


def test_a_day_of_events_is_taken_up(cli: Cli, grown: Path) -> None:
    first = cli("models", "list", "--shop", grown, "--json").document[0]["version"]
    document = cli("train", "--continue", "--shop", grown, "--json").document
    assert document["is_new"] and document["version"] != first
    assert document["lineage"]["continues"] == document["lineage"]["full"] == first
    assert document["lineage"]["n_new_events"] == 24
    slate = cli("recommend", "--shop", grown, "--scenario", "item", "--item", "mug-red", "--k", "40", "--json").document
    [late] = [item for item in slate["items"] if item["item_id"] == "mug-late"]
    assert {"transitions", "cooccurrence"} <= set(late["sources"])
    assert slate["model_version"] == document["version"]
    assert "1 × on" in told(cli("models", "list", "--shop", grown))


def test_in_words(cli: Cli, grown: Path) -> None:
    first = cli("models", "list", "--shop", grown, "--json").document[0]["version"]
    words = told(cli("train", "--continue", "--shop", grown))
    assert f"continues {first} with 24 new events, 1 new items and 12 new users" in words
    assert f"everything was fitted for {first}, one training ago" in words
    second = cli("models", "list", "--shop", grown, "--json").document[1]["version"]
    assert f"nothing is new since {second}" in told(cli("train", "--continue", "--shop", grown))


def test_nothing_new_is_no_error(cli: Cli, trained: Path) -> None:
    before = cli("models", "list", "--shop", trained, "--json").document
    document = cli("train", "--continue", "--shop", trained, "--json").document
    assert document["is_new"] is False and document["version"] == before[0]["version"]
    assert cli("models", "list", "--shop", trained, "--json").document == before
    assert "nothing was done" in told(cli("train", "--continue", "--shop", trained))


def test_a_full_training_is_advised_when_the_log_has_grown_by_half(cli: Cli, trained: Path) -> None:
    with (trained / "events.csv").open("a") as events:
        for n in range(140):
            events.write(f"newcomer-{n},boot-red,purchase,2024-10-{n % 28 + 1:02d}T10:00:00Z\n")
    told(cli("ingest", "--shop", trained))
    words = told(cli("train", "--continue", "--shop", trained))
    assert "the log has grown by 50% since everything was fitted: run `shelfwise train` when there is time" in words


def test_other_parts_are_named_with_what_to_do(cli: Cli, grown: Path) -> None:
    toml = grown / "shop.toml"
    toml.write_text(toml.read_text().replace("whiten_dim = 16", "whiten_dim = 12"))
    ran = cli("train", "--continue", "--shop", grown)
    assert ran.code == 2
    assert "encode.whiten_dim was 16, is 12" in ran.err and "run `shelfwise train`" in ran.err
    assert cli("train", "--continue", "--shop", grown, "--json").document["error"]["code"] == "cannot_continue"


def test_which_version(cli: Cli, trained: Path) -> None:
    name = cli("models", "list", "--shop", trained, "--json").document[0]["version"]
    assert "nothing was done" in told(cli("train", "--continue", "--from", name, "--shop", trained))
    assert "did you mean" in cli("train", "--continue", "--from", name[:-1], "--shop", trained).err
    ran = cli("train", "--from", name, "--shop", trained)
    assert ran.code == 2 and "--continue" in ran.err
