"""Times in the formats that shops write, whole columns at a time, as milliseconds since 1970-01-01 UTC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from shelfwise.config.ingest import EPOCHS, ORDER
from shelfwise.ingest.values import blanked, texts

PATTERNS = (
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M %p",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y",
    "%d-%m-%Y %H:%M",
    "%d-%m-%Y %H:%M:%S",
    "%d-%m-%Y",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%Y%m%d%H%M%S",
    "%Y%m%d",
    "%d %b %Y %H:%M:%S",
    "%d %b %Y %H:%M",
    "%d %b %Y",
    "%b %d, %Y %H:%M:%S",
    "%b %d, %Y",
    "%a, %d %b %Y %H:%M:%S %z",
    "%d/%b/%Y:%H:%M:%S %z",
)
"""Patterns that are recognised without being told; any other can be declared."""

KNOWN = ("iso8601", *EPOCHS, *PATTERNS)

ORDER_STEP_MS = 1_000
"""One step of an `order` is stored as a second: enough to sort by, far from any real time."""

_ISO = (
    r"^(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ](?P<time>[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?)?"
    r"\s*(?P<zone>[Zz]|UTC|[-+][0-9]{2}(?::?[0-9]{2})?)?)?$"
)
_EPOCH_BOUNDS = {"epoch_s": (0.0, 1e11), "epoch_ms": (1e11, 1e14), "epoch_us": (1e14, 1e17)}
_EPOCH_DIGITS = {
    "epoch_s": r"^[0-9]{9,10}(\.[0-9]+)?$",
    "epoch_ms": r"^[0-9]{12,13}(\.[0-9]+)?$",
    "epoch_us": r"^[0-9]{15,16}(\.[0-9]+)?$",
}
_MS_BY_EPOCH = {"epoch_s": 1_000.0, "epoch_ms": 1.0, "epoch_us": 0.001}


def parse(values: pl.Series, formats: Sequence[str], zone: str, missing: Sequence[str]) -> pl.Series:
    """Read a column of times; the first format that reads a value wins.

    Args:
        values: Texts, whole numbers, dates or times; typed times need no format.
        formats: Names or strptime patterns, `auto` excepted.
        zone: Zone of times written without one. An hour that exists twice is the earlier one, one that a
            clock change skips cannot be read.
        missing: Texts that mean that there is no value.

    Returns:
        Milliseconds, null where there is no value or none of the formats reads it.
    """
    if values.dtype == pl.Date or isinstance(values.dtype, pl.Datetime):
        return _typed(values, zone)
    text = texts(values, missing)
    read = pl.Series(values.name, [None], dtype=pl.Int64).new_from_index(0, len(values))
    for name in formats:
        if read.null_count() == text.null_count():
            break
        read = read.fill_null(_parse_one(text, name, zone))
    return read


@dataclass(frozen=True, slots=True)
class Detection:
    """What a sample of a column of times looks like: the formats that read the most of it.

    Attributes:
        best: Formats that read the most values; several where day and month can be swapped, none where they
            read less than a third.
        fraction: Share of the values that they read, in [0, 1].
    """

    best: tuple[str, ...]
    fraction: float


def detect(values: pl.Series, zone: str, missing: Sequence[str]) -> Detection:
    """Find the format in which most values of a sample are written; typed times count as iso8601."""
    if values.dtype == pl.Date or isinstance(values.dtype, pl.Datetime):
        return Detection(("iso8601",), 1.0)
    text = texts(values, missing).drop_nulls()
    if not len(text):
        return Detection((), 0.0)
    was_read = {name: recognised(text, name, zone).is_not_null() for name in KNOWN}
    first = max(KNOWN, key=lambda name: int(was_read[name].sum()))
    fraction = int(was_read[first].sum()) / len(text)
    if fraction < _ENOUGH:
        return Detection((), fraction)
    # Formats that read the very same values: only day and month can be swapped so.
    best = tuple(name for name in KNOWN if was_read[name].equals(was_read[first]))
    return Detection(best, fraction)


def looks_like_order(values: pl.Series, missing: Sequence[str]) -> bool:
    """Whether the values are whole numbers too small to be times."""
    if values.dtype == pl.Date or isinstance(values.dtype, pl.Datetime):
        return False
    text = texts(values, missing).drop_nulls()
    return len(text) > 0 and bool(text.str.contains(r"^[0-9]{1,7}$").all())


def recognised(text: pl.Series, name: str, zone: str) -> pl.Series:
    """Like `parse` with one format, but a number counts as an epoch only where it has that epoch's digits."""
    if name in _EPOCH_DIGITS:
        text = blanked(text, ~text.str.contains(_EPOCH_DIGITS[name]))
    read = _parse_one(text, name, zone)
    # A two-digit year read by %Y, or eight digits that are an article number, make no date.
    return blanked(read, ~read.is_between(_YEAR_1970_MS, _YEAR_2100_MS))


