"""Training pairs against slow and literal definitions; nothing that is held out comes in."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shelfwise.config.tune import TuneSpec
from shelfwise.datasets.interactions import Interactions
from shelfwise.datasets.searches import ANSWER_MS, Answered, Searches, answered
from shelfwise.train.tuning.batches import batch_of, packed
from shelfwise.train.tuning.negatives import hard_negatives
from shelfwise.train.tuning.pairs import APART, ItemTexts, Pairs, history_text, make_pairs

N_USERS, N_ITEMS = 4, 6
START_MS = 1_700_000_000_000

logs: Any = st.lists(st.tuples(st.integers(0, N_USERS - 1), st.integers(0, N_ITEMS - 1)), max_size=30).map(
    lambda events: sorted(events, key=lambda event: event[0])
)
passages: Any = st.lists(st.sampled_from(["", "mug", "lamp", "boot", "kite"]), min_size=N_ITEMS, max_size=N_ITEMS)


def interactions(log: list[tuple[int, int]], *, step_ms: int = 60_000) -> Interactions:
    """One event a minute."""
    return Interactions(
        np.array([user for user, _ in log], np.int32),
        np.array([item for _, item in log], np.int32),
        np.zeros(len(log), np.int8),
        START_MS + step_ms * np.arange(len(log), dtype=np.int64),
        np.full(len(log), np.nan, np.float32),
        np.full(len(log), -1, np.int64),
        N_USERS,
        N_ITEMS,
    )


def made(log: list[tuple[int, int]], texts: list[str], **options: Any) -> Pairs:
    spec = TuneSpec.model_validate({"window": 2, "history": 3, "history_share": 1.0, **options})
    titles = [f"item {row}" for row in range(N_ITEMS)]
    return make_pairs(interactions(log), ItemTexts(texts, titles), [], spec, N_ITEMS)


def sequences(log: list[tuple[int, int]], texts: list[str]) -> list[list[int]]:
    """Each user's items that have a text, equal texts being the first item with it."""
    first = {text: texts.index(text) for text in texts}
    return [[first[texts[item]] for owner, item in log if owner == user and texts[item]] for user in range(N_USERS)]


@given(logs, passages)
def test_pairs_of_items_are_those_near_in_a_sequence(log: Any, texts: Any) -> None:
    wanted: list[tuple[int, int, float]] = []
    for items in sequences(log, texts):
        for at, item in enumerate(items):
            for step in (1, 2):
                if at + step < len(items) and items[at + step] != item:
                    wanted.append((item, items[at + step], 1 / step))
    pairs = made(log, texts)
    of_items = pairs.anchors < N_ITEMS
    found = zip(
        pairs.anchors[of_items].tolist(),
        pairs.positives[of_items].tolist(),
        pairs.weights[of_items].tolist(),
        strict=True,
    )
    assert sorted(found) == sorted(wanted)


@given(logs, passages)
def test_histories_name_what_came_before_and_never_the_answer(log: Any, texts: Any) -> None:
    wanted: list[tuple[str, int]] = []
    for items in sequences(log, texts):
        for at in range(1, len(items)):
            if items[at] != items[at - 1]:
                before = [item for item in dict.fromkeys(items[max(0, at - 12) : at][::-1]) if item != items[at]][:3]
                wanted.append((history_text([f"item {item}" for item in before]), items[at]))
    pairs = made(log, texts)
    of_history = pairs.anchors >= N_ITEMS
    found = [
        (pairs.texts[anchor], positive)
        for anchor, positive in zip(
            pairs.anchors[of_history].tolist(), pairs.positives[of_history].tolist(), strict=True
        )
    ]
    assert sorted(found) == sorted(wanted)


@given(logs, passages)
def test_what_somebody_chose_together_is_never_a_negative(log: Any, texts: Any) -> None:
    pairs = made(log, texts)
    related = pairs.related.toarray()
    assert related.shape == (len(pairs.texts), N_ITEMS)
    assert related[pairs.anchors, pairs.positives].all()
    assert related[np.arange(N_ITEMS), np.arange(N_ITEMS)].all()
    for items in sequences(log, texts):
        for at, item in enumerate(items):
            for other in items[at : at + APART + 1]:
                assert related[item, other] and related[other, item]


@given(logs, passages, st.integers(4, 12), st.integers(0, 3))
def test_every_pair_is_in_one_batch_of_an_epoch(log: Any, texts: Any, n_texts: int, epoch: int) -> None:
    pairs = made(log, texts)
    batches = packed(pairs, n_texts, 7, epoch)
    together = np.concatenate([np.empty(0, np.int64), *batches])
    assert sorted(together.tolist()) == list(range(len(pairs)))
    again = packed(pairs, n_texts, 7, epoch)
    assert all((one == other).all() for one, other in zip(batches, again, strict=True))


