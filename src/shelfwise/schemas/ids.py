"""Identifiers: the shop's strings and our integers are different types.

A row is an item's (or a user's) integer. It is given once, when the store first sees the id, counts up from 0 without
gaps and never changes, so that every array of every model version can be indexed by it. Only
`shelfwise.store.identities` converts between the two.
"""

from __future__ import annotations

from typing import NewType

import numpy as np
import numpy.typing as npt

ItemId = NewType("ItemId", str)
UserId = NewType("UserId", str)
Row = NewType("Row", int)
UserRow = NewType("UserRow", int)

Rows = npt.NDArray[np.int32]
"""Item rows; shape as stated where used."""

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Times = npt.NDArray[np.int64]
"""Milliseconds since 1970-01-01 UTC."""

FIRST_REAL_TIME_MS = 788_918_400_000
"""1995-01-01: timestamps before it only order events, as in a log that kept no clock."""

VISITOR_PREFIX = "visitor:"
"""Start of the user id of somebody known by a browser or session only."""
