"""Evaluate what made a model version, and keep what was found with it.

A version itself cannot be asked about a past that it was trained on. What is measured is its recipe: its configuration,
fitted anew on what was known before the questions.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from shelfwise.config.load import parse
from shelfwise.config.shop import ShopConfig
from shelfwise.errors import ConfigError
from shelfwise.evaluate.report import EvaluationReport
from shelfwise.store.evaluations import Evaluations
from shelfwise.store.versions import Version
from shelfwise.track.tracker import Tracker

LEARNED = ("behaviour", "encode", "retrieve", "rank")
"""The tables of `shop.toml` that say how a model is made."""


def as_trained(config: ShopConfig, version: Version) -> ShopConfig:
    """The shop's configuration with the tables that a version was trained with.

    Questions, lists and resampling stay the shop's, so that all versions are asked alike.
    """
    trained = parse(version.manifest["config"])
    return config.model_copy(update={name: getattr(trained, name) for name in (*LEARNED, "rerank", "scenarios")})


def is_as_trained(config: ShopConfig, version: Version) -> bool:
    """Whether the shop's configuration would train such a version again."""
    try:
        trained = parse(version.manifest["config"])
    except ConfigError:  # another release wrote it
        return False
    return all(getattr(config, name) == getattr(trained, name) for name in LEARNED)


def keep(report: EvaluationReport, version: str, evaluations: Evaluations, about: dict[str, Any]) -> None:
    """Keep a report and every question's metrics with a version.

    Args:
        about: What the evaluation ran on: release and data.
    """
    own = report.per_question
    evaluations.put(
        version,
        f"{report.protocol}-at-{report.k}",
        {"evaluated_at": datetime.now(UTC).isoformat(timespec="seconds"), **about, **report.as_document()},
        {
            "user_rows": own.user_rows,
            **{name: values.astype(np.float32) for name, values in own.by_metric.items()},
        },
    )


def track(report: EvaluationReport, tracker: Tracker) -> None:
    """Every model's metrics as points, and the table as a text."""
    prefix = f"evaluate/{report.protocol}"
    lines = [f"| {report.asked} | NDCG@{report.k} | 95 % interval |", "|---|---|---|"]
    for row in report.rows:
        for name, found in row.metrics.items():
            tracker.scalar(f"{prefix}/{row.model}/{name}_at_{report.k}", found.mean, 0)
        ndcg = row.metrics["ndcg"]
        lines.append(f"| {row.model} | {ndcg.mean:.4f} | {ndcg.low:.4f} to {ndcg.high:.4f} |")
    tracker.text(prefix, "\n".join(lines))
