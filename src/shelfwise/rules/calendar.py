"""Moments as people write them in a file: dates, times with and without an offset, and the zone they mean."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def known_zone(name: str) -> str:
    """A time zone's name, as it was given.

    Raises:
        ValueError: there is no such zone.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as cause:
        raise ValueError(f"there is no time zone {name!r}, as in 'Europe/Berlin'") from cause
    return name


def span_ms(start: datetime | date | None, until: datetime | date | None, zone: ZoneInfo) -> tuple[float, float]:
    """From when and until when something holds, in milliseconds; infinite where either is not said.

    A date without a time is still included where it ends the span.
    """
    start_ms = float("-inf") if start is None else _moment(start, zone).timestamp() * 1_000
    if until is None:
        return start_ms, float("inf")
    end = _moment(until, zone)
    if not isinstance(until, datetime):
        end = _moment(until + timedelta(days=1), zone)
    return start_ms, end.timestamp() * 1_000


def _moment(value: datetime | date, zone: ZoneInfo) -> datetime:
    if not isinstance(value, datetime):
        return datetime.combine(value, time(), zone)
    return value if value.tzinfo else value.replace(tzinfo=zone)
