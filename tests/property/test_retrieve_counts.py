"""What retrievers count, against slow and literal counting on small random logs."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelfwise.datasets.catalogue import NO_TIME_MS, Catalogue
from shelfwise.datasets.interactions import DAY_MS, Interactions
from shelfwise.datasets.training_data import TrainingData
from shelfwise.retrieve import cooccurrence, transitions
from shelfwise.retrieve import popular as popular_module
from shelfwise.retrieve.attribute_neighbours import attribute_neighbours
from shelfwise.retrieve.cooccurrence import Cooccurrence
from shelfwise.retrieve.ease import Ease, ease_weights
from shelfwise.retrieve.popular import Popular
from shelfwise.retrieve.similar_users import SimilarUsers
from shelfwise.retrieve.text_neighbours import SHARPNESS, text_neighbours
from shelfwise.retrieve.transitions import Transitions
from shelfwise.schemas.candidates import History, Situation

N_USERS, N_ITEMS = 3, 5
START_MS = 1_700_000_000_000

Log = list[tuple[int, int, int, int]]
"""User, day, item, session (-1: none), by user and then day."""

logs: Any = st.lists(
    st.tuples(st.integers(0, N_USERS - 1), st.integers(0, 6), st.integers(0, N_ITEMS - 1), st.integers(-1, 2)),
    min_size=1,
    max_size=18,
).map(lambda events: sorted(events, key=lambda event: event[:2]))
names = st.lists(
    st.tuples(st.lists(st.sampled_from("abc"), max_size=2, unique=True), st.sampled_from([None, "x", "y"])),
    min_size=N_ITEMS,
    max_size=N_ITEMS,
)


@pytest.fixture(autouse=True, scope="module")
def all_digits() -> Iterator[None]:
    """Weights as they were counted: packing has tests of its own."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (transitions, cooccurrence):
            patch.setattr(module, "packed", lambda lists: lists)
        yield


def shop(log: Log, named: Any = None, *, has_clock: bool = True) -> TrainingData:
    """A shop with this log; sessions belong to one user each."""
    unit, start = (DAY_MS, START_MS) if has_clock else (1, 0)
    interactions = Interactions(
        np.array([event[0] for event in log], np.int32),
        np.array([event[2] for event in log], np.int32),
        np.zeros(len(log), np.int8),
        np.array([start + event[1] * unit for event in log], np.int64),
        np.full(len(log), np.nan, np.float32),
        np.array([-1 if event[3] < 0 else event[0] * 3 + event[3] for event in log], np.int64),
        N_USERS,
        N_ITEMS,
    )
    named = named or [([], None)] * N_ITEMS
    catalogue = Catalogue(
        [str(row) for row in range(N_ITEMS)],
        [str(row) for row in range(N_ITEMS)],
        [tuple(path) for path, _ in named],
        [brand for _, brand in named],
        np.ones(N_ITEMS, np.float32),
        np.full(N_ITEMS, NO_TIME_MS, np.int64),
        np.ones(N_ITEMS, bool),
    )
    return TrainingData(interactions, catalogue, None, start + 10 * unit)


def dense(lists: Any) -> Any:
    matrix = np.zeros((len(lists), N_ITEMS))
    for row in range(len(lists)):
        span = slice(int(lists.starts[row]), int(lists.starts[row + 1]))
        assert len(np.unique(lists.rows[span])) == span.stop - span.start
        matrix[row, lists.rows[span]] = lists.weights[span]
    return matrix


def literal_transitions(log: Log, options: Transitions.Config, *, has_clock: bool) -> Any:
    """Every pair of every user, one by one."""
    matrix = np.zeros((N_ITEMS, N_ITEMS))
    for user in range(N_USERS):
        events = [event for event in log if event[0] == user]
        for place, (_, _, item, _) in enumerate(events):
            for distance, (_, day, later, _) in enumerate(events[place + 1 :], start=1):
                if distance <= options.window and later != item:
                    weight = (2 ** (-(10 - day) / options.half_life_d) if has_clock else 1) / distance
                    matrix[item, later] += weight
                    matrix[later, item] += options.backward * weight
    for item in range(N_ITEMS):
        n_seen = sum(event[2] == item for event in log)
        matrix[item] /= max(n_seen, 1) ** options.normaliser
    return matrix


transition_options: Any = st.builds(
    Transitions.Config,
    window=st.integers(1, 12),
    backward=st.sampled_from([0.0, 0.2, 1.0]),
    normaliser=st.sampled_from([0.0, 0.3, 1.0]),
    half_life_d=st.sampled_from([2.0, 180.0]),
    smoothing=st.just(0.0),
)


