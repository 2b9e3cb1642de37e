"""Train a shop: read, fit, publish a model version."""

from __future__ import annotations

import hashlib
import platform
import time
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from shelfwise.config.shop import ShopConfig
from shelfwise.datasets.training_data import TrainingData
from shelfwise.pipeline.fitted import Fitted, Progress
from shelfwise.pipeline.model import EncoderFiles, save
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.store.records import Records
from shelfwise.store.versions import Version, Versions
from shelfwise.train.data import Loaded, load
from shelfwise.train.fit import fit


def train(
    config: ShopConfig, records: Records, vectors_folder: Path, versions: Versions, progress: Progress
) -> Version:
    """Fit the funnel on everything that the store holds and put it in service.

    Raises:
        StateError: there are no items, or no events to learn from.
        MissingExtraError: what training needs is not installed.
    """
    started = time.perf_counter()
    progress("reading items and events", None, None)
    loaded = load(
        config, records, vectors_folder, lambda done, total: progress("encoding items", done, total), progress
    )
    fitted = fit(config, loaded.data, loaded.users, progress, tuner=loaded.tuner)
    progress("publishing", None, None)
    manifest = _manifest(config, loaded, fitted, time.perf_counter() - started)
    files = fitted.encoder
    if files is None and loaded.encoder is not None and loaded.whitening is not None:
        files = EncoderFiles(loaded.encoder.folder, loaded.encoder.encoder.runtime_files(), loaded.whitening)
    return versions.get(save(versions, fitted.funnel, files, manifest, _picture_files(loaded)))


def _picture_files(loaded: Loaded) -> EncoderFiles | None:
    pictures, mapped = loaded.pictures, loaded.mapped_pictures
    if pictures is None or pictures.encoder is None or mapped is None:
        return None
    return EncoderFiles(pictures.folder, pictures.encoder.runtime_files(), mapped.map)


def _manifest(config: ShopConfig, loaded: Loaded, fitted: Fitted, seconds: float) -> dict[str, Any]:
    data = loaded.data
    pictures: dict[str, Any] = {}
    if loaded.pictures is not None:
        is_aligned = loaded.mapped_pictures is not None and loaded.mapped_pictures.is_aligned
        pictures = {"pictures": {**loaded.pictures.report.as_document(), "aligned": is_aligned}}
    return {
        **pictures,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "shelfwise": metadata.version("shelfwise"),
        "python": platform.python_version(),
        "config": config.model_dump(mode="json", exclude_none=True),
        "data": {
            "fingerprint": fingerprint(data),
            "n_items": len(data.catalogue),
            "n_users": data.interactions.n_users,
            "n_events": len(data.interactions),
        },
        "target": fitted.target.value,
        "only_purchases": bool(np.all(data.interactions.kinds == CODE_BY_KIND[EventKind.PURCHASE])),
        "repeats": fitted.repeats,
        "has_clock": data.interactions.has_clock,
        "n_items": len(data.catalogue),
        "log_end_ms": data.interactions.end_ms,
        "learned": fitted.about,
        "seconds": round(seconds, 1),
    }


def fingerprint(data: TrainingData) -> str:
    """Equal for equal items and events: what a model was trained on can be told apart."""
    digest = hashlib.sha256()
    for item_id in data.catalogue.item_ids:
        digest.update(item_id.encode() + b"\x00")
    interactions = data.interactions
    for column in (interactions.user_rows, interactions.item_rows, interactions.kinds, interactions.times_ms):
        digest.update(column.tobytes())
    return digest.hexdigest()
