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
    whole = _VARIABLE.fullmatch(written.strip())
    try:
        url = make_url(written if whole is None else _from_environment(whole))
    except ConfigError:
        raise
    except Exception as cause:  # whatever it says may quote the password
        raise ConfigError("this is no database URL", expected=EXPECTED, where=WHERE) from cause.with_traceback(None)
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        raise ConfigError(
            f"the records store is {url.drivername!r}",
            expected=EXPECTED,
            where=WHERE,
            hint="records are kept in SQLite or, through psycopg, in PostgreSQL",
        )
    return URL.create(
        driver,
        _filled(url.username),
        _filled(url.password),
        _filled(url.host),
        url.port,
        _filled(url.database),
        url.query,
    )


def _filled(part: str | None) -> str | None:
    return None if part is None else _VARIABLE.sub(_from_environment, part)


def _from_environment(variable: re.Match[str]) -> str:
    name = variable[1]
    found = os.environ.get(name)
    if found is None:
        raise ConfigError(
            f"there is no variable {name} in the environment", where=WHERE, hint=f"set it: export {name}=…"
        )
    return found
