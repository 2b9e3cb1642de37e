"""A shop whose users' words are sealed: servers that have the key, have not, or get a new one; PostgreSQL's files."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shelfwise import Shop
from shelfwise.errors import DataKeyError
from shelfwise.shop.backup import restore
from shelfwise.store import people, sealed_values, sources
from shelfwise.store.data_keys import VARIABLE, DataKey, DataKeys, put_first
from shelfwise.store.records import Records
from shelfwise.store.sources import Refused
from shelfwise.testing.own_postgresql import PASSWORD, OwnPostgreSQL, own_postgresql

pytestmark = pytest.mark.online

OLD, NEW = DataKey(b"o" * 32), DataKey(b"n" * 32)
WORD = b"lighthouses"
SAYS = {"about": f"collects {WORD.decode()}"}

RULES = """
[rules.towers]
pin = "lamp-blue"
when = 'user.about = "collects lighthouses"'
"""


@pytest.fixture
def keys(tiny_shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of keys that the shop names; with one key, under which one user's words are sealed."""
    monkeypatch.delenv(VARIABLE, raising=False)
    path = tmp_path / "keys"
    put_first(path, OLD, "old")
    toml = tiny_shop / "shop.toml"
    toml.write_text(toml.read_text() + f'\n[store]\ndata_key_file = "{path}"\n')
    say(tiny_shop, "user-1")
    return path


def say(shop: Path, user_id: str) -> None:
    with Shop.open(shop) as opened, opened.records.write() as connection:
        people.upsert(connection, [(user_id, SAYS)])


def test_a_server_reads_what_is_sealed_and_follows_a_rotation(tiny_shop: Path, keys: Path, serve: Any) -> None:
    with serve(tiny_shop) as server:
        told = server.http.get("/users/user-1").raise_for_status().json()
        assert told["attributes"] == SAYS
        put_first(keys, NEW, "new")
        with Shop.open(tiny_shop) as shop:
            assert shop.encryption.seal().n == 1
        assert server.http.get("/users/user-1").raise_for_status().json()["attributes"] == SAYS
        exported = server.http.get("/users/user-1/export").raise_for_status().json()
        assert exported["given"]["attributes"] == SAYS
        receipt = server.http.delete("/users/user-1").raise_for_status().json()
        assert receipt["attributes"] == 1
    for path in tiny_shop.glob("shelfwise.db*"):
        assert WORD not in path.read_bytes()
        assert f"sealed:1:{OLD.key_id}".encode() not in path.read_bytes()


def test_a_server_whose_key_is_taken_away_answers_without_and_says_so(
    tiny_shop: Path, keys: Path, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tiny_shop / "rules.toml").write_text(RULES)
    with Shop.open(tiny_shop) as shop:
        shop.rules.apply(shop.rules.read())
    with serve(tiny_shop) as server:

        def slate(k: int) -> dict[str, Any]:
            asked = {"user_id": "user-1", "k": k}  # another number each time: answers are kept
            return server.http.post("/recommend", json=asked).raise_for_status().json()

        first = slate(5)
        assert first["items"][0]["item_id"] == "lamp-blue" and first["degraded"] == []
        monkeypatch.setenv(VARIABLE, f"{NEW.written},{OLD.written}")
        with Shop.open(tiny_shop) as shop:
            shop.encryption.seal()
        monkeypatch.delenv(VARIABLE)
        without = slate(6)
        assert without["items"] and without["items"][0]["item_id"] != "lamp-blue"
        assert "sealed under a key that is not at hand" in " ".join(without["degraded"])
        refused = server.http.get("/users/user-1")
        assert refused.status_code == 503 and refused.json()["code"] == "data_key_missing"
        assert NEW.key_id in refused.json()["detail"]
        put_first(keys, NEW, "new")
        until = time.monotonic() + 10
        while server.http.get("/users/user-1").status_code != 200:
            assert time.monotonic() < until
            time.sleep(0.1)
        again = slate(7)
        assert again["items"][0]["item_id"] == "lamp-blue" and again["degraded"] == []


