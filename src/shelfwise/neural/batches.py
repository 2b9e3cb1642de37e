"""Batches: sequences of like length side by side, so that little of a step is padding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from shelfwise.datasets.interactions import Interactions
from shelfwise.neural.augment import Places, augmented
from shelfwise.neural.settings import NetworkOptions
from shelfwise.schemas.ids import Bools, Floats, Rows

MINUTE_MS = 60_000
LEAST_STEPS = 50
"""Steps that an epoch shall have: in a small log steps are smaller, and after that it is gone through several times."""

FEWEST_EVENTS = 128
"""Events that a step has at least."""

POOL = 24
"""Batches whose sequences are sorted by length together: fewer mix less, more pad less."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Sequences beside each other, oldest event first, padded at the end.

    Attributes:
        items: Rows; shape `(B, T)`.
        kinds: Codes; shape `(B, T)`.
        minutes_ago: Before the sequence's last event; shape `(B, T)`.
        scenarios: Codes; shape `(B, T)`.
        targets: The item after each event; -1 where there is none; shape `(B, T)`.
    """

    items: npt.NDArray[np.int64]
    kinds: npt.NDArray[np.int64]
    minutes_ago: Floats
    scenarios: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Log:
    """The events that sequences are cut from, sorted by user and time.

    Attributes:
        interactions: The events.
        starts: Where each user's events begin and the last ends; shape `(n_users + 1,)`.
        minutes: Since the first event of the log; all 0 without a clock; shape `(E,)`.
    """

    interactions: Interactions
    starts: npt.NDArray[np.intp]
    minutes: npt.NDArray[np.float64]

    @classmethod
    def of(cls, interactions: Interactions, *, has_clock: bool) -> Log:
        """Prepare a log."""
        times = interactions.times_ms
        minutes = (times - times.min(initial=0 if not len(times) else int(times[0]))) / MINUTE_MS
        return cls(interactions, interactions.bounds(), minutes if has_clock else np.zeros(len(times)))

    def where(self, keep: Bools) -> Log:
        """Some of the events, in the same order; shape `(E,)`."""
        interactions = self.interactions.where(keep)
        return Log(interactions, interactions.bounds(), self.minutes[keep])

    def first(self, n_events: Rows) -> Bools:
        """Which are among each user's first so many; shape `(n_users or fewer,)` to `(E,)`."""
        users = self.interactions.user_rows
        counts = np.zeros(self.interactions.n_users, np.int64)
        counts[: len(n_events)] = n_events[: len(counts)]
        return np.arange(len(users)) - self.starts[users] < counts[users]

    def windows(self, history: int, offset: int) -> list[Places]:
        """Every user's events in pieces of `history + 1` at most, so that each event but the first is a target once.

        Args:
            history: Events that a sequence is told at most.
            offset: By how much the cuts are moved, so that they fall elsewhere in every epoch.

        Returns:
            Places in the log; a piece of one event is left out. Pieces overlap by one event: the last of one is told
            again as the first of the next.
        """
        found: list[Places] = []
        for user in np.flatnonzero(np.diff(self.starts) >= 2):
            start, stop = int(self.starts[user]), int(self.starts[user + 1])
            end, length = stop, history + 1
            if stop - start > length:
                # The first piece is shortened, never dropped, so that every event is a target once.
                length -= offset % history
            while end - start >= 2:
                begin = max(start, end - length)
                found.append(np.arange(begin, end))
                end, length = begin + 1, history + 1
        return found


def batches(log: Log, windows: list[Places], options: NetworkOptions, random: np.random.Generator) -> Iterator[Batch]:
    """One epoch: every window once, augmented, in random order, some `events_per_step` events at a time."""
    told = [
        augmented(places, random, crop=options.crop, shuffle=options.shuffle, drop_events=options.drop_events)
        for places in windows
    ]
    lengths = np.array([len(places) for places in told])
    n_events = min(options.events_per_step or 1, max(FEWEST_EVENTS, int(lengths.sum()) // LEAST_STEPS))
    for chosen in by_length(lengths - 1, n_events, random):
        yield _batch(log, [told[place] for place in chosen])


def by_length(lengths: npt.NDArray[np.intp], n_events: int, random: np.random.Generator) -> list[Rows]:
    """Group sequences of like length, `n_events` events in a group, padding included.

    Args:
        lengths: Shape `(S,)`.

    Returns:
        Places of the sequences of each group, every sequence in exactly one, in random order. A group exceeds
        `n_events` only where a single sequence does.
    """
    order = random.permutation(len(lengths)).astype(np.int32)
    # Pools of some POOL groups: within a pool sorted by length, so that a group holds a random sample of its length.
    pool_of = np.cumsum(lengths[order]) // (POOL * n_events)
    groups: list[Rows] = []
    for pool in np.unique(pool_of):
        members = order[pool_of == pool]
        members = members[np.argsort(lengths[members], kind="stable")]
        begin = 0
        for end in range(1, len(members) + 1):
            if end == len(members) or (end + 1 - begin) * int(lengths[members[end]]) > n_events:
                groups.append(members[begin:end])
                begin = end
    return [groups[place] for place in random.permutation(len(groups))]


def _batch(log: Log, sequences: list[Places]) -> Batch:
    told = histories(log, [places[:-1] for places in sequences])
    targets = np.full(told.items.shape, -1, np.int64)
    targets[_inside(sequences, fewer=1)] = log.interactions.item_rows[
        np.concatenate([places[1:] for places in sequences])
    ]
    return replace(told, targets=targets)


def histories(log: Log, sequences: list[Places]) -> Batch:
    """Sequences beside each other, without targets; padding repeats row 0."""
    inside = _inside(sequences)
    lengths = inside.sum(1)
    # All sequences at once: one after the other takes longer than a step on a GPU does.
    places = np.concatenate(sequences)
    last = places[np.cumsum(lengths) - 1]
    items, kinds, scenarios = (np.zeros(inside.shape, np.int64) for _ in range(3))
    minutes = np.zeros(inside.shape, np.float32)
    items[inside] = log.interactions.item_rows[places]
    kinds[inside] = log.interactions.kinds[places]
    minutes[inside] = np.repeat(log.minutes[last], lengths) - log.minutes[places]
    scenarios[inside] = log.interactions.scenarios[places]
    return Batch(items, kinds, minutes, scenarios, np.full(inside.shape, -1, np.int64))


def _inside(sequences: list[Places], *, fewer: int = 0) -> Bools:
    """Where the events of sequences stand that are padded at the end, each shorter by `fewer`; shape `(B, T)`."""
    lengths = np.array([len(places) - fewer for places in sequences])
    return np.arange(lengths.max()) < lengths[:, None]
