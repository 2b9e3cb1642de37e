"""A catalogue out of an order export: each field of an item is its most frequent value."""

from __future__ import annotations

import polars as pl


class MostCommon:
    """Counts the values of every field of every item.

    Memory follows the number of different (item, value) pairs, not that of the lines. Equal counts fall to
    the value that was seen first; items keep the order in which they were first seen.
    """

    def __init__(self) -> None:
        self._counts: dict[str, pl.DataFrame] = {}
        self._schema: dict[str, pl.DataType] = {}
        self._seen = 0

    def add(self, frame: pl.DataFrame) -> None:
        """Count checked rows; `frame` has the column `item_id`, the same columns every time, and no absent ids."""
        self._schema = dict(frame.schema)
        numbered = frame.with_row_index("first", offset=self._seen).with_columns(pl.col("first").cast(pl.Int64))
        self._seen += frame.height
        for name in frame.columns:
            value = pl.lit(True) if name == "item_id" else pl.col(name)
            found = (
                numbered.select("item_id", "first", value.alias("value"))
                .drop_nulls("value")
                .group_by("item_id", "value")
                .agg(pl.len().cast(pl.Int64).alias("n"), pl.col("first").min())
            )
            before = self._counts.get(name)
            if before is not None:
                found = (
                    pl.concat([before, found])
                    .group_by("item_id", "value")
                    .agg(pl.col("n").sum(), pl.col("first").min())
                )
            self._counts[name] = found

    def result(self) -> pl.DataFrame:
        """One row per item, with the columns that were counted."""
        if not self._counts:
            return pl.DataFrame(schema={"item_id": pl.String})
        items = self._counts["item_id"].sort("first").select("item_id")
        for name, counts in self._counts.items():
            if name == "item_id":
                continue
            best = (
                counts.sort("n", "first", descending=[True, False])
                .unique("item_id", keep="first", maintain_order=True)
                .select("item_id", pl.col("value").alias(name))
            )
            items = items.join(best, on="item_id", how="left", maintain_order="left")
        return items
