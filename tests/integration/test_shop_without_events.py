"""A shop on its first day: items with pictures, and nobody who ever did anything."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from shelfwise.errors import StateError
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.shop import Shop
from shelfwise.store import event_log
from shelfwise.store.event_log import EventRow
from shelfwise.testing.pictures import product

COLOURS = {"red": (200, 30, 40), "blue": (30, 60, 200), "green": (20, 140, 60), "yellow": (230, 200, 30)}
KINDS = ("box", "disc", "trousers")
TOML = """
version = 1
[encode.text]
use = "none"
[ingest.items]
path = "items.csv"
"""
BREADTH = """
[behaviour]
had = "any"
repeats = "exclude"
[retrieve.pictures]
use = "content"
[retrieve.popular]
use = "popular"
[retrieve.breadth]
use = "breadth"
[scenarios.home]
retrieve = ["breadth"]
[scenarios.item]
retrieve = ["pictures", "breadth"]
order = "retrievers"
"""


def made(folder: Path, more: str) -> Shop:
    (folder / "images").mkdir(parents=True)
    lines = ["item_id,title,category,image"]
    for kind in KINDS:
        for colour, levels in COLOURS.items():
            for n in range(3):
                item_id = f"{kind}-{colour}-{n}"
                Image.fromarray(product(levels, kind, height=80 + n)).save(folder / "images" / f"{item_id}.png")
                lines.append(f"{item_id},{colour} {kind} {n},Things > {kind},{item_id}.png")
    (folder / "items.csv").write_text("\n".join(lines))
    (folder / "shop.toml").write_text(TOML + more)
    shop = Shop.open(folder)
    shop.ingest()
    return shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with made(tmp_path_factory.mktemp("first-day"), BREADTH) as opened:
        opened.train()
        yield opened


def test_a_stranger_is_shown_something_of_every_kind(shop: Shop) -> None:
    slate = shop.recommend(k=6)
    assert sorted(item.item_id.split("-")[0] for item in slate.items) == sorted([*KINDS, *KINDS])
    assert slate.items[0].reason.startswith("Typical of “")
    assert slate.degraded == []


def test_a_visitor_is_followed_from_the_first_event(shop: Shop) -> None:
    viewed = EventRow(
        b"first-event-0001",
        "visitor:somebody",
        "disc-red-0",
        CODE_BY_KIND[EventKind.VIEW],
        int(time.time() * 1_000),
    )
    with shop.records.write() as connection:
        event_log.append(connection, [viewed], None)
    slate = shop.recommend(session_id="somebody", scenario="item", k=4)
    assert "disc-red-0" not in [item.item_id for item in slate.items]
    assert [item.item_id for item in slate.items[:2]] == ["disc-red-1", "disc-red-2"]
    assert slate.items[0].reason == "Similar to “red disc 0”"


def test_the_version_says_what_it_is(shop: Shop) -> None:
    version = shop.versions.current()
    manifest = version.manifest
    assert (manifest["data"]["n_events"], manifest["target"], manifest["has_clock"]) == (0, "view", True)
    assert not manifest["only_purchases"]
    ends_at = datetime.fromtimestamp(manifest["log_end_ms"] / 1_000, UTC)
    assert abs((datetime.now(UTC) - ends_at).total_seconds()) < 300


def test_the_usual_retrievers_and_the_network_do_without_events_or_say_that_they_cannot(tmp_path: Path) -> None:
    with made(tmp_path / "usual", "") as usual:
        usual.train()
        similar = usual.recommend(scenario="item", items=["disc-red-0"], k=2)
        assert [item.item_id for item in similar.items] == ["disc-red-1", "disc-red-2"]
    with (
        made(tmp_path / "network", '[rank]\nuse = "multi-objective"\n') as network,
        pytest.raises(StateError, match="no events of interest"),
    ):
        network.train()
