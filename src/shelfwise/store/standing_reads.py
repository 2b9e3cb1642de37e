"""Connections that stay at hand between short reads: to take one from a pool costs more than such a read itself."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

MOST_IDLE = 4
"""Connections that are kept when nobody reads: few, since they count against the pool's."""


class StandingReads:
    """Hands out connections of an engine, one reader at a time each; between readers they are in no transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._idle: deque[Connection] = deque()
        self._is_closed = False

    @contextmanager
    def look(self) -> Generator[Connection]:
        """A consistent view of the store from the first question on; one that failed is not used again."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._engine.connect()
        try:
            yield connection
        except BaseException:
            _given_up(connection)
            raise
        if self._is_closed or len(self._idle) >= MOST_IDLE or not _ended(connection):
            _given_up(connection)
        else:
            self._idle.append(connection)

    def close(self) -> None:
        """Give all connections back to the engine."""
        self._is_closed = True
        while self._idle:
            _given_up(self._idle.pop())


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
