"""What the values of a column say about what it can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from shelfwise.config.ingest import MISSING
from shelfwise.ingest import times, values

MOSTLY = 0.9
"""Share of the values that must fit before a column counts as prices, dates, ….."""

MAX_EVENT_NAMES = 60
MAX_ATTRIBUTE_CHARS = 60


class Contents(NamedTuple):
    """A sample of one column, without absent values."""

    raw: pl.Series
    text: pl.Series
    n_rows: int

    @property
    def examples(self) -> tuple[str, ...]:
        """The first three different values, shortened."""
        return tuple(str(value)[:40] for value in self.text.unique(maintain_order=True)[:3].to_list())

    @property
    def is_empty(self) -> bool:
        """Whether the sample has no value at all."""
        return len(self.text) == 0

    def share(self, fits: pl.Series) -> float:
        """Share of the values that fit, in [0, 1]."""
        return share_of(fits)


def share_of(truths: pl.Series) -> float:
    """Share of yes in a column of yes and no, null counting as no, in [0, 1]."""
    return int(truths.fill_null(False).sum()) / len(truths) if len(truths) else 0.0


def contents_of(raw: pl.Series) -> Contents:
    """Look at a column of a sample."""
    text = values.texts(raw, MISSING)
    return Contents(raw.filter(text.is_not_null()), text.drop_nulls(), len(raw))


def fits(ours: str, found: Contents, decimal: str, zone: str = "UTC") -> bool:
    """Whether a column's values can be what one of our columns holds."""
    if found.is_empty:
        return False
    if ours in ("timestamp", "created_at"):
        return is_time(found, zone) or (ours == "timestamp" and times.looks_like_order(found.raw, MISSING))
    if ours in ("quantity", "value"):
        return is_numeric(found, decimal)
    if ours == "price":
        amount, _ = values.money(found.raw, MISSING, decimal)
        return found.share(amount.is_not_null()) >= MOSTLY
    if ours == "position":
        number = values.numbers(found.raw, MISSING, decimal)
        return found.share((number >= 1) & (number == number.floor())) >= MOSTLY
    if ours == "available":
        return found.share(values.truths(found.raw, MISSING).is_not_null()) >= MOSTLY
    if ours == "currency":
        return found.share(found.text.str.contains(r"^[A-Za-z]{3}$")) >= MOSTLY
    if ours == "image":
        return found.share(found.text.str.contains(r"(?i)^https?://|/|\.(jpe?g|png|webp|gif|avif)$")) >= MOSTLY
    if ours == "event":
        return found.text.n_unique() <= MAX_EVENT_NAMES and not is_numeric(found, decimal)
    if ours == "event_id":
        return found.text.n_unique() == found.n_rows
    if ours in ("title", "description", "brand", "category"):
        return not is_numeric(found, decimal)
    return True


def is_time(found: Contents, zone: str = "UTC") -> bool:
    """Whether nearly all values are dates or times in one known format."""
    return times.detect(found.raw, zone, MISSING).fraction >= MOSTLY


def is_numeric(found: Contents, decimal: str) -> bool:
    """Whether nearly all values are numbers."""
    return found.share(values.numbers(found.raw, MISSING, decimal).is_not_null()) >= MOSTLY


def decimal_of(columns: Sequence[Contents]) -> str:
    """The decimal mark of a file: a comma where some column is full of numbers with one."""
    for found in columns:
        if found.raw.dtype == pl.String and not found.is_empty:
            with_comma = found.text.str.contains(r"^-?[0-9]{1,3}(\.?[0-9]{3})*,[0-9]{1,2}$")
            whole = found.text.str.contains(r"^-?[0-9]+$")
            if found.share(with_comma | whole) >= MOSTLY and found.share(with_comma) > 0.3:
                return ","
    return "."


def is_attribute(found: Contents) -> bool:
    """Whether a column's values repeat and are short, so that they describe rather than name."""
    if found.is_empty or isinstance(found.raw.dtype, pl.Struct):
        return False
    length = found.text.str.len_chars().mean()
    repeats = found.text.n_unique() <= max(1, len(found.text) // 2)
    return repeats and isinstance(length, float) and length <= MAX_ATTRIBUTE_CHARS


def is_prose(found: Contents) -> bool:
    """Whether a column's values are mostly three words or more in a row, without digits or addresses."""
    if found.is_empty or isinstance(found.raw.dtype, pl.Struct):
        return False
    in_a_row = found.text.str.contains(r"\p{L}{2,}[\s,;.]+\p{L}{2,}[\s,;.]+\p{L}{2,}")
    return found.share(in_a_row & ~found.text.str.contains(r"[@\d]")) >= MOSTLY


def overlap(some: Contents, others: Contents) -> float:
    """Share of the distinct values of one column that another has too, in [0, 1]."""
    if some.is_empty or others.is_empty:
        return 0.0
    # Ids are compared as ingest stores them: 17850.0 is 17850, and case is decided later.
    mine = values.ids(some.raw, MISSING).str.to_uppercase().unique()
    theirs = values.ids(others.raw, MISSING).str.to_uppercase().unique()
    shared = mine.is_in(theirs.implode())
    return share_of(shared)
