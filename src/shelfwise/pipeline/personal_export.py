"""What the shop knows of a person, for that person: all that they gave, and all that was made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from shelfwise.errors import UnknownError
from shelfwise.pipeline.recommender import Recommender
from shelfwise.schemas.ids import VISITOR_PREFIX
from shelfwise.schemas.items import Item
from shelfwise.schemas.queries import Query, Slate
from shelfwise.store import catalogue, event_log, people, personal
from shelfwise.store.records import Records
from shelfwise.store.slate_log import LoggedSlate

N_RECOMMENDED = 20


def personal_export(
    records: Records,
    recommender: Recommender | None,
    user_id: str,
    recommend: Callable[[Query], Slate] | None = None,
) -> dict[str, Any]:
    """Everything given and everything derived, as plain JSON.

    Args:
        records: The shop's.
        recommender: The model in service; None where there is none: nothing is derived then.
        user_id: Who.
        recommend: Answers a query, where that is not to be done on the caller's thread.

    Raises:
        UnknownError: the shop knows nobody of that id.
    """
    with records.read() as connection:
        if personal.row_of(connection, user_id) is None and not personal.slates_of(connection, user_id):
            raise UnknownError("there is no such user", code="unknown_user")
        attributes = people.attributes_of_one(connection, user_id)
        events = personal.events_of(connection, user_id)
        shown = personal.slates_of(connection, user_id)
        rows = {int(row) for slate in shown for row in slate.rows}
        items = {entry.row: entry.item for entry in catalogue.read_rows(connection, rows)}
    return {
        "user_id": user_id,
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "given": {"attributes": attributes, "events": events},
        "shown": [_slate(slate, items) for slate in shown],
        "derived": None
        if recommender is None
        else _derived(records, recommender, user_id, recommend or recommender.recommend),
    }


def _slate(slate: LoggedSlate, items: dict[int, Item]) -> dict[str, Any]:
    return {
        "slate_id": slate.slate_id,
        "at": datetime.fromtimestamp(slate.at_ms / 1_000, UTC).isoformat(timespec="milliseconds"),
        "scenario": slate.scenario,
        "model_version": slate.model_version,
        "rules_version": slate.rules_version,
        "query": slate.query,
        "items": [
            {
                "position": place,
                "item_id": items[row].item_id if row in items else None,
                "title": items[row].title if row in items else None,
                "propensity": chance,
                "reason": slate.why[place - 1].reason if place <= len(slate.why) else None,
            }
            for place, (row, chance) in enumerate(zip(slate.rows.tolist(), slate.propensities.tolist(), strict=True), 1)
        ],
    }


def _derived(
    records: Records, recommender: Recommender, user_id: str, recommend: Callable[[Query], Slate]
) -> dict[str, Any]:
    model, known = recommender.model, recommender.catalogue
    with records.read() as connection:
        history = event_log.recent_events(connection, user_id, model.config.behaviour.history, model.scenario_names)
    rows = recommender.live.known(history).rows.tolist()
    text = recommender.asking.profiles.text_of(user_id)
    vector = recommender.asking.profiles.of(user_id, []) if text else None
    asked = (
        Query(session_id=user_id.removeprefix(VISITOR_PREFIX))
        if user_id.startswith(VISITOR_PREFIX)
        else Query(user_id=user_id)
    )
    slate = recommend(asked.model_copy(update={"k": N_RECOMMENDED}))
    return {
        "model_version": model.name,
        "profile_text": text,
        "profile_vector": None if vector is None else [round(float(number), 4) for number in vector],
        "region": recommender.live.regions_of([user_id])[0],
        "n_events_read": len(rows),
        "interests": {
            "categories": _shares(" > ".join(known.paths[row]) for row in rows),
            "brands": _shares(str(known.brands.name_of(row) or "") for row in rows),
        },
        "recommended_now": [
            {"item_id": item.item_id, "title": item.title, "reason": item.reason, "sources": item.sources}
            for item in slate.items
        ],
    }


def _shares(names: Iterable[str]) -> dict[str, float]:
    """What share of the latest events each has, largest first; those without one are left out."""
    counts = Counter(names)
    n = sum(counts.values())
    return {name: round(count / n, 4) for name, count in counts.most_common() if name}
