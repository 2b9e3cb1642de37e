"""What a shop learns: its encoder tuned, its ranker's settings searched, its model trained."""

from __future__ import annotations

from shelfwise.config.shop import ShopConfig
from shelfwise.pipeline.components import resolved
from shelfwise.pipeline.fitted import Progress
from shelfwise.pipeline.tracking import tracked
from shelfwise.shop.parts import CURRENT_VERSION, ShopParts
from shelfwise.store.versions import Version
from shelfwise.track.facts import flat
from shelfwise.track.origin import origin
from shelfwise.track.tracker import Run
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
    config, records, versions = shop.config, shop.records, shop.versions
    news = None
    if continue_from is not None:
        before = versions.current() if continue_from == CURRENT_VERSION else versions.get(continue_from)
        news = look(config, records, shop.vectors_folder, before, progress)
        if news is None:
            return before
    name = versions.new_name()
    with tracked(config, Run(name, shop.folder)) as tracker:
        if news is not None:
            return go_on(config, news, records, versions, progress, name=name, tracker=tracker)
        return train_and_publish(config, records, shop.vectors_folder, versions, progress, name=name, tracker=tracker)
