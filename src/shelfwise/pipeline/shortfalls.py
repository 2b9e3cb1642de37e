"""What an answer could not do as configured: a clause for people, and one of a few kinds for counting."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Shortfall(StrEnum):
    """Kinds of what stands in an answer's `degraded`; a closed list, so that they can be counted."""

    STORE_AWAY = "store_away"
    KEY_MISSING = "key_missing"
    LATE = "late"
    PROFILE_LATE = "profile_late"
    FEW_CANDIDATES = "few_candidates"
    NOTHING_ALLOWED = "nothing_allowed"
    UNKNOWN_ITEM = "unknown_item"
    UNKNOWN_REGION = "unknown_region"
    NO_CATEGORY = "no_category"
    NO_BRAND = "no_brand"
    NO_PRICE = "no_price"
    NO_CLOCK = "no_clock"
    FLOOR_MISSED = "floor_missed"
    OTHER = "other"


class Told(str):
    """A clause of `degraded` that knows its kind."""

    __slots__ = ("kind",)
    kind: Shortfall

    def __new__(cls, kind: Shortfall, clause: str) -> Told:
        """Say `clause`, which is of `kind`."""
        made = super().__new__(cls, clause)
        made.kind = kind
        return made


def kinds_of(clauses: Iterable[str]) -> frozenset[Shortfall]:
    """The kinds of these clauses, each once."""
    return frozenset(one.kind if isinstance(one, Told) else Shortfall.OTHER for one in clauses)
