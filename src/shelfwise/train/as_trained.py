"""Ask a version that is about to be published what its shoppers would see: what drift is told against later.

It is asked as a server asks it, on the model's files, with the shop's rules and places as they are now. Who is asked
about has all of the log for a history, as those who come back have; only how long ago the last event is, is drawn
from how long people are away, within a visit and between two. Asked at moments of the past instead, retrievers that
know how it went on would be surer of their answers than they ever are in service.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from shelfwise.config.shop import ScenarioSpec
from shelfwise.datasets.interactions import DAY_MS, Interactions
from shelfwise.datasets.moments import WINDOW_D
from shelfwise.errors import QueryError
from shelfwise.pipeline import model as models
from shelfwise.pipeline.as_trained import (
    N_PLACES,
    VISIT_MS,
    Asked,
    AsTrained,
    PlaceAsTrained,
    wanted_mix,
)
from shelfwise.pipeline.asking import SEEN, Composed
from shelfwise.pipeline.category_groups import CategoryGroups
from shelfwise.pipeline.fitted import Progress
from shelfwise.pipeline.recommender import Answer, Recommender
from shelfwise.schemas.candidates import History
from shelfwise.schemas.ids import VISITOR_PREFIX, Bools
from shelfwise.schemas.queries import Query
from shelfwise.store.records import Records
from shelfwise.store.versions import Version

MAX_SHOPPERS = 200
"""Who are asked about, in every place and as every kind of asker."""

USUAL_AWAY_MS = (60_000, DAY_MS)
"""Within a visit and between two, where the log knows of none."""

SEED = 0

log = logging.getLogger("shelfwise.train")


def note_as_trained(
    folder: Path,
    manifest: dict[str, Any],
    records: Records,
    interactions: Interactions,
    user_ids: list[str],
    progress: Progress,
) -> None:
    """Write the file into the folder of a version whose other files are there.

    What goes wrong is told in the log and leaves the version without the file: then no drift is stated, and a training
    of hours is not lost.

    Args:
        folder: Of the version.
        manifest: As it will be written.
        records: The shop's.
        interactions: That the version learned from; of none, nothing is noted.
        user_ids: By user row.
        progress: Told of every step.

    Cost:
        The memory of a server process that loads the version, beside what it learned from; free when this returns.
    """
    if not len(interactions):
        return
    try:
        model = models.load(Version(folder.name, folder, manifest, is_current=False))
        recommender = Recommender(model, records, encodes_at_once=False)
        as_trained(recommender, interactions, user_ids, progress).save(folder)
    except Exception as error:
        log.warning("what answers look like could not be noted: no drift will be stated", exc_info=error)


def as_trained(
    recommender: Recommender, interactions: Interactions, user_ids: list[str], progress: Progress, *, seed: int = SEED
) -> AsTrained:
    """What a model's answers look like for those who were there lately.

    Args:
        recommender: Answers as it will in service.
        interactions: That the model learned from; not empty.
        user_ids: By user row.
        progress: Told of every place.
        seed: Of who is drawn.

    Cost:
        Two or three times `MAX_SHOPPERS` answers for every place of the shop: seconds.
    """
    recent = _recent(interactions)
    paths, n_by_item = recommender.catalogue.paths, np.bincount(interactions.item_rows[recent])
    n_by_path: dict[tuple[str, ...], float] = {path: 0.0 for path in paths if path}
    for row, n in enumerate(n_by_item.tolist()):
        if n and row < len(paths) and paths[row]:
            n_by_path[paths[row]] += n
    categories = CategoryGroups.of(n_by_path)
    n_groups = len(categories.labels) if categories.tell_apart else 0
    asked, share = _shoppers(interactions, recent, user_ids, seed)
    places: dict[str, PlaceAsTrained] = {}
    for scenario in recommender.model.config.scenarios:
        spec = recommender.scenario(scenario)
        if spec.answer != "items":
            continue
        progress(f"noting what {scenario} shows", None, None)
        is_about_items = "items" in spec.needs or bool(spec.alternatives or spec.complements)
        answers: list[Asked] = []
        for one in asked:
            query = _query(recommender, scenario, spec, one, is_about_items=is_about_items)
            if query is None:
                continue
            for composed in one.coming(is_about_items=is_about_items):
                found = _answered(recommender, query, composed, one)
                if found is not None and found.slate.items:
                    scores = [item.score for item in found.slate.items]
                    # Items may have come since, while answers follow the store.
                    groups = [categories.group(recommender.catalogue.paths[row]) for row in found.rows.tolist()]
                    answers.append(Asked(found.asker, scores, groups, one.n_days))
        place = PlaceAsTrained.of(
            answers,
            is_about_items=is_about_items,
            has_scores=spec.order == "ranker",
            n_groups=n_groups,
            share=share,
        )
        if place is not None:
            places[scenario] = place
    wanted = None
    if n_groups:
        group_by_row = np.array([categories.group(path) for path in paths], np.int32)
        wanted = wanted_mix(group_by_row[interactions.item_rows[recent]], _visits(interactions)[recent], n_groups)
    return AsTrained(categories, places, wanted)


@dataclass(frozen=True, slots=True)
class _Shopper:
    """Somebody who comes back.

    Attributes:
        user_id: Who.
        history: All of it.
        away_ms: How long ago the last event is, within a visit and between two; empty in a log without a clock.
        n_days: On how many days he was there lately: so often he asks. A wholesaler's hundred lines are one visit.
    """

    user_id: str
    history: History
    away_ms: tuple[int, ...]
    n_days: int

    def coming(self, *, is_about_items: bool) -> list[Composed]:
        """What is known of him each time that he asks; also as a stranger, where the item tells strangers apart."""
        known: list[Composed] = [partial(self._history_at, away_ms) for away_ms in self.away_ms or (None,)]
        return [_nothing, *known] if is_about_items else known

    def _history_at(self, away_ms: int | None, now_ms: int) -> History:
        if away_ms is None:
            return self.history
        later_ms = now_ms - away_ms - int(self.history.times_ms[-1])
        return replace(self.history, times_ms=self.history.times_ms + later_ms)


def _nothing(_: int) -> History:
    return History.empty()


def _recent(interactions: Interactions) -> Bools:
    """Events of the last weeks; all of them without a clock."""
    if not interactions.has_clock:
        return np.ones(len(interactions), bool)
    return interactions.times_ms >= interactions.end_ms - int(WINDOW_D * DAY_MS)


def _visits(interactions: Interactions) -> npt.NDArray[np.int64]:
    """A number for each user's day; for each user without a clock."""
    users = interactions.user_rows.astype(np.int64)
    return users * 100_000 + interactions.times_ms // DAY_MS if interactions.has_clock else users


