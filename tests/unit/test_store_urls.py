"""Where records are: what may be written, and that no password is ever shown."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from shelfwise.config.load import parse
from shelfwise.config.secrets import without_password
from shelfwise.errors import ConfigError, MissingExtraError
from shelfwise.store.engine import open_engine
from shelfwise.store.postgresql import without_schema
from shelfwise.store.urls import read_url

SECRET = "hush:h/u@s#h"


@pytest.mark.parametrize("driver", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_is_spoken_to_through_psycopg(driver: str) -> None:
    assert read_url(f"{driver}://u@h:5433/d?sslmode=require").render_as_string() == (
        "postgresql+psycopg://u@h:5433/d?sslmode=require"
    )


def test_a_variable_stands_for_a_part_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", SECRET)
    monkeypatch.setenv("DB_HOST", "db.internal")
    monkeypatch.setenv("SHOP", "a")
    url = read_url("postgresql+psycopg://shop:${DB_PASSWORD}@${DB_HOST}/shop_${SHOP}")
    assert (url.username, url.password, url.host, url.database) == ("shop", SECRET, "db.internal", "shop_a")


def test_a_variable_stands_for_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://shop:hush@h/d?schema=a")
    url = read_url("${DATABASE_URL}")
    assert (url.drivername, url.password) == ("postgresql+psycopg", "hush")
    assert without_schema(url)[1] == "a"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "no database URL"),
        (f"postgresql:/u:{SECRET}@h/d", "no database URL"),
        ("postgresql://u@h:port/d", "no database URL"),
        (f"mysql://u:{SECRET}@h/d", "is 'mysql'.*expected 'sqlite"),
        (f"postgresql+asyncpg://u:{SECRET}@h/d", r"is 'postgresql\+asyncpg'"),
        ("postgresql://u:${NO_SUCH_VARIABLE}@h/d", "no variable NO_SUCH_VARIABLE"),
        ("${NO_SUCH_VARIABLE}", "no variable NO_SUCH_VARIABLE"),
        ("postgresql://h/d?schema=A-b", "'A-b' is no name of a schema"),
        ("postgresql://h/d?schema=pg_catalog", "'pg_catalog' is no name"),
        ("postgresql://h/d?schema=a&schema=b", "is no name of a schema"),
        ("postgresql://h/d?schema=a%3B%20DROP%20SCHEMA%20public", "is no name of a schema"),
    ],
)
def test_a_url_that_cannot_be_kept_in_is_refused(tmp_path: Path, url: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        open_engine(url, tmp_path)
    assert caught.value.where == "store.records"
    assert "hush" not in str(caught.value)


def test_without_the_driver_its_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"(?s)psycopg.*shelfwise\[postgres\]") as caught:
        open_engine(f"postgresql://u:{SECRET.replace('@', '')}@h/d", tmp_path)
    assert caught.value.exit_code == 2
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///shelfwise.db", "sqlite:///shelfwise.db"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("postgresql://u:hush@h/d?schema=a", "postgresql://u:***@h/d?schema=a"),
        (f"postgresql://u:{SECRET}@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u:${DB_PASSWORD}@h/d", "postgresql://u:${DB_PASSWORD}@h/d"),
        ("postgresql://u:hush${X}@h/d", "postgresql://u:***@h/d"),
        ("postgresql://h/d?user=u&password=hush&sslpassword=hush", "postgresql://h/d?user=u&password=***&sslpassword=***"),
        ("${DATABASE_URL}", "${DATABASE_URL}"),
    ],
)  # fmt: skip
def test_a_password_is_hidden_where_a_url_is_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown
    config = parse({"version": 1, "store": {"records": url}})
    assert config.store.records == url
    assert config.model_dump(mode="json")["store"]["records"] == shown
    for told in (repr(config), str(config.store), config.model_dump_json()):
        assert "hush" not in told
    assert parse(config.model_dump(mode="json")).store.records == shown
