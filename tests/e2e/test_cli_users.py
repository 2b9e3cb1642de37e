"""`shelfwise users`: export and erase."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shelfwise.cli.main import app
from shelfwise.errors import UnknownError
from shelfwise.shop import Shop
from shelfwise.store import people


def test_a_person_is_exported_then_erased(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text("version = 1\n")
    with Shop.open(tmp_path) as shop, shop.records.write() as connection:
        people.upsert(connection, [("customer-42", {"about": "collects lighthouses"})])

    def ran(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["users", *arguments, "--shop", str(tmp_path)])
        if done.exception is not None:
            raise done.exception
        return done.stdout

    exported = json.loads(ran("export", "customer-42"))
    assert exported["given"] == {"attributes": {"about": "collects lighthouses"}, "events": []}
    assert exported["derived"] is None  # nothing was trained yet
    ran("export", "customer-42", "--output", str(tmp_path / "out.json"))
    assert json.loads((tmp_path / "out.json").read_text())["user_id"] == "customer-42"
    (tmp_path / "out.json").unlink()
    with pytest.raises(SystemExit):
        ran("erase", "customer-42")  # nobody says yes
    receipt = json.loads(ran("erase", "customer-42", "--yes", "--json"))
    assert (receipt["attributes"], receipt["store_rebuilt"]) == (1, True)
    for path in tmp_path.iterdir():
        assert b"customer-42" not in path.read_bytes() and b"lighthouses" not in path.read_bytes(), path
    with pytest.raises(UnknownError):
        ran("export", "customer-42")
