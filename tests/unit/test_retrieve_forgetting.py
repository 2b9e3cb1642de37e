"""Users are taken out of the lists by which it is told who is alike, where they lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from shelfwise.retrieve.similar_users import SimilarUsers, forget_users
from shelfwise.schemas.candidates import History, Situation
from shelfwise.testing.small_shop import N_ITEMS, small_shop

GONE = np.array([0, 8, 16, 10**6], np.int32)  # of the first group; the last came after training


def saved(folder: Path) -> SimilarUsers:
    made = SimilarUsers(SimilarUsers.Config())
    made.fit(small_shop(n_users=24))
    folder.mkdir()
    made.save(folder)
    opened = SimilarUsers(SimilarUsers.Config())
    opened.load(folder)
    return opened


def alike(retriever: SimilarUsers, *items: int) -> list[int]:
    rows = np.array(items, np.int32)
    history = History(rows, np.ones(len(rows), np.int8), np.full(len(rows), 1_700_000_000_000))
    return retriever.retrieve(
        Situation(history, 1_705_000_000_000, np.empty(0, np.int32)), np.ones(N_ITEMS, bool)
    ).rows.tolist()


def test_they_vote_no_more_and_others_vote_as_before(tmp_path: Path) -> None:
    opened = saved(tmp_path / "similar")
    assert any(row < 10 for row in alike(opened, 2, 3)) and alike(opened, 12, 13)
    before = alike(opened, 72, 73)
    (tmp_path / "other").mkdir()
    for folder in ("similar", "other"):
        forget_users(tmp_path / folder, GONE)
    again = SimilarUsers(SimilarUsers.Config())
    again.load(tmp_path / "similar")
    for reader in (opened, again):  # the first has had the lists mapped all the while
        reader_again = alike(reader, 4, 3, 2)
        assert not [row for row in reader_again if row < 10]  # nobody is left of their group but strays
        assert set(alike(reader, 73, 72)) == set(before)
