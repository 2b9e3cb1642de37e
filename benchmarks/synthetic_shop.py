"""A shop of any size, for measuring speed: its numbers say nothing about accuracy.

Items stand in clusters of forty, clusters in categories, categories in departments; popularity follows Zipf's law, in
the whole shop and within a cluster. A shopper keeps to a few clusters and now and then looks elsewhere. Text vectors
are random directions, a cluster's items near each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from shelfwise.datasets.catalogue import Catalogue
from shelfwise.datasets.interactions import DAY_MS, Interactions
from shelfwise.datasets.training_data import TrainingData
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.items import Item
from shelfwise.store import catalogue as item_store
from shelfwise.store import event_log
from shelfwise.store.event_log import EventRow
from shelfwise.store.records import Records

CLUSTER = 40
CLUSTERS_PER_CATEGORY = 5
CATEGORIES_PER_DEPARTMENT = 10
EVENTS_PER_USER = 25
MIN_EVENTS, MAX_EVENTS = 5, 200
PURCHASE_SHARE = 0.25
HOME_CLUSTERS = 3
ELSEWHERE = 0.15
"""Share of events anywhere in the shop."""

DIM = 128
CLUSTER_NOISE = 0.5
"""Length of an item's own direction, its cluster's being 1."""

START_MS = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp() * 1_000)
YEAR_D = 365.0
BATCH = 20_000


@dataclass(frozen=True, slots=True)
class SyntheticShop:
    """Items and a year's log.

    Attributes:
        items: As a shop would send them; row `i` is `item-i`.
        data: Everything, as of the moment after the last event.
    """

    items: list[Item]
    data: TrainingData


def synthetic_shop(n_items: int, n_users: int, *, seed: int = 0) -> SyntheticShop:
    """Draw a shop.

    Args:
        n_items: A multiple of `CLUSTER`.
        n_users: Shoppers, `EVENTS_PER_USER` events each on the average.
    """
    random = np.random.default_rng(seed)
    items = [_item(row, random) for row in range(n_items)]
    interactions = _log(n_items, n_users, random)
    catalogue = Catalogue(
        [item.item_id for item in items],
        [item.title or "" for item in items],
        [item.path for item in items],
        [item.brand for item in items],
        np.array([item.price for item in items], np.float32),
        np.array([int(item.created_at.timestamp() * 1_000) for item in items if item.created_at], np.int64),
        np.ones(n_items, bool),
    )
    directions = _unit(random.standard_normal((n_items // CLUSTER, DIM), np.float32))
    own = _unit(random.standard_normal((n_items, DIM), np.float32))
    vectors = _unit(directions[np.arange(n_items) // CLUSTER] + CLUSTER_NOISE * own)
    return SyntheticShop(items, TrainingData(interactions, catalogue, vectors, interactions.end_ms))


def store(shop: SyntheticShop, records: Records) -> None:
    """Write items and events as ingest would: all of them, in batches."""
    with records.write() as connection:
        for start in range(0, len(shop.items), BATCH):
            item_store.upsert(connection, shop.items[start : start + BATCH])
    for batch in _batches(shop.data.interactions):
        with records.write() as connection:
            event_log.append(connection, batch, source=None)


def user_id(row: int) -> str:
    """A shopper's id."""
    return f"user-{row}"


def _item(row: int, random: np.random.Generator) -> Item:
    cluster = row // CLUSTER
    category = cluster // CLUSTERS_PER_CATEGORY
    department = category // CATEGORIES_PER_DEPARTMENT
    created_ms = START_MS - 200 * DAY_MS + int(random.integers(int(550 * DAY_MS)))
    return Item(
        item_id=f"item-{row}",
        title=f"Thing {row} of kind {cluster}",
        category=f"Department {department} > Category {category} > Kind {cluster}",
        brand=f"Brand {int(random.integers(max(2, row // 50 + 2)))}",
        price=round(float(random.lognormal(2.5, 1.0)) + 0.5, 2),
        created_at=datetime.fromtimestamp(created_ms / 1_000, UTC),
    )


def _log(n_items: int, n_users: int, random: np.random.Generator) -> Interactions:
    n_clusters = n_items // CLUSTER
    lengths = random.geometric(1 / (EVENTS_PER_USER - MIN_EVENTS), n_users) + MIN_EVENTS - 1
    lengths = np.minimum(lengths, MAX_EVENTS)
    owners = np.repeat(np.arange(n_users, dtype=np.int32), lengths)
    n = len(owners)
    homes = _zipf(n_clusters, (n_users, HOME_CLUSTERS), random)
    clusters = homes[owners, random.integers(HOME_CLUSTERS, size=n)]
    clusters = np.where(random.random(n) < ELSEWHERE, _zipf(n_clusters, n, random), clusters)
    items = (clusters * CLUSTER + _zipf(CLUSTER, n, random)).astype(np.int32)
    # Sittings: a few events minutes apart, then days until the next.
    gaps_d = np.where(random.random(n) < 0.7, random.exponential(0.003, n), random.exponential(14.0, n))
    since_d = np.cumsum(gaps_d)
    starts = np.repeat(np.cumsum(lengths) - lengths, lengths)
    since_d -= since_d[starts]
    first_d = np.repeat(random.random(n_users) * YEAR_D, lengths)
    # Who would go on after the year's end began earlier instead.
    times_d = np.mod(first_d + since_d, YEAR_D)
    order = np.lexsort((times_d, owners))
    kinds = np.where(
        random.random(n) < PURCHASE_SHARE, CODE_BY_KIND[EventKind.PURCHASE], CODE_BY_KIND[EventKind.VIEW]
    ).astype(np.int8)
    return Interactions(
        owners,
        items[order],
        kinds,
        START_MS + (times_d[order] * DAY_MS).astype(np.int64),
        np.full(n, np.nan, np.float32),
        np.full(n, -1, np.int64),
        n_users,
        n_items,
    )


def _zipf(n: int, shape: int | tuple[int, ...], random: np.random.Generator) -> npt.NDArray[np.int64]:
    """Numbers below `n`, the `r`-th most frequent with probability proportional to `1 / (r + 3)`, in mixed order."""
    mass = np.cumsum(1 / (np.arange(n) + 3.0))
    ranks = np.searchsorted(mass / mass[-1], random.random(shape), side="right")
    mixed = np.random.default_rng(n).permutation(n)
    return mixed[np.minimum(ranks, n - 1)]


def _batches(log: Interactions) -> Iterator[list[EventRow]]:
    for start in range(0, len(log), BATCH):
        stop = min(start + BATCH, len(log))
        yield [
            EventRow(index.to_bytes(16, "big"), user_id(user), f"item-{item}", kind, time_ms)
            for index, user, item, kind, time_ms in zip(
                range(start, stop),
                log.user_rows[start:stop].tolist(),
                log.item_rows[start:stop].tolist(),
                log.kinds[start:stop].tolist(),
                log.times_ms[start:stop].tolist(),
                strict=True,
            )
        ]


def _unit(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
