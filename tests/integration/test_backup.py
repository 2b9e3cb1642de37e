"""A backup made while a server writes is a shop again: whole, or told of as broken."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
import threading
import tomllib
from pathlib import Path
from typing import Any

import pytest

from shelfwise.errors import DataError, ServiceError, StateError
from shelfwise.shop import Shop
from shelfwise.shop.backup import back_up, restore
from shelfwise.store import catalogue, event_log
from shelfwise.store.archive import CONTENTS, new_archive, read_archive
from shelfwise.store.records import Records
from shelfwise.testing.databases import of_postgresql

pytestmark = pytest.mark.online


def silent(*_: Any) -> None:
    pass


def shelfwise(*arguments: str) -> Any:
    run = subprocess.run([sys.executable, "-m", "shelfwise.cli.main", *arguments], capture_output=True, text=True)
    return run.returncode, json.loads(run.stdout)


@pytest.fixture(scope="module")
def backup(tiny_shop_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of the tiny shop, through the command line."""
    base = tmp_path_factory.mktemp("backup")
    folder = shutil.copytree(tiny_shop_template, base / "shop")
    code, told = shelfwise("backup", str(base / "shop.tar"), "--shop", str(folder), "--json")
    assert (code, told["items"], told["events"]) == (0, 60, 400)
    return base / "shop.tar"


def test_made_while_a_server_writes(serve: Any, tiny_shop: Path, tmp_path: Path) -> None:
    acknowledged: list[str] = []
    stop = threading.Event()
    with serve(tiny_shop) as server:

        def write() -> None:
            n = 0
            while not stop.is_set():
                event = {"event_id": f"live-{n}", "user_id": f"u{n % 7}", "item_id": "mug-red", "event": "view"}
                if server.http.post("/events", json=event).status_code == 202:
                    acknowledged.append(event["event_id"])
                n += 1

        writer = threading.Thread(target=write)
        writer.start()
        try:
            with Shop.open(tiny_shop) as shop:
                before = len(acknowledged)
                made = shop.back_up(tmp_path / "a.tar")
                after = len(acknowledged)
        finally:
            stop.set()
            writer.join()
    assert (tmp_path / "a.tar").stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in tmp_path.glob(".*")) == []
    told = restore(tmp_path / "a.tar", tmp_path / "again", silent)
    assert told.model_refused is None and told.version == made.version and told.changed == []
    # What was acknowledged before is in it; of what came meanwhile, a beginning.
    assert before <= told.events - 400 <= after + 1
    with Shop.open(tmp_path / "again") as shop, shop.records.read() as connection:
        assert event_log.count(connection) == told.events
        assert catalogue.count(connection) == 60
        assert len(shop.recommend("user-1", k=5).items) == 5
    with serve(tmp_path / "again") as server:
        assert server.http.post("/recommend", json={"user_id": "user-1"}).status_code == 200


def test_the_restored_shop_answers_as_the_first(backup: Path, tiny_shop: Path, tmp_path: Path) -> None:
    code, told = shelfwise("restore", str(backup), "--shop", str(tmp_path / "new"), "--json")
    assert (code, told["items"], told["events"], told["model_refused"]) == (0, 60, 400, None)

    def answered(folder: Path) -> list[list[str]]:
        with Shop.open(folder) as shop:
            return [[item.item_id for item in shop.recommend(f"user-{n}", k=10).items] for n in range(5)]

    assert answered(tmp_path / "new") == answered(tiny_shop)
    for name in ("models", "vectors"):
        first = {
            path.relative_to(tiny_shop): path.read_bytes() for path in (tiny_shop / name).rglob("*") if path.is_file()
        }
        second = {
            path.relative_to(tmp_path / "new"): path.read_bytes()
            for path in (tmp_path / "new" / name).rglob("*")
            if path.is_file()
        }
        assert first == second


