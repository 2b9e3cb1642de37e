"""What is known of every item at one moment: popularity, age, price, names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from shelfwise.features.recent_demand import recent_demand
from shelfwise.schemas.ids import Doubles, Floats, Rows, Times
from shelfwise.store.arrays import mapped

DAY_MS = 86_400_000
HALF_LIVES_D = (3.0, 7.0, 30.0, 120.0)
"""Popularity is told at four speeds: this week's rush, a fashion, a season, a staple."""

POPULARITY = (*(f"popularity_{half_life:g}d" for half_life in HALF_LIVES_D), "popularity_all")
"""Names of the columns of `ItemState.popularity`."""

ROOM = 1_024
"""Rows added at a time when new items outgrow the arrays."""

DOUBT = 20.0
"""Users' worth of the shop's own repeat rate that an item's starts from."""

ROWS_COUNTED = 65_536
"""Rows whose names are counted at a time, so that a mapped array is not copied as a whole."""

MAX_NAMES = 8
"""Names per item that count for affinity: the brand and the deepest of the category path."""


@dataclass(slots=True)
class ItemState:
    """Row `i` of every array is the item of row `i`; mutable only by `put`, while serving.

    Attributes:
        popularity: `log(1 + decayed count / mean item's)` per half-life, then of the whole count; shape `(n, 5)`.
        repeat_rate: Share of an item's users who came back to it at another moment, shrunk to the shop's; shape `(n,)`.
        reach: Share of the users active lately who turned to the item for the first time; 0 without a clock; `(n,)`.
        return_rate: Share of its earlier users active lately who came back lately; 0 without a clock; shape `(n,)`.
        first_ms: First event, or the shop's creation time where that is earlier; -1 where never; shape `(n,)`.
        last_ms: Last event; -1 where never, or without a clock; shape `(n,)`.
        log_price: NaN where unknown; shape `(n,)`.
        names: Codes of category names and brand, padded with `len(rarity) - 1`; shape `(n, MAX_NAMES)`.
        rarity: `log(n / carriers)` per name, a last 0 for the padding; shape `(n_names + 1,)`.
    """

    popularity: Floats
    repeat_rate: Floats
    reach: Floats
    return_rate: Floats
    first_ms: Times
    last_ms: Times
    log_price: Floats
    names: npt.NDArray[np.int32]
    rarity: Floats
    _shared: Floats | None = field(default=None, init=False, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.first_ms)

    @property
    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        """All of them, in the order above."""
        return (
            self.popularity,
            self.repeat_rate,
            self.reach,
            self.return_rate,
            self.first_ms,
            self.last_ms,
            self.log_price,
            self.names,
            self.rarity,
        )

    @property
    def shared_rarity(self) -> Floats:
        """`rarity`, and 0 for names that a single item carries: they join it to no other; shape `(n_names + 1,)`."""
        if self._shared is None:
            carriers = np.zeros(len(self.rarity), np.int64)
            for start in range(0, len(self.names), ROWS_COUNTED):
                block = self.names[start : start + ROWS_COUNTED]
                carriers += np.bincount(block.ravel(), minlength=len(carriers))
            self._shared = np.where(carriers > 1, self.rarity, np.float32(0))
        return self._shared

    @classmethod
    def fit(
        cls,
        user_rows: npt.NDArray[np.int32],
        item_rows: Rows,
        times_ms: Times,
        *,
        now_ms: int,
        has_clock: bool,
        prices: Floats,
        created_ms: Times,
        paths: Sequence[tuple[str, ...]],
        brands: Sequence[str | None],
    ) -> Self:
        """Count what happened before `now_ms`.

        Args:
            user_rows: User of each event; shape `(E,)`.
            item_rows: Item of each event; shape `(E,)`.
            times_ms: Time of each event, all before `now_ms`; shape `(E,)`.
            now_ms: The moment described.
            has_clock: Whether times are moments; otherwise every half-life counts all events alike.
            prices: Price of each item, NaN where unknown; shape `(n,)`.
            created_ms: When the shop created each item, -1 where unknown; shape `(n,)`.
            paths: Category path of each item; length `n`.
            brands: Brand of each item; length `n`.
        """
        n = len(prices)
        columns = []
        for half_life_d in HALF_LIVES_D:
            weights = np.exp2((times_ms - now_ms) / DAY_MS / half_life_d) if has_clock else None
            columns.append(_relative(np.bincount(item_rows, weights, minlength=n).astype(np.float64)))
        columns.append(_relative(np.bincount(item_rows, minlength=n).astype(np.float64)))
        reach, return_rate = np.zeros(n, np.float32), np.zeros(n, np.float32)
        last = np.full(n, -1, np.int64)
        if has_clock:
            reach, return_rate = recent_demand(user_rows, item_rows, times_ms, now_ms=now_ms, n_items=n)
            np.maximum.at(last, item_rows, times_ms)
        first = np.where((created_ms >= 0) & (created_ms <= now_ms), created_ms, np.iinfo(np.int64).max)
        if has_clock:
            np.minimum.at(first, item_rows, times_ms)
        first[first == np.iinfo(np.int64).max] = -1
        with np.errstate(invalid="ignore", divide="ignore"):
            log_price = np.where(prices > 0, np.log(prices), np.nan).astype(np.float32)
        names, rarity = _names(paths, brands)
        rate = _repeat_rate(user_rows, item_rows, times_ms, n)
        popularity = np.stack(columns, axis=1).astype(np.float32)
        return cls(popularity, rate, reach, return_rate, first, last, log_price, names, rarity)

    @property
    def codes_from_one(self) -> npt.NDArray[np.int32]:
        """The names with 0 for the padding, and all others above it; shape `(n, MAX_NAMES)`."""
        return np.where(self.names == len(self.rarity) - 1, 0, self.names + 1).astype(np.int32)

    def put(self, row: int, *, price: float | None, created_ms: int) -> None:
        """Make room for an item that came while serving; its names are known at the next training."""
        if row >= len(self):
            n_new = row + ROOM - len(self)
            padding = len(self.rarity) - 1
            self.popularity = np.concatenate([self.popularity, np.zeros((n_new, self.popularity.shape[1]), np.float32)])
            self.repeat_rate = np.concatenate([self.repeat_rate, np.full(n_new, self.repeat_rate.mean(), np.float32)])
            self.reach = np.concatenate([self.reach, np.zeros(n_new, np.float32)])
            self.return_rate = np.concatenate([self.return_rate, np.full(n_new, self.return_rate.mean(), np.float32)])
            self.first_ms = np.concatenate([self.first_ms, np.full(n_new, -1, np.int64)])
            self.last_ms = np.concatenate([self.last_ms, np.full(n_new, -1, np.int64)])
            self.log_price = np.concatenate([self.log_price, np.full(n_new, np.nan, np.float32)])
            self.names = np.concatenate([self.names, np.full((n_new, MAX_NAMES), padding, np.int32)])
        if not self.log_price.flags.writeable:
            self.log_price, self.first_ms = self.log_price.copy(), self.first_ms.copy()
        if self.first_ms[row] < 0:
            self.first_ms[row] = created_ms
        self.log_price[row] = np.log(price) if price else np.nan

    def save(self, folder: Path) -> None:
        """Write one array per attribute."""
        for one in _kept():
            np.save(folder / f"{one}.npy", getattr(self, one))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Map what `save` wrote."""
        return cls(*(mapped(folder / f"{one}.npy") for one in _kept()))


def _kept() -> list[str]:
    return [one.name for one in fields(ItemState) if one.init]


def _relative(counts: Doubles) -> Doubles:
    """Counts against the mean item's, so that a busy season and a quiet one look alike to the ranker."""
    return np.log1p(counts / max(float(counts.mean()), 1e-12)) if len(counts) else counts


