"""Databases of one test's own: a file of SQLite, a schema of a real PostgreSQL."""

from __future__ import annotations

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache

import pytest
from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import SQLAlchemyError

ADDRESS = "SHELFWISE_TEST_POSTGRES"
USUAL_ADDRESS = "postgresql+psycopg://postgres@127.0.0.1:5432/test"
REQUIRED = "SHELFWISE_REQUIRE_SERVICES"
"""Where this variable is 1, a service that is not there fails the tests that want it; else they are skipped."""


@contextmanager
def of_sqlite() -> Generator[str]:
    """The URL of a file in whichever folder the store is opened in."""
    yield "sqlite:///s.db"


@contextmanager
def of_postgresql() -> Generator[str]:
    """The URL of a new schema, dropped at the end: tests side by side do not meet."""
    require_postgresql()
    address = make_url(os.environ.get(ADDRESS, USUAL_ADDRESS))
    schema = f"test_{secrets.token_hex(6)}"
    try:
        yield address.update_query_dict({"schema": schema}).render_as_string(hide_password=False)
    finally:
        admin = create_engine(address, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            # Whoever the test left in the middle of a transaction would keep the schema from being dropped.
            connection.exec_driver_sql("SET lock_timeout = '20s'")
            connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        admin.dispose()


def require_postgresql() -> None:
    """Skip the test, or fail it, where there is no PostgreSQL."""
    absent = _absence()
    if absent is None:
        return
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(absent)
    pytest.skip(absent)


@cache
def _absence() -> str | None:
    address = make_url(os.environ.get(ADDRESS, USUAL_ADDRESS))
    try:
        engine = create_engine(address, connect_args={"connect_timeout": 5})
        with engine.connect():
            pass
        engine.dispose()
    except (SQLAlchemyError, ImportError) as error:
        said = str(error.orig if hasattr(error, "orig") else error)  # pyright: ignore[reportAttributeAccessIssue]
        return f"no PostgreSQL for tests, see `make services` ({' '.join(said.split())})"
    return None
