"""A shop in service that holds no files: its records, its model, its recommender."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from shelfwise.config.shop import ShopConfig
from shelfwise.datasets.training_data import TrainingData
from shelfwise.offers.learning import learn_response
from shelfwise.pipeline.model import Model
from shelfwise.pipeline.recommender import Recommender
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.items import Item
from shelfwise.store import catalogue, event_log
from shelfwise.store.event_log import EventRow
from shelfwise.store.marks import marks
from shelfwise.store.records import Records
from shelfwise.train.fit import fit

QUICK: dict[str, Any] = {"version": 1, "rank": {"use": "fusion", "model": "reciprocal"}}
"""The ranker is the quickest there is."""


def no_attributes(_: int) -> dict[str, str]:
    """Items of which nothing further is known."""
    return {}


def opened_shop(
    folder: Path,
    data: TrainingData,
    document: Mapping[str, Any] = QUICK,
    attributes_of: Callable[[int], dict[str, str]] = no_attributes,
    *,
    with_offers: bool = False,
) -> tuple[Recommender, Records]:
    """A shop that sold what `data` says, its model in service.

    Args:
        folder: Where the records go.
        data: Users are called `user-0` and so on.
        document: Its `shop.toml`, parsed.
        attributes_of: The attributes of each item, by row.
        with_offers: Whether it is learned who answers to offers.
    """
    config = ShopConfig.model_validate(document)
    fitted = fit(config, data, np.ones(data.interactions.n_users, bool), lambda *_: None)
    records = Records.open("sqlite:///shop.db", folder)
    known, log = data.catalogue, data.interactions
    items = [
        Item(
            item_id=item_id,
            title=title,
            category=" > ".join(path) or None,
            brand=brand,
            price=float(price),
            created_at=datetime(2020, 1, 1, tzinfo=UTC),
            attributes=attributes_of(row),
        )
        for row, (item_id, title, path, brand, price) in enumerate(
            zip(known.item_ids, known.titles, known.paths, known.brands, known.prices, strict=True)
        )
    ]
    events = [
        EventRow(f"{place:016d}".encode(), f"user-{user}", known.item_ids[item], int(kind), int(time))
        for place, (user, item, kind, time) in enumerate(
            zip(log.user_rows, log.item_rows, log.kinds, log.times_ms, strict=True)
        )
    ]
    with records.write() as connection:
        catalogue.upsert(connection, items)
        event_log.append(connection, events, None)
        learned_up_to = marks(connection)
    model = Model(
        "v1",
        config,
        fitted.funnel,
        fitted.repeats,
        CODE_BY_KIND[fitted.target],
        bool((log.kinds == CODE_BY_KIND[EventKind.PURCHASE]).all()),
        len(known),
        data.now_ms,
        None,
        None,
        response=learn_response(data, np.ones(log.n_users, bool)).model if with_offers else None,
        learned_up_to=learned_up_to,
    )
    return Recommender(model, records), records