def _repeat_rate(user_rows: npt.NDArray[np.int32], item_rows: Rows, times_ms: Times, n_items: int) -> Floats:
    moments = np.unique(np.stack([user_rows.astype(np.int64) * n_items + item_rows, times_ms]), axis=1)[0]
    pairs, n_moments = np.unique(moments, return_counts=True)
    owners = (pairs % max(n_items, 1)).astype(np.int64)
    n_users = np.bincount(owners, minlength=n_items)
    n_back = np.bincount(owners, n_moments > 1, minlength=n_items)
    overall = n_back.sum() / max(n_users.sum(), 1)
    return ((n_back + DOUBT * overall) / (n_users + DOUBT)).astype(np.float32)


def _names(paths: Sequence[tuple[str, ...]], brands: Sequence[str | None]) -> tuple[npt.NDArray[np.int32], Floats]:
    numbers: dict[str, int] = {}
    lists: list[list[int]] = []
    for path, brand in zip(paths, brands, strict=True):
        # A brand often leads the category path too: one name, whichever way the shop writes it.
        carried = dict.fromkeys(([brand] if brand else []) + list(reversed(path)))
        lists.append([numbers.setdefault(name, len(numbers)) for name in carried][:MAX_NAMES])
    padding = len(numbers)
    names = np.full((len(lists), MAX_NAMES), padding, np.int32)
    for row, codes in enumerate(lists):
        names[row, : len(codes)] = codes
    carriers = np.bincount(names.ravel(), minlength=padding + 1)
    rarity = np.log(max(len(lists), 1) / np.maximum(carriers, 1)).clip(min=0).astype(np.float32)
    rarity[padding] = 0
    return names, rarity
