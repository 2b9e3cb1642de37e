"""One person as the shop knows them: facts, what they turn to, and whom they are like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from shelfwise.errors import UnknownError
from shelfwise.pipeline.interests import Interest, interests, price_cuts, price_level, weights_of
from shelfwise.pipeline.people_alike import Alike, people_alike
from shelfwise.pipeline.recommender import Recommender
from shelfwise.schemas.candidates import History
from shelfwise.schemas.events import EventKind
from shelfwise.schemas.ids import FIRST_REAL_TIME_MS
from shelfwise.schemas.items import PATH_SEPARATOR, Item
from shelfwise.store import catalogue, event_log, people_lists, timelines
from shelfwise.store.people_lists import Person
from shelfwise.store.records import Records

READ = 2_000
"""Latest events of interest that interests are told from."""

N_ALIKE = 8

ThemeNames = Callable[[Recommender], Sequence[str]]
"""Names of a model's themes."""


@dataclass(frozen=True, slots=True)
class PersonTold:
    """What is known of a person.

    Attributes:
        person: Who.
        kinds: Events by kind, of the latest.
        profile_text: What the model reads of the attributes; None where it reads none.
        region: Where trends are looked at for them; None: nowhere in particular.
        n_read: Events of interest that the rest is told from.
        interests: By what is told apart: categories, brands, themes, prices; what nothing is known of is left out.
        price_cuts: Prices that part the levels.
        currency: That of most items that they turned to; None where those name none.
        alike: None where no model compares people.
        titles: Of the items that are named, by row.
    """

    person: Person
    kinds: dict[EventKind, int]
    profile_text: str | None
    region: str | None
    n_read: int
    interests: dict[str, list[Interest]]
    price_cuts: tuple[float, float] | None
    currency: str | None
    alike: list[Alike] | None
    titles: dict[int, Item]


def person_told(
    records: Records, recommender: Recommender | None, user_id: str, now_ms: int, theme_names: ThemeNames
) -> PersonTold:
    """Read one person.

    Args:
        records: The shop's.
        recommender: The model in service; None where there is none.
        user_id: Who.
        now_ms: The shop's time.
        theme_names: Names a model's themes.

    Raises:
        UnknownError: the shop knows nobody of that id.
    """
    with records.read() as connection:
        person = people_lists.find(connection, user_id)
        if person is None:
            raise UnknownError(f"there is no user {user_id!r}", code="unknown_user")
        kinds = timelines.counts_by_kind(connection, person.row)
        history = event_log.recent_events(connection, user_id, READ)
        items = {entry.row: entry.item for entry in catalogue.read_rows(connection, history.rows.tolist())}
    known = history if recommender is None else recommender.live.known(history)
    alike = None if recommender is None or not len(known) else people_alike(recommender, records, known, N_ALIKE)
    profile_text = None
    if recommender is not None and person.attributes is not None:
        profile_text = recommender.asking.profiles.text_of(user_id) or None
    cuts = None if recommender is None else price_cuts(recommender.model.funnel.state.log_price)
    return PersonTold(
        person,
        kinds,
        profile_text,
        recommender.live.regions_of([user_id])[0] if recommender is not None else None,
        len(history),
        _interests(history, items, recommender, now_ms, cuts, theme_names),
        cuts,
        _most_common(item.currency for item in items.values()),
        alike,
        items,
    )


def _interests(
    history: History,
    items: dict[int, Item],
    recommender: Recommender | None,
    now_ms: int,
    cuts: tuple[float, float] | None,
    theme_names: ThemeNames,
) -> dict[str, list[Interest]]:
    has_clock = bool(len(history)) and bool(history.times_ms[-1] >= FIRST_REAL_TIME_MS)
    weights = weights_of(history, now_ms, has_clock=has_clock)
    each = [items.get(row) for row in history.rows.tolist()]
    names: dict[str, list[Hashable | None]] = {
        "categories": [None if item is None else f" {PATH_SEPARATOR} ".join(item.path) for item in each],
        "brands": [None if item is None else item.brand for item in each],
    }
    if recommender is not None and recommender.model.funnel.themes is not None:
        themes = recommender.model.funnel.themes
        own, codes = theme_names(recommender), np.asarray(themes.codes)
        known = [int(codes[row]) if row < len(codes) else -1 for row in history.rows.tolist()]
        names["themes"] = [own[code] if code >= 0 else None for code in known]
    if cuts is not None:
        names["prices"] = [None if item is None or not item.price else price_level(item.price, cuts) for item in each]
    found = {name: interests(history, weights, of_each) for name, of_each in names.items()}
    return {name: told for name, told in found.items() if told}


def _most_common(values: Iterable[str | None]) -> str | None:
    counted = Counter(value for value in values if value)
    return counted.most_common(1)[0][0] if counted else None
