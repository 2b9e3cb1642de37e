"""Columns of raw values become columns of texts, numbers and truths, whole columns at a time.

What is absent becomes null. What is there and cannot be read becomes null as well; the caller tells the two
apart by comparing with `texts`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

EXACT_INTEGER = 2.0**53
"""Beyond it a float no longer tells neighbouring whole numbers apart."""

CURRENCY_BY_SIGN = {"£": "GBP", "$": "USD", "€": "EUR", "¥": "JPY", "₹": "INR"}

YES = (
    "true",
    "t",
    "yes",
    "y",
    "1",
    "instock",
    "available",
    "limitedavailability",
    "onlineonly",
    "presale",
    "preorder",
)
NO = (
    "false",
    "f",
    "no",
    "n",
    "0",
    "outofstock",
    "unavailable",
    "soldout",
    "discontinued",
    "backorder",
    "instoreonly",
)

_MONEY = r"^(?P<before>[A-Za-z]{3}|[£$€¥₹])?\s*(?P<amount>[-+]?[0-9.,]+)\s*(?P<after>[A-Za-z]{3}|[£$€¥₹])?$"


def texts(values: pl.Series, missing: Sequence[str]) -> pl.Series:
    """Values as stripped text; null where there is no value.

    A whole number that a float column holds is written without the point: 17850.0 is the customer 17850. The character
    NUL, which not every database can keep and no text means, becomes U+FFFD.
    """
    dtype = values.dtype
    if dtype.is_float():
        whole = (values == values.floor()) & (values.abs() < EXACT_INTEGER)
        text = pl.select(
            pl.when(values.is_nan() | values.is_infinite())
            .then(None)
            .when(whole)
            .then(values.cast(pl.Int64, strict=False).cast(pl.String))
            .otherwise(values.cast(pl.String))
        ).to_series()
        return text.alias(values.name)
    if isinstance(dtype, pl.List):
        text = values.cast(pl.List(pl.String), strict=False).list.join("; ", ignore_nulls=True)
    elif isinstance(dtype, pl.Struct):
        text = values.struct.json_encode()
    elif dtype == pl.Binary:
        text = values.cast(pl.String, strict=False)
    else:
        text = values.cast(pl.String)
    text = text.str.replace_all("\0", "\ufffd", literal=True).str.strip_chars()
    return blanked(text, text.str.to_lowercase().is_in([token.strip().lower() for token in missing]))


def ids(values: pl.Series, missing: Sequence[str]) -> pl.Series:
    """Texts that name somebody or something; "17850.0", as pandas writes a number with gaps, is 17850."""
    return texts(values, missing).str.replace(r"^(-?[0-9]+)\.0$", "$1")


def titles(values: pl.Series, missing: Sequence[str]) -> pl.Series:
    """Texts of one line: runs of spaces and line breaks become one space."""
    return texts(values, missing).str.replace_all(r"\s+", " ")


def numbers(values: pl.Series, missing: Sequence[str], decimal: str) -> pl.Series:
    """Finite numbers; null where there is none or none can be read."""
    if values.dtype.is_numeric() or values.dtype == pl.Boolean:
        read = values.cast(pl.Float64)
    else:
        read = _plain(texts(values, missing), decimal).cast(pl.Float64, strict=False)
    return blanked(read, ~read.is_finite())


def money(values: pl.Series, missing: Sequence[str], decimal: str) -> tuple[pl.Series, pl.Series]:
    """Amounts and the currencies written beside them, as in "12.99 EUR" or "£2.55"; null where none is."""
    if values.dtype.is_numeric():
        return numbers(values, missing, decimal), nothing(values.name, len(values), pl.String)
    parts = texts(values, missing).str.extract_groups(_MONEY).struct
    sign = parts.field("before").fill_null(parts.field("after"))
    amount = _plain(parts.field("amount"), decimal).cast(pl.Float64, strict=False)
    # A number in scientific notation has no place in a price list but does in a float column printed as text.
    amount = amount.fill_null(numbers(values, missing, decimal))
    return amount, sign.replace(CURRENCY_BY_SIGN).str.to_uppercase()


def truths(values: pl.Series, missing: Sequence[str]) -> pl.Series:
    """Yes or no, also as `in_stock`, `out of stock` or `https://schema.org/InStock`."""
    if values.dtype == pl.Boolean:
        return values
    if values.dtype.is_numeric():
        return values.cast(pl.Float64) > 0
    word = (
        texts(values, missing)
        .str.to_lowercase()
        .str.replace(r"^https?://schema\.org/", "")
        .str.replace_all(r"[\s_-]", "")
    )
    known = {**dict.fromkeys(YES, True), **dict.fromkeys(NO, False)}
    return word.replace_strict(known, default=None, return_dtype=pl.Boolean)


def matches(values: pl.Series, pattern: str) -> pl.Series:
    """Whether each whole text matches; an absent one is matched as an empty text.

    Python's own regular expressions are used, once for each distinct value.
    """
    compiled = re.compile(pattern)
    filled = values.fill_null("")
    distinct = filled.unique()
    good = [compiled.fullmatch(text) is not None for text in distinct.to_list()]
    return filled.is_in(distinct.filter(pl.Series(good, dtype=pl.Boolean)).implode())


def nothing(name: str, length: int, dtype: pl.DataType | type[pl.DataType]) -> pl.Series:
    """A column without values."""
    return pl.Series(name, [None], dtype=dtype).new_from_index(0, length)


def blanked(values: pl.Series, where: pl.Series) -> pl.Series:
    """The values with null where a mask says so; a null in the mask says no."""
    return pl.select(pl.when(where.fill_null(False)).then(None).otherwise(values)).to_series().alias(values.name)


def _plain(text: pl.Series, decimal: str) -> pl.Series:
    """Numbers without their thousands' marks and with a decimal point: "1,200.50" and "1.200,50" are 1200.50."""
    mark, point = (r"\.", ",") if decimal == "," else (",", r"\.")
    grouped = text.str.contains(rf"^[-+]?[0-9]{{1,3}}({mark}[0-9]{{3}})+({point}[0-9]+)?$").fill_null(False)
    without = text.str.replace_all(mark, "")
    bare = pl.select(pl.when(grouped).then(without).otherwise(text)).to_series().alias(text.name)
    if decimal == ",":
        bare = blanked(bare, bare.str.contains(".", literal=True)).str.replace(",", ".", literal=True)
    return bare
