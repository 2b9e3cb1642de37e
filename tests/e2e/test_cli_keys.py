"""`shelfwise keys`: what is printed, and what is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shelfwise.cli.main import app
from shelfwise.errors import ConfigError, UnknownError


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.toml").write_text("version = 1\n")
    return tmp_path


def ran(shop: Path, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["keys", *arguments, "--shop", str(shop)], catch_exceptions=False)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_key_is_shown_once(shop: Path) -> None:
    made = json.loads(ran(shop, "create", "web", "--scope", "events", "--scope", "recommend", "--days", "30", "--json"))
    assert made["scopes"] == ["events", "recommend"] and made["expires_at"]
    assert made["key"].startswith(f"sw_{made['key_id']}_")
    plain = ran(shop, "create", "till", "--scope", "events").strip()
    assert plain.startswith("sw_") and "\n" not in plain
    listed = ran(shop, "list", "--json")
    assert [one["name"] for one in json.loads(listed)] == ["web", "till"]
    assert "till" in ran(shop, "list")
    for key in (made["key"], plain):
        assert key not in listed
        assert not any(key.encode() in path.read_bytes() for path in shop.iterdir())


def test_a_key_is_revoked(shop: Path) -> None:
    made = json.loads(ran(shop, "create", "web", "--scope", "admin", "--json"))
    assert json.loads(ran(shop, "revoke", made["key_id"], "--json"))["revoked_at"]
    assert json.loads(ran(shop, "list", "--json"))[0]["revoked_at"]


def test_what_cannot_be_is_said(shop: Path) -> None:
    with pytest.raises(UnknownError, match="no key 'nope'"):
        ran(shop, "revoke", "nope")
    with pytest.raises(ConfigError, match="names the origins"):
        ran(shop, "create", "pages", "--browser", "--scope", "events")
