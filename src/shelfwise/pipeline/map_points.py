"""The catalogue's map as it is now: the places that training gave to items, with what is known of them today."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfwise.features.theme_words import theme_words
from shelfwise.pipeline.live_catalogue import LiveCatalogue
from shelfwise.pipeline.recommender import Recommender
from shelfwise.schemas.ids import Floats, Rows
from shelfwise.store.maps import StoredMap

MAGIC = b"SWMP"
FORMAT = 1
HEADER_BYTES = 16

NEAREST = 5
"""A new item lies in the middle of so many like ones."""

AT_ONCE = 256
"""New items that are placed by one product of matrices."""

NO_GROUP = 65_535


@dataclass(frozen=True, slots=True)
class Groups:
    """What colours tell apart.

    Attributes:
        kind: `category`, or `theme` in a shop that does not sort its items itself, or `none`.
        names: By number.
        codes: Of every row, `NO_GROUP` where it has none; shape `(n,)`.
    """

    kind: str
    names: list[str]
    codes: npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class MapPoints:
    """Every item that may be shown and has a place, in the order of rows.

    Attributes:
        rows: Shape `(N,)`.
        positions: Within [-1, 1]; shape `(N, 2)`.
        groups: Of all rows of the catalogue.
        popularity: Events of interest so far; shape `(N,)`.
        exposure: Times shown in the latest answers; shape `(N,)`.
        n_new: Those among them that came after the map was drawn, and lie among what they are like.
        n_unplaced: Items that may be shown and have no place.
    """

    rows: Rows
    positions: Floats
    groups: Groups
    popularity: Rows
    exposure: Rows
    n_new: int
    n_unplaced: int

    def packed(self) -> bytes:
        """As pages read it, little-endian.

        Bytes 0 to 15: `SWMP`, the format as 16 bits, 16 bits of nothing, N as 32 bits, 32 bits of nothing. Then, N of
        each: x and y (32-bit floats), popularity, exposure and row (32-bit), group (16-bit).
        """
        header = MAGIC + np.array([FORMAT, 0], "<u2").tobytes() + np.array([len(self.rows), 0], "<u4").tobytes()
        columns = (
            self.positions[:, 0].astype("<f4"),
            self.positions[:, 1].astype("<f4"),
            self.popularity.astype("<u4"),
            self.exposure.astype("<u4"),
            self.rows.astype("<u4"),
            self.groups.codes[self.rows].astype("<u2"),
        )
        return header + b"".join(column.tobytes() for column in columns)


def map_points(drawn: StoredMap, recommender: Recommender, popularity: Rows, exposure: Rows) -> MapPoints:
    """Lay today's catalogue upon a map.

    Args:
        drawn: The map, of the version in service or an earlier one: rows of items are permanent.
        recommender: Knows today's items.
        popularity: Events of interest by row.
        exposure: Times shown by row.

    Cost:
        0.1 s at 100,000 items; not for the event loop.
    """
    catalogue = recommender.catalogue
    n = len(catalogue)
    allowed = np.array(catalogue.allowed[:n])
    positions = np.full((n, 2), np.nan, np.float32)
    n_drawn = min(n, len(drawn.positions))
    positions[:n_drawn] = drawn.positions[:n_drawn]
    missing = np.flatnonzero(allowed & np.isnan(positions[:, 0])).astype(np.int32)
    positions[missing] = _among_the_like(missing, drawn.positions, recommender)
    rows = np.flatnonzero(allowed & ~np.isnan(positions[:, 0])).astype(np.int32)
    return MapPoints(
        rows,
        positions[rows],
        _groups(catalogue, recommender, n),
        _of(popularity, rows),
        _of(exposure, rows),
        int((~np.isnan(positions[missing, 0])).sum()),
        int(allowed.sum()) - len(rows),
    )


def _of(counts: Rows, rows: Rows) -> Rows:
    known = rows < len(counts)
    found = np.zeros(len(rows), np.int32)
    found[known] = counts[rows[known]]
    return found


def _among_the_like(rows: Rows, drawn: Floats, recommender: Recommender) -> Floats:
    """The middle of the nearest placed items, by text or else by picture; NaN where neither is known."""
    found = np.full((len(rows), 2), np.nan, np.float32)
    funnel = recommender.model.funnel
    for table in (funnel.vectors, funnel.pictures):
        if table is None:
            continue
        base = table.base[: len(drawn)].astype(np.float32, copy=False)
        placed = ~np.isnan(drawn[: len(base), 0]) & base.any(axis=1)
        if placed.sum() < NEAREST:
            continue
        for start in range(0, len(rows), AT_ONCE):
            chunk = rows[start : start + AT_ONCE]
            vectors, known = table.take(chunk)
            wanted = known & vectors.any(axis=1) & np.isnan(found[start : start + AT_ONCE, 0])
            if not wanted.any():
                continue
            likeness = np.where(placed, vectors[wanted] @ base.T, -np.inf)
            nearest = np.argpartition(-likeness, NEAREST - 1, axis=1)[:, :NEAREST]
            found[start + np.flatnonzero(wanted)] = drawn[nearest].mean(axis=1)
    return found


def _groups(catalogue: LiveCatalogue, recommender: Recommender, n: int) -> Groups:
    paths = catalogue.paths[:n]
    for depth in (0, 1):
        numbers: dict[str, int] = {}
        codes = np.full(n, NO_GROUP, np.uint16)
        for row, path in enumerate(paths):
            if len(path) > depth:
                code = numbers.setdefault(path[depth], len(numbers))
                codes[row] = min(code, NO_GROUP)
        if 2 <= len(numbers) < NO_GROUP:
            return Groups("category", list(numbers), codes)
    themes = recommender.model.funnel.themes
    if themes is None or not len(themes.centres):
        return Groups("none", [], np.full(n, NO_GROUP, np.uint16))
    codes = np.full(n, -1, np.int32)
    known = themes.codes[:n]
    codes[: len(known)] = known
    names = theme_words(catalogue.titles[:n], codes, len(themes.centres))
    return Groups("theme", names, np.where(codes < 0, NO_GROUP, codes).astype(np.uint16))
