"""Train a shop: read, fit, publish a model version."""

from __future__ import annotations

import time
from pathlib import Path

from shelfwise.config.shop import ShopConfig
from shelfwise.pipeline.fitted import Progress
from shelfwise.pipeline.model import EncoderFiles, save
from shelfwise.store.records import Records
from shelfwise.store.versions import Version, Versions
from shelfwise.train.data import Loaded, load
from shelfwise.train.fit import fit
from shelfwise.train.manifest import manifest


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
    loaded = load(config, records, vectors_folder, lambda done, total: progress("encoding items", done, total))
    fitted = fit(config, loaded.data, loaded.users, progress, tuner=loaded.tuner)
    progress("publishing", None, None)
    about = manifest(config, loaded, fitted, time.perf_counter() - started)
    files = encoder_files(loaded) if fitted.encoder is None else fitted.encoder
    return versions.get(save(versions, fitted.funnel, files, about))


def encoder_files(loaded: Loaded) -> EncoderFiles | None:
    """What a version needs to encode new items as those of its training; None where the shop encodes no text."""
    ready = loaded.encoder
    if ready is None or loaded.whitening is None:
        return None
    return EncoderFiles(ready.folder, ready.encoder.runtime_files(), loaded.whitening, ready.key)
