"""Shops on disk whose log holds only a part of what the prepared shop's does."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import select

from peers.exams import without_encoder
from peers.own_models import encode
from peers.shops import PREPARED, READY, DataSet, ready
from shelfwise.config.load import FILE_NAME
from shelfwise.config.shop import ShopConfig
from shelfwise.datasets.interactions import Interactions
from shelfwise.schemas.ids import Bools
from shelfwise.shop import Shop
from shelfwise.store.event_log import SHOWS_INTEREST
from shelfwise.store.tables import events
from shelfwise.train.data import load

DATABASE = "shelfwise.db"

Sequences = npt.NDArray[np.int64]


def read(data: DataSet) -> tuple[Path, ShopConfig, Interactions, Bools, Sequences]:
    """A prepared shop, encoded: folder, configuration, log, who may be asked, and each event's number in the store."""
    folder = PREPARED / data.name
    if not (folder / READY).exists():
        ready(data)
    encode(folder)
    with Shop.open(folder) as shop:
        config = shop.config
        loaded = load(without_encoder(config), shop.records, folder, None)
        query = (
            select(events.c.seq)
            .where(events.c.item_row.is_not(None), SHOWS_INTEREST)
            .order_by(events.c.user_row, events.c.timestamp_ms, events.c.seq)
        )
        with shop.records.read() as connection:
            numbers = np.array(list(connection.execute(query).scalars()), np.int64)
    if len(numbers) != len(loaded.data.interactions):
        raise SystemExit(f"{folder}: the log is read in two ways that disagree")
    return folder, config, loaded.data.interactions, loaded.users, numbers


def copy(source: Path, folder: Path, config: ShopConfig, kept: Sequences, retrieve: Mapping[str, Any]) -> None:
    """The same items, users and vectors, and only some of the events.

    Args:
        kept: Numbers of the events that stay.
        retrieve: Options of each retriever, by name; those that the shop has come first.
    """
    folder.mkdir(parents=True)
    shutil.copytree(source / config.store.vectors, folder / config.store.vectors)
    with sqlite3.connect(source / DATABASE) as original, sqlite3.connect(folder / DATABASE) as database:
        original.backup(database)
        _keep(database, kept)
    lines = ["version = 1", "[behaviour]", f"history = {config.behaviour.history}"]
    lines.append(f'repeats = "{config.behaviour.repeats}"')
    for name, options in retrieve.items():
        lines += [f"[retrieve.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in options.items())]
    (folder / FILE_NAME).write_text("\n".join(lines) + "\n", encoding="utf-8")


def add(source: Path, folder: Path, new: Sequences) -> None:
    """Put further events of the original into a copy, under the numbers that they had there."""
    with sqlite3.connect(folder / DATABASE) as database:
        database.execute("ATTACH ? AS original", (str(source / DATABASE),))
        database.execute("CREATE TEMP TABLE wanted (seq INTEGER PRIMARY KEY)")
        database.executemany("INSERT INTO wanted VALUES (?)", ((int(number),) for number in new))
        database.execute("INSERT OR IGNORE INTO main.events SELECT e.* FROM original.events e JOIN wanted USING (seq)")


def _keep(database: sqlite3.Connection, kept: Sequences) -> None:
    database.execute("CREATE TEMP TABLE kept (seq INTEGER PRIMARY KEY)")
    database.executemany("INSERT INTO kept VALUES (?)", ((int(number),) for number in kept))
    database.execute("DELETE FROM main.events WHERE seq NOT IN (SELECT seq FROM kept)")
