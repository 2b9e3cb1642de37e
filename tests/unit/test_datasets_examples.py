"""Questions with what users say of themselves: known users asked about as if they had done nothing yet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from shelfwise.datasets.examples import Examples, example
from shelfwise.encode.landmarks import Landmarks
from shelfwise.encode.profile_vectors import ProfileVectors
from shelfwise.retrieve.popular import Popular
from shelfwise.schemas.candidates import History
from shelfwise.testing.small_shop import N_ITEMS, small_shop
from shelfwise.train.examples import ranking_table

N_USERS = 400
HALF = np.zeros((1, 2), np.float16)
PROFILES = ProfileVectors(
    ("about",),
    np.array([7], np.uint64),
    np.array([[1.0, 0.0]], np.float16),
    np.where(np.arange(N_USERS) % 2, 0, -1).astype(np.int32),  # every second one says something
    Landmarks(HALF, HALF),
)


def asked(user: int, had: list[int], relevant: list[int]) -> Examples:
    rows = np.array(had, np.int32)
    history = History(rows, np.full(len(rows), 6, np.int8), np.arange(len(rows)), user if had else -1)
    return Examples([example(history, 100, user, np.array(relevant, np.int32))])


def test_without_profiles_nothing_changes() -> None:
    before = asked(1, [3], [4])
    assert before.with_profiles(None, as_new_share=0.5) is before


def test_each_is_told_his_own_and_nobody_elses() -> None:
    for user, has_profile in ((1, True), (2, False), (N_USERS + 5, False)):
        [found] = asked(user, [], [4]).with_profiles(PROFILES)
        assert (found.situation.profile is not None) == has_profile
        assert found.relevant.tolist() == [4]


def test_a_share_of_those_with_a_profile_is_asked_about_as_new() -> None:
    before = Examples([one for user in range(N_USERS) for one in asked(user, [3, 5], [5, 9])])
    after = before.with_profiles(PROFILES, as_new_share=0.25, seed=3)
    emptied = [one for one in after if not len(one.situation.history)]
    assert all(one.user_row % 2 == 1 for one in emptied)
    assert 0.15 < len(emptied) / (N_USERS / 2) < 0.35
    for one in emptied:
        assert one.situation.profile is not None
        assert one.situation.now_ms == 100
        assert one.relevant.tolist() == [9]
        assert one.left_out.tolist() == [3, 5]  # what he had turned to before is neither right nor wrong
    for one in after:
        if len(one.situation.history):
            assert one.relevant.tolist() == [5, 9]
            assert not len(one.left_out)
    again = before.with_profiles(PROFILES, as_new_share=0.25, seed=3)
    assert [len(one.situation.history) for one in again] == [len(one.situation.history) for one in after]


def test_who_only_comes_back_for_the_same_is_not_asked_about_as_new() -> None:
    [found] = asked(1, [3, 5], [5]).with_profiles(PROFILES, as_new_share=0.999999)
    assert len(found.situation.history) == 2


def test_what_is_left_out_is_no_candidate() -> None:
    data = small_shop(n_users=40)
    popular = Popular(Popular.Config(k=N_ITEMS))
    popular.fit(data)
    [question] = asked(1, [3, 5], [9])
    sizes: list[int] = []
    for left_out in ([], [3, 5]):
        one = replace(question, left_out=np.array(left_out, np.int32))
        table = ranking_table(
            {"popular": popular}, data, Examples([one]), repeats=True, n_history=50, has_clock=True, max_requests=9
        )
        sizes.append(int(table.groups[0]))
    assert sizes[0] - sizes[1] == 2
