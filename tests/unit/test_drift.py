"""How categories are grouped, what lists of other lengths and askers are held against, and when something is said."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from shelfwise.insight.drift_report import LEAST_CASES, Reading, mix_figure, score_figure
from shelfwise.pipeline.as_trained import Asked, Asker, AsTrained, Mix, PlaceAsTrained
from shelfwise.pipeline.category_groups import MAX_CATEGORIES, CategoryGroups
from shelfwise.schemas.candidates import History, Situation
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
