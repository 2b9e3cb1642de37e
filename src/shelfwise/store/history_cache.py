"""Histories in Redis: what one machine has read of a shopper's events, the others need not read from the database.

Nothing is ever invalidated here. An entry says how far the store had come when it was read; who finds it knows whether
that shopper did anything since (`pipeline.recent_interest`), and reads anew where he did. So a Redis that is emptied,
stopped or late costs time and never a wrong answer. Keys are hashed with a secret of the store: whose an entry is
cannot be read from it.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import struct
import time
from typing import Any, NamedTuple, Self

import numpy as np

from shelfwise.errors import ConfigError, MissingExtraError
from shelfwise.schemas.candidates import History
from shelfwise.store import server_secrets
from shelfwise.store.marks import Marks
from shelfwise.store.records import Records
from shelfwise.store.urls import filled_url

WHERE = "store.cache"
EXPECTED = "redis://host:6379/0 or rediss://…"
PATIENCE_S = 0.02
"""How long a request waits for Redis: reading the database takes no longer."""

PAUSE_S = 5.0
"""How long a Redis that did not answer is left alone."""

_HEAD = struct.Struct("<8sQQiI")
"""Of which model the scenarios' codes are, erasures, events, the user's row, the number of events that follow."""

log = logging.getLogger("shelfwise.store")


class Kept(NamedTuple):
    """A history as it was read.

    Attributes:
        history: With the codes of the model that it was read for.
        events: The store's mark of events then.
    """

    history: History
    events: int


class HistoryCache:
    """Keeps histories for some time, for all processes of all machines that serve the shop.

    Args:
        client: Of Redis, with short time-outs.
        secret: Hashes users' ids.
        kept_s: Seconds after which an entry is dropped.
    """

    def __init__(self, client: Any, secret: bytes, kept_s: float) -> None:
        self._client, self._secret, self._kept_ms = client, secret, int(kept_s * 1_000)
        self._away_until = 0.0

    @classmethod
    def open(cls, url: str, records: Records, kept_s: float) -> Self:
        """Connect when first asked: a Redis that is away now may come later.

        Raises:
            ConfigError: the address is none of a Redis.
            MissingExtraError: its client is not installed.
            ServiceError: the records store is away.
        """
        try:
            import redis
        except ImportError as cause:
            raise MissingExtraError(
                "redis is not installed", where=WHERE, hint="pip install 'shelfwise[redis]'"
            ) from cause
        address = filled_url(url, WHERE, "address of a Redis", EXPECTED).render_as_string(hide_password=False)
        try:
            client = redis.Redis.from_url(
                address, socket_timeout=PATIENCE_S, socket_connect_timeout=PATIENCE_S, retry=None, protocol=2
            )
        except ValueError as cause:
            raise ConfigError("this is no address of a Redis", expected=EXPECTED, where=WHERE) from cause
        with records.read() as connection:
            secret = server_secrets.find(connection, server_secrets.CACHED_HISTORIES)
        if secret is None:
            with records.write() as connection:
                secret = server_secrets.find_or_make(connection, server_secrets.CACHED_HISTORIES)
        return cls(client, secret, kept_s)

    def get(self, user_id: str, version: str, marks: Marks) -> Kept | None:
        """What is kept of somebody, for this model and after no other erasure; None where nothing is, or Redis is away.

        Args:
            user_id: Whose.
            version: Of the model that reads the history.
            marks: How far the caller has followed the store.
        """
        found = self._asked("get", self._key(user_id))
        if found is None or len(found) < _HEAD.size:
            return None
        of_version, erasures, events, user_row, n = _HEAD.unpack_from(found)
        if of_version != _short(version) or erasures != marks.erasures or len(found) != _HEAD.size + n * 14:
            return None
        columns = memoryview(found)[_HEAD.size :]
        return Kept(
            History(
                np.frombuffer(columns, "<i4", n, 8 * n),
                np.frombuffer(columns, np.int8, n, 12 * n),
                np.frombuffer(columns, "<i8", n),
                user_row,
                np.frombuffer(columns, np.int8, n, 13 * n),
            ),
            events,
        )

    def put(self, user_id: str, history: History, version: str, marks: Marks) -> None:
        """Keep what was read when the store had come so far; of who did nothing there is nothing to keep."""
        n = len(history)
        if not n:
            return
        head = _HEAD.pack(_short(version), marks.erasures, marks.events, history.user_row, n)
        columns = (
            history.times_ms.astype("<i8"),
            history.rows.astype("<i4"),
            history.kinds.astype(np.int8),
            history.scenarios.astype(np.int8),
        )
        content = head + b"".join(column.tobytes() for column in columns)
        self._asked("set", self._key(user_id), content, px=self._kept_ms)

    def forget(self, user_id: str) -> bool:
        """Drop what is kept of somebody; whether Redis did. Where it is away, its entry goes when its time is over."""
        return self._asked("delete", self._key(user_id)) is not None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _key(self, user_id: str) -> str:
        return f"shelfwise:history:{hmac.new(self._secret, user_id.encode(), hashlib.sha256).hexdigest()[:32]}"

    def _asked(self, verb: str, *arguments: Any, **options: Any) -> Any:
        """Redis's answer; None where it is away."""
        if time.monotonic() < self._away_until:
            return None
        from redis.exceptions import RedisError

        try:
            return getattr(self._client, verb)(*arguments, **options)
        except (RedisError, OSError) as error:
            log.warning(
                "histories are read from the records for %d s: Redis does not answer (%s)",
                PAUSE_S,
                type(error).__name__,
            )
            self._away_until = time.monotonic() + PAUSE_S
            return None


def _short(version: str) -> bytes:
    return hashlib.sha256(version.encode()).digest()[:8]
