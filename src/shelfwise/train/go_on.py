"""Continue a model version: take up what is new in a small part of the time that a full training takes."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from shelfwise.config.shop import ShopConfig
from shelfwise.errors import StateError
from shelfwise.pipeline.components import resolved
from shelfwise.pipeline.fitted import Progress
from shelfwise.pipeline.model import Model
from shelfwise.pipeline.model import load as load_model
from shelfwise.store.records import Records
from shelfwise.store.vectors import VectorCache
from shelfwise.store.versions import Version, Versions
from shelfwise.track.facts import flat
from shelfwise.track.origin import origin
from shelfwise.track.tracker import NOTHING, Tracker
from shelfwise.train.data import Loaded, ModelSpace, ReadyEncoder, load
from shelfwise.train.erased_meanwhile import ErasedMeanwhile
from shelfwise.train.fingerprints import fingerprint, of_items, of_profiles
from shelfwise.train.fit import fit_on
from shelfwise.train.lineage import Lineage
from shelfwise.train.manifest import describe, manifest
from shelfwise.train.publish import encoder_files, note_time, publish
from shelfwise.train.response import response_of
from shelfwise.train.same_parts import require_no_obstacle, require_same_log, require_same_parts


@dataclass(frozen=True, slots=True)
class News:
    """A version to go on from, and the store as it is now.

    Attributes:
        version: On disk.
        before: The same, loaded.
        loaded: What the store holds; text vectors lie in the version's space.
        vectors_folder: Where encoders keep the vectors they made.
        read_s: Seconds that it took to find out.
    """

    version: Version
    before: Model
    loaded: Loaded
    vectors_folder: Path
    read_s: float


def look(
    config: ShopConfig, records: Records, vectors_folder: Path, version: Version, progress: Progress
) -> News | None:
    """Find out what is new since a version was trained, and whether training can go on from it.

    Returns:
        None where neither events nor items nor the configuration changed.

    Raises:
        ConfigError: the configuration names other parts than the version has.
        StateError: the store is not the one that it was trained on, or lost events; or a network cannot go on.
        MissingExtraError: what training needs is not installed.
    """
    started = time.perf_counter()
    progress(f"reading model {version.name}", None, None)
    before = load_model(version)
    require_same_parts(config, before, version)
    progress("reading items and events", None, None)
    space = _space(before, version, records, vectors_folder)
    loaded = load(
        config,
        records,
        vectors_folder,
        lambda done, total: progress("encoding items", done, total),
        progress,
        space=space,
    )
    require_same_log(loaded, before, version)
    if _is_same(config, loaded, version):
        return None
    require_no_obstacle(config, loaded, before, version)
    return News(version, before, loaded, vectors_folder, time.perf_counter() - started)


def go_on(
    config: ShopConfig,
    news: News,
    records: Records,
    versions: Versions,
    progress: Progress,
    *,
    name: str | None = None,
    tracker: Tracker = NOTHING,
) -> Version:
    """Take up what is new, and put the new version in service.

    Kept are what the ranker learned, the text encoder and its whitening, and what was learned of repeats; retrievers
    that train a network go on from there with replay of old events; the others are fitted anew on everything. Where
    enough is new, a ranker of trees gets some more, which learn from that alone.

    Args:
        name: Of the new version, where it had to be known before.
        tracker: Keeps what happens, and on what.

    Raises:
        MissingExtraError: what training needs is not installed.
    """
    started = time.perf_counter()
    tracker.facts({**origin(), **flat(resolved(config)), "continues": news.version.name})
    data, learned = news.loaded.data, news.version.manifest["learned"]
    tracker.facts(flat({"data": describe(data)}))
    fitted = fit_on(config, data, news.loaded.users, news.before, progress, tracker=tracker)
    lineage = Lineage.after(
        news.version.name,
        news.version.manifest,
        n_events=len(data.interactions),
        n_items=len(data.catalogue),
        n_users=data.interactions.n_users,
    )
    response = response_of(config, records, news.loaded, progress)
    progress("publishing", None, None)
    about = manifest(config, news.loaded, replace(fitted, about={**learned, **fitted.about}), lineage)
    about["offers"] = response.about
    note_time(about, news.read_s + time.perf_counter() - started, news.read_s, tracker)
    erased = ErasedMeanwhile(records, news.vectors_folder, versions, news.loaded)
    return publish(versions, fitted.funnel, encoder_files(news.loaded), about, name, response.model, erased, progress)


def _space(before: Model, version: Version, records: Records, vectors_folder: Path) -> ModelSpace:
    """The version's own encoder, tuned or not, with the vectors that it made so far; what it needs it carries along."""
    if before.encoder is None:
        return ModelSpace(None, None, before.picture_map, scenario_names=before.scenario_names)
    key = version.manifest.get("encoder")
    if key is None and "tuned_encoder" not in version.manifest["learned"]:
        key = before.encoder.key()
    if key is None:
        raise StateError(
            f"model version {version.name} does not say which encoder made its vectors",
            where=str(version.folder),
            hint="an earlier release wrote it: run `shelfwise train` once",
            code="cannot_continue",
        )
    cache = VectorCache(records, vectors_folder / key, key, before.encoder.dim)
    return ModelSpace(
        ReadyEncoder(before.encoder, version.folder / "encoder", cache, key),
        before.whitening,
        before.picture_map,
        () if before.funnel.profiles is None else before.funnel.profiles.attributes,
        before.scenario_names,
    )


def _is_same(config: ShopConfig, loaded: Loaded, version: Version) -> bool:
    about = version.manifest["data"]
    return (
        about["fingerprint"] == fingerprint(loaded.data)
        and about.get("items") == of_items(loaded.items)
        and about.get("profiles") == (None if loaded.profiles is None else of_profiles(loaded.profiles))
        and version.manifest["config"] == config.model_dump(mode="json", exclude_none=True)
    )
