"""Retailrocket as multi-behaviour studies cut it: views, carts, purchases; one held-out purchase per user; no texts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from shelfwise.config.shop import ShopConfig
from shelfwise.datasets.catalogue import NO_TIME_MS, Catalogue
from shelfwise.datasets.examples import NO_CONTEXT, Example
from shelfwise.datasets.interactions import Interactions
from shelfwise.datasets.training_data import TrainingData
from shelfwise.schemas.candidates import ANY_KIND, Situation
from shelfwise.schemas.events import CODE_BY_KIND, EventKind

KINDS = {"view": EventKind.VIEW, "cart": EventKind.CART, "buy": EventKind.PURCHASE}
RETRIEVERS = ("transitions", "cooccurrence", "ease", "similar_users", "factors", "popular", "recent")


@dataclass(frozen=True, slots=True)
class Log:
    """A shop's log, and who is asked about what.

    Attributes:
        config: Of the shop.
        data: What may be learned from.
        questions: One per user, after everything that he did.
    """

    config: ShopConfig
    data: TrainingData
    questions: list[Example]


def read(folder: Path) -> Log:
    """Read the folder `retailrocket`.

    The published cut has no event of a user with the item of his held-out purchase, not even the view before it. So
    items that a user touched in any way are shown to him by no model: asked is what new item he buys.
    """
    events = pl.read_csv(folder / "train.csv.gz").sort("user", "timestamp", maintain_order=True)
    asked = pl.read_csv(folder / "test_buy.csv").sort("user")
    n_users = 1 + max(int(part["user"].to_numpy().max()) for part in (events, asked))
    n_items = 1 + max(int(part["item"].to_numpy().max()) for part in (events, asked))
    n = len(events)
    log = Interactions(
        events["user"].to_numpy().astype(np.int32),
        events["item"].to_numpy().astype(np.int32),
        np.array([CODE_BY_KIND[KINDS[kind]] for kind in events["behavior"]], np.int8),
        events["timestamp"].to_numpy().astype(np.int64) * 1_000,
        np.full(n, np.nan, np.float32),
        np.full(n, -1, np.int64),
        n_users,
        n_items,
    )
    names = [str(row) for row in range(n_items)]
    nothing = np.full(n_items, np.nan, np.float32)
    catalogue = Catalogue(
        names, names, [()] * n_items, [None] * n_items, nothing, np.full(n_items, NO_TIME_MS), np.ones(n_items, bool)
    )
    config = ShopConfig.model_validate(
        {
            "version": 1,
            "behaviour": {"target": "purchase", "repeats": "exclude", "had": "any"},
            "encode": {"text": {"use": "none"}},
            "retrieve": {name: {"use": name} for name in RETRIEVERS},
            "rank": {"use": "multi-objective"},
        }
    )
    bounds = log.bounds()
    questions = []
    for user, item in asked.iter_rows():
        start, end = int(bounds[user]), int(bounds[user + 1])
        situation = Situation(log.history(start, end), int(log.times_ms[end - 1]) + 1, NO_CONTEXT, ANY_KIND)
        questions.append(Example(user, situation, np.array([item], np.int32)))
    return Log(config, TrainingData(log, catalogue, None, log.end_ms), questions)
