"""A shop whose baskets follow from its construction: what goes with what is known."""

from __future__ import annotations

import numpy as np

from shelfwise.datasets.catalogue import NO_TIME_MS, Catalogue
from shelfwise.datasets.interactions import DAY_MS, Interactions
from shelfwise.datasets.training_data import TrainingData
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.testing.small_shop import GROUP_SIZE, N_COLD, N_GROUPS, N_ITEMS, START_MS

BAG = 0
"""Lies in every third basket, whatever else is in it: often with everything, and with nothing beyond chance."""


def partner(row: int) -> int:
    """The item that is bought together with this one: of the neighbouring kind, at the same place."""
    return row + GROUP_SIZE if row // GROUP_SIZE % 2 == 0 else row - GROUP_SIZE


def basket_shop(*, n_users: int = 500, seed: int = 0, with_categories: bool = True) -> TrainingData:
    """Users buy two to seven things at once, each basket one moment.

    Kinds come in pairs: of item `r` of kind `r // 10`, the partner is the item at the same place of the other kind. A
    basket holds one to three pairs drawn apart: an item and, four times in five, its partner, otherwise any item of the
    partner's kind; and at times the bag. The last `N_COLD` items are never bought.
    """
    random = np.random.default_rng(seed)
    users, items, times = [], [], []
    for user in range(n_users):
        for visit in range(3):
            basket = {BAG} if random.random() < 1 / 3 else set[int]()
            for _ in range(int(random.integers(1, 4))):
                first = int(random.integers(N_ITEMS - N_COLD))
                second = partner(first)
                if random.random() < 0.2:
                    second = second // GROUP_SIZE * GROUP_SIZE + int(random.integers(GROUP_SIZE))
                basket |= {first, second}
            for row in sorted(row for row in basket if row < N_ITEMS - N_COLD):
                users.append(user)
                items.append(row)
                times.append(START_MS + (20 * visit + user % 20) * DAY_MS)
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
    catalogue = Catalogue(
        [f"item-{row}" for row in range(N_ITEMS)],
        [f"Thing {row % GROUP_SIZE} of set {row // GROUP_SIZE}" for row in range(N_ITEMS)],
        [(f"Room {group // 2}", f"Set {group}") if with_categories else () for group in groups],
        [f"Brand {row % 4}" for row in range(N_ITEMS)],
        (1.0 + np.arange(N_ITEMS) % GROUP_SIZE).astype(np.float32),
        np.full(N_ITEMS, NO_TIME_MS, np.int64),
        np.ones(N_ITEMS, bool),
    )
    vectors = np.eye(N_GROUPS, dtype=np.float32)[groups] + random.normal(0, 0.05, (N_ITEMS, N_GROUPS))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return TrainingData(interactions, catalogue, vectors, interactions.end_ms)
