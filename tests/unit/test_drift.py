"""How categories are grouped, what lists of other lengths and askers are held against, and when something is said."""

from __future__ import annotations

import asyncio
import logging
import resource
import time
import weakref
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from shelfwise.config.shop import ScenarioSpec
from shelfwise.insight.drift_report import LEAST_CASES, Reading, mix_figure, score_figure
from shelfwise.pipeline.as_trained import FILE, Asked, Asker, AsTrained, Mix, PlaceAsTrained
from shelfwise.pipeline.category_groups import MAX_CATEGORIES, CategoryGroups
from shelfwise.pipeline.named_groups import NamedGroups
from shelfwise.pipeline.recommender import Answer
from shelfwise.pipeline.shortfalls import Shortfall
from shelfwise.schemas.candidates import History, Situation
from shelfwise.schemas.queries import Query, Slate, SlateItem
from shelfwise.serve.drift_counts import DriftCounts, DriftWriter
from shelfwise.serve.writer import Writer
from shelfwise.store import drift_counts
from shelfwise.store.drift_counts import Cell, Counting
from shelfwise.store.records import Records


def test_categories_go_as_far_down_as_so_many_names_allow() -> None:
    few = {("Shoes", f"Kind {n}"): 1.0 for n in range(3)} | {("Hats",): 5.0}
    groups = CategoryGroups.of(few)
    assert groups.depth == 2 and groups.names[0] == "Hats" and len(groups.names) == 4
    assert groups.group(("Shoes", "Kind 1", "deeper")) == groups.names.index("Shoes > Kind 1")
    assert groups.labels[groups.group(("Shoes", "a new kind"))] == "other"
    assert groups.labels[groups.group(())] == "none"
    many = {("Shoes", f"Kind {n}"): 1.0 for n in range(40)} | {("Hats",): 5.0}
    assert CategoryGroups.of(many).names == ("Shoes", "Hats")
    flat = CategoryGroups.of({(f"Kind {n}",): float(n) for n in range(40)})
    assert len(flat.names) == MAX_CATEGORIES and flat.names[0] == "Kind 39"
    assert not CategoryGroups.of({}).tell_apart and not CategoryGroups.of({("All", "the same"): 1.0}).tell_apart


def test_shorter_lists_are_held_against_the_heads_of_lists() -> None:
    answers = [Asked(Asker.BACK, [0.9, 0.1], [0, 1], 1.0), Asked(Asker.BACK, [0.8, 0.2], [0, 2], 3.0)]
    place = PlaceAsTrained.of(answers, is_about_items=False, has_scores=True, n_groups=3, share=0.5)
    assert place is not None and place.categories is not None and place.n_places == 2
    assert place.categories.expected([7, 0]).tolist() == [1, 0, 0]
    assert place.categories.expected([4, 4]).tolist() == [0.5, 0.125, 0.375]
    assert place.scores is not None and place.scores.expected([1, 0])[-1] == pytest.approx(0.25)


def test_askers_are_held_against_their_like() -> None:
    answers = [Asked(Asker.STRANGER, [0.1], [0], 1.0), *(Asked(Asker.BACK, [0.9], [group], 1.0) for group in (0, 1))]
    place = PlaceAsTrained.of(answers, is_about_items=True, has_scores=True, n_groups=2, share=1.0)
    assert place is not None and place.categories is not None
    assert place.first_line(Asker.STRANGER) == 0 and place.first_line(Asker.BACK) == 1
    assert place.first_line(Asker.VISITING) is None  # nobody was asked so: nothing to hold it against
    assert place.categories.expected([1, 9]).tolist() == pytest.approx([0.1 + 0.45, 0.45])
    assert place.categories.chance == 0  # all who were there were asked
    assert PlaceAsTrained.of([], is_about_items=True, has_scores=True, n_groups=2, share=1.0) is None


def test_where_everybody_is_shown_the_same_there_is_no_mix() -> None:
    answers = [Asked(Asker.BACK, [0.9, 0.1], [0, 1], 1.0)] * 5
    place = PlaceAsTrained.of(answers, is_about_items=False, has_scores=False, n_groups=2, share=1.0)
    assert place is not None and place.categories is None and place.scores is None


