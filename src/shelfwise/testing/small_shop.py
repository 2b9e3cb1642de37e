"""A shop whose right answers follow from its construction."""

from __future__ import annotations

import numpy as np

from shelfwise.datasets.catalogue import NO_TIME_MS, Catalogue
from shelfwise.datasets.interactions import DAY_MS, Interactions
from shelfwise.datasets.training_data import TrainingData
from shelfwise.schemas.events import CODE_BY_KIND, EventKind

N_GROUPS = 8
GROUP_SIZE = 10
N_ITEMS = N_GROUPS * GROUP_SIZE
N_COLD = 4
"""The last items of the catalogue, which nobody has touched."""

START_MS = 1_700_000_000_000


def small_shop(*, n_users: int = 300, seed: int = 0, has_clock: bool = True) -> TrainingData:
    """Users walk around in one group of ten items each: what comes next is the item after, in the same group.

    Item `r` belongs to group `r // 10`; its category, brand and text vector are those of the group. The last `N_COLD`
    items are never touched. One in ten steps goes anywhere.
    """
    random = np.random.default_rng(seed)
    users, items, times = [], [], []
    for user in range(n_users):
        group, place = user % N_GROUPS, int(random.integers(GROUP_SIZE))
        moment = START_MS + int(random.integers(60 * DAY_MS)) if has_clock else 0
        for _ in range(int(random.integers(4, 12))):
            item = group * GROUP_SIZE + place
            if random.random() < 0.1:
                item = int(random.integers(N_ITEMS))
            if item < N_ITEMS - N_COLD:
                users.append(user)
                items.append(item)
                times.append(moment)
                moment += DAY_MS if has_clock else 1
            place = (place + 1) % GROUP_SIZE
    n = len(items)
    interactions = Interactions(
        np.array(users, np.int32),
        np.array(items, np.int32),
        np.full(n, CODE_BY_KIND[EventKind.PURCHASE], np.int8),
        np.array(times, np.int64),
        np.full(n, np.nan, np.float32),
        np.full(n, -1, np.int64),
        n_users,
        N_ITEMS,
    )
    groups = np.arange(N_ITEMS) // GROUP_SIZE
    vectors = np.eye(N_GROUPS, dtype=np.float32)[groups] + random.normal(0, 0.05, (N_ITEMS, N_GROUPS))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    catalogue = Catalogue(
        [f"item-{row}" for row in range(N_ITEMS)],
        [f"Thing {row % GROUP_SIZE} of set {row // GROUP_SIZE}" for row in range(N_ITEMS)],
        [("Things", f"Set {group}") for group in groups],
        [f"Brand {group}" for group in groups],
        (1.0 + groups).astype(np.float32),
        np.full(N_ITEMS, NO_TIME_MS, np.int64),
        np.ones(N_ITEMS, bool),
    )
    return TrainingData(interactions, catalogue, vectors, interactions.end_ms)
