"""What every peer is helped with and held to: seen items, fallback, weights of histories."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sparse

from peers import ease
from peers.exam import About, Exam, Known, Past, Questions
from peers.measure import TUNED_BY, measure, with_fallback
from peers.peer import Axes, Peer, Scores, histories, user_items, with_own

N_ITEMS = 6


def known(*, repeats: bool, events: list[tuple[int, int]] | None = None) -> Known:
    events = [(0, 0), (0, 1), (1, 2)] if events is None else events
    n = len(events)
    past = Past(
        np.array([user for user, _ in events], np.int32),
        np.array([item for _, item in events], np.int32),
        np.zeros(n, np.int8),
        np.arange(n, dtype=np.int64),
        np.full(n, np.nan, np.float32),
        np.full(n, -1, np.int64),
    )
    return Known(past, 3, N_ITEMS, n, has_clock=False, target=0, repeats=repeats)


def asked(histories_: list[list[int]], answers: list[int], times: list[list[int]] | None = None) -> Questions:
    lengths = [len(history) for history in histories_]
    rows = [row for history in histories_ for row in history]
    moments = [list(range(n)) for n in lengths] if times is None else times
    return Questions(
        np.arange(len(answers), dtype=np.int32),
        np.full(len(answers), 100, np.int64),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        np.array(rows, np.int32),
        np.zeros(len(rows), np.int8),
        np.array([time for of_one in moments for time in of_one], np.int64),
        np.arange(len(answers) + 1, dtype=np.int64),
        np.array(answers, np.int32),
    )


class Fixed(Peer):
    """Says what it was told to say."""

    table: np.ndarray

    @classmethod
    def axes(cls, known: Known, data: str) -> Axes:
        return {}

    def fit(self, known: Known, validation: Questions | None) -> None:
        pass

    def scores(self, questions: Questions) -> Scores:
        return self.table[: len(questions)]


class Silent(Fixed):
    has_silence = True


def ndcg(scores: list[float], questions: Questions, about: Known, allowed: list[bool]) -> float:
    found = measure(lambda _: np.array([scores]), questions, about, np.array(allowed), (TUNED_BY,))
    return float(found.by_metric[TUNED_BY][0])


def test_what_the_user_had_is_taken_away_only_where_the_exam_says_so() -> None:
    questions = asked([[0, 1]], [2])
    scores = [5.0, 4.0, 3.0, 2.0, 1.0, 0.0]
    everything = [True] * N_ITEMS
    assert ndcg(scores, questions, known(repeats=False), everything) == pytest.approx(1.0)
    assert ndcg(scores, questions, known(repeats=True), everything) == pytest.approx(1 / math.log2(4))


def test_what_may_not_be_shown_takes_no_place() -> None:
    questions = asked([[5]], [2])
    allowed = [False, True, True, True, True, True]
    assert ndcg([5.0, 4.0, 3.0, 2.0, 1.0, 0.0], questions, known(repeats=True), allowed) == pytest.approx(
        1 / math.log2(3)
    )


def test_a_table_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="scores have shape"):
        measure(lambda _: np.zeros((1, 2)), asked([[0]], [1]), known(repeats=True), np.ones(N_ITEMS, bool))


def test_strangers_are_shown_what_is_popular() -> None:
    peer = Fixed({}, 0)
    peer.table = np.arange(2 * N_ITEMS, dtype=np.float64).reshape(2, N_ITEMS)
    popular = np.array([1.0, 5.0, 2.0, 0.0, 0.0, 0.0])

    # The second knows item 4 alone, which nobody ever turned to before.
    table = with_fallback(peer, known(repeats=False), popular)(asked([[0], [4]], [1, 1]))

    assert table[0].tolist() == peer.table[0].tolist()
    assert table[1].tolist() == popular.tolist()


def test_silence_is_filled_with_popular_items_below_everything_else() -> None:
    peer = Silent({}, 0)
    peer.table = np.array([[0.0, -3.0, 0.0, 2.0, -np.inf, 0.0]])
    popular = np.array([1.0, 9.0, 5.0, 0.0, 2.0, 0.0])

    (row,) = with_fallback(peer, known(repeats=False), popular)(asked([[0]], [1]))

    assert np.argsort(-row, kind="stable").tolist() == [3, 1, 2, 4, 0, 5]
    assert row[5] < row[0]


def test_lines_of_one_moment_weigh_alike_and_older_ones_less() -> None:
    questions = asked([[0, 1, 2, 1], [3]], [4, 4], times=[[1, 2, 2, 7], [5]])
    found = histories(questions, N_ITEMS, decay=0.5).toarray()
    assert found[0].tolist() == [0.25, 0.5 + 1.0, 0.5, 0.0, 0.0, 0.0]
    assert found[1].tolist() == [0.0, 0.0, 0.0, 1.0, 0.0, 0.0]


def test_what_a_user_turned_to_twice_counts_once_unless_counted() -> None:
    about = known(repeats=True, events=[(0, 0), (0, 0), (1, 2)])
    assert user_items(about).toarray()[0].tolist() == [1.0, 0, 0, 0, 0, 0]
    assert user_items(about, counted=True).toarray()[0, 0] == pytest.approx(math.log(3))


def test_own_items_are_lifted_by_a_share_of_the_best() -> None:
    history = sparse.csr_matrix(np.array([[2.0, 1.0, 0, 0, 0, 0]]))
    found = with_own(np.array([[0.0, 0.0, 4.0, 1.0, 0.0, 0.0]]), history, 0.5)
    assert found.tolist() == [[2.0, 1.0, 4.0, 1.0, 0.0, 0.0]]


@pytest.mark.parametrize("small", [0, 8_000])
def test_ease_is_its_closed_form(monkeypatch: pytest.MonkeyPatch, small: int) -> None:
    monkeypatch.setattr(ease, "BLOCK", 4)  # several blocks to mirror
    monkeypatch.setattr(ease, "SMALL", small)  # in 32 bits and in 64
    rng = np.random.default_rng(0)
    about = known(repeats=False, events=sorted((int(rng.integers(3)), int(rng.integers(N_ITEMS))) for _ in range(12)))
    peer = ease.Ease({"ridge": 2.0, "decay": 1.0, "own": 0.0}, 0)
    peer.fit(about, None)

    x = user_items(about).toarray()
    inverse = np.linalg.inv(x.T @ x + 2.0 * np.eye(N_ITEMS))
    weights = np.eye(N_ITEMS) - inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    wanted = np.array([1.0, 0, 0, 1.0, 0, 0]) @ weights
    assert peer.scores(asked([[0, 3]], [1]))[0] == pytest.approx(wanted, abs=1e-5)


def test_an_exam_is_read_as_it_was_written(tmp_path: Path) -> None:
    about = About("log", "leave-one-out", "what came last", 0, False, 3, N_ITEMS, False, 3, 3, 0)
    questions = asked([[0, 1]], [2])
    exam = Exam(
        about, known(repeats=False).past, np.array([True, True, False]), np.ones(N_ITEMS, bool), questions, questions
    )
    exam.save(tmp_path / "exam.npz")

    read = Exam.load(tmp_path / "exam.npz")

    assert read.about == about
    assert read.fingerprint() == exam.fingerprint()
    assert read.is_fitted_again
    assert len(read.known(for_validation=True).past) == 2
    assert len(read.known(for_validation=False).past) == 3
    other = Exam(about, exam.past, exam.known_for_validation, exam.allowed, questions, asked([[0, 1]], [3]))
    assert other.fingerprint() != exam.fingerprint()
