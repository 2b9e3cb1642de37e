"""Reads that every request makes: put into words once, and given to the driver as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select
from sqlalchemy.exc import DBAPIError

from shelfwise.store.standing_reads import begin_reading


class _Words(NamedTuple):
    """A statement as one database wants it.

    Attributes:
        names: Of the parameters in their order, where the driver counts them; None where it takes them by name.
        fixed: Parameters that the statement itself sets.
    """

    sql: str
    names: tuple[str, ...] | None
    fixed: dict[str, Any]


class FrequentRead:
    """A statement that asks for plain numbers and strings, run without what SQLAlchemy does around each.

    That costs several times what SQLite takes to answer: a sixth of a whole request, once its caches are cold. Errors
    are SQLAlchemy's.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        self._statement = statement
        self._by_dialect: dict[str, _Words] = {}

    def rows(self, connection: Connection, **parameters: Any) -> Sequence[Sequence[Any]]:
        """The answer, as the driver gives it.

        Args:
            connection: In whose transaction it is asked.
            parameters: By the names of the statement's `bindparam`s.

        Raises:
            DBAPIError: the database refused; the connection is not used again.
        """
        words = self._by_dialect.get(connection.dialect.name) or self._put_into_words(connection)
        given = words.fixed | parameters
        driver: Any = connection.dialect.loaded_dbapi
        try:
            cursor = begin_reading(connection).cursor()
            try:
                cursor.execute(words.sql, given if words.names is None else [given[name] for name in words.names])
                return cursor.fetchall()
            finally:
                cursor.close()
        except driver.Error as error:
            connection.invalidate(error)
            raise DBAPIError.instance(
                words.sql,
                None,
                error,
                driver.Error,
                hide_parameters=True,
                connection_invalidated=True,
                dialect=connection.dialect,
            ) from error

    def _put_into_words(self, connection: Connection) -> _Words:
        compiled = self._statement.compile(dialect=connection.dialect)
        names = getattr(compiled, "positiontup", None)
        fixed = {name: value for name, value in compiled.params.items() if value is not None}
        words = _Words(str(compiled), None if names is None else tuple(names), fixed)
        self._by_dialect[connection.dialect.name] = words
        return words
