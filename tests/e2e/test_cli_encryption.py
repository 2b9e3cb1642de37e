"""`shelfwise encryption`: from words in plain to a rotated key, and what is said where a key is missing."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shelfwise.cli.main import app
from shelfwise.shop import Shop
from shelfwise.store import people
from shelfwise.store.data_keys import VARIABLE

from .conftest import Cli

WORD = b"lighthouses"
PEOPLE = {"ann": {"about": "collects lighthouses"}, "bob": {"about": "paints lighthouses"}}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shop with a users file, one line of which is refused."""
    monkeypatch.delenv(VARIABLE, raising=False)
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "users.csv").write_text(
        "user_id,about\n"
        + "".join(f"{user},{told['about']}\n" for user, told in PEOPLE.items())
        + ",likes lighthouses\n"
    )
    (folder / "shop.toml").write_text(
        f'version = 1\n[store]\ndata_key_file = "{tmp_path / "keys"}"\n'
        '[ingest.users]\npath = "users.csv"\nattributes = ["about"]\n'
    )
    return folder


def without_keys(shop: Path) -> None:
    toml = shop / "shop.toml"
    toml.write_text("\n".join(line for line in toml.read_text().splitlines() if "data_key_file" not in line))


def kept(shop: Path) -> bytes:
    return b"".join(path.read_bytes() for path in shop.glob("shelfwise.db*"))


def test_words_in_plain_are_sealed_rotated_and_opened_again(cli: Cli, shop: Path, tmp_path: Path) -> None:
    named = (shop / "shop.toml").read_text()
    without_keys(shop)
    assert cli("ingest", "--shop", shop).code == 0
    assert WORD in kept(shop)
    plain = next(one for one in cli("doctor", "--shop", shop, "--json").document if one["what"] == "what users say")
    assert (plain["ok"], plain["do"]) == (True, "shelfwise encryption new-key, to seal it")

    (shop / "shop.toml").write_text(named)
    refused = cli("encryption", "seal", "--shop", shop, "--json")
    assert refused.code == 2 and "no file of data keys" in refused.document["error"]["found"]
    first = cli("encryption", "new-key", "--shop", shop, "--json").document
    assert first["key"] is None and stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o600
    told = next(one for one in cli("doctor", "--shop", shop, "--json").document if one["what"] == "what users say")
    assert (told["ok"], told["do"]) == (False, "shelfwise encryption seal")
    sealed = cli("encryption", "seal", "--shop", shop)
    assert sealed.code == 0 and f"3 values were brought under the key {first['key_id']}" in sealed.err
    assert WORD not in kept(shop)
    told = next(one for one in cli("doctor", "--shop", shop, "--json").document if one["what"] == "what users say")
    assert (told["ok"], told["found"]) == (True, f"3 values sealed under the key {first['key_id']}")

    second = cli("encryption", "new-key", "--shop", shop, "--json").document
    status = cli("encryption", "status", "--shop", shop, "--json").document
    assert (status["sealing"], status["to_seal"]) == (second["key_id"], 3)
    brought = cli("encryption", "seal", "--shop", shop, "--json").document
    assert (brought["rows"], brought["unused"], brought["store_rebuilt"]) == (3, [first["key_id"]], True)
    assert f"sealed:1:{first['key_id']}".encode() not in kept(shop)
    shown = cli("encryption", "status", "--check", "--shop", shop)
    assert "everything that is sealed can be opened" in shown.err and second["key_id"] in shown.out
    exported = cli("users", "export", "ann", "--shop", shop).document
    assert exported["given"]["attributes"] == PEOPLE["ann"]
    lines = cli("ingest", "--quarantine", tmp_path / "q.csv", "--shop", shop)
    assert lines.code == 0 and WORD in (tmp_path / "q.csv").read_bytes()

    assert CliRunner().invoke(app, ["encryption", "unseal", "--shop", str(shop)]).exit_code != 0  # nobody says yes
    assert cli("encryption", "unseal", "--yes", "--shop", shop, "--json").document["rows"] == 3
    without_keys(shop)
    with Shop.open(shop) as opened, opened.records.read() as connection:
        assert people.attributes_of_one(connection, "bob") == PEOPLE["bob"]
    assert cli("records", "downgrade", "0010", "--shop", shop).code == 0


