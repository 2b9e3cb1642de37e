"""Every user's list, as a Parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
from sqlalchemy import select

from shelfwise.datasets.interactions import Interactions
from shelfwise.pipeline.batch_lists import UserList
from shelfwise.pipeline.fitted import Progress
from shelfwise.pipeline.recommender import Recommender
from shelfwise.schemas.candidates import History
from shelfwise.schemas.ids import VISITOR_PREFIX
from shelfwise.store import event_log
from shelfwise.store.records import Records
from shelfwise.store.tables import users

USERS_PER_WRITE = 2_000

SCHEMA: Any = pa.schema(
    [("user_id", pa.string()), ("item_id", pa.string()), ("position", pa.int32()), ("score", pa.float32())]
)


def write_lists(
    recommender: Recommender, records: Records, output: Path, scenario: str, k: int | None, progress: Progress
) -> int:
    """Write `user_id, item_id, position, score`, users in the order in which the store first saw them.

    The file appears under its name when it is whole.

    Returns:
        Users written.
    """
    k = k or recommender.scenario(scenario).k
    progress("reading events", None, None)
    with records.read() as connection:
        user_ids = list(connection.execute(select(users.c.user_id).order_by(users.c.row)).scalars())
        events = event_log.read_all(connection)
    interactions = Interactions.of(
        events,
        n_users=len(user_ids),
        n_items=len(recommender.catalogue),
        scenario_names=recommender.model.scenario_names,
    )
    del events
    n_known = sum(not user_id.startswith(VISITOR_PREFIX) for user_id in user_ids)
    scratch = output.with_name(f".{output.name}.unfinished")
    output.parent.mkdir(parents=True, exist_ok=True)
    done = 0
    try:
        with parquet.ParquetWriter(scratch, SCHEMA) as writer:
            batch: list[UserList] = []
            for found in recommender.recommend_all(_histories(user_ids, interactions), scenario, k):
                batch.append(found)
                done += 1
                if len(batch) == USERS_PER_WRITE:
                    writer.write_table(_table(batch, recommender))
                    batch = []
                if done % 256 == 0:
                    progress("writing lists", done, n_known)
            if batch:
                writer.write_table(_table(batch, recommender))
        scratch.replace(output)
    finally:
        scratch.unlink(missing_ok=True)
    return done


def _histories(user_ids: list[str], interactions: Interactions) -> Iterator[tuple[str, History]]:
    bounds = interactions.bounds()
    for row, user_id in enumerate(user_ids):
        if not user_id.startswith(VISITOR_PREFIX):
            yield user_id, interactions.history(int(bounds[row]), int(bounds[row + 1]))


def _table(batch: list[UserList], recommender: Recommender) -> Any:
    lengths = [len(found.rows) for found in batch]
    item_ids = recommender.catalogue.item_ids
    return pa.table(
        [
            pa.array(np.repeat([found.user_id for found in batch], lengths)),
            pa.array([item_ids[row] for found in batch for row in found.rows.tolist()], pa.string()),
            pa.array(np.concatenate([np.arange(1, length + 1, dtype=np.int32) for length in lengths])),
            pa.array(np.concatenate([found.scores for found in batch]).astype(np.float32)),
        ],
        schema=SCHEMA,
    )
