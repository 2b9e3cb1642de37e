"""How fresh a shop is: its newest event, its newest change, its model, and what waits."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import Connection

from shelfwise.insight.period import moment
from shelfwise.pipeline.live_model import LiveModel
from shelfwise.schemas.events import EventKind
from shelfwise.store import catalogue, event_log, traffic
from shelfwise.store.marks import marks
from shelfwise.store.traffic import Measure


class ModelState(BaseModel):
    """The model in service in the process that answers."""

    version: str
    created_at: str | None = Field(description="When it was trained.")
    n_items: int | None = Field(description="Items that it was trained with.")
    n_events: int | None = Field(description="Events that it was trained with.")
    ranker: str | None
    held_out_ndcg: float | None = Field(description="Of that ranker, on what was held out.")
    new_items: int = Field(description="Items that came since; they are shown all the same.")
    waiting_events: int = Field(description="Events stored that this process has not taken up yet.")
    waiting_items: int = Field(description="Items whose text or picture this process has still to encode.")


class StateReport(BaseModel):
    """How fresh the shop is."""

    now: datetime = Field(description="The shop's time: that after its last event where an old log is replayed.")
    is_replay: bool
    items: int
    events: int
    newest_event_at: datetime | None = Field(description="When the latest event happened; null without events.")
    event_came_at: datetime | None = Field(
        description="The minute in which one came over the API last; the hour where that is days ago; null: never."
    )
    item_changed_at: datetime | None = Field(description="The same of an item that was new, changed or deleted.")
    model: ModelState | None = Field(description="Null before anything was trained.")


CHANGED = ("new", "changed", "deleted")
"""What may become of an item that is sent, where it becomes something."""


def state_report(
    connection: Connection, *, now_ms: int, is_replay: bool, live: LiveModel | None, manifest: dict[str, Any]
) -> StateReport:
    """How fresh the shop is now.

    Args:
        connection: Any.
        now_ms: The shop's time.
        is_replay: Whether that is of the past.
        live: The model in service, and how far it followed the store; None before anything was trained.
        manifest: Of its version.
    """
    newest_ms = event_log.newest_ms(connection)
    came_s = traffic.newest_s(connection, Measure.EVENT, [kind.value for kind in EventKind])
    changed_s = traffic.newest_s(connection, Measure.ITEM, CHANGED)
    return StateReport(
        now=moment(now_ms / 1_000),
        is_replay=is_replay,
        items=catalogue.count(connection),
        events=event_log.count(connection),
        newest_event_at=moment(newest_ms / 1_000) if newest_ms else None,
        event_came_at=None if came_s is None else moment(came_s),
        item_changed_at=None if changed_s is None else moment(changed_s),
        model=None if live is None else _model(connection, live, manifest),
    )


def _model(connection: Connection, live: LiveModel, manifest: dict[str, Any]) -> ModelState:
    ranker: dict[str, Any] = manifest.get("learned", {}).get("ranker", {})
    name = ranker.get("model")
    return ModelState(
        version=live.model.name,
        created_at=manifest.get("created_at"),
        n_items=manifest.get("n_items"),
        n_events=manifest.get("data", {}).get("n_events"),
        ranker=name,
        held_out_ndcg=ranker.get("held_out_ndcg", {}).get(name),
        new_items=max(0, len(live.catalogue) - live.model.n_items),
        waiting_events=max(0, marks(connection).events - live.marks.events),
        waiting_items=len(live.pending),
    )
