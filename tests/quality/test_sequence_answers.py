"""On a shop where the next item follows from the last one, the sequence model finds it; text places the untouched."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from shelfwise.config.shop import ShopConfig
from shelfwise.datasets.interactions import Interactions
from shelfwise.datasets.moments import moments
from shelfwise.datasets.training_data import TrainingData
from shelfwise.pipeline.fitted import Fitted
from shelfwise.pipeline.live_catalogue import LiveCatalogue
from shelfwise.retrieve.sequence import Sequence
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.items import Item
from shelfwise.schemas.scenario_names import ScenarioNames
from shelfwise.store.catalogue import StoredItem
from shelfwise.testing.retrievers import reason_for, situation
from shelfwise.testing.small_shop import GROUP_SIZE, N_COLD, N_GROUPS, N_ITEMS, small_shop
from shelfwise.train.fit import fit

EVERYTHING = np.ones(N_ITEMS, bool)
OPTIONS = {"device": "cpu", "preset": "cpu", "dim": 32, "n_blocks": 1, "epochs": 14, "dropout": 0.1, "epochs_on": 3}


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return small_shop()


@pytest.fixture(scope="module")
def retriever(data: TrainingData) -> Sequence:
    found = Sequence(Sequence.Config.model_validate(OPTIONS))
    found.fit(data)
    return found


def walks() -> list[list[int]]:
    """Four steps through a group, wherever they stay among items that were touched."""
    every = [
        [group * GROUP_SIZE + (place + step) % GROUP_SIZE for step in range(4)]
        for group in range(N_GROUPS)
        for place in range(GROUP_SIZE)
    ]
    return [walk for walk in every if max(walk) < N_ITEMS - N_COLD]


def share_first(retriever: Sequence, data: TrainingData) -> float:
    """How often the fourth step of a walk is named first to somebody who made the first three."""
    n_first = 0
    for walk in walks():
        allowed = EVERYTHING.copy()
        allowed[walk[:3]] = False
        n_first += int(retriever.retrieve(situation(data, walk[:3]), allowed).rows[0] == walk[3])
    return n_first / len(walks())


def test_what_comes_next_comes_first(data: TrainingData, retriever: Sequence) -> None:
    assert share_first(retriever, data) >= 0.85


def test_the_order_of_events_is_read(data: TrainingData) -> None:
    """In each group A then B leads to C, and B then A to D: a bag of items could not tell."""
    first = GROUP_SIZE * np.arange(N_GROUPS, dtype=np.int32)
    walks = [(first + shift).tolist() for shift in (0, 1, 2, 3)]  # A, B, C and D of every group
    forth, back = zip(*walks[:3], strict=True), zip(walks[1], walks[0], walks[3], strict=True)
    told = [walk for walk in (*forth, *back) for _ in range(20)]
    n = 3 * len(told)
    log = Interactions(
        np.repeat(np.arange(len(told), dtype=np.int32), 3),
        np.array(told, np.int32).ravel(),
        np.full(n, CODE_BY_KIND[EventKind.PURCHASE], np.int8),
        data.interactions.times_ms[0] + 1_000 * np.arange(n),
        np.full(n, np.nan, np.float32),
        np.full(n, -1, np.int64),
        len(told),
        N_ITEMS,
    )
    retriever = Sequence(Sequence.Config.model_validate({**OPTIONS, "shuffle": 0.0, "crop": 0.0}))
    retriever.fit(data.with_interactions(log))
    for one, two, after_forth, after_back in zip(*walks, strict=True):
        for seen, following in (([one, two], after_forth), ([two, one], after_back)):
            allowed = np.zeros(N_ITEMS, bool)
            allowed[[after_forth, after_back]] = True
            assert retriever.retrieve(situation(data, seen), allowed).rows[0] == following


@pytest.mark.parametrize("reads", [True, False])
def test_the_scenario_of_an_event_is_read(data: TrainingData, reads: bool) -> None:
    """After A seen at home comes B, after A found by search comes C: without the scenario nobody could tell."""
    first = GROUP_SIZE * np.arange(N_GROUPS, dtype=np.int32)
    names = ScenarioNames(("home", "search"))
    told = [(group, group + code) for group in first.tolist() for code in (1, 2) for _ in range(20)]
    n = 2 * len(told)
    log = Interactions(
        np.repeat(np.arange(len(told), dtype=np.int32), 2),
        np.array(told, np.int32).ravel(),
        np.full(n, CODE_BY_KIND[EventKind.PURCHASE], np.int8),
        data.interactions.times_ms[0] + 1_000 * np.arange(n),
        np.full(n, np.nan, np.float32),
        np.full(n, -1, np.int64),
        len(told),
        N_ITEMS,
        np.array([(following - seen, 1) for seen, following in told], np.int8).ravel(),
        names,
    )
    retriever = Sequence(Sequence.Config.model_validate({**OPTIONS, "scenario": reads}))
    retriever.fit(data.with_interactions(log))
    n_right = 0
    for group in first.tolist():
        for code in (1, 2):
            asked = situation(data, [group])
            asked = replace(asked, history=replace(asked.history, scenarios=np.array([code], np.int8)))
            allowed = np.zeros(N_ITEMS, bool)
            allowed[[group + 1, group + 2]] = True
            n_right += int(retriever.retrieve(asked, allowed).rows[0] == group + code)
    assert n_right == (2 * N_GROUPS if reads else N_GROUPS)


def test_one_event_is_enough(data: TrainingData, retriever: Sequence) -> None:
    rows = retriever.retrieve(situation(data, [41]), EVERYTHING).rows
    assert np.mean(rows[:6] // GROUP_SIZE == 4) == 1


def test_items_that_nobody_touched_are_placed_by_their_text(data: TrainingData, retriever: Sequence) -> None:
    cold = np.arange(N_ITEMS - N_COLD, N_ITEMS)
    kin, strangers = (retriever.scores(situation(data, [start, start + 1])) for start in (71, 31))
    assert kin is not None
    assert strangers is not None
    assert kin[cold].min() > kin[: (N_GROUPS - 1) * GROUP_SIZE].max()
    assert kin[cold].min() > strangers[cold].max()


def test_ids_alone_place_none_of_them(data: TrainingData) -> None:
    ids = Sequence(Sequence.Config.model_validate({**OPTIONS, "item": "ids", "k": N_ITEMS}))
    ids.fit(data)
    named = ids.retrieve(situation(data, [71, 72]), EVERYTHING).rows
    assert not np.isin(np.arange(N_ITEMS - N_COLD, N_ITEMS), named).any()
    assert share_first(ids, data) >= 0.85  # what was touched they know as well as anybody


@pytest.fixture(scope="module")
def fitted(data: TrainingData) -> Fitted:
    config = ShopConfig.model_validate(
        {
            "version": 1,
            "retrieve": {"sequence": {"use": "sequence", **OPTIONS}, "popular": {"use": "popular"}},
        }
    )
    return fit(config, data, np.ones(data.interactions.n_users, bool), lambda *_: None)


class TestInTheFunnel:
    """Fitted with everything else: each moment goes on from the one before, and none knows its own answers."""

    def test_every_fit_but_the_first_goes_on(self, data: TrainingData, monkeypatch: pytest.MonkeyPatch) -> None:
        known: list[tuple[int, int | None]] = []
        plain = Sequence.fit

        def told(self: Sequence, data: TrainingData, start: Sequence | None = None) -> None:
            before = None if start is None else int(start.state.n_events.sum())
            known.append((len(data.interactions), before))
            plain(self, data, start)

        monkeypatch.setattr(Sequence, "fit", told)
        config = ShopConfig.model_validate(
            {"version": 1, "retrieve": {"sequence": {"use": "sequence", **OPTIONS, "epochs": 1, "epochs_on": 1}}}
        )
        fit(config, data, np.ones(data.interactions.n_users, bool), lambda *_: None)
        n_moments = len(moments(data, EventKind.PURCHASE, np.ones(data.interactions.n_users, bool)))
        assert len(known) == n_moments + 1 > 2
        assert known[0][1] is None
        for (n_before, _), (n_now, n_started) in pairwise(known):
            assert n_started == n_before < n_now
        assert known[-1][0] == len(data.interactions)

    def test_the_next_item_is_in_the_top_three(self, data: TrainingData, fitted: Fitted) -> None:
        n_found = 0
        for walk in walks():
            allowed = EVERYTHING.copy()
            allowed[walk[:3]] = False
            n_found += int(walk[3] in fitted.funnel.rank(situation(data, walk[:3]), allowed).rows[:3])
        assert n_found / len(walks()) >= 0.85

    def test_reasons_name_a_latest_item_and_claim_no_more(self, data: TrainingData, fitted: Fitted) -> None:
        catalogue = LiveCatalogue(
            StoredItem(row, Item(item_id=name, title=title), False)
            for row, (name, title) in enumerate(zip(data.catalogue.item_ids, data.catalogue.titles, strict=True))
        )
        asked = situation(data, [30, 31])
        row = next(row for row in fitted.funnel.rank(asked, EVERYTHING).rows.tolist() if row not in (30, 31))
        said = reason_for(row, ["sequence"], asked, fitted.funnel, catalogue, only_purchases=True)
        named = {f"“{data.catalogue.titles[seed]}”" for seed in (30, 31)}
        assert said.startswith("Chosen from your latest items, close to “")
        assert said.removeprefix("Chosen from your latest items, close to ") in named
        looking = situation(data, [], context=[30])
        said = reason_for(row, ["sequence"], looking, fitted.funnel, catalogue, only_purchases=True)
        assert said == f"Chosen from what you are looking at, close to “{data.catalogue.titles[30]}”"
        # The item that the reason is about is no reason for itself.
        said = reason_for(30, ["sequence"], situation(data, [30]), fitted.funnel, catalogue, only_purchases=True)
        assert said == "Chosen from your latest items"


ASK = """
import sys
from pathlib import Path
import numpy as np
from shelfwise.retrieve.sequence import Sequence
from shelfwise.schemas.candidates import History, Situation