@pytest.mark.parametrize(
    ("away_ms", "has_clock", "asker"),
    [
        (None, True, Asker.STRANGER),
        (0, True, Asker.VISITING),
        (29 * 60_000, True, Asker.VISITING),
        (30 * 60_000, True, Asker.BACK),
        (90 * 86_400_000, False, Asker.VISITING),
    ],
)
def test_who_asks(away_ms: int | None, has_clock: bool, asker: Asker) -> None:
    now_ms = 1_700_000_000_000
    history = History.empty()
    if away_ms is not None:
        history = History(np.zeros(1, np.int32), np.zeros(1, np.int8), np.array([now_ms - away_ms]))
    assert Asker.of(Situation(history, now_ms, np.empty(0, np.int32)), has_clock=has_clock) is asker


def test_nothing_is_said_before_chance_is_small() -> None:
    mix = Mix(np.full((1, 10), 0.1), spread=9.0, chance=0.005)
    needed = 200  # 9 / (0.05 - 0.005)
    skewed = [50, *[0] * 9]
    few = score_figure(mix, skewed, [needed - 1], needed - 1)
    assert (few.reading, few.value, few.needed) == (Reading.TOO_FEW, None, needed)
    assert score_figure(mix, skewed, [needed], needed).reading is Reading.CHANGED
    assert score_figure(Mix(mix.by_place, 0.1, 0.0), [10] * 10, [LEAST_CASES], LEAST_CASES).value == 0
    never = score_figure(Mix(mix.by_place, 9.0, 0.06), skewed, [10**6], 10**6)
    assert (never.reading, never.needed) == (Reading.TOO_FEW, None)


@pytest.mark.parametrize(
    ("now", "reading"), [(0.5, Reading.STABLE), (0.58, Reading.STABLE), (0.7, Reading.MOVED), (0.8, Reading.CHANGED)]
)
def test_figures_are_read_alike(now: float, reading: Reading) -> None:
    mix = Mix(np.array([[0.5, 0.5]]), spread=1.0, chance=0.0)
    n = 100_000
    counts = [round(n * now), n - round(n * now)]
    assert score_figure(mix, counts, [n], n).reading is reading
    figure = mix_figure(mix, counts, [n], n, ("Mugs", "Pens"))
    assert figure.reading is reading
    assert {one.category: one.now for one in figure.most_moved}["Mugs"] == pytest.approx(now, abs=1e-3)


def test_what_was_noted_is_read_as_it_was_written(tmp_path: Path) -> None:
    answers = [Asked(Asker.VISITING, [0.9, 0.1 * n], [n % 3, 1], 1.0 + n) for n in range(9)]
    place = PlaceAsTrained.of(answers, is_about_items=True, has_scores=True, n_groups=3, share=0.1)
    assert place is not None
    AsTrained(CategoryGroups(("杯子",), 1), {"home": place}, None).save(tmp_path)
    found = AsTrained.load(tmp_path)
    assert found is not None and found.wanted is None and found.categories.names == ("杯子",)
    read = found.places["home"]
    assert (read.edges, read.askers, read.n_places) == (place.edges, place.askers, place.n_places)
    assert read.scores is not None and place.scores is not None
    assert read.scores.by_place == pytest.approx(place.scores.by_place, abs=1e-6)
    assert read.scores.spread == place.scores.spread


def test_what_the_store_refuses_waits(tmp_path: Path) -> None:
    records = Records.open("sqlite:///s.db", tmp_path)
    cell = Cell(Counting.PLACE, "v", "home", 0)

    async def run() -> None:
        counted = DriftCounts()
        writer = DriftWriter(counted, Writer(records))
        counted.put_back(Counter({cell: 2}))
        with records.write() as connection:
            connection.exec_driver_sql("ALTER TABLE traffic RENAME TO away")
        await writer.flush()
        with records.write() as connection:
            connection.exec_driver_sql("ALTER TABLE away RENAME TO traffic")
        counted.put_back(Counter({cell: 1}))
        await writer.close()

    asyncio.run(run())
    with records.read() as connection:
        assert drift_counts.read(connection, "v", ["home"], int(time.time())) == {cell: 3}
    records.close()


def noted() -> AsTrained:
    answers = [Asked(Asker.BACK, [0.9, 0.1], [0, 0], 1.0), Asked(Asker.BACK, [0.8, 0.2], [1, 1], 1.0)]
    place = PlaceAsTrained.of(answers, is_about_items=False, has_scores=True, n_groups=4, share=1.0)
    assert place is not None
    return AsTrained(CategoryGroups(("Mugs", "Pens"), 1), {"home": place}, None)


