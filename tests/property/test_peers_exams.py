"""Whatever the log, nothing that an exam asks may be learned from, and everybody is asked as `evaluate` asks."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from peers.exam import Exam, Past, Questions
from peers.exams import WINDOW_D, build, examples_of
from shelfwise.datasets.interactions import DAY_MS, Interactions
from shelfwise.datasets.splits import cut_before_end, leave_one_out, time_split
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.ids import FIRST_REAL_TIME_MS

PURCHASE, VIEW = CODE_BY_KIND[EventKind.PURCHASE], CODE_BY_KIND[EventKind.VIEW]
N_USERS, N_ITEMS = 4, 5
START_MS = FIRST_REAL_TIME_MS + 20 * 365 * DAY_MS

logs = st.lists(
    st.tuples(
        st.integers(0, N_USERS - 1),
        st.integers(0, 120),
        st.integers(0, N_ITEMS - 1),
        st.sampled_from([PURCHASE, PURCHASE, PURCHASE, VIEW]),
    ),
    min_size=1,
    max_size=40,
)


def interactions_of_log(log: list[tuple[int, int, int, int]]) -> Interactions:
    """Times in days; `sessions` numbers the events, so that each can be told from all others."""
    ordered = sorted(enumerate(log), key=lambda entry: (entry[1][0], entry[1][1], entry[0]))
    return Interactions(
        np.array([event[0] for _, event in ordered], np.int32),
        np.array([event[2] for _, event in ordered], np.int32),
        np.array([event[3] for _, event in ordered], np.int8),
        np.array([START_MS + event[1] * DAY_MS for _, event in ordered], np.int64),
        np.full(len(ordered), np.nan, np.float32),
        np.arange(len(ordered), dtype=np.int64),
        N_USERS,
        N_ITEMS,
    )


def exam(log: Interactions, protocol: str, *, repeats: bool) -> Exam:
    return build(
        "log",
        protocol,  # type: ignore[arg-type]
        log,
        EventKind.PURCHASE,
        np.ones(N_USERS, bool),
        np.ones(N_ITEMS, bool),
        repeats=repeats,
    )


def history_of(questions: Questions, place: int) -> list[tuple[int, int, int]]:
    events = questions.history(place)
    return list(
        zip(
            questions.item_rows[events].tolist(),
            questions.kinds[events].tolist(),
            questions.times_ms[events].tolist(),
            strict=True,
        )
    )


@given(log=logs, repeats=st.booleans())
def test_leave_one_out_learns_from_neither_answer_nor_from_what_came_after(
    log: list[tuple[int, int, int, int]], repeats: bool
) -> None:
    interactions = interactions_of_log(log)
    made = exam(interactions, "leave-one-out", repeats=repeats)

    assert made.known_for_validation.all()
    learned = set(made.past.sessions.tolist())
    for user in range(N_USERS):
        numbers = np.flatnonzero(interactions.user_rows == user)
        bought = [number for number in numbers if interactions.kinds[number] == PURCHASE]
        if len(bought) < 3:
            assert set(numbers.tolist()) <= learned, "a user who is not asked about is learned from"
            continue
        validation, test = bought[-2:]
        assert learned & set(numbers.tolist()) == set(numbers[numbers < validation].tolist())
        for questions, answer in ((made.validation, validation), (made.test, test)):
            before = numbers[numbers < answer]
            item = int(interactions.item_rows[answer])
            had = item in interactions.item_rows[[n for n in before if interactions.kinds[n] == PURCHASE]].tolist()
            places = np.flatnonzero(questions.user_rows == user).tolist()
            if had and not repeats:
                assert places == []
                continue
            (place,) = places
            assert questions.relevant(place).tolist() == [item]
            assert [row for row, *_ in history_of(questions, place)] == interactions.item_rows[before].tolist()


@given(log=logs, repeats=st.booleans())
def test_a_time_split_learns_from_nothing_after_its_cut(log: list[tuple[int, int, int, int]], repeats: bool) -> None:
    interactions = interactions_of_log(log)
    made = exam(interactions, "time-split", repeats=repeats)

    cut_ms = interactions.end_ms - int(WINDOW_D * DAY_MS)
    earlier_ms = cut_ms - int(WINDOW_D * DAY_MS)
    times = dict(enumerate(interactions.times_ms.tolist()))
    assert set(made.past.sessions.tolist()) == {number for number, time in times.items() if time < cut_ms}
    known: Past = made.known(for_validation=True).past
    assert set(known.sessions.tolist()) == {number for number, time in times.items() if time < earlier_ms}
    for questions, start_ms, end_ms in (
        (made.validation, earlier_ms, cut_ms),
        (made.test, cut_ms, interactions.end_ms),
    ):
        assert (questions.times_ms < start_ms).all()
        assert (questions.now_ms == start_ms).all()
        within = (interactions.times_ms >= start_ms) & (interactions.times_ms < end_ms)
        within &= interactions.kinds == PURCHASE
        for place, user in enumerate(questions.user_rows.tolist()):
            had = {row for row, kind, _ in history_of(questions, place) if kind == PURCHASE}
            bought = set(interactions.item_rows[within & (interactions.user_rows == user)].tolist())
            assert set(questions.relevant(place).tolist()) == (bought if repeats else bought - had)


@given(log=logs, protocol=st.sampled_from(["leave-one-out", "time-split"]))
def test_what_is_asked_is_what_evaluate_asks(log: list[tuple[int, int, int, int]], protocol: str) -> None:
    interactions = interactions_of_log(log)
    users = np.ones(N_USERS, bool)
    split = (
        leave_one_out(interactions, EventKind.PURCHASE, users)
        if protocol == "leave-one-out"
        else time_split(interactions, EventKind.PURCHASE, users, cut_ms=cut_before_end(interactions, WINDOW_D))
    )
    made = exam(interactions, protocol, repeats=True)

    ours = examples_of(made.test, PURCHASE)
    assert made.past.sessions.tolist() == split.train.sessions.tolist()
    assert len(ours) == len(split.examples)
    for found, wanted in zip(ours, split.examples, strict=True):
        assert found.user_row == wanted.user_row
        assert found.situation.now_ms == wanted.situation.now_ms
        assert found.situation.target == wanted.situation.target
        assert found.relevant.tolist() == wanted.relevant.tolist()
        assert found.situation.history.rows.tolist() == wanted.situation.history.rows.tolist()
        assert found.situation.history.times_ms.tolist() == wanted.situation.history.times_ms.tolist()


@given(log=logs, chosen=st.lists(st.integers(0, N_USERS - 1), max_size=6))
def test_taking_questions_keeps_each_whole(log: list[tuple[int, int, int, int]], chosen: list[int]) -> None:
    questions = exam(interactions_of_log(log), "leave-one-out", repeats=True).test
    assume(len(questions))
    places = np.array([place % len(questions) for place in chosen], np.int64)

    taken = questions.take(places)

    assert len(taken) == len(places)
    for place, origin in enumerate(places.tolist()):
        assert history_of(taken, place) == history_of(questions, origin)
        assert taken.relevant(place).tolist() == questions.relevant(origin).tolist()
        assert taken.now_ms[place] == questions.now_ms[origin]
