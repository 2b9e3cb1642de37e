"""Train a shop: read, fit, publish a model version."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from shelfwise.config.shop import ShopConfig
from shelfwise.offers.response import ResponseModel
from shelfwise.pipeline.components import resolved
from shelfwise.pipeline.fitted import Progress
from shelfwise.pipeline.funnel import Funnel
from shelfwise.pipeline.model import EncoderFiles, save
from shelfwise.store.records import Records
from shelfwise.store.versions import Version, Versions
from shelfwise.track.facts import flat
from shelfwise.track.origin import origin
from shelfwise.track.tracker import NOTHING, Tracker
from shelfwise.train.as_trained import note_as_trained
from shelfwise.train.data import Loaded, load
from shelfwise.train.erased_meanwhile import ErasedMeanwhile
from shelfwise.train.fit import fit
from shelfwise.train.manifest import describe, manifest
from shelfwise.train.response import response_of


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
    tracker.facts(flat({"data": describe(loaded.data)}))
    fitted = fit(config, loaded.data, loaded.users, progress, tuner=loaded.tuner, tracker=tracker)
    learned = response_of(config, records, loaded, progress)
    progress("publishing", None, None)
    about = {**manifest(config, loaded, fitted), "offers": learned.about}
    note_time(about, time.perf_counter() - started, read_s, tracker)
    files = encoder_files(loaded) if fitted.encoder is None else fitted.encoder
    erased = ErasedMeanwhile(records, vectors_folder, versions, loaded)
    return publish(versions, fitted.funnel, files, about, name, learned.model, erased, progress)


def publish(
    versions: Versions,
    funnel: Funnel,
    encoder: EncoderFiles | None,
    about: dict[str, Any],
    name: str | None,
    response: ResponseModel,
    erased: ErasedMeanwhile,
    progress: Progress,
) -> Version:
    """Put a fitted funnel in service, without whom the shop forgot while it was fitted; arguments as of `save`."""
    pictures = picture_files(erased.loaded)

    def last_look(folder: Path) -> None:
        loaded = erased.loaded
        note_as_trained(folder, about, erased.records, loaded.data.interactions, loaded.user_ids, progress)
        erased.forget(folder, about)

    made = save(versions, funnel, encoder, about, name, pictures, response, last_look)
    version = versions.get(made)
    erased.settle(version)
    return version


def note_time(about: dict[str, Any], seconds: float, read_s: float, tracker: Tracker) -> None:
    """Put into a manifest how long a training took, and its stages."""
    about["seconds"] = round(seconds, 1)
    about["seconds_by_stage"] = {"read": round(read_s, 2), **about["learned"].pop("seconds_by_stage", {})}
    for stage, taken_s in about["seconds_by_stage"].items():
        tracker.scalar(f"seconds/{stage}", taken_s, 0)


def picture_files(loaded: Loaded) -> EncoderFiles | None:
    """The same for pictures; None where no item has one."""
    pictures, mapped = loaded.pictures, loaded.mapped_pictures
    if pictures is None or pictures.encoder is None or mapped is None:
        return None
    return EncoderFiles(pictures.folder, pictures.encoder.runtime_files(), mapped.map, pictures.encoder.key())


def encoder_files(loaded: Loaded) -> EncoderFiles | None:
    """What a version needs to encode new items as those of its training; None where the shop encodes no text."""
    ready = loaded.encoder
    if ready is None or loaded.whitening is None:
        return None
    return EncoderFiles(ready.folder, ready.encoder.runtime_files(), loaded.whitening, ready.key)