retriever = Sequence(Sequence.Config())
retriever.load(Path(sys.argv[1]))
rows = np.array([3, 4], np.int32)
asked = Situation(History(rows, np.array([6, 6], np.int8), np.array([1, 2])), 3, np.empty(0, np.int32))
assert len(retriever.retrieve(asked, np.ones(80, bool)).rows)
retriever.add_item(80, vector=np.ones(8, np.float32), created_ms=0)
assert len(retriever.index) == 81
print([name for name in ("torch", "safetensors", "onnx") if name in sys.modules])
"""


def test_serving_needs_no_torch(retriever: Sequence, tmp_path: Path) -> None:
    retriever.save(tmp_path)
    done = subprocess.run([sys.executable, "-c", ASK, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_items_without_their_behaviour_stand_where_text_and_attributes_place_them(data: TrainingData) -> None:
    config = Sequence.Config.model_validate({**OPTIONS, "epochs": 3})
    known, forgot = Sequence(config), Sequence(config)
    known.fit(data)
    hidden, other = np.array([3, 14], np.int32), 20
    forgot.fit_without(hidden, data)
    vectors = {row: forgot.index.vector(row) for row in (3, 14, other)}
    assert known._deltas is not None
    for row in (3, 14):
        vector, trained = vectors[row], known.index.vectors[row]
        assert vector is not None
        assert not np.allclose(vector, trained, atol=1e-3)
        # The trained vector is this placement and what was learned of it, brought to length 1.
        rest = trained - vector * float(vector @ trained)
        delta = known._deltas[row] - vector * float(vector @ known._deltas[row])
        assert float(rest @ delta) > 0.99 * float(np.linalg.norm(rest) * np.linalg.norm(delta))
    np.testing.assert_array_equal(vectors[other], known.index.vectors[other])
    # What a later moment goes on from knows their events.
    assert forgot.state.weights.keys() == known.state.weights.keys()
    assert all(np.array_equal(forgot.state.weights[name], known.state.weights[name]) for name in known.state.weights)
