"""Every built-in retriever keeps the contract, and does what it is for."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from shelfwise.datasets.training_data import TrainingData
from shelfwise.retrieve.again import Again
from shelfwise.retrieve.breadth import Breadth
from shelfwise.retrieve.content import Content
from shelfwise.retrieve.cooccurrence import Cooccurrence
from shelfwise.retrieve.ease import Ease
from shelfwise.retrieve.factors import Factors
from shelfwise.retrieve.popular import Popular
from shelfwise.retrieve.recent import Recent
from shelfwise.retrieve.retriever import ItemTraits, Retriever
from shelfwise.retrieve.sequence import Sequence
from shelfwise.retrieve.similar_users import SimilarUsers
from shelfwise.retrieve.transitions import Transitions
from shelfwise.schemas.candidates import History, Situation
from shelfwise.testing.retrievers import RetrieverContract, situation
from shelfwise.testing.small_shop import GROUP_SIZE, N_COLD, N_GROUPS, N_ITEMS, small_shop

EVERYTHING = np.ones(N_ITEMS, bool)


def told(data: TrainingData, rows: list[int], group: int) -> Situation:
    """Somebody who bought these items and said that he likes a group."""
    assert data.vectors is not None
    mean = data.vectors[group * GROUP_SIZE : (group + 1) * GROUP_SIZE].mean(axis=0)
    return replace(situation(data, rows), profile=mean / np.linalg.norm(mean))


class TestTransitions(RetrieverContract):
    def make(self) -> Retriever:
        return Transitions(Transitions.Config(k=12))

    def test_what_comes_next_comes_first(self) -> None:
        retriever = Transitions(Transitions.Config(k=12, smoothing=0.0))
        _, data = self.fitted()
        retriever.fit(data)
        hits = 0
        for seed in range(40):
            following = seed // GROUP_SIZE * GROUP_SIZE + (seed + 1) % GROUP_SIZE
            hits += int(retriever.retrieve(situation(data, [seed]), EVERYTHING).rows[0] == following)
        assert hits >= 36

    def test_smoothing_reaches_items_that_nobody_touched(self) -> None:
        _, data = self.fitted()
        cold = np.arange(N_ITEMS - N_COLD, N_ITEMS)
        found = {}
        for smoothing in (0.0, 1.0):
            retriever = Transitions(Transitions.Config(k=60, smoothing=smoothing))
            retriever.fit(data)
            rows = retriever.retrieve(situation(data, [71, 72]), EVERYTHING).rows
            found[smoothing] = int(np.isin(cold, rows).sum())
        assert found == {0.0: 0, 1.0: N_COLD}

    def test_the_latest_item_speaks_loudest(self) -> None:
        retriever, data = self.fitted()
        rows = retriever.retrieve(situation(data, [5, 45]), EVERYTHING).rows
        assert rows[0] // GROUP_SIZE == 4


class TestCooccurrence(RetrieverContract):
    def make(self) -> Retriever:
        return Cooccurrence(Cooccurrence.Config(k=12))

    def test_names_the_items_of_the_same_group(self) -> None:
        retriever, data = self.fitted()
        rows = retriever.retrieve(situation(data, [25]), EVERYTHING).rows
        assert np.mean(rows[:8] // GROUP_SIZE == 2) >= 0.9


class TestEase(RetrieverContract):
    def make(self) -> Retriever:
        return Ease(Ease.Config(k=12))

    def test_names_the_items_of_the_same_group(self) -> None:
        retriever, data = self.fitted()
        rows = retriever.retrieve(situation(data, [25]), EVERYTHING).rows
        assert np.mean(rows[:7] // GROUP_SIZE == 2) >= 0.9


class TestEaseOfTheMostTouched(RetrieverContract):
    """Where only some of the items take part."""

    def make(self) -> Retriever:
        return Ease(Ease.Config(k=12, items_up_to=20))

    def test_names_nobody_else(self) -> None:
        retriever, data = self.fitted()
        touched = np.bincount(data.interactions.item_rows, minlength=N_ITEMS)
        named = {row for seed in range(N_ITEMS) for row in retriever.retrieve(situation(data, [seed]), EVERYTHING).rows}
        assert 0 < len(named) <= 20
        assert touched[list(named)].min() >= np.sort(touched)[-20]


class TestFactors(RetrieverContract):
    def make(self) -> Retriever:
        return Factors(Factors.Config(k=12, dim=8))

    def test_names_the_items_of_the_same_group(self) -> None:
        retriever, data = self.fitted()
        rows = retriever.retrieve(situation(data, [25]), EVERYTHING).rows
        assert np.mean(rows[:8] // GROUP_SIZE == 2) >= 0.9

    def test_the_users_vector_minimises_the_loss(self) -> None:
        _, data = self.fitted()
        retriever = Factors(Factors.Config(k=N_ITEMS, dim=4, decay=0.5, confidence=3.0, regularisation=0.2))
        retriever.fit(data)
        vectors = retriever.index.vectors.astype(np.float64)
        found = retriever.retrieve(situation(data, [25, 26]), EVERYTHING)
        assert found.score_of is not None
        scores = found.score_of(np.arange(N_ITEMS, dtype=np.int32)).astype(np.float64)
        user = np.linalg.lstsq(vectors, scores, rcond=None)[0]
        had, more = np.zeros(N_ITEMS), np.zeros(N_ITEMS)
        had[[26, 25]], more[[26, 25]] = 1, (3.0, 1.5)
        slope = -2 * ((1 + more) * (had - vectors @ user)) @ vectors + 2 * 0.2 * user
        np.testing.assert_allclose(slope, 0, atol=1e-4)


class TestSimilarUsers(RetrieverContract):
    def make(self) -> Retriever:
        return SimilarUsers(SimilarUsers.Config(k=12))

    def test_names_what_the_like_minded_had(self) -> None:
        retriever, data = self.fitted()
        rows = retriever.retrieve(situation(data, [25, 26]), EVERYTHING).rows
        assert np.mean(rows[:8] // GROUP_SIZE == 2) >= 0.9

    def test_nobody_is_told_by_himself(self) -> None:
        retriever, data = self.fitted()
        # A user like no other: alone with an item, he would only be told what he has.
        bounds = data.interactions.bounds()
        history = data.interactions.history(int(bounds[5]), int(bounds[6]))
        asked = Situation(history, data.now_ms, np.empty(0, np.int32))
        stranger = Situation(History(history.rows, history.kinds, history.times_ms), data.now_ms, asked.context)
        with_himself, without = (retriever.retrieve(one, EVERYTHING).scores.max() for one in (stranger, asked))
        assert with_himself > without


class TestContent(RetrieverContract):
    def make(self) -> Retriever:
        return Content(Content.Config(k=12))

    def test_names_items_that_nobody_touched(self) -> None:
        retriever, data = self.fitted()
        cold = np.arange(N_ITEMS - N_COLD, N_ITEMS)
        assert np.isin(cold, retriever.retrieve(situation(data, [71]), EVERYTHING).rows).all()

    def test_a_new_item_is_found_at_once(self) -> None:
        retriever, data = self.fitted()
        assert data.vectors is not None
        retriever.add_item(N_ITEMS, vector=data.vectors[20], created_ms=data.now_ms)
        rows = retriever.retrieve(situation(data, [21]), np.ones(N_ITEMS + 1, bool)).rows
        assert N_ITEMS in rows

    def test_a_changed_text_moves_the_item(self) -> None:
        retriever, data = self.fitted()
        assert data.vectors is not None
        retriever.add_item(0, vector=data.vectors[50], created_ms=data.now_ms)
        assert 0 in retriever.retrieve(situation(data, [51]), EVERYTHING).rows
        assert 0 not in retriever.retrieve(situation(data, [1]), EVERYTHING).rows

    def test_an_item_whose_text_is_gone_is_found_by_it_no_more(self) -> None:
        retriever, data = self.fitted()
        assert data.vectors is not None
        assert 0 in retriever.retrieve(situation(data, [1]), EVERYTHING).rows
        retriever.add_item(0, vector=np.zeros(data.vectors.shape[1], np.float32), created_ms=data.now_ms)
        assert 0 not in retriever.retrieve(situation(data, [1]), EVERYTHING).rows
        assert len(retriever.retrieve(situation(data, [], [0]), EVERYTHING)) == 0

    @pytest.mark.parametrize("group", [0, 3, 7])
    def test_who_only_said_what_he_likes_is_searched_for_by_it(self, group: int) -> None:
        retriever, data = self.fitted()
        asked = told(data, [], group)
        rows = retriever.retrieve(asked, EVERYTHING).rows
        assert (rows[:GROUP_SIZE] // GROUP_SIZE == group).all()
        assert isinstance(retriever, Content) and retriever.is_of_profile(int(rows[0]), asked)
        assert retriever.because(rows[:1], asked)[0] is None
        assert len(retriever.retrieve(situation(data, []), EVERYTHING)) == 0

    def test_what_he_said_counts_the_less_the_more_he_did(self) -> None:
        retriever, data = self.fitted()
        assert isinstance(retriever, Content)
        shares: list[float] = []
        for n_items in (1, 2, 4, 8):
            asked = told(data, [10 + place for place in range(n_items)], 6)
            score_of = retriever.retrieve(asked, EVERYTHING).score_of
            assert score_of is not None
            said, did = score_of(np.array([65, 19], np.int32))
            shares.append(float(said / did))
        assert shares == sorted(shares, reverse=True)
        assert 0.25 < shares[0] < 0.6  # beside one item it is well heard, beside eight hardly
        assert shares[-1] < 0.1

    def test_whose_likeness_spoke_loudest_is_told(self) -> None:
        retriever, data = self.fitted()
        assert isinstance(retriever, Content)
        asked = told(data, [12], 6)
        assert retriever.is_of_profile(65, asked)
        assert not retriever.is_of_profile(15, asked)
        assert not retriever.is_of_profile(65, situation(data, [12]))
        assert not retriever.is_of_profile(N_ITEMS + 7, asked)
        assert retriever.because(np.array([15], np.int32), asked)[0] == 12

    def test_a_weight_of_0_leaves_it_out(self) -> None:
        _, data = self.fitted()
        retriever = Content(Content.Config(k=12, profile_weight=0))
        retriever.fit(data)
        assert len(retriever.retrieve(told(data, [], 6), EVERYTHING)) == 0
        with_it, without = (retriever.retrieve(one, EVERYTHING) for one in (told(data, [3], 6), situation(data, [3])))
        np.testing.assert_array_equal(with_it.scores, without.scores)


class TestContentWithPictures(RetrieverContract):
    """Text and picture: a profile says nothing of pictures."""

    def make(self) -> Retriever:
        return Content(Content.Config(k=12))

    def fitted(self, *, has_clock: bool = True) -> tuple[Retriever, TrainingData]:
        retriever, data = super().fitted(has_clock=has_clock)
        assert data.vectors is not None
        pictures = np.random.default_rng(1).normal(size=(N_ITEMS, 5)).astype(np.float32)
        pictures /= np.linalg.norm(pictures, axis=1, keepdims=True)
        texts = data.vectors.copy()
        texts[::4] = 0
        pictures[1::2] = 0
        data = replace(data, vectors=texts, pictures=pictures)
        retriever.fit(data)
        return retriever, data

    def test_what_has_no_text_is_neither_found_by_a_profile_nor_hidden_by_it(self) -> None:
        retriever, data = self.fitted()
        rows = retriever.retrieve(told(data, [], 3), EVERYTHING).rows
        assert len(rows)
        assert (rows % 4 != 0).all()
        assert (rows[:5] // GROUP_SIZE == 3).all()
        seen = situation(data, [4])  # it has a picture and no text
        found = retriever.retrieve(replace(seen, profile=told(data, [], 3).profile), EVERYTHING)
        assert found.score_of is not None
        without = retriever.retrieve(seen, EVERYTHING)
        assert without.score_of is not None
        pictures_alone = np.array([8, 12, 16], np.int32)
        np.testing.assert_allclose(found.score_of(pictures_alone), without.score_of(pictures_alone), rtol=1e-5)
        assert found.score_of(np.array([31], np.int32))[0] > 0.5


class TestContentByGraph(RetrieverContract):
    """The same above `exact_up_to`."""

    def make(self) -> Retriever:
        return Content(Content.Config(k=12, exact_up_to=0))


class TestPopular(RetrieverContract):
    def make(self) -> Retriever:
        return Popular(Popular.Config(k=12))

    def test_live_events_count(self) -> None:
        retriever, data = self.fitted()
        target = N_ITEMS - 1
        assert target not in retriever.retrieve(situation(data, []), EVERYTHING).rows
        for _ in range(200):
            retriever.observe(target, data.now_ms)
        assert retriever.retrieve(situation(data, []), EVERYTHING).rows[0] == target

    def test_half_of_the_list_follows_the_users_categories(self) -> None:
        retriever, data = self.fitted()
        rows = retriever.retrieve(situation(data, [33]), EVERYTHING).rows
        assert (rows // GROUP_SIZE == 3).sum() >= 6


class TestRecent(RetrieverContract):
    def make(self) -> Retriever:
        return Recent(Recent.Config(k=12))

    def test_the_newest_item_comes_first(self) -> None:
        retriever, data = self.fitted()
        retriever.add_item(N_ITEMS, vector=None, created_ms=data.now_ms)
        assert retriever.retrieve(situation(data, []), np.ones(N_ITEMS + 1, bool)).rows[0] == N_ITEMS


class TestAgain(RetrieverContract):
    def make(self) -> Retriever:
        return Again(Again.Config(k=12))

    def test_names_the_users_own_items_and_no_others(self) -> None:
        retriever, data = self.fitted()
        found = retriever.retrieve(situation(data, [7, 9, 7, 20]), EVERYTHING)
        assert set(found.rows.tolist()) == {7, 9, 20}
        assert found.rows[0] == 7


TINY = {"device": "cpu", "preset": "cpu", "k": 12, "dim": 16, "n_blocks": 1}


class SequenceContract(RetrieverContract):
    """A network too small and trained too shortly to be good: the contract is about what it may say, not how well.

    Each is trained once; every test gets its own copy, loaded.
    """

    folders: ClassVar[dict[tuple[str, bool], Path]] = {}

    @pytest.fixture(scope="class", autouse=True)
    @staticmethod
    def _folder(tmp_path_factory: pytest.TempPathFactory) -> None:
        SequenceContract.folders["new", True] = tmp_path_factory.mktemp("sequence")

    def fitted(self, *, has_clock: bool = True) -> tuple[Retriever, TrainingData]:
        data = small_shop(has_clock=has_clock)
        key = (type(self).__name__, has_clock)
        if key not in self.folders:
            retriever = self.make()
            retriever.fit(data)
            self.folders[key] = self.folders["new", True] / f"{key[0]}-{has_clock}"
            self.folders[key].mkdir()
            retriever.save(self.folders[key])
        again = self.make()
        again.load(self.folders[key])
        return again, data


class TestSequence(SequenceContract):
    def make(self) -> Retriever:
        return Sequence(Sequence.Config.model_validate({**TINY, "epochs": 2}))

    def test_a_stranger_is_told_nothing(self) -> None:
        retriever, data = self.fitted()
        assert isinstance(retriever, Sequence)
        assert len(retriever.retrieve(situation(data, []), EVERYTHING)) == 0
        assert retriever.scores(situation(data, [])) is None

    def test_a_page_that_is_looked_at_is_one_event(self) -> None:
        retriever, data = self.fitted()
        found = retriever.retrieve(situation(data, [], context=[33]), EVERYTHING)
        assert np.mean(found.rows[:6] // GROUP_SIZE == 3) >= 0.8

    def test_every_score_is_that_of_the_answer(self) -> None:
        retriever, data = self.fitted()
        assert isinstance(retriever, Sequence)
        asked = situation(data, [40, 41])
        scores, found = retriever.scores(asked), retriever.retrieve(asked, EVERYTHING)
        assert scores is not None
        np.testing.assert_allclose(scores[found.rows], found.scores, rtol=1e-5)

    def test_a_new_item_is_placed_by_text_and_attributes(self) -> None:
        retriever, data = self.fitted()
        assert data.vectors is not None
        traits = ItemTraits(("Things", "Set 2"), "Brand 2", 3.0)
        retriever.add_item(N_ITEMS, vector=data.vectors[20], created_ms=data.now_ms, traits=traits)
        retriever.add_item(N_ITEMS + 1, vector=None, created_ms=data.now_ms, traits=traits)  # by attributes alone
        allowed = np.ones(N_ITEMS + 2, bool)
        rows = retriever.retrieve(situation(data, [21, 22]), allowed).rows
        assert np.isin([N_ITEMS, N_ITEMS + 1], rows).all()
        assert not np.isin([N_ITEMS, N_ITEMS + 1], retriever.retrieve(situation(data, [61, 62]), allowed).rows).any()

    def test_an_item_of_which_nothing_is_known_is_never_named(self) -> None:
        retriever, data = self.fitted()
        retriever.add_item(N_ITEMS, vector=None, created_ms=data.now_ms)
        allowed = np.zeros(N_ITEMS + 1, bool)
        allowed[N_ITEMS] = True
        assert len(retriever.retrieve(situation(data, [21, 22]), allowed)) == 0

    def test_a_changed_text_moves_the_item_and_keeps_what_was_learned_of_it(self) -> None:
        retriever, data = self.fitted()
        assert isinstance(retriever, Sequence)
        assert data.vectors is not None
        near_set_5 = situation(data, [51, 52])
        before, named = retriever.scores(near_set_5), retriever.retrieve(near_set_5, EVERYTHING).rows
        traits = ItemTraits(("Things", "Set 5"), "Brand 5", 6.0)
        retriever.add_item(0, vector=data.vectors[50], created_ms=data.now_ms, traits=traits)
        after = retriever.scores(near_set_5)
        assert 0 not in named
        assert 0 in retriever.retrieve(near_set_5, EVERYTHING).rows
        assert before is not None
        assert after is not None
        np.testing.assert_array_equal(after[1:], before[1:])

    def test_an_item_whose_text_is_gone_is_placed_by_its_attributes_and_what_was_learned_of_it(self) -> None:
        retriever, data = self.fitted()
        assert isinstance(retriever, Sequence)
        assert data.vectors is not None
        nothing = np.zeros(data.vectors.shape[1], np.float32)
        elsewhere = ItemTraits(("Things", "Set 5"), "Brand 5", 6.0)
        asked = situation(data, [51, 52])
        before = retriever.scores(asked)
        retriever.add_item(0, vector=nothing, created_ms=data.now_ms, traits=elsewhere)
        after = retriever.scores(asked)
        assert before is not None and after is not None
        assert after[0] > before[0] + 0.1

    def test_the_same_text_leaves_the_item_where_it_was_trained(self) -> None:
        retriever, data = self.fitted()
        assert isinstance(retriever, Sequence)
        assert data.vectors is not None
        before = retriever.scores(situation(data, [3, 4]))
        price = float(data.catalogue.prices[5])
        traits = ItemTraits(data.catalogue.paths[5], data.catalogue.brands[5], price)
        retriever.add_item(5, vector=data.vectors[5], created_ms=data.now_ms, traits=traits)
        after = retriever.scores(situation(data, [3, 4]))
        assert before is not None
        assert after is not None
        np.testing.assert_allclose(after, before, atol=1e-4)


class TestSequenceByGraph(SequenceContract):
    """The same above `exact_up_to`."""

    def make(self) -> Retriever:
        return Sequence(Sequence.Config.model_validate({**TINY, "epochs": 1, "exact_up_to": 0}))


class TestBreadth(RetrieverContract):
    def make(self) -> Retriever:
        return Breadth(Breadth.Config(k=24))

    def test_every_category_has_its_turn(self) -> None:
        retriever, data = self.fitted()
        rows = retriever.retrieve(situation(data, []), EVERYTHING).rows
        for first in (0, N_GROUPS, 2 * N_GROUPS):
            assert sorted(rows[first : first + N_GROUPS] // GROUP_SIZE) == list(range(N_GROUPS))

    def test_the_first_of_a_category_is_typical_and_the_second_is_unlike_it(self) -> None:
        retriever, data = self.fitted()
        assert data.vectors is not None
        rows = retriever.retrieve(situation(data, []), EVERYTHING).rows
        for group in range(N_GROUPS):
            own = np.arange(group * GROUP_SIZE, (group + 1) * GROUP_SIZE)
            first, second = rows[rows // GROUP_SIZE == group][:2]
            assert first == own[np.argmax(data.vectors[own] @ data.vectors[own].mean(axis=0))]
            assert second == own[np.argmin(data.vectors[own] @ data.vectors[first])]

    def test_everybody_is_told_the_same(self) -> None:
        retriever, data = self.fitted()
        stranger, known = (retriever.retrieve(situation(data, rows), EVERYTHING).rows for rows in ([], [3, 4, 5]))
        np.testing.assert_array_equal(stranger, known)

    def test_a_new_item_stands_behind_all_others(self) -> None:
        retriever = Breadth(Breadth.Config(k=N_ITEMS + 1))
        _, data = self.fitted()
        retriever.fit(data)
        retriever.add_item(N_ITEMS, vector=None, created_ms=data.now_ms)
        assert retriever.retrieve(situation(data, []), np.ones(N_ITEMS + 1, bool)).rows[-1] == N_ITEMS
