"""Amazon Office Products with the validation and test rows that MiniOneRec published.

What was published of the training rows is only what stands in the histories of those rows, at most ten items each, so
that less may be learned from here than in the published tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from peers.exam import Ints, Questions

LONGEST = 10
"""Items that a published history holds at most."""


@dataclass(frozen=True, slots=True)
class Row:
    """One published question.

    Attributes:
        history: Items before it, oldest first, at most ten.
    """

    user: str
    history: tuple[str, ...]
    target: str


def published(folder: Path, part: str) -> list[Row]:
    """The rows of "valid" or "test", in the published order."""
    table = pl.read_parquet(folder / f"{part}.parquet")
    return [Row(user, tuple(history), target) for user, history, target in table.iter_rows()]


def sequences(validation: list[Row], test: list[Row]) -> dict[str, tuple[list[str], list[str]]]:
    """Each user's items before the first question, which may be learned from, and the answers, in order."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for row in [*validation, *test]:
        before, answers = found.setdefault(row.user, (list(row.history), []))
        if row.history != tuple([*before, *answers][-LONGEST:]):
            raise ValueError(f"the rows of user {row.user} are not in the order of time")
        answers.append(row.target)
    return found


def events(validation: list[Row], test: list[Row]) -> pl.DataFrame:
    """Everything that is known of anybody as a log; times are places in the user's sequence."""
    lines = [
        (user, item, "purchase", place)
        for user, (before, answers) in sequences(validation, test).items()
        for place, item in enumerate([*before, *answers])
    ]
    return pl.DataFrame(lines, schema=["user_id", "item_id", "event", "timestamp"], orient="row")


def questions(
    rows: list[Row], user_rows: dict[str, int], item_rows: dict[str, int], kind: int, now_ms: int
) -> Questions:
    """Published rows as an exam asks them."""
    lengths = [len(row.history) for row in rows]
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    history: Ints = np.array([item_rows[item] for row in rows for item in row.history], np.int32)
    return Questions(
        np.array([user_rows[row.user] for row in rows], np.int32),
        np.full(len(rows), now_ms, np.int64),
        starts,
        history,
        np.full(len(history), kind, np.int8),
        np.concatenate([np.arange(length, dtype=np.int64) for length in lengths]),
        np.arange(len(rows) + 1, dtype=np.int64),
        np.array([item_rows[row.target] for row in rows], np.int32),
    )
