"""PostgreSQL's engine: one schema of a database, shared by every process and machine that serves the shop.

Reads are snapshots (`REPEATABLE READ`, read only). Writes come one after the other, as in SQLite, and are durable when
they return.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from shelfwise.errors import ConfigError, MissingExtraError
from shelfwise.store.urls import WHERE

LOCK_TIMEOUT_MS = 30_000
"""How long a writer waits for another process's transaction."""

KEEP_ALIVE = {"tcp_keepalives_idle": 10, "tcp_keepalives_interval": 5, "tcp_keepalives_count": 3}
"""How the server finds out that a machine is gone, within half a minute: it must not hold the store."""

IDLE_TIMEOUT_MS = 600_000
"""How long a writer that is there may hold the store without a word: large batches are prepared meanwhile."""

CONNECT_TIMEOUT_S = 10

GLANCE_MS = 2_000
"""How long a short question may take that requests wait for; see `Records.glance`."""

_LOCK = 0x5E1F
"""Tells our advisory locks from those of others who use the database."""

_SCHEMA = re.compile(r"(?!pg_)[a-z_][a-z0-9_]{0,62}")


def postgresql_engine(url: URL, *, statement_ms: int = 0) -> Engine:
    """An engine of a database's schema; nothing is connected yet.

    Args:
        url: What libpq knows may stand behind the `?`; `schema` is ours: where the tables lie.
        statement_ms: How long a statement may take, waiting for others included; 0: as long as it takes.

    Raises:
        ConfigError: the schema's name cannot be one.
        MissingExtraError: psycopg is not installed.
    """
    address, schema = without_schema(url)
    usual = {"lock_timeout": LOCK_TIMEOUT_MS, **KEEP_ALIVE}
    if statement_ms:
        usual["statement_timeout"] = statement_ms
    options = [f"-c {name}={value}" for name, value in usual.items()]
    if schema is not None:
        options.append(f"-c search_path={schema}")
    given = address.query.get("options", ())
    options.extend([given] if isinstance(given, str) else given)  # last, so that the shop has the last word
    settings: dict[str, Any] = {"options": " ".join(options), "client_encoding": "utf8"}
    for name, value in (("connect_timeout", CONNECT_TIMEOUT_S), ("application_name", "shelfwise")):
        if name not in address.query:
            settings[name] = value
    try:
        engine = create_engine(
            address.difference_update_query(["options"]),
            connect_args=settings,
            hide_parameters=True,
            # The server may have been restarted since a connection was used last.
            pool_pre_ping=True,
            execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
        )
    except ImportError as cause:
        raise MissingExtraError(
            "psycopg is not installed", where=WHERE, hint="pip install 'shelfwise[postgres]'"
        ) from cause
    event.listen(engine, "connect", _configure)
    event.listen(engine, "set_connection_execution_options", _options)
    event.listen(engine, "begin", _begin)
    return engine


def without_schema(url: URL) -> tuple[URL, str | None]:
    """The URL as libpq knows it, and the schema that it names; None for the one that the database prefers.

    Raises:
        ConfigError: no schema can be called so.
    """
    schema = url.query.get("schema")
    if schema is None:
        return url, None
    if not isinstance(schema, str) or _SCHEMA.fullmatch(schema) is None:
        raise ConfigError(
            f"{schema!r} is no name of a schema",
            expected="small letters, digits and _, beginning with a letter, as in '?schema=shop_a'",
            where=WHERE,
        )
    return url.difference_update_query(["schema"]), schema


def make_schema(engine: Engine, schema: str) -> None:
    """Make a schema where there is none; two processes at once wait for each other."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT", postgresql_readonly=False) as connection:
        if connection.exec_driver_sql("SELECT current_schema()").scalar() is not None:
            return
    with (
        engine.connect().execution_options(isolation_level="READ COMMITTED", postgresql_readonly=False) as connection,
        connection.begin(),
    ):
        # IF NOT EXISTS alone fails where somebody else is making it at this moment.
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s, 0)", (_LOCK,))
        connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")


def _configure(dbapi_connection: Any, _record: Any) -> None:
    dumper, binary_dumper = _dumpers()
    dbapi_connection.adapters.register_dumper(str, binary_dumper)
    dbapi_connection.adapters.register_dumper(str, dumper)  # the last one is the usual one
    dbapi_connection.autocommit = True
    # Whatever the server's default is: what was acknowledged must survive a power cut. Stronger settings stay.
    dbapi_connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    dbapi_connection.autocommit = False


def _options(_connection: Connection, options: dict[str, Any]) -> None:
    if options.get("shelfwise_write"):
        # Not a snapshot: it would be taken before the lock is granted, and miss what was committed while we waited.
        options.update(isolation_level="READ COMMITTED", postgresql_readonly=False)


def _begin(connection: Connection) -> None:
    # Rows of items and users, numbers of sources and versions of rules count up without gaps: the next one is the
    # highest plus one, which two writers would read at once. A sequence leaves gaps when a transaction is undone. The
    # lock also lets events become visible in the order of `seq`. A lock on a table would do too, but keeps
    # autovacuum away from it. One per schema: shops in one database do not wait for each other.
    if connection.get_execution_options().get("shelfwise_write", False):
        connection.exec_driver_sql(
            "SELECT set_config('idle_in_transaction_session_timeout', %s, true), pg_advisory_xact_lock(%s, oid::int4) "
            "FROM pg_namespace WHERE nspname = current_schema()",
            (str(IDLE_TIMEOUT_MS), _LOCK),
        )


@cache
def _dumpers() -> tuple[type[Any], type[Any]]:
    """Writers of text without the character NUL, which PostgreSQL cannot keep: U+FFFD stands for it."""
    from psycopg.types.string import StrBinaryDumper, StrDumperUnknown

    class Dumper(StrDumperUnknown):
        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\ufffd") if "\0" in obj else obj)

    class BinaryDumper(StrBinaryDumper):
        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\ufffd") if "\0" in obj else obj)

    return Dumper, BinaryDumper