def test_of_a_shop_in_postgresql(tiny_shop: Path, tmp_path: Path) -> None:
    with of_postgresql() as url:
        with Shop.open(tiny_shop) as shop:
            shop.copy_records(url)
        toml = tiny_shop / "shop.toml"
        toml.write_text(toml.read_text().replace("[behaviour]", f'[store]\nrecords = "{url}"\n[behaviour]'))
        (tiny_shop / "shelfwise.db").unlink()
        with Shop.open(tiny_shop) as shop:
            made = shop.back_up(tmp_path / "pg.tar")
            expected = shop.recommend("user-1", k=10)
        told = restore(tmp_path / "pg.tar", tmp_path / "new", silent)
    assert (made.events, told.events, told.changed) == (400, 400, ["store.records"])
    assert tomllib.loads((tmp_path / "new" / "shop.toml").read_text())["store"]["records"] == "sqlite:///shelfwise.db"
    with Shop.open(tmp_path / "new") as shop:
        found = shop.recommend("user-1", k=10)
    assert [item.item_id for item in found.items] == [item.item_id for item in expected.items]


@pytest.mark.parametrize("where", ["head", "records", "model", "end", "half", "no list"])
def test_what_is_damaged_is_found_out_and_leaves_nothing(backup: Path, tmp_path: Path, where: str) -> None:
    damaged = tmp_path / "damaged.tar"
    content = bytearray(backup.read_bytes())
    with tarfile.open(backup) as tar:
        members = {member.name: member for member in tar}
    if where == "head":
        content[:600] = b"x" * 600
    elif where == "end":
        content[members[CONTENTS].offset_data + 5] ^= 0xFF
    elif where == "half":
        del content[len(content) // 2 :]
    elif where == "no list":
        del content[members[CONTENTS].offset :]
        content += bytes(1024)
    else:
        name = next(name for name in members if name.startswith("models/") and name.endswith(".npy"))
        content[members["shelfwise.db" if where == "records" else name].offset_data + 70] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(DataError, match="no whole backup") as caught:
        restore(damaged, tmp_path / "new", silent)
    assert caught.value.code == "broken_backup"
    assert [path.name for path in tmp_path.iterdir()] == ["damaged.tar"]


def test_a_file_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evil.tar"
    with tarfile.open(path, "w") as tar:
        tar.addfile(tarfile.TarInfo("../outside"))
    with pytest.raises(DataError, match="no file that a backup holds"):
        read_archive(path, tmp_path / "in")
    with tarfile.open(path, "w") as tar:
        link = tarfile.TarInfo("models")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(link)
    with pytest.raises(DataError, match="no file that a backup holds"):
        read_archive(path, tmp_path / "in")


def test_nothing_is_overwritten(backup: Path, tiny_shop: Path, tmp_path: Path) -> None:
    with Shop.open(tiny_shop) as shop, pytest.raises(StateError, match="already") as caught:
        shop.back_up(backup)
    assert caught.value.code == "file_exists"
    with pytest.raises(StateError, match="holds something"):
        restore(backup, tiny_shop, silent)
    with pytest.raises(DataError, match="no such file"):
        restore(tmp_path / "none.tar", tmp_path / "new", silent)
    assert not (tmp_path / "new").exists()


def test_what_cannot_be_written_leaves_nothing(tiny_shop: Path, tmp_path: Path) -> None:
    with Shop.open(tiny_shop) as shop, pytest.raises(ServiceError, match="cannot be written"):
        shop.back_up(tmp_path / "no-such-folder" / "a.tar")

    def stopped() -> None:
        with new_archive(tmp_path / "a.tar") as archive:
            archive.add_bytes("x", b"y")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stopped()
    assert not list(tmp_path.glob("*.tar*")) and not list(tmp_path.glob(".a*"))


def test_a_version_that_cannot_be_loaded_is_told_of(tiny_shop: Path, tmp_path: Path) -> None:
    (tiny_shop / "models" / "broken").mkdir()
    (tiny_shop / "models" / "broken" / "manifest.json").write_text("{}")
    (tiny_shop / "models" / "CURRENT").write_text("broken")
    with Shop.open(tiny_shop) as shop:
        back_up(shop.folder, shop.config, shop.records, tmp_path / "a.tar", silent)
    told = restore(tmp_path / "a.tar", tmp_path / "new", silent)
    assert told.model_refused and told.events == 400
    records = Records.open("sqlite:///shelfwise.db", tmp_path / "new")
    with records.read() as connection:
        assert event_log.count(connection) == 400
    records.close()
