"""What makes two events the same event: the client's `event_id`, or else the whole content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

CONTENT_COLUMNS = (
    "user_id",
    "item_id",
    "kind",
    "timestamp_ms",
    "value",
    "quantity",
    "price",
    "currency",
    "session_id",
    "scenario",
    "position",
    "slate_id",
    "query",
)
"""The columns that identify an event without `event_id`, in the order in which they are hashed."""

_SEPARATOR = "\x1f"


def event_key(event_id: str | None, content: Sequence[object]) -> bytes:
    """A 128-bit key, stable over releases.

    Args:
        event_id: The client's, or None.
        content: The values of `CONTENT_COLUMNS`; ignored where there is an `event_id`.
    """
    if event_id is not None:
        text = f"id{_SEPARATOR}{event_id}"
    else:
        text = _SEPARATOR.join(["content", *("" if value is None else str(value) for value in content)])
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def event_keys(event_ids: Iterable[str | None], contents: Iterable[Sequence[object]]) -> list[bytes]:
    """`event_key` for many events."""
    return [event_key(event_id, content) for event_id, content in zip(event_ids, contents, strict=True)]
