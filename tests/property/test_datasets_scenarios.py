"""Whatever is cut from a log, each event's scenario stays beside it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.datasets.interactions import DAY_MS, Interactions
from shelfwise.datasets.splits import leave_last_out, leave_one_out, next_moments, time_split
from shelfwise.neural.batches import Log, batches
from shelfwise.neural.settings import NetworkOptions
from shelfwise.schemas.candidates import History
from shelfwise.schemas.events import CODE_BY_KIND, POSITIVE_KINDS, EventKind
from shelfwise.schemas.ids import FIRST_REAL_TIME_MS
from shelfwise.schemas.scenario_names import ScenarioNames
from shelfwise.store.event_log import EventArrays

N_USERS = 4
N_CODES = 5
START_MS = FIRST_REAL_TIME_MS + 20 * 365 * DAY_MS
NAMES = ScenarioNames(("home", "search", "cart", "email"))
PLACES: list[str | None] = ["search", "home", "elsewhere", "cart", None]
KINDS = [EventKind.PURCHASE, EventKind.VIEW, EventKind.IMPRESSION]

lengths_of = st.lists(st.integers(0, 9), min_size=N_USERS, max_size=N_USERS)
seeds = st.integers(0, 2**20)


def code_of(rows: npt.NDArray[np.integer]) -> npt.NDArray[np.int8]:
    """The scenario that was planted in an item's only event."""
    return ((rows * 7 + 3) % N_CODES).astype(np.int8)


def log_of(lengths: list[int]) -> Interactions:
    """Every event is of an item of its own, which tells where it happened."""
    n = sum(lengths)
    rows = np.arange(n, dtype=np.int32)
    return Interactions(
        np.repeat(np.arange(N_USERS, dtype=np.int32), lengths),
        rows,
        np.full(n, CODE_BY_KIND[EventKind.PURCHASE], np.int8),
        START_MS + DAY_MS * np.arange(n, dtype=np.int64),
        np.full(n, np.nan, np.float32),
        np.full(n, -1, np.int64),
        N_USERS,
        max(n, 1),
        code_of(rows),
        NAMES,
    )


def in_step(part: Interactions | History) -> bool:
    rows = part.rows if isinstance(part, History) else part.item_rows
    return part.scenarios.dtype == np.int8 and np.array_equal(part.scenarios, code_of(rows))


@given(lengths_of, seeds)
def test_in_every_part_of_a_log(lengths: list[int], seed: int) -> None:
    log, random = log_of(lengths), np.random.default_rng(seed)
    bounds = log.bounds()
    parts = [
        log.where(random.random(len(log)) < 0.5),
        log.where(np.sort(random.permutation(len(log))[: len(log) // 2])),
        log.before(START_MS + 5 * DAY_MS),
    ]
    assert all(in_step(part) and part.scenario_names is log.scenario_names for part in parts)
    for user in range(N_USERS):
        history = log.history(int(bounds[user]), int(bounds[user + 1]))
        assert in_step(history)
        assert in_step(history.last(3))
        assert in_step(history.where(random.random(len(history)) < 0.5))


@given(lengths_of, st.integers(0, 30))
def test_in_every_split(lengths: list[int], day: int) -> None:
    log, everybody = log_of(lengths), np.ones(N_USERS, bool)
    cut_ms, target = START_MS + day * DAY_MS, EventKind.PURCHASE
    splits = [
        leave_one_out(log, target, everybody),
        leave_one_out(log, target, everybody, holdout="validation"),
        leave_last_out(log, target, everybody),
        time_split(log, target, everybody, cut_ms=cut_ms),
    ]
    within = next_moments(log, target, everybody, cut_ms=cut_ms, until_ms=log.end_ms, per_user=3, seed=0)
    assert all(in_step(split.train) for split in splits)
    for examples in (*(split.examples for split in splits), within):
        assert all(in_step(example.situation.history) for example in examples)


@given(lengths_of, st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.9), seeds)
def test_in_every_batch_however_it_is_augmented(
    lengths: list[int], crop: float, shuffle: float, drop_events: float, seed: int
) -> None:
    log = Log.of(log_of(lengths), has_clock=True)
    options = NetworkOptions(crop=crop, shuffle=shuffle, drop_events=drop_events, events_per_step=16)
    for batch in batches(log, log.windows(4, seed), options, np.random.default_rng(seed)):
        is_event = batch.targets >= 0
        np.testing.assert_array_equal(batch.scenarios[is_event], code_of(batch.items[is_event]))
        assert not batch.scenarios[~is_event].any()


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(range(len(PLACES)))), max_size=30))
def test_what_the_store_gives_is_coded_by_name(events: list[tuple[EventKind, int]]) -> None:
    """Against a literal reading: names by how often events of interest bear them, and each event's own."""
    n, names = len(events), [name for name in PLACES if name is not None]
    told = [PLACES[place] for _, place in events]
    arrays = EventArrays(
        np.zeros(n, np.int32),
        np.arange(n, dtype=np.int32),
        np.array([CODE_BY_KIND[kind] for kind, _ in events], np.int8),
        START_MS + np.arange(n, dtype=np.int64),
        np.full(n, np.nan, np.float32),
        np.full(n, np.nan, np.float32),
        np.full(n, -1, np.int64),
        np.array([-1 if name is None else names.index(name) for name in told], np.int32),
        names,
    )
    shown = [name for (kind, _), name in zip(events, told, strict=True) if kind in POSITIVE_KINDS]
    found = Interactions.of(arrays, n_users=1, n_items=max(n, 1))
    wanted = sorted({name for name in shown if name and shown.count(name) > 1}, key=lambda it: (-shown.count(it), it))
    assert found.scenario_names.names == tuple(wanted)
    assert found.scenarios.tolist() == [wanted.index(name) + 1 if name in wanted else 0 for name in shown]
    given = Interactions.of(arrays, n_users=1, n_items=max(n, 1), scenario_names=NAMES)
    code_by_name = {"home": 1, "search": 2, "cart": 3, "email": 4}
    assert given.scenarios.tolist() == [code_by_name.get(name or "", 0) for name in shown]
