"""What it means when a database refuses, and what to do about it."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from shelfwise.errors import ServiceError
from shelfwise.store.urls import WHERE

_HINT_BY_STATE = {
    "53100": "the database's disk is full: make room, then go on where it stopped",
    "53300": "the server has no connection left: raise its max_connections, or start fewer processes",
    "55P03": "another process has been writing for long: is one ingesting? Ask again",
    "57014": "it took too long: is the server busy, or does somebody hold a table? Ask again",
    "42501": "grant the user the right to create tables in the schema, or name a schema of its own: '?schema=shop'",
    "3F000": "the schema is gone: restore it from a backup, or name another one",
    "42P01": "the tables are gone: restore them from a backup, or name another schema",
    "25006": "the server only reads: name the primary, not a standby",
}
"""By PostgreSQL's SQLSTATE."""

_HINT_BY_WORDS = {
    "authentication failed": "check user and password: '${NAME}' in the URL, PGPASSWORD or ~/.pgpass",
    "no password supplied": "give a password: '${NAME}' in the URL, PGPASSWORD or ~/.pgpass",
    "no pg_hba.conf entry": "let this machine in: a line in the server's pg_hba.conf",
    '" does not exist': "check the names in the URL; `createuser` and `createdb` make what is missing",
}
"""By what the server writes when it lets nobody in: then it sends no SQLSTATE."""

_UNREACHABLE = "is the server running, and is the URL right? What was acknowledged is safe; ask again when it is up"
_SQLITE = "is another process ingesting, is the disk full?"


def refusal(error: SQLAlchemyError) -> ServiceError | None:
    """A database's refusal as the shop tells it; None where the fault is ours."""
    if isinstance(error, PoolTimeoutError):
        return ServiceError(
            "all connections to the records store are in use", where=WHERE, hint="ask again, or send less at once"
        )
    if not isinstance(error, DBAPIError):
        return None
    state: str | None = getattr(error.orig, "sqlstate", None)
    if not (isinstance(error, OperationalError | InterfaceError | InternalError) or state in _HINT_BY_STATE):
        return None
    # The server's first line: what follows may quote the statement or a row.
    said = " ".join(str(getattr(getattr(error.orig, "diag", None), "message_primary", None) or error.orig).split())
    return ServiceError(f"the records store refused ({said})", where=WHERE, hint=_hint(error, state, said))


def _hint(error: DBAPIError, state: str | None, said: str) -> str:
    if state in _HINT_BY_STATE:
        return _HINT_BY_STATE[state]
    if type(error.orig).__module__.startswith("sqlite3"):
        return _SQLITE
    for words, hint in _HINT_BY_WORDS.items():
        if words in said:
            return hint
    return _UNREACHABLE