@given(logs, passages, st.floats(0, 1))
def test_a_batch_blocks_what_is_related_and_nothing_else(log: Any, texts: Any, share: float) -> None:
    pairs = made(log, texts)
    hard = np.array([[(row + 1) % N_ITEMS, -1] for row in range(N_ITEMS)], np.int32)
    related = pairs.related.toarray()
    for step, places in enumerate(packed(pairs, 8, 0, 0)):
        batch = batch_of(pairs, places, hard, share, 0, step)
        assert (batch.anchors[batch.lines] == pairs.anchors[places]).all()
        assert (batch.candidates[batch.columns] == pairs.positives[places]).all()
        assert len(set(batch.candidates.tolist())) == len(batch.candidates)
        for line, anchor in enumerate(batch.anchors):
            for column, item in enumerate(batch.candidates):
                assert batch.blocked[line, column] == related[anchor, item]
        needed = {*pairs.positives[places].tolist(), *(n for n in pairs.anchors[places].tolist() if n < N_ITEMS)}
        brought = set(batch.candidates.tolist()) - needed
        assert brought <= {(item + 1) % N_ITEMS for item in needed}


@settings(max_examples=30)
@given(logs, passages, st.integers(0, 100))
def test_hard_negatives_are_near_known_and_unrelated(log: Any, texts: Any, seed: int) -> None:
    pairs = made(log, texts)
    vectors = np.random.default_rng(seed).normal(size=(N_ITEMS, 4)).astype(np.float32)
    found = hard_negatives(pairs, vectors)
    related = pairs.related.toarray()
    for row in range(N_ITEMS):
        wanted = [
            other
            for other in sorted(range(N_ITEMS), key=lambda other: -float(vectors[row] @ vectors[other]))
            if pairs.n_positive[other] > 0 and not related[row, other]
        ]
        assert [item for item in found[row].tolist() if item >= 0] == (wanted if pairs.n_positive[row] > 0 else [])


@given(st.integers(1, 20), st.integers(0, 50))
def test_heavier_pairs_are_drawn_first(n: int, seed: int) -> None:
    log = [(user, (user + step) % N_ITEMS) for user in range(N_USERS) for step in range(6)]
    pairs = made(log, [f"text {row}" for row in range(N_ITEMS)])
    drawn = pairs.drawn(n, seed)
    assert len(drawn) == min(n, len(pairs))
    known = set(zip(pairs.anchors.tolist(), pairs.positives.tolist(), strict=True))
    assert set(zip(drawn.anchors.tolist(), drawn.positives.tolist(), strict=True)) <= known
    assert drawn.n_positive.sum() == len(drawn)


def test_weights_decide_what_is_drawn() -> None:
    pairs = made([(0, row % N_ITEMS) for row in range(30)], [f"text {row}" for row in range(N_ITEMS)], history_share=0)
    near = pairs.weights == 1
    counted = np.zeros(2)
    for seed in range(200):
        chosen = pairs.drawn(5, seed)
        steps = (chosen.positives - chosen.anchors) % N_ITEMS
        counted += [np.sum(steps == 1), np.sum(steps == 2)]
    assert near.sum() == len(pairs) - near.sum() + 1
    assert 1.6 < counted[0] / counted[1] < 2.4


events = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40)), max_size=12).map(sorted)


@given(events, events, st.booleans())
def test_a_search_is_answered_by_what_comes_next(chosen: Any, asked: Any, has_clock: bool) -> None:
    """`chosen`, `asked`: user and moment; moments are ten minutes apart, items are numbered by the choice's place."""
    start, unit = (START_MS, ANSWER_MS // 3) if has_clock else (0, 1)
    log = Interactions(
        np.array([user for user, _ in chosen], np.int32),
        np.arange(len(chosen), dtype=np.int32),
        np.zeros(len(chosen), np.int8),
        np.array([start + at * unit for _, at in chosen], np.int64),
        np.full(len(chosen), np.nan, np.float32),
        np.full(len(chosen), -1, np.int64),
        3,
        len(chosen),
    )
    searches = Searches(
        np.array([user for user, _ in asked], np.int32),
        np.full(len(asked), -1, np.int32),
        np.array([start + at * unit for _, at in asked], np.int64),
        [f"query {place}" for place in range(len(asked))],
    )
    wanted: list[Answered] = []
    for place, (user, at) in enumerate(asked):
        later = [other for owner, other in asked[place + 1 :] if owner == user]
        for item, (owner, moment) in enumerate(chosen):
            in_time = moment < at + 3 or not (has_clock and len(chosen))
            if owner == user and at <= moment and in_time and (not later or moment < later[0]):
                wanted.append(Answered(f"query {place}", item))
    assert answered(searches, log) == wanted


def test_a_choice_that_names_its_search_answers_it_unless_it_is_held_out() -> None:
    log = interactions([(0, 1), (0, 2), (1, 3)])
    searches = Searches(
        np.array([0, 0, 1], np.int32),
        np.array([1, 2, 3], np.int32),
        log.times_ms.copy(),
        ["red mug", " lamp ", "  "],
    )
    assert answered(searches, log) == [("red mug", 1), ("lamp", 2)]
    assert answered(searches, log.where(np.array([True, False, True]))) == [("red mug", 1)]
    texts = ItemTexts([f"passage {row}" for row in range(N_ITEMS)], [""] * N_ITEMS)
    found = make_pairs(log, texts, answered(searches, log), TuneSpec(history_share=0), N_ITEMS)
    by_text = [(found.texts[anchor], row) for anchor, row in zip(found.anchors, found.positives, strict=True)]
    assert ("red mug", 1) in by_text and ("lamp", 2) in by_text