def test_a_key_without_a_file_is_shown_once_and_taken_from_the_environment(
    cli: Cli, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_keys(shop)
    made = cli("encryption", "new-key", "--shop", shop)
    key = made.out.strip()
    assert key.startswith("swdk_") and key not in made.err
    monkeypatch.setenv(VARIABLE, key)
    for verb in (("ingest",), ("encryption", "seal"), ("encryption", "status"), ("doctor",)):
        ran = cli(*verb, "--shop", shop)
        assert ran.code == 0 and key not in ran.out + ran.err
    assert WORD not in kept(shop)
    monkeypatch.setenv(VARIABLE, key[:-3])
    broken = cli("users", "export", "ann", "--shop", shop)
    assert (broken.code, key[5:-3] in broken.err) == (2, False) and VARIABLE in broken.err


def test_a_key_that_the_shop_would_not_take_is_not_promised_to_seal(
    cli: Cli, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = cli("encryption", "new-key", "--file", tmp_path / "elsewhere", "--shop", shop)
    assert elsewhere.code == 0 and "does not take its keys from that file" in elsewhere.err
    own = cli("encryption", "new-key", "--file", tmp_path / "keys", "--shop", shop, "--json").document
    assert own["read_by_shop"]
    monkeypatch.setenv(VARIABLE, (tmp_path / "keys").read_text().split()[0])
    before = (tmp_path / "keys").read_text()
    refused = cli("encryption", "new-key", "--shop", shop, "--json")
    assert (refused.code, refused.document["error"]["code"]) == (2, "keys_in_environment")
    assert VARIABLE in refused.document["error"]["found"] and (tmp_path / "keys").read_text() == before
    beside = cli("encryption", "new-key", "--file", tmp_path / "keys", "--shop", shop)
    assert beside.code == 0 and "SHELFWISE_DATA_KEY in the environment" in beside.err
    assert "brings everything under it" not in beside.err


def test_what_was_altered_is_let_go(cli: Cli, shop: Path) -> None:
    assert cli("encryption", "new-key", "--shop", shop).code == 0
    assert cli("ingest", "--shop", shop).code == 0
    with Shop.open(shop) as opened, opened.records.write() as connection:
        connection.exec_driver_sql("UPDATE users SET attributes = substr(attributes, 1, 30) WHERE user_id = 'ann'")
    checked = cli("encryption", "status", "--check", "--shop", shop)
    assert checked.code == 0 and "1 values were changed or moved" in checked.err
    refused = cli("users", "export", "ann", "--shop", shop)
    assert refused.code == 2 and "was changed or moved" in refused.err
    for wrong in (("drop", "--yes"), ("drop", "0000", "--altered", "--yes")):
        assert cli("encryption", *wrong, "--shop", shop).code == 2
    dropped = cli("encryption", "drop", "--altered", "--yes", "--shop", shop)
    assert dropped.code == 0 and "1 values that were altered are deleted" in dropped.err
    assert cli("users", "export", "ann", "--shop", shop).document["given"]["attributes"] == {}
    assert cli("users", "export", "bob", "--shop", shop).document["given"]["attributes"] == PEOPLE["bob"]


def test_a_missing_key_is_named_wherever_it_is_missed(cli: Cli, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    key = cli("encryption", "new-key", "--shop", trained, "--json").document
    monkeypatch.setenv(VARIABLE, key["key"])
    with Shop.open(trained) as opened, opened.records.write() as connection:
        people.upsert(connection, list(PEOPLE.items()))
    monkeypatch.delenv(VARIABLE)
    served = subprocess.run(
        [sys.executable, "-m", "shelfwise.cli.main", "serve", "--port", "1", "--shop", str(trained)],
        capture_output=True, text=True, timeout=120, env=dict(os.environ),
    )  # fmt: skip
    assert served.returncode == 2 and "Traceback" not in served.stderr
    assert f"2 values of the store are sealed under the data key {key['key_id']}" in served.stderr
    assert "give that key again" in served.stderr
    exported = cli("users", "export", "ann", "--shop", trained)
    assert exported.code == 2 and f"the data key {key['key_id']}" in exported.err
    for verb in (("encryption", "seal"), ("users", "erase", "ann", "--yes")):
        ran = cli(*verb, "--shop", trained, "--json")
        assert (ran.code, ran.document["error"]["code"]) == (2, "data_key_missing"), verb
    told = next(one for one in cli("doctor", "--shop", trained, "--json").document if one["what"] == "what users say")
    assert not told["ok"] and key["key_id"] in told["found"]
    assert cli("backup", trained.parent / "b.tar", "--shop", trained).code == 0
    dropped = cli("encryption", "drop", key["key_id"], "--yes", "--shop", trained, "--json").document
    assert dropped["rows"] == 2
    assert cli("users", "erase", "ann", "--yes", "--shop", trained).code == 0
