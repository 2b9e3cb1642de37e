"""Rows pass a list of checks; the first that fails gives the record its reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from shelfwise.ingest.blocks import Block
from shelfwise.ingest.reasons import Reason
from shelfwise.store.sources import Refused

SHOWN_CHARS = 80
"""How much of a bad value a message quotes."""


class Check(NamedTuple):
    """What must not be: `fails` has one truth per row, null counting as no."""

    reason: Reason
    fails: pl.Series
    message: Callable[[int], str]


class Judged(NamedTuple):
    """Rows that passed, ascending, and the quarantine rows of the records that did not."""

    rows: np.ndarray[tuple[int], np.dtype[np.intp]]
    refused: list[Refused]


def judge(block: Block, checks: Sequence[Check]) -> Judged:
    """Split a block into rows to store and records to refuse.

    A record of several rows is judged as a whole: one bad row refuses it, by that row's reason, so that a
    repaired line can come again without half of it being there.
    """
    n_rows = block.frame.height
    code = np.full(n_rows, -1, np.int16)
    for number in range(len(checks) - 1, -1, -1):
        code[checks[number].fails.fill_null(False).to_numpy()] = number
    bad_rows = np.flatnonzero(code >= 0)
    first_bad: dict[int, int] = {}
    for row in bad_rows.tolist():
        first_bad.setdefault(block.record_by_row[row], row)
    refused: list[Refused] = []
    for record, row in first_bad.items():
        check = checks[int(code[row])]
        refused.append(block.refuse(record, check.reason, check.message(row)))
    if len(bad_rows) == 0:
        return Judged(np.arange(n_rows), refused)
    if not block.is_exploded:
        return Judged(np.flatnonzero(code < 0), refused)
    keep = [row for row in range(n_rows) if block.record_by_row[row] not in first_bad]
    return Judged(np.array(keep, dtype=np.intp), refused)


def quoted(value: object) -> str:
    """A value as a message shows it."""
    text = str(value)
    return repr(text if len(text) <= SHOWN_CHARS else text[:SHOWN_CHARS] + "…")