@settings(max_examples=150, deadline=None)
@given(logs, transition_options, st.booleans())
def test_transitions_are_the_sum_over_all_pairs(log: Log, options: Transitions.Config, has_clock: bool) -> None:
    retriever = Transitions(options)
    retriever.fit(shop(log, has_clock=has_clock))
    wanted = literal_transitions(log, options, has_clock=has_clock)
    np.testing.assert_allclose(dense(retriever.lists), wanted, rtol=1e-4, atol=1e-6)


@settings(max_examples=100, deadline=None)
@given(logs, transition_options, names, st.sampled_from([0.5, 1.0]))
def test_smoothed_transitions_by_dense_matrices(
    log: Log, options: Transitions.Config, named: Any, smoothing: float
) -> None:
    retriever = Transitions(options.model_copy(update={"smoothing": smoothing}))
    data = shop(log, named)
    retriever.fit(data)
    counted = literal_transitions(log, options, has_clock=True)
    alike = literal_alike(named)
    wanted = counted + smoothing * (counted @ alike + alike @ counted)
    np.fill_diagonal(wanted, 0)
    np.testing.assert_allclose(dense(retriever.lists), wanted, rtol=1e-3, atol=1e-5)


@settings(max_examples=100, deadline=None)
@given(logs, transition_options, names, st.sampled_from(["both", "texts", "names"]), st.integers(0, 2**32 - 1))
def test_smoothing_by_texts_and_names(log: Log, options: Transitions.Config, named: Any, alike: str, seed: int) -> None:
    vectors = texts(seed)
    retriever = Transitions(options.model_copy(update={"smoothing": 0.5, "alike": alike}))
    retriever.fit(replace(shop(log, named), vectors=vectors))
    counted = literal_transitions(log, options, has_clock=True)
    kinds = {"names": [literal_alike(named)], "texts": [literal_text_alike(vectors)]}
    voices = kinds.get(alike, kinds["names"] + kinds["texts"])
    lent = sum(voices) / np.maximum(sum(voice.sum(axis=1) > 0 for voice in voices), 1)[:, None]
    wanted = counted + 0.5 * (counted @ lent + lent @ counted)
    np.fill_diagonal(wanted, 0)
    np.testing.assert_allclose(dense(retriever.lists), wanted, rtol=1e-3, atol=1e-5)


