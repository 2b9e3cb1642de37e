"""What `[store] records` may say: a database URL, its secrets in variables of the environment."""

from __future__ import annotations

import os
import re

from sqlalchemy import URL, make_url

from shelfwise.errors import ConfigError

WHERE = "store.records"
"""The key's path, for messages. What the key says is never shown: it may hold a password."""

EXPECTED = "'sqlite:///shelfwise.db' or 'postgresql+psycopg://user@host/database'"

SQLITE, POSTGRESQL = "sqlite", "postgresql+psycopg"

_DRIVERS = {"sqlite": SQLITE, "postgresql+psycopg": POSTGRESQL, "postgresql": POSTGRESQL, "postgres": POSTGRESQL}
"""How people write them, and what SQLAlchemy calls them."""

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def read_url(written: str) -> URL:
    """The URL of a records store.

    `${NAME}` stands for a variable of the environment: alone for the whole URL; within one for a part or a piece of it,
    as it is, so that a password needs no escapes.

    Raises:
        ConfigError: it is no URL, names another database or driver, or a variable that is not set.
    """
    url = filled_url(written, WHERE, "database URL", EXPECTED)
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        raise ConfigError(
            f"the records store is {url.drivername!r}",
            expected=EXPECTED,
            where=WHERE,
            hint="records are kept in SQLite or, through psycopg, in PostgreSQL",
        )
    return url.set(drivername=driver)


def filled_url(written: str, where: str, what: str, expected: str) -> URL:
    """A URL with its variables of the environment put in.

    Args:
        written: As `shop.toml` has it.
        where: The key's path, for messages.
        what: What it should be.
        expected: What it could be.

    Raises:
        ConfigError: it is no URL, or names a variable that is not set.
    """
    whole = _VARIABLE.fullmatch(written.strip())

    def found(variable: re.Match[str]) -> str:
        value = os.environ.get(variable[1])
        if value is None:
            raise ConfigError(
                f"there is no variable {variable[1]} in the environment",
                where=where,
                hint=f"set it: export {variable[1]}=…",
            )
        return value

    def filled(part: str | None) -> str | None:
        return None if part is None else _VARIABLE.sub(found, part)

    try:
        url = make_url(written if whole is None else found(whole))
    except ConfigError:
        raise
    except Exception as cause:  # whatever it says may quote the password
        raise ConfigError(f"this is no {what}", expected=expected, where=where) from cause.with_traceback(None)
    return URL.create(
        url.drivername,
        filled(url.username),
        filled(url.password),
        filled(url.host),
        url.port,
        filled(url.database),
        url.query,
    )