@contextmanager
def files_no_longer_than(n_bytes: int) -> Generator[None]:
    """As on a disk that is full: what is written beyond is refused half-way."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_cannot_be_written_wholly_is_not_written(tmp_path: Path) -> None:
    with files_no_longer_than(100), pytest.raises(OSError, match="too large"):
        noted().save(tmp_path)
    assert list(tmp_path.iterdir()) == [] and AsTrained.load(tmp_path) is None
    noted().save(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == [FILE] and AsTrained.load(tmp_path) is not None
    before = (tmp_path / FILE).read_bytes()
    with files_no_longer_than(100), pytest.raises(OSError, match="too large"):
        noted().save(tmp_path)
    assert (tmp_path / FILE).read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"format": 1, "categ',
        b"[]",
        b"3",
        b'{"format": 1}',
        b"\xff\xfe",
        b'{"format": 1, "categories": 2, "scenarios": {}, "wanted": null}',
        b'{"format": 1, "categories": {"names": [], "depth": 1}, "scenarios": {"home": {}}, "wanted": null}',
    ],
)
def test_a_file_that_cannot_be_read_is_told_in_the_log_and_no_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    (tmp_path / FILE).write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert AsTrained.load(tmp_path) is None
    assert str(tmp_path / FILE) in caplog.text and "train again" in caplog.text


@dataclass
class InService:
    """A recommender as far as what it shows is counted."""

    kinds: list[str]
    name: str = "v1"
    spec: ScenarioSpec = field(default_factory=ScenarioSpec)

    def __post_init__(self) -> None:
        groups = NamedGroups[tuple[str, ...]]()
        for row, kind in enumerate(self.kinds):
            groups.put(row, (kind,))
        self.model = SimpleNamespace(name=self.name, as_trained=noted())
        self.catalogue = SimpleNamespace(kinds=groups)

    def scenario(self, _: str) -> ScenarioSpec:
        return self.spec

    def shows(self, counted: DriftCounts, *shortfalls: Shortfall) -> None:
        items = [
            SlateItem(item_id=f"i{row}", position=row + 1, score=0.5, title=None, sources=[], reason="")
            for row in range(2)
        ]
        slate = Slate(slate_id="s", scenario="home", model_version=self.name, items=items, degraded=[])
        rows = np.arange(2, dtype=np.int32)
        answer = Answer(slate, "u", 0, rows, rows, {}, frozenset(shortfalls), asker=Asker.BACK)
        seen: Any = self
        counted.shown(answer, Query(scenario="home"), seen)


def counts(counted: DriftCounts, counting: Counting) -> dict[int, int]:
    return {cell.bucket: n for cell, n in counted.take().items() if cell.counting is counting}


def test_what_is_made_without_what_it_usually_is_made_of_is_not_counted() -> None:
    counted, recommender = DriftCounts(), InService(["Mugs", "Pens"])
    for one in (Shortfall.LATE, Shortfall.STORE_AWAY, Shortfall.KEY_MISSING, Shortfall.PROFILE_LATE):
        recommender.shows(counted, one)
        recommender.shows(counted, one, Shortfall.FEW_CANDIDATES)
    assert counted.take() == {}
    recommender.shows(counted, Shortfall.FEW_CANDIDATES)
    assert counts(counted, Counting.SCORE).popitem()[1] == 2


def test_a_place_that_retrievers_order_now_is_not_held_against_scores_of_the_ranker() -> None:
    counted, recommender = DriftCounts(), InService(["Mugs", "Pens"])
    recommender.spec = ScenarioSpec(order="retrievers", retrieve=["popular"])
    recommender.shows(counted)
    assert counted.take() == {}
    recommender.spec = ScenarioSpec()
    recommender.shows(counted)
    assert counts(counted, Counting.PLACE) == {0: 1, 1: 1}


def test_a_version_that_comes_back_into_service_has_its_categories_numbered_anew() -> None:
    """Nothing was asked of the one between: only the recommender tells that it is another."""
    counted, before = DriftCounts(), InService(["Mugs", "Mugs", "Pens"])
    before.shows(counted)
    gone = weakref.ref(before)
    del before
    assert gone() is None  # what counts does not keep it
    again = InService(["Pens", "Pens", "Mugs"])
    again.shows(counted)
    assert counts(counted, Counting.CATEGORY) == {0: 2, 1: 2}