def _shoppers(
    interactions: Interactions, recent: Bools, user_ids: list[str], seed: int
) -> tuple[list[_Shopper], float]:
    """Some of those who were there lately, each once; and which share of them that is."""
    random = np.random.default_rng(seed)
    visits = _visits(interactions)[recent]
    _, first = np.unique(visits, return_index=True)
    n_days = np.bincount(interactions.user_rows[recent][first], minlength=interactions.n_users)
    there = np.flatnonzero(n_days)
    drawn = np.sort(random.permutation(there)[:MAX_SHOPPERS])
    bounds = interactions.bounds()
    away = _away(interactions, recent)
    found = [
        _Shopper(
            user_ids[user],
            interactions.history(int(bounds[user]), int(bounds[user + 1])).last(SEEN),
            _drawn(random, away, int(bounds[user]), int(bounds[user + 1])),
            int(n_days[user]),
        )
        for user in drawn.tolist()
    ]
    return found, len(drawn) / len(there)


def _away(interactions: Interactions, recent: Bools) -> npt.NDArray[np.int64] | None:
    """How long before each event the same user did something; -1 for a first event, and for one of long ago."""
    if not interactions.has_clock:
        return None
    away = np.full(len(interactions), -1, np.int64)
    goes_on = recent[1:] & (interactions.user_rows[1:] == interactions.user_rows[:-1])
    away[1:][goes_on] = np.diff(interactions.times_ms)[goes_on]
    return away


def _drawn(random: np.random.Generator, away: npt.NDArray[np.int64] | None, start: int, end: int) -> tuple[int, ...]:
    """One of a user's own absences, else one of somebody's: within a visit, and between two."""
    if away is None:
        return ()
    found: list[int] = []
    for place, usual_ms in enumerate(USUAL_AWAY_MS):
        pool = np.empty(0, np.int64)
        for known in (away[start:end], away):
            pool = known[(known >= 0) & ((known >= VISIT_MS) == (place == 1))]
            if len(pool):
                break
        found.append(int(random.choice(pool)) if len(pool) else usual_ms)
    return tuple(found)


def _answered(recommender: Recommender, query: Query, composed: Composed, shopper: _Shopper) -> Answer | None:
    """An answer as it would be served; None where the place cannot be asked for it."""
    slate_id = f"as-trained/{query.scenario}/{shopper.history.user_row}"
    try:
        return recommender.answer(query, slate_id, composed=composed)
    except QueryError:
        return None


def _query(
    recommender: Recommender, scenario: str, spec: ScenarioSpec, shopper: _Shopper, *, is_about_items: bool
) -> Query | None:
    """The request, about what the shopper turned to last where the place is to be told of something."""
    catalogue = recommender.catalogue
    row = int(shopper.history.rows[-1])
    brand = catalogue.brands.name_of(row)
    about: dict[str, Any] = {
        "items": [catalogue.item_ids[row]],
        "category": " > ".join(catalogue.paths[row]),
        "brand": None if brand is None else str(brand),
    }
    named = {need: about[need] for need in {*spec.needs, *(("items",) if is_about_items else ())}}
    if not all(named.values()):
        return None
    is_visitor = shopper.user_id.startswith(VISITOR_PREFIX)
    name = shopper.user_id.removeprefix(VISITOR_PREFIX) if is_visitor else shopper.user_id
    return Query(scenario=scenario, k=N_PLACES, **{"session_id" if is_visitor else "user_id": name}, **named)
