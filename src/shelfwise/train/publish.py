"""Train a shop: read, fit, publish a model version."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from shelfwise.config.shop import ShopConfig
from shelfwise.datasets.training_data import TrainingData
from shelfwise.pipeline.components import resolved
from shelfwise.pipeline.fitted import Fitted, Progress
from shelfwise.pipeline.model import EncoderFiles, save
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.store.records import Records
from shelfwise.store.versions import Version, Versions
from shelfwise.track.facts import flat
from shelfwise.track.origin import origin
from shelfwise.track.tracker import NOTHING, Tracker
from shelfwise.train.data import Loaded, load
from shelfwise.train.fit import fit


def train(
    config: ShopConfig,
    records: Records,
    vectors_folder: Path,
    versions: Versions,
    progress: Progress,
    *,
    name: str | None = None,
    tracker: Tracker = NOTHING,
) -> Version:
    """Fit the funnel on everything that the store holds and put it in service.

    Args:
        name: Of the version, where it had to be known before.
        tracker: Keeps what happens, and on what.

    Raises:
        StateError: there are no items, or no events to learn from.
        MissingExtraError: what training needs is not installed.
    """
    started = time.perf_counter()
    progress("reading items and events", None, None)
    tracker.facts({**origin(), **flat(resolved(config))})
    loaded = load(
        config, records, vectors_folder, lambda done, total: progress("encoding items", done, total), progress
    )
    read_s = time.perf_counter() - started
    about_data = describe(loaded.data)
    tracker.facts(flat({"data": about_data}))
    fitted = fit(config, loaded.data, loaded.users, progress, tuner=loaded.tuner, tracker=tracker)
    progress("publishing", None, None)
    manifest = _manifest(config, loaded, fitted, about_data)
    manifest["seconds"] = round(time.perf_counter() - started, 1)
    manifest["seconds_by_stage"] = {"read": round(read_s, 2), **manifest["learned"].pop("seconds_by_stage", {})}
    for stage, seconds in manifest["seconds_by_stage"].items():
        tracker.scalar(f"seconds/{stage}", seconds, 0)
    files = fitted.encoder
    if files is None and loaded.encoder is not None and loaded.whitening is not None:
        files = EncoderFiles(loaded.encoder.folder, loaded.encoder.encoder.runtime_files(), loaded.whitening)
    return versions.get(save(versions, fitted.funnel, files, manifest, name, _picture_files(loaded)))


def _picture_files(loaded: Loaded) -> EncoderFiles | None:
    pictures, mapped = loaded.pictures, loaded.mapped_pictures
    if pictures is None or pictures.encoder is None or mapped is None:
        return None
    return EncoderFiles(pictures.folder, pictures.encoder.runtime_files(), mapped.map)


def _manifest(config: ShopConfig, loaded: Loaded, fitted: Fitted, about_data: dict[str, Any]) -> dict[str, Any]:
    data = loaded.data
    pictures: dict[str, Any] = {}
    if loaded.pictures is not None:
        is_aligned = loaded.mapped_pictures is not None and loaded.mapped_pictures.is_aligned
        pictures = {"pictures": {**loaded.pictures.report.as_document(), "aligned": is_aligned}}
    return {
        **pictures,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **origin(),
        "config": config.model_dump(mode="json", exclude_none=True),
        "data": about_data,
        "target": fitted.target.value,
        "only_purchases": bool(np.all(data.interactions.kinds == CODE_BY_KIND[EventKind.PURCHASE])),
        "repeats": fitted.repeats,
        "has_clock": data.interactions.has_clock,
        "n_items": len(data.catalogue),
        "log_end_ms": data.interactions.end_ms,
        "learned": dict(fitted.about),
    }


def describe(data: TrainingData) -> dict[str, Any]:
    """What a model is trained on, in a few numbers and a fingerprint."""
    interactions = data.interactions
    about: dict[str, Any] = {
        "fingerprint": fingerprint(data),
        "n_items": len(data.catalogue),
        "n_users": interactions.n_users,
        "n_events": len(interactions),
    }
    if interactions.has_clock and len(interactions):
        last = datetime.fromtimestamp((interactions.end_ms - 1) / 1_000, UTC)
        about["last_event_at"] = last.isoformat(timespec="seconds")
    return about


def fingerprint(data: TrainingData) -> str:
    """Equal for equal items and events: what a model was trained on can be told apart."""
    digest = hashlib.sha256()
    for item_id in data.catalogue.item_ids:
        digest.update(item_id.encode() + b"\x00")
    interactions = data.interactions
    for column in (interactions.user_rows, interactions.item_rows, interactions.kinds, interactions.times_ms):
        digest.update(column.tobytes())
    return digest.hexdigest()
