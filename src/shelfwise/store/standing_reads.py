"""Connections that stay at hand between short reads: to take one from a pool costs more than such a read itself."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from shelfwise.store.urls import SQLITE

FRESH_S = 1.0
"""How long a server is taken to be there still; a file is always."""

MOST_IDLE = 4
"""Connections that are kept when nobody reads: few, since they count against the pool's."""


class StandingReads:
    """Hands out connections of an engine, one reader at a time each; between readers they are in no transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._idle: list[_Standing] = []
        self._changing = threading.Lock()
        self._is_closed = False

    @contextmanager
    def look(self) -> Generator[Connection]:
        """A consistent view of the store from the first question on; one that failed is not used again."""
        connection = self._taken()
        try:
            yield connection
        except BaseException as cause:
            _given_up(connection)
            if isinstance(cause, DBAPIError) and cause.connection_invalidated:
                self._give_up_idle()  # a server that is gone took the others with it
            raise
        if not (_ended(connection) and self._kept(connection)):
            _given_up(connection)

    def close(self) -> None:
        """Give all connections back to the engine."""
        self._is_closed = True
        self._give_up_idle()

    def _taken(self) -> Connection:
        with self._changing:
            standing = self._idle.pop() if self._idle else None
        if standing is not None:
            if self._engine.dialect.name == SQLITE or time.monotonic() - standing.since_s < FRESH_S:
                return standing.connection
            _given_up(standing.connection)  # the pool asks whether the server is still there
        return self._engine.connect()

    def _kept(self, connection: Connection) -> bool:
        with self._changing:
            if self._is_closed or len(self._idle) >= MOST_IDLE:
                return False
            self._idle.append(_Standing(connection, time.monotonic()))
            return True

    def _give_up_idle(self) -> None:
        with self._changing:
            idle, self._idle = self._idle, []
        for standing in idle:
            _given_up(standing.connection)


class _Standing(NamedTuple):
    """A connection that nobody reads through since a moment."""

    connection: Connection
    since_s: float


def begin_reading(connection: Connection) -> Any:
    """See to it that what follows sees one state of the store; the driver's own connection.

    What SQLAlchemy begins, it begins by several objects and an event. Nobody has to end this: whoever closes a
    connection, or takes a standing one back, rolls the driver's transaction back.
    """
    driver: Any = connection.connection.dbapi_connection
    if getattr(driver, "in_transaction", True) is False:  # SQLite; others begin by themselves
        driver.execute("BEGIN")
    return driver


def _ended(connection: Connection) -> bool:
    """Whether the reader's transaction could be ended, so that the next one sees what is new."""
    try:
        if connection.in_transaction():
            connection.rollback()
        driver: Any = connection.connection.dbapi_connection
        driver.rollback()
    except Exception:  # the driver's own errors have no common name here; the connection is closed
        return False
    return True


def _given_up(connection: Connection) -> None:
    with contextlib.suppress(SQLAlchemyError):
        connection.close()
