"""What people search for, and what they search for in vain."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, Field
from sqlalchemy import Connection

from shelfwise.insight.period import moment
from shelfwise.insight.windows import Windows
from shelfwise.store import event_windows
from shelfwise.store.event_windows import Searched

MAX_CHARS = 100
"""Of a term as it is told; longer texts are cut."""

MAX_LOOKED_UP = 500
"""Terms that are looked up in the catalogue, those of most people first."""


class Found(StrEnum):
    """What the catalogue has for a term today."""

    ALL_WORDS = "all_words"
    SOME_WORDS = "some_words"
    """Nothing has all of its words: what is shown has only some."""
    NOTHING = "nothing"
    UNKNOWN = "unknown"
    """The catalogue could not be searched, or the term was not looked up."""


class Term(BaseModel):
    """A text that was searched for, in small letters."""

    term: str
    searches: int
    searches_before: int = Field(description="In the stretch of the same length before.")
    people: int = Field(description="Different people who searched for it.")
    found: Found = Field(description="What the catalogue has for it today.")


class SearchReport(BaseModel):
    """Searches of the days before a moment, told by `search` events.

    What fewer people searched for than `least_people` is counted and not told: it may name somebody.
    """

    as_of: datetime
    begins_at: datetime
    days: int
    least_people: int
    searches: int
    searches_before: int
    people: int = Field(description="Different people who searched.")
    terms: int = Field(description="Different texts.")
    untold: int = Field(description="Texts that fewer people searched for than `least_people`.")
    most: list[Term] = Field(description="Those of most people first.")
    without_results: list[Term] = Field(
        description="Terms for which the catalogue has nothing, or nothing with all words."
    )


def search_report(
    connection: Connection, windows: Windows, *, least_people: int, k: int, look_up: Callable[[str], Found]
) -> SearchReport:
    """What was searched for.

    Args:
        connection: Any.
        windows: Which days.
        least_people: Different people who must have searched for a term before it is told.
        k: Terms at most, of each list.
        look_up: What the catalogue has for a term.

    Cost:
        Some milliseconds for each term that is looked up, of `MAX_LOOKED_UP` at most.
    """
    now = _by_term(event_windows.searches_between(connection, windows.starts_ms, windows.as_of_ms))
    before = _by_term(event_windows.searches_between(connection, windows.before_ms, windows.starts_ms))
    people_by_term = {term: len(set(users)) for term, users in now.items()}
    told = sorted(
        (term for term, n in people_by_term.items() if n >= least_people),
        key=lambda term: (-people_by_term[term], -len(now[term]), term),
    )
    terms = [
        Term(
            term=term,
            searches=len(now[term]),
            searches_before=len(before.get(term, ())),
            people=people_by_term[term],
            found=look_up(term) if place < MAX_LOOKED_UP else Found.UNKNOWN,
        )
        for place, term in enumerate(told)
    ]
    return SearchReport(
        as_of=moment(windows.as_of_ms / 1_000),
        begins_at=moment(windows.starts_ms / 1_000),
        days=windows.days,
        least_people=least_people,
        searches=sum(map(len, now.values())),
        searches_before=sum(map(len, before.values())),
        people=len({user for users in now.values() for user in users}),
        terms=len(now),
        untold=len(now) - len(told),
        most=terms[:k],
        without_results=[one for one in terms if one.found in (Found.NOTHING, Found.SOME_WORDS)][:k],
    )


def _by_term(searches: list[Searched]) -> dict[str, list[int]]:
    """Who searched for each term, once for each search."""
    users_by_term: dict[str, list[int]] = {}
    for search in searches:
        term = " ".join(search.text.casefold().split())[:MAX_CHARS]
        if term:
            users_by_term.setdefault(term, []).append(search.user_row)
    return users_by_term