def other_format(value: str, tried: Sequence[str], zone: str) -> str | None:
    """A known format that reads a value which the formats of its file do not; None where it is no time at all."""
    one = pl.Series([value], dtype=pl.String)
    for name in KNOWN:
        if name not in tried and recognised(one, name, zone).count():
            return name
    return None


_ENOUGH = 1 / 3
_YEAR_1970_MS = 0
_YEAR_2100_MS = 4_102_444_800_000


def _typed(values: pl.Series, zone: str) -> pl.Series:
    moment = values.cast(pl.Datetime("ms")) if values.dtype == pl.Date else values
    if isinstance(moment.dtype, pl.Datetime) and moment.dtype.time_zone is None:
        moment = _located(moment, zone)
    return moment.dt.epoch("ms")


def _located(moment: pl.Series, zone: str) -> pl.Series:
    return (
        moment
        if zone == "UTC"
        else moment.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
    )


def _parse_one(text: pl.Series, name: str, zone: str) -> pl.Series:
    if name == "iso8601":
        return _iso(text, zone)
    if name == ORDER:
        whole = text.str.contains(r"^[0-9]{1,12}(\.0)?$")
        return (blanked(text, ~whole).cast(pl.Float64, strict=False) * ORDER_STEP_MS).cast(pl.Int64)
    if name in _EPOCH_BOUNDS:
        number = text.cast(pl.Float64, strict=False)
        low, high = _EPOCH_BOUNDS[name]
        number = blanked(number, ~number.is_between(low, high, closed="left"))
        return (number * _MS_BY_EPOCH[name]).floor().cast(pl.Int64, strict=False)
    if not any(part in name for part in ("%H", "%I", "%T", "%R", "%s", "%c", "%X")):
        text, name = text + " 00:00", f"{name} %H:%M"
    moment = text.str.to_datetime(name, strict=False, time_unit="ms", ambiguous="earliest")
    if isinstance(moment.dtype, pl.Datetime) and moment.dtype.time_zone is None:
        moment = _located(moment, zone)
    return moment.dt.epoch("ms")


def _iso(text: pl.Series, zone: str) -> pl.Series:
    parts = text.str.extract_groups(_ISO).struct
    time = parts.field("time").fill_null("00:00").str.replace(",", ".", literal=True)
    # 08:26 has no seconds; the pattern below wants them.
    time = pl.select(pl.when(time.str.len_bytes() == 5).then(time + ":00").otherwise(time)).to_series()
    moment = (parts.field("day") + "T" + time).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False, time_unit="ms")
    offset = parts.field("zone")
    if not offset.count():
        return _located(moment, zone).dt.epoch("ms")
    sign = pl.select(pl.when(offset.str.starts_with("-")).then(-1).otherwise(1)).to_series()
    digits = offset.str.replace_all(r"[^0-9]", "")
    hours = digits.str.slice(0, 2).cast(pl.Int64, strict=False).fill_null(0)
    minutes = digits.str.slice(2, 2).cast(pl.Int64, strict=False).fill_null(0)
    shifted = moment.dt.epoch("ms") - sign * (hours * 60 + minutes) * 60_000
    return pl.select(
        pl.when(offset.is_not_null()).then(shifted).otherwise(_located(moment, zone).dt.epoch("ms"))
    ).to_series()
