"""What a shop's model is worth, on questions that it has not seen."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from shelfwise.datasets.splits import Protocol
from shelfwise.datasets.training_data import TrainingData
from shelfwise.evaluate.diversity import DiversityTradeOffs, diversity_trade_offs
from shelfwise.evaluate.of_version import as_trained, is_as_trained, keep, track
from shelfwise.evaluate.report import EvaluationReport
from shelfwise.evaluate.run import evaluate as evaluate_on
from shelfwise.pipeline.fitted import Progress
from shelfwise.pipeline.tracking import tracked
from shelfwise.shop.learning import loaded_data
from shelfwise.shop.parts import ShopParts
from shelfwise.store import scenario_versions
from shelfwise.track.origin import origin
from shelfwise.track.tracker import Run
from shelfwise.train.fit import fit
from shelfwise.train.manifest import describe


def evaluate(
    shop: ShopParts, protocol: Protocol | None, k: int, progress: Progress, version: str | None
) -> EvaluationReport:
    """See `Shop.evaluate`."""
    config = shop.config
    if version is not None:
        config = as_trained(config, shop.versions.get(version))
    else:
        in_service = shop.versions.in_service()
        if in_service is not None and is_as_trained(config, in_service):
            version = in_service.name
    with tracked(config, Run(version or f"evaluate-{shop.versions.new_name()}", shop.folder)) as tracker:
        loaded = loaded_data(shop, config, progress)
        fitting = partial(fit, tuner=loaded.tuner)
        report = evaluate_on(
            fitting, config, loaded.data, loaded.users, protocol or usual_protocol(loaded.data), k, progress
        )
        report = replace(report, version=version, set_apart=_set_apart(shop))
        if version is not None:
            keep(report, version, shop.evaluations, {**origin(), "data": describe(loaded.data)})
        track(report, tracker)
    return report


def diversity_tradeoff(shop: ShopParts, scenario: str, n_users: int, progress: Progress) -> DiversityTradeOffs:
    """See `Shop.diversity_tradeoff`."""
    loaded = loaded_data(shop, shop.config, progress)
    return diversity_trade_offs(
        partial(fit, tuner=loaded.tuner),
        shop.config,
        loaded.data,
        loaded.users,
        usual_protocol(loaded.data),
        scenario,
        n_users,
        progress,
    )


def _set_apart(shop: ShopParts) -> dict[str, dict[str, Any]]:
    """What was chosen for places above `shop.toml`, by scenario; those that stand as the file has them are left out."""
    with shop.records.read() as connection:
        found = scenario_versions.in_force(connection)
    return {name: one.settings.as_document() for name, one in sorted(found.items()) if not one.settings.is_empty}


def usual_protocol(data: TrainingData) -> Protocol:
    """A time split where the log has a clock."""
    return "time-split" if data.interactions.has_clock else "leave-one-out"
