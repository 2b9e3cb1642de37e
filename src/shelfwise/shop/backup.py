"""Back up a shop while it serves, and make a shop of a backup.

What a backup holds: shop.toml, rules.toml, the records as one SQLite file (whichever database they are in), all model
versions and the one in service, and the vectors. What it does not: the files that `ingest` reads, pictures, and the
folder of an encoder that the shop keeps itself; a server needs none of them.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import tomlkit

from shelfwise.config.load import load
from shelfwise.config.shop import ShopConfig
from shelfwise.errors import ServiceError, ShelfwiseError, StateError
from shelfwise.store import catalogue, event_log, known_keys
from shelfwise.store.archive import ArchiveWriter, Progress, flush_folder, new_archive, read_archive
from shelfwise.store.records import Records
from shelfwise.store.snapshot import require_sound, take_snapshot
from shelfwise.store.versions import CURRENT, LOG, Versions

SHOP, RULES = "shop.toml", "rules.toml"
RECORDS = "shelfwise.db"
MODELS, VECTORS = "models", "vectors"


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A backup that was made, or that a shop was made of.

    Attributes:
        made_at: When.
        files: In it.
        size_bytes: Of all of them.
        version: In service; None where nothing was trained.
        items: In the records.
        events: In the records.
        changed: Keys of shop.toml that were set anew, since they led out of the restored folder.
        data_keys: Ids of the keys that values are sealed under; the keys are not in it.
        model_refused: Why the version in service cannot be loaded by this release; None where it can.
    """

    made_at: str
    files: int
    size_bytes: int
    version: str | None
    items: int
    events: int
    changed: list[str] = field(default_factory=list[str])
    model_refused: str | None = None
    data_keys: list[str] = field(default_factory=list[str])

    def as_document(self) -> dict[str, Any]:
        """As plain JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def back_up(folder: Path, config: ShopConfig, records: Records, path: Path, progress: Progress) -> BackedUp:
    """Write a backup; the file is there when it is whole and was read back, or not at all.

    Raises:
        StateError: there is a file of that name.
        ServiceError: the store cannot be read, or the file not be written.
    """
    versions = Versions(folder / config.store.models)
    with new_archive(path) as archive, tempfile.TemporaryDirectory(prefix=".backup-", dir=path.parent) as scratch:
        # The order matters. Versions first: none may know of items that the records do not have yet. Vectors last:
        # the records may name none that the file does not have yet.
        names, current = [version.name for version in versions.list()], versions.current_name()
        log = versions.folder / LOG
        history = log.read_bytes() if log.is_file() else b""
        progress("copying the records", None, None)
        snapshot = Path(scratch) / RECORDS
        take_snapshot(records, snapshot)
        n_items, n_events, data_keys = _looked_at(Path(scratch))
        for name in (SHOP, RULES):
            if (folder / name).is_file():
                archive.add(name, folder / name)
        archive.add(RECORDS, snapshot)
        for name in names:
            _add_folder(archive, f"{MODELS}/{name}", versions.folder / name, progress)
        if current is not None:
            archive.add_bytes(f"{MODELS}/{CURRENT}", current.encode())
            archive.add_bytes(f"{MODELS}/{LOG}", history)
        _add_folder(archive, VECTORS, folder / config.store.vectors, progress)
        progress("reading the backup", None, None)
        told = {
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "release": _release(),
            "version": current,
            "items": n_items,
            "events": n_events,
            "data_keys": data_keys,
        }
        contents = archive.finish(told)
    return _outcome(contents)


def restore(path: Path, folder: Path, progress: Progress) -> BackedUp:
    """Make a shop of a backup; the folder is there when everything in it was checked, or not at all.

    Raises:
        StateError: the folder holds something.
        DataError: the backup is damaged.
        ServiceError: the folder cannot be written.
    """
    folder = folder.resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StateError(
            f"{folder.name!r} holds something",
            expected="an empty folder, or none",
            where=str(folder),
            hint="restore into a new folder, then put it in the other one's place",
            code="target_not_empty",
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.with_name(f".{folder.name}.unfinished-{secrets.token_hex(4)}")
    unfinished.mkdir(mode=0o700)
    try:
        contents = read_archive(path, unfinished, progress)
        require_sound(unfinished / RECORDS)
        changed = _within(unfinished)
        progress("opening the shop", None, None)
        refused = _refusal(unfinished)
        if folder.exists():
            folder.rmdir()
        unfinished.rename(folder)
        flush_folder(folder.parent)
    except OSError as cause:
        raise ServiceError(
            f"the shop cannot be written ({cause.strerror or cause})",
            where=str(folder),
            hint="see to room on the disk and to the folder's rights",
            code="not_written",
        ) from cause
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return _outcome(contents, changed, refused)


def _within(folder: Path) -> list[str]:
    """Let shop.toml name what lies in its folder now; the keys that changed."""
    path = folder / SHOP
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    written = cast("dict[str, Any]", document.get("store", {}))
    here = {"records": f"sqlite:///{RECORDS}", "models": MODELS, "vectors": VECTORS}
    changed = [key for key, value in here.items() if key in written and written[key] != value]
    for key in changed:
        written[key] = here[key]
    if changed:
        path.write_text(tomlkit.dumps(document), encoding="utf-8")
    return [f"store.{key}" for key in changed]


def _refusal(folder: Path) -> str | None:
    """Open what was restored, as a server would; why its model cannot be loaded."""
    from shelfwise.pipeline import model

    config = load(folder)
    Records.open(config.store.records, folder).close()  # brings the schema of an earlier release up
    version = Versions(folder / config.store.models).in_service()
    if version is None:
        return None
    try:
        model.load(version)
    except ShelfwiseError as error:
        return error.found
    except Exception as error:  # a version of another release, or one that was broken already
        return type(error).__name__
    return None


def _add_folder(archive: ArchiveWriter, name: str, folder: Path, progress: Progress) -> None:
    if not folder.is_dir():
        return
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    total, done = sum(path.stat().st_size for path in paths), 0
    for path in paths:
        done += archive.add(f"{name}/{path.relative_to(folder).as_posix()}", path)
        progress(f"copying {name}", done, total)


def _looked_at(folder: Path) -> tuple[int, int, list[str]]:
    """Items, events, and the ids of the keys that values are sealed under."""
    records = Records.open(f"sqlite:///{RECORDS}", folder)
    try:
        with records.read() as connection:
            return catalogue.count(connection), event_log.count(connection), known_keys.read_all(connection)
    finally:
        records.close()


def _outcome(contents: dict[str, Any], changed: list[str] | None = None, refused: str | None = None) -> BackedUp:
    files = contents["files"].values()
    return BackedUp(
        contents["made_at"],
        len(files),
        sum(one["bytes"] for one in files),
        contents["version"],
        contents["items"],
        contents["events"],
        changed or [],
        refused,
        contents.get("data_keys", []),  # earlier releases sealed nothing
    )


def _release() -> str:
    try:
        return metadata.version("shelfwise")
    except metadata.PackageNotFoundError:
        return "0"
