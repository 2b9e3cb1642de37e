"""What comes in over the API, checked one by one, so that one bad event or item costs no other."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from pydantic import ValidationError

from shelfwise.datasets.interactions import DAY_MS
from shelfwise.schemas.events import CODE_BY_KIND, MAX_ID_CHARS, Event
from shelfwise.schemas.ids import FIRST_REAL_TIME_MS, VISITOR_PREFIX
from shelfwise.schemas.items import Item
from shelfwise.serve.problems import FieldProblem, field_problems
from shelfwise.serve.visitors import Visitor
from shelfwise.store.event_keys import event_key
from shelfwise.store.event_log import EventRow

KEY_BYTES = 16

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def check_event(
    sent: Any, *, now_ms: int, has_clock: bool, visitor: Visitor | None = None
) -> EventRow | list[FieldProblem]:
    """One event ready to be stored, or why it is refused.

    Args:
        sent: As it came.
        now_ms: The shop's time: what an event without a timestamp gets.
        has_clock: Whether the shop's timestamps are moments; otherwise early ones are allowed.
        visitor: Whose page sent it; None for a server. What pages call their events is told apart by visitor: nobody's
            page can take the name of an event that is still to come from elsewhere.
    """
    try:
        event = Event.model_validate(sent)
    except ValidationError as cause:
        return field_problems(cause.errors(include_input=False, include_url=False))
    owner = event.user_id if event.user_id is not None else f"{VISITOR_PREFIX}{event.session_id}"
    time_ms = now_ms if event.timestamp is None else (event.timestamp - _EPOCH) // _MS
    refused = _impossible(event, owner, time_ms, now_ms, has_clock)
    if refused is not None:
        return [refused]
    content = (
        owner,
        event.item_id,
        CODE_BY_KIND[event.event],
        time_ms,
        event.value,
        event.quantity,
        event.price,
        event.currency,
        event.session_id,
        event.scenario,
        event.position,
        event.slate_id,
        event.query,
    )
    if event.event_id is None and event.timestamp is None:
        # Nothing tells it from another one: two clicks in the same millisecond are two clicks.
        key = secrets.token_bytes(KEY_BYTES)
    else:
        key = event_key(_name(event.event_id, visitor), content)
    # No part of the key: what a shop sends of an event that it sent before names no new event.
    return EventRow(key, *content, device=event.device)


def _name(event_id: str | None, visitor: Visitor | None) -> str | None:
    if event_id is None or visitor is None:
        return event_id
    return f"{visitor.owner}\x1f{event_id}"


def _impossible(event: Event, owner: str, time_ms: int, now_ms: int, has_clock: bool) -> FieldProblem | None:
    # A shop that replays an old log lives in the past; what really happened by now is never refused for that.
    if time_ms > max(now_ms, int(time.time() * 1_000)) + DAY_MS:
        shop_time = f"{_EPOCH + now_ms * _MS:%Y-%m-%d %H:%M} UTC"
        return FieldProblem(
            field="timestamp",
            code="impossible_time",
            message=f"lies more than a day after the shop's time, {shop_time}",
        )
    if time_ms < (FIRST_REAL_TIME_MS if has_clock else 0):
        return FieldProblem(
            field="timestamp",
            code="impossible_time",
            message=f"lies before {1995 if has_clock else 1970}",
        )
    if len(owner) > MAX_ID_CHARS:
        return FieldProblem(
            field="session_id",
            code="too_long",
            message=f"is longer than {MAX_ID_CHARS - len(VISITOR_PREFIX)} characters",
        )
    return None


def check_item(sent: Any, *, item_id: str | None = None) -> Item | list[FieldProblem]:
    """One item ready to be stored, or why it is refused.

    Args:
        sent: As it came.
        item_id: That of the path, where there is one; the body may leave it out.
    """
    if item_id is not None and isinstance(sent, Mapping):
        sent = {"item_id": item_id, **cast("Mapping[str, Any]", sent)}
    try:
        item = Item.model_validate(sent)
    except ValidationError as cause:
        return field_problems(cause.errors(include_input=False, include_url=False))
    if item_id is not None and item.item_id != item_id:
        return [FieldProblem(field="item_id", code="other_item", message="differs from the id in the path")]
    if item.created_at is not None:
        try:
            item.created_at.astimezone(UTC)
        except OverflowError:
            message = "lies outside the years 1 to 9999 in UTC"
            return [FieldProblem(field="created_at", code="impossible_time", message=message)]
    return item