def test_one_altered_value_holds_up_nobody_else(tiny_shop: Path, keys: Path, serve: Any) -> None:
    say(tiny_shop, "user-2")
    with Shop.open(tiny_shop) as shop, shop.records.write() as connection:
        source = sources.find_or_start(connection, "f", "users", "users.csv", 5).source
        sources.refuse(connection, source, [Refused(n, "missing_user", "no id", f",{WORD.decode()}") for n in (1, 2)])
        connection.exec_driver_sql("UPDATE users SET attributes = substr(attributes, 1, 30) WHERE user_id = 'user-1'")
        connection.exec_driver_sql("UPDATE quarantine SET raw = substr(raw, 1, 30) WHERE line = 1")
    with serve(tiny_shop) as server:
        found = server.http.get("/users", params={"query": "user-", "limit": 200}).raise_for_status().json()["users"]
        told = {one["user_id"]: (one["attributes"], one["is_unreadable"]) for one in found}
        assert (told["user-1"], told["user-2"], told["user-3"]) == (({}, True), (SAYS, False), ({}, False))
        person = server.http.get("/users/user-1").raise_for_status().json()
        assert person["is_unreadable"] and person["profile_text"] is None and person["n_read"] > 0
        lines = server.http.get("/quarantine/lines").raise_for_status().json()["lines"]
        assert [(one["raw"], one["is_whole"]) for one in lines] == [("", False), (f",{WORD.decode()}", True)]
        assert "cannot be read" in lines[0]["message"]
        downloaded = server.http.get("/quarantine/download", params={"format": "jsonl"}).raise_for_status()
        assert len(downloaded.text.splitlines()) == 2
        assert server.http.get("/users/user-1/export").json()["code"] == "sealed_value_altered"
        assert server.http.delete("/users/user-2").raise_for_status().json()["attributes"] == 1
        assert server.http.delete("/users/user-1").raise_for_status().json()["events"] > 0
        assert server.http.get("/users/user-1").status_code == 404
    with Shop.open(tiny_shop) as shop:
        found = shop.encryption.status(check=True)
        assert (found.values, found.altered and found.altered.n) == ({OLD.key_id: 1}, 0)


def test_a_server_does_not_open_without_the_key(tiny_shop: Path, keys: Path) -> None:
    from shelfwise.config.load import load
    from shelfwise.serve.service import Service

    keys.write_text(NEW.written)
    with pytest.raises(DataKeyError, match=f"1 values.*{OLD.key_id}"):
        Service.open(tiny_shop, load(tiny_shop))


def test_a_backup_stays_sealed_and_is_opened_with_the_key(tiny_shop: Path, keys: Path, tmp_path: Path) -> None:
    with Shop.open(tiny_shop) as shop:
        shop.encryption.seal()
        shop.back_up(tmp_path / "b.tar.gz")
    with tarfile.open(tmp_path / "b.tar.gz") as archive:
        for member in archive.getmembers():
            content = (archive.extractfile(member) or io.BytesIO()).read()
            assert WORD not in content and OLD.written.encode() not in content, member.name
    restored = restore(tmp_path / "b.tar.gz", tmp_path / "again", lambda *_: None)
    assert restored.data_keys == [OLD.key_id]
    with Shop.open(tmp_path / "again") as shop, shop.records.read() as connection:
        assert people.attributes_of_one(connection, "user-1") == SAYS
    keys.unlink()
    with (
        Shop.open(tmp_path / "again") as shop,
        shop.records.read() as connection,
        pytest.raises(DataKeyError, match=OLD.key_id),
    ):
        sealed_values.require_keys(connection)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnPostgreSQL]:
    monkeypatch.setenv("TEST_PASSWORD", PASSWORD)
    with own_postgresql() as running:
        yield running


def test_no_file_of_a_postgresql_holds_what_was_in_plain(cluster: OwnPostgreSQL, tmp_path: Path) -> None:
    from shelfwise.config.shop import ShopConfig
    from shelfwise.shop.encryption import ShopEncryption

    url = cluster.url()
    plain = Records.open(url, tmp_path)
    with plain.write() as connection:
        people.upsert(connection, [(f"user-{n}", SAYS) for n in range(3_000)])
        source = sources.find_or_start(connection, "f", "users", "users.csv", 5).source
        sources.refuse(connection, source, [Refused(n, "x", "no id", f",{WORD.decode()}") for n in range(500)])
        connection.exec_driver_sql("ANALYZE")  # the planner notes frequent values
    plain.close()
    assert left(cluster, WORD)
    records = Records.open(url, tmp_path, DataKeys([OLD]))
    assert ShopEncryption(tmp_path, ShopConfig(version=1), records).seal().n == 3_500
    assert left(cluster, WORD) == set()
    records.close()
    records = Records.open(url, tmp_path, DataKeys([NEW, OLD]))
    assert ShopEncryption(tmp_path, ShopConfig(version=1), records).seal().n == 3_500
    with records.read() as connection:
        assert len(people.read_attributes(connection)) == 3_000
    records.close()
    assert left(cluster, f"sealed:1:{OLD.key_id}".encode()) == set()


def left(cluster: OwnPostgreSQL, what: bytes) -> set[str]:
    """Files of the cluster, less its write-ahead log, that hold some bytes."""
    cluster.admin("CHECKPOINT")
    return {
        path.name
        for path in (cluster.folder / "data").rglob("*")
        if path.is_file() and "pg_wal" not in path.parts and what in path.read_bytes()
    }
