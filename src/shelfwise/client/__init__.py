"""Talks to a shop's server from Python: `Client`, and `AsyncClient` for event loops.

It imports none of what a server or a training needs.

Raises:
    MissingExtraError: on import, where httpx is not installed.
"""

from __future__ import annotations

from shelfwise.errors import MissingExtraError

try:
    import httpx as _httpx  # noqa: F401  # pyright: ignore[reportUnusedImport]
except ImportError as cause:  # pragma: no cover
    raise MissingExtraError("httpx is not installed", hint="pip install 'shelfwise[client]'") from cause

from shelfwise.client.asynchronous import AsyncClient
from shelfwise.client.buffer import EventBuffer, Refusal
from shelfwise.client.failures import (
    ApiError,
    BufferFullError,
    BusyError,
    NoAccessError,
    NotThereError,
    OtherStateError,
    RefusedError,
    ServerError,
    UnreachableError,
    UnsentError,
)
from shelfwise.client.retries import Retries
from shelfwise.client.sync import Client
from shelfwise.schemas.events import Event, EventKind
from shelfwise.schemas.items import Item
from shelfwise.schemas.keys import KeyKind, KeyScope, KeyWanted
from shelfwise.schemas.queries import Query, Slate

__all__ = [
    "ApiError",
    "AsyncClient",
    "BufferFullError",
    "BusyError",
    "Client",
    "Event",
    "EventBuffer",
    "EventKind",
    "Item",
    "KeyKind",
    "KeyScope",
    "KeyWanted",
    "NoAccessError",
    "NotThereError",
    "OtherStateError",
    "Query",
    "Refusal",
    "RefusedError",
    "Retries",
    "ServerError",
    "Slate",
    "UnreachableError",
    "UnsentError",
]
