"""The contract of retrievers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path

import numpy as np

from shelfwise.datasets.training_data import TrainingData
from shelfwise.pipeline.funnel import Funnel
from shelfwise.pipeline.live_catalogue import LiveCatalogue
from shelfwise.pipeline.reasons import reasons
from shelfwise.retrieve.retriever import Retriever
from shelfwise.schemas.candidates import Candidates, History, Situation
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.ids import Bools
from shelfwise.testing.small_shop import N_ITEMS, small_shop

NOTHING = np.empty(0, np.int32)


def situation(data: TrainingData, rows: list[int], context: list[int] | None = None) -> Situation:
    """Somebody who bought these items, one a moment, up to the end of the log."""
    n = len(rows)
    history = History(
        np.array(rows, np.int32),
        np.full(n, CODE_BY_KIND[EventKind.PURCHASE], np.int8),
        data.now_ms - 1_000 * np.arange(n, 0, -1, dtype=np.int64),
    )
    return Situation(history, data.now_ms, np.array(context or [], np.int32))


def reason_for(
    row: int, sources: list[str], asked: Situation, funnel: Funnel, catalogue: LiveCatalogue, *, only_purchases: bool
) -> str:
    """What is said of one item alone."""
    found = reasons(np.array([row], np.int32), [sources], asked, funnel, catalogue, only_purchases=only_purchases)
    return found[0]


class RetrieverContract(ABC):
    """What every retriever keeps, whatever it has learned."""

    @abstractmethod
    def make(self) -> Retriever:
        """A new retriever, not fitted, with a small `k`."""

    def fitted(self, *, has_clock: bool = True) -> tuple[Retriever, TrainingData]:
        """A retriever that learned the small shop."""
        data = small_shop(has_clock=has_clock)
        retriever = self.make()
        retriever.fit(data)
        return retriever, data

    def test_without_their_behaviour_items_are_as_new(self) -> None:
        data = small_shop(has_clock=True)
        rows = np.unique(data.interactions.item_rows)[::7].astype(np.int32)
        asked, told = self.make(), self.make()
        asked.fit_without(rows, data)
        told.fit(data.without_behaviour(rows))
        everything = np.ones(N_ITEMS, bool)
        for had in ([], [3, 4, 5]):
            found, wanted = (one.retrieve(situation(data, had), everything) for one in (asked, told))
            if not asked.goes_on:  # who is fitted once has read the texts beside these items' events
                np.testing.assert_array_equal(found.rows, wanted.rows)
                np.testing.assert_allclose(found.scores, wanted.scores, rtol=1e-5)
            _check(found, everything, asked.config.k)

    def test_answers_are_distinct_allowed_and_best_first(self) -> None:
        retriever, data = self.fitted()
        for allowed in _masks():
            for rows in ([], [3], [3, 4, 5, 3], [77, 12, 40, 41, 42]):
                found = retriever.retrieve(situation(data, rows), allowed)
                _check(found, allowed, retriever.config.k)

    def test_what_a_user_says_of_himself_does_no_harm(self) -> None:
        retriever, data = self.fitted()
        assert data.vectors is not None
        for allowed in _masks():
            for rows in ([], [3, 4, 5]):
                asked = replace(situation(data, rows), profile=data.vectors[25])
                found = retriever.retrieve(asked, allowed)
                _check(found, allowed, retriever.config.k)
                for row in found.rows.tolist():
                    assert retriever.because(np.array([row], np.int32), asked)[0] in {None, *rows}

    def test_who_can_tell_says_the_same_of_what_it_named(self) -> None:
        retriever, data = self.fitted()
        for allowed in _masks():
            found = retriever.retrieve(situation(data, [3, 4, 5]), allowed)
            if found.score_of is not None:
                np.testing.assert_allclose(found.score_of(found.rows), found.scores, rtol=1e-5)
                every = found.score_of(np.arange(N_ITEMS, dtype=np.int32))
                assert every.shape == (N_ITEMS,)
                assert not np.isinf(every).any()

    def test_a_shop_in_which_nothing_has_happened_does_no_harm(self, tmp_path: Path) -> None:
        data = small_shop()
        everything = np.arange(N_ITEMS, dtype=np.int32)
        data = replace(data.without_behaviour(everything), now_ms=data.now_ms)
        retriever, loaded = self.make(), self.make()
        retriever.fit(data)
        retriever.save(tmp_path)
        loaded.load(tmp_path)
        for one in (retriever, loaded):
            for rows in ([], [3, 4, 5]):
                _check(
                    one.retrieve(situation(data, rows), np.ones(N_ITEMS, bool)), np.ones(N_ITEMS, bool), one.config.k
                )

    def test_nothing_allowed_means_no_answer(self) -> None:
        retriever, data = self.fitted()
        assert len(retriever.retrieve(situation(data, [3, 4]), np.zeros(N_ITEMS, bool))) == 0

    def test_a_stranger_and_an_order_only_log_do_no_harm(self) -> None:
        retriever, data = self.fitted(has_clock=False)
        for rows in ([], [1, 2]):
            _check(retriever.retrieve(situation(data, rows), np.ones(N_ITEMS, bool)), np.ones(N_ITEMS, bool), 10**6)

    def test_saved_and_loaded_answers_the_same(self, tmp_path: Path) -> None:
        retriever, data = self.fitted()
        retriever.save(tmp_path)
        again = self.make()
        again.load(tmp_path)
        allowed = np.ones(N_ITEMS, bool)
        for rows in ([], [3], [10, 11, 12], [75, 0]):
            before, after = (one.retrieve(situation(data, rows), allowed) for one in (retriever, again))
            np.testing.assert_array_equal(before.rows, after.rows)
            np.testing.assert_array_equal(before.scores, after.scores)

    def test_fitting_twice_gives_the_same(self) -> None:
        first, data = self.fitted()
        second, _ = self.fitted()
        second.fit(data)
        found = [one.retrieve(situation(data, [21, 22]), np.ones(N_ITEMS, bool)) for one in (first, second)]
        np.testing.assert_array_equal(found[0].rows, found[1].rows)

    def test_items_that_came_later_do_no_harm(self) -> None:
        retriever, data = self.fitted()
        vector = np.ones(8, np.float32) / np.sqrt(8).astype(np.float32)
        retriever.add_item(N_ITEMS, vector=vector, created_ms=data.now_ms)
        retriever.observe(N_ITEMS, data.now_ms)
        retriever.observe(0, data.now_ms)
        allowed = np.ones(N_ITEMS + 1, bool)
        for rows in ([N_ITEMS], [3, N_ITEMS], []):
            _check(retriever.retrieve(situation(data, rows), allowed), allowed, retriever.config.k)

    def test_the_reason_is_one_of_the_seeds(self) -> None:
        retriever, data = self.fitted()
        asked = situation(data, [30, 31], context=[32])
        for row in retriever.retrieve(asked, np.ones(N_ITEMS, bool)).rows.tolist():
            assert retriever.because(np.array([row], np.int32), asked)[0] in {None, 30, 31, 32}


def _masks() -> list[Bools]:
    every_other = np.arange(N_ITEMS) % 2 == 0
    return [np.ones(N_ITEMS, bool), every_other]


def _check(found: Candidates, allowed: Bools, k: int) -> None:
    assert found.rows.dtype == np.int32
    assert found.scores.dtype == np.float32
    assert len(found.rows) == len(found.scores) <= k
    assert len(np.unique(found.rows)) == len(found.rows)
    assert allowed[found.rows].all()
    assert (np.diff(found.scores) <= 0).all()
    assert np.isfinite(found.scores).all()
