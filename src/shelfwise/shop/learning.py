"""What a shop learns: its encoder tuned, its ranker's settings searched, its model trained."""

from __future__ import annotations

from shelfwise.config.shop import ShopConfig
from shelfwise.pipeline.components import resolved
from shelfwise.pipeline.fitted import Progress
from shelfwise.pipeline.tracking import tracked
from shelfwise.shop.parts import CURRENT_VERSION, ShopParts
from shelfwise.store.maps import Maps, StoredMap
from shelfwise.store.versions import Version
from shelfwise.track.facts import flat
from shelfwise.track.guarded import Guarded
from shelfwise.track.origin import origin
from shelfwise.track.several import Several
from shelfwise.track.tracker import Run
from shelfwise.track.training_journal import TrainingJournal, journal
from shelfwise.train.data import Loaded, load, make_tuner
from shelfwise.train.go_on import go_on, look
from shelfwise.train.manifest import describe
from shelfwise.train.publish import train as train_and_publish
from shelfwise.train.ranker_search.points import Front
from shelfwise.train.ranker_search.search import FOLDER, ranker_of, search, stored
from shelfwise.train.tuning.report import TuningReport, tune_shop


def loaded_data(shop: ShopParts, config: ShopConfig, progress: Progress) -> Loaded:
    """Everything that the shop has, its texts encoded."""
    progress("reading items and events", None, None)
    return load(
        config,
        shop.records,
        shop.vectors_folder,
        lambda done, total: progress("encoding items", done, total),
        progress,
    )


def tune(shop: ShopParts, n_trials: int, minutes: float, progress: Progress) -> TuningReport:
    """See `Shop.tune`."""
    config = shop.config
    with tracked(config, Run(f"tune-{shop.versions.new_name()}", shop.folder)) as tracker:
        tracker.facts({**origin(), **flat(resolved(config))})
        loaded = loaded_data(shop, config, progress)
        tracker.facts(flat({"data": describe(loaded.data)}))
        tuner = make_tuner(config, shop.records, loaded.items, shop.vectors_folder)
        return tune_shop(
            tuner, loaded.data, loaded.users, progress, n_trials=n_trials, minutes=minutes, tracker=tracker
        )


def search_ranker(shop: ShopParts, n_trials: int, minutes: float, scenario: str, progress: Progress) -> Front:
    """See `Shop.search_ranker`."""
    config, folder = shop.config, shop.folder / FOLDER
    if not n_trials:
        return stored(folder)
    ranker_of(config)
    with tracked(config, Run(f"tune-{shop.versions.new_name()}", shop.folder)) as tracker:
        tracker.facts({**origin(), **flat(resolved(config))})
        loaded = loaded_data(shop, config, progress)
        return search(
            config,
            loaded.data,
            loaded.users,
            folder,
            progress,
            scenario=scenario,
            n_trials=n_trials,
            minutes=minutes,
            tracker=tracker,
        )


def train(shop: ShopParts, progress: Progress, continue_from: str | None) -> Version:
    """See `Shop.train`."""
    what = "full" if continue_from is None else "continue"
    with journal(shop.folder, what, shop.versions.new_name()) as (name, kept):
        version = _trained(shop, told_too(progress, kept.stage), continue_from, name, kept)
        kept.ended("done" if version.name == name else "unchanged", version=version.name)
    return version


def _trained(
    shop: ShopParts, progress: Progress, continue_from: str | None, name: str, kept: TrainingJournal
) -> Version:
    config, records, versions = shop.config, shop.records, shop.versions
    news = None
    if continue_from is not None:
        before = versions.current() if continue_from == CURRENT_VERSION else versions.get(continue_from)
        news = look(config, records, shop.vectors_folder, before, progress)
        if news is None:
            return before
    with tracked(config, Run(name, shop.folder)) as tracker:
        both = Several(tracker, Guarded(kept))
        if news is not None:
            return go_on(config, news, records, versions, progress, name=name, tracker=both)
        return train_and_publish(config, records, shop.vectors_folder, versions, progress, name=name, tracker=both)


def draw_map(shop: ShopParts, version: Version, progress: Progress) -> StoredMap:
    """See `Shop.draw_map`."""
    from shelfwise.train.catalogue_map.draw import draw

    with journal(shop.folder, "map", shop.versions.new_name()) as (_, kept):
        drawn = draw(version, Maps(shop.versions.folder), told_too(progress, kept.stage))
        kept.ended("done", version=version.name)
    return drawn


def told_too(progress: Progress, other: Progress) -> Progress:
    """Progress that two are told of."""

    def told(text: str, done: int | None, total: int | None) -> None:
        progress(text, done, total)
        other(text, done, total)

    return told