def texts(seed: int) -> Any:
    """Vectors of length 1, one of them missing."""
    vectors = np.random.default_rng(seed).normal(size=(N_ITEMS, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[seed % N_ITEMS] = 0
    return vectors


def literal_text_alike(vectors: Any) -> Any:
    cosines = np.maximum(vectors @ vectors.T, 0) ** SHARPNESS
    np.fill_diagonal(cosines, 0)
    return cosines / np.maximum(cosines.sum(axis=1, keepdims=True), 1e-9)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_items_alike_by_text(seed: int, n_neighbours: int) -> None:
    vectors = texts(seed)
    vectors[(seed + 1) % N_ITEMS] = vectors[(seed + 2) % N_ITEMS]  # the very same text twice
    found = text_neighbours(vectors, n_neighbours).toarray()
    assert (np.diag(found) == 0).all()
    whole = literal_text_alike(vectors)
    for row in range(N_ITEMS):
        nearest = np.sort(whole[row])[::-1][:n_neighbours]
        np.testing.assert_allclose(
            np.sort(found[row])[::-1][:n_neighbours], nearest / max(nearest.sum(), 1e-9), rtol=1e-3, atol=1e-5
        )
        assert (found[row] > 0).sum() <= n_neighbours


def literal_alike(named: Any) -> Any:
    """Cosine of the names, rarer ones counting more, rows summing to 1."""
    carried = [{("c", name) for name in path} | ({("b", brand)} if brand else set()) for path, brand in named]
    everything = set().union(*carried)
    rarity = {name: math.log(N_ITEMS / sum(name in own for own in carried)) for name in everything}
    matrix = np.zeros((N_ITEMS, N_ITEMS))
    lengths = [math.sqrt(sum(rarity[name] ** 2 for name in own)) for own in carried]
    for one in range(N_ITEMS):
        for other in range(N_ITEMS):
            shared = sum(rarity[name] ** 2 for name in carried[one] & carried[other])
            if one != other and shared > 0:
                matrix[one, other] = shared / lengths[one] / lengths[other]
    return matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1e-9)


@settings(max_examples=100, deadline=None)
@given(names, st.integers(1, 6))
def test_items_alike_by_name(named: Any, n_neighbours: int) -> None:
    catalogue = shop([(0, 0, 0, -1)], named).catalogue
    np.testing.assert_allclose(
        attribute_neighbours(catalogue, N_ITEMS).toarray(), literal_alike(named), rtol=1e-4, atol=1e-6
    )
    few = attribute_neighbours(catalogue, n_neighbours).toarray()
    assert ((few > 0).sum(axis=1) <= n_neighbours).all()
    sums = few.sum(axis=1)
    np.testing.assert_allclose(sums[sums > 0], 1, rtol=1e-5)


@settings(max_examples=150, deadline=None)
@given(
    logs,
    st.sampled_from(["user", "session"]),
    st.sampled_from([0.0, 5.0]),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from([3.0, 180.0]),
)
def test_cooccurrence_is_the_cosine_over_groups(
    log: Log, within: str, shrinkage: float, asymmetry: float, half_life_d: float
) -> None:
    retriever = Cooccurrence(
        Cooccurrence.Config(within=within, shrinkage=shrinkage, asymmetry=asymmetry, half_life_d=half_life_d)
    )
    retriever.fit(shop(log))
    groups: dict[Any, dict[int, int]] = defaultdict(dict)
    for user, day, item, session in log:
        group = (user, session) if within == "session" and session >= 0 else user
        groups[group].setdefault(item, day)
    weight: dict[tuple[Any, int], float] = {}
    for group, days in groups.items():
        for item, day in days.items():
            weight[group, item] = 2 ** (-(10 - day) / half_life_d / 2) / math.sqrt(math.log2(len(days) + 1))
    mass = [sum(value**2 for (_, item), value in weight.items() if item == one) for one in range(N_ITEMS)]
    wanted = np.zeros((N_ITEMS, N_ITEMS))
    for one in range(N_ITEMS):
        for other in range(N_ITEMS):
            shared = sum(weight.get((group, one), 0) * weight.get((group, other), 0) for group in groups)
            if one != other and shared > 0:
                damped = mass[one] ** asymmetry * mass[other] ** (1 - asymmetry)
                wanted[one, other] = shared / (damped + shrinkage)
    np.testing.assert_allclose(dense(retriever.lists), wanted, rtol=1e-3, atol=1e-6)


def test_sessions_count_where_the_log_names_them() -> None:
    together: Log = [(0, 0, 0, 0), (0, 0, 1, 0), (0, 1, 2, 1)]
    retriever = Cooccurrence(Cooccurrence.Config())
    retriever.fit(shop(together))
    assert dense(retriever.lists)[0, 1] > 0
    assert dense(retriever.lists)[0, 2] == 0
    retriever.fit(shop([(user, day, item, -1) for user, day, item, _ in together]))
    assert dense(retriever.lists)[0, 2] > 0


@settings(max_examples=60, deadline=None)
@given(logs, logs, st.sampled_from([2.0, 14.0]))
def test_an_event_observed_counts_as_one_learned(log: Log, later: Log, half_life_d: float) -> None:
    """Popularity after `observe` is that of a fit on both, up to a factor that all items share."""
    one, both = (Popular(Popular.Config(half_life_d=half_life_d, k=N_ITEMS)) for _ in range(2))
    one.fit(shop(log))
    for _, day, item, _ in later:
        one.observe(item, START_MS + day * DAY_MS)
    both.fit(shop(sorted([*log, *later], key=lambda event: event[:2])))
    nobody = Situation(History.empty(), START_MS + 10 * DAY_MS, np.empty(0, np.int32))
    found, wanted = (retriever.retrieve(nobody, np.ones(N_ITEMS, bool)) for retriever in (one, both))
    by_row = dict(zip(found.rows.tolist(), found.scores.tolist(), strict=True))
    assert set(by_row) == set(wanted.rows.tolist())
    for row, score in zip(wanted.rows.tolist(), wanted.scores.tolist(), strict=True):
        assert by_row[row] == pytest.approx(score, rel=1e-5)


def literal_ease(log: Log, options: Ease.Config, *, has_clock: bool) -> Any:
    """By the formula, with a general inverse, for the items that take part."""
    x = np.zeros((N_USERS, N_ITEMS))
    for user, day, item, _ in log:
        x[user, item] += 2 ** (-(10 - day) / options.half_life_d) if has_clock else 1
    x = np.minimum(x, 1)
    x /= np.sqrt(np.maximum((x > 0).sum(axis=1, keepdims=True), 1))
    touched = np.bincount([event[2] for event in log], minlength=N_ITEMS)
    some = np.flatnonzero(touched > 0)
    weights = np.zeros((N_ITEMS, N_ITEMS))
    if len(some) >= 2:
        gram = x[:, some].T @ x[:, some]
        gram += (options.regularisation * np.diag(gram).mean() + 1e-6) * np.eye(len(some))
        inverse = np.linalg.inv(gram)
        b = -inverse / np.diag(inverse)[None, :]
        np.fill_diagonal(b, 0)
        weights[np.ix_(some, some)] = b
    return weights


@settings(max_examples=100, deadline=None)
@given(logs, st.sampled_from([0.5, 2.0]), st.booleans())
def test_ease_follows_its_formula(log: Log, regularisation: float, has_clock: bool) -> None:
    options = Ease.Config(regularisation=regularisation, half_life_d=20.0)
    retriever = Ease(options)
    retriever.fit(shop(log, has_clock=has_clock))
    wanted = literal_ease(log, options, has_clock=has_clock)
    np.testing.assert_allclose(dense(retriever.lists), wanted.clip(min=0), rtol=1e-3, atol=1e-5)


def test_ease_refuses_what_cannot_be_inverted() -> None:
    with pytest.raises(ArithmeticError, match="regularisation"):
        ease_weights(np.array([[1, 2], [2, 1]], np.float32))


def literal_similar_users(log: Log, asker: int, options: SimilarUsers.Config) -> Any:
    """User by user, item by item."""

    def counts(user: int, half_life_d: float) -> list[float]:
        own = [0.0] * N_ITEMS
        for who, day, item, _ in log:
            if who == user:
                own[item] += 2 ** (-(10 - day) / half_life_d)
        return own

    active = {event[0] for event in log}
    carriers = [len({event[0] for event in log if event[2] == item}) for item in range(N_ITEMS)]
    rarity = [max(math.log(len(active) / (1 + carriers[item])), 0) for item in range(N_ITEMS)]

    def unit(user: int) -> list[float]:
        own = [math.log1p(count) * rare for count, rare in zip(counts(user, options.half_life_d), rarity, strict=True)]
        length = math.sqrt(sum(value**2 for value in own))
        return [value / max(length, 1e-9) for value in own]

    alike = {user: sum(a * b for a, b in zip(unit(user), unit(asker), strict=True)) for user in active if user != asker}
    nearest = sorted((user for user in alike if alike[user] > 0), key=lambda user: (-alike[user], user))
    nearest = nearest[: options.n_similar]
    total = sum(alike[user] for user in nearest)
    return [
        sum(alike[user] * min(counts(user, options.latest_half_life_d)[item], 1) for user in nearest) / max(total, 1e-9)
        for item in range(N_ITEMS)
    ]


@settings(max_examples=100, deadline=None)
@given(logs, st.integers(0, N_USERS - 1), st.integers(1, 3))
def test_similar_users_vote_by_their_similarity(log: Log, asker: int, n_similar: int) -> None:
    options = SimilarUsers.Config(n_similar=n_similar)
    data = shop(log)
    retriever = SimilarUsers(options)
    retriever.fit(data)
    bounds = data.interactions.bounds()
    history = data.interactions.history(int(bounds[asker]), int(bounds[asker + 1]))
    asked = Situation(history, data.now_ms, np.empty(0, np.int32))
    found = retriever.retrieve(asked, np.ones(N_ITEMS, bool))
    wanted = literal_similar_users(log, asker, options)
    assert set(found.rows.tolist()) == {item for item in range(N_ITEMS) if wanted[item] > 0}
    np.testing.assert_allclose(found.scores, [wanted[item] for item in found.rows], rtol=1e-3)


@given(logs, st.lists(st.tuples(st.integers(0, N_ITEMS - 1), st.integers(0, 3)), max_size=12))
def test_what_happens_while_serving_is_counted_as_if_it_had_been_in_the_log(
    log: Log, later: list[tuple[int, int]]
) -> None:
    data = shop(log)
    followed = Popular(Popular.Config(k=2))
    followed.fit(data)
    everything, nobody = np.ones(N_ITEMS, bool), Situation(History.empty(), data.now_ms, np.empty(0, np.int32))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(popular_module, "HEAD", 3)  # of five items, so that some have to enter
        for item, day in later:
            followed.observe(item, data.now_ms + day * DAY_MS)
            counts = followed._counts
            wanted = sorted(
                (row for row in range(N_ITEMS) if counts[row] > 0), key=lambda row: (-np.float32(counts[row]), row)
            )
            assert followed.retrieve(nobody, everything).rows.tolist() == wanted[:2]
