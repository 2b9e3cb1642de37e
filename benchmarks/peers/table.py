"""The comparison as numbers, from stored rows alone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from peers.models import OURS, OWN
from peers.rows import Row, read, stored
from shelfwise.metrics import bootstrap_interval, holm, paired_difference

SHOWN = ("ndcg@10", "recall@10", "recall@20", "mrr@10")


def compared_by(protocol: str) -> str:
    """The metric that counts: of items that nobody has touched it is whether they are found at all."""
    return "recall@20" if protocol == "cold-items" else "ndcg@10"


N_RESAMPLES = 2_000
LEVEL = 0.05


def comparison(rows: Iterable[Row]) -> dict[str, Any]:
    """One data set and protocol: every model with intervals, ours against every other.

    Ours counts, question by question, with the mean over its seeds. Intervals are bootstraps over users; p-values are
    Holm's over all models in the table.

    Args:
        rows: All of one exam.

    Returns:
        Plain JSON: `models`, best first, ours at the top; `exam` and what was asked.

    Raises:
        ValueError: there are no rows, or some answered another exam.
    """
    by_model: dict[str, list[Row]] = {}
    for row in rows:
        by_model.setdefault(row.key.model, []).append(row)
    if not by_model:
        raise ValueError("there are no rows")
    exams = {row.about["exam"] for of_model in by_model.values() for row in of_model}
    if len(exams) > 1:
        raise ValueError(f"rows answered {len(exams)} different exams: {', '.join(sorted(exams))}")
    first = next(iter(by_model.values()))[0]
    metric = compared_by(first.key.protocol)
    lines = {model: _line(model, of_model) for model, of_model in by_model.items()}
    if OURS in by_model:
        others = [model for model in by_model if model != OURS]
        ours = _mean(by_model[OURS], metric)
        found = [paired_difference(ours, _mean(by_model[model], metric), n_resamples=N_RESAMPLES) for model in others]
        # Holm's correction is over the peers; the other of our own stands beside them for its price.
        is_peer = np.array([model not in OWN for model in others], bool)
        adjusted = np.array([difference.p_value for difference in found])
        if is_peer.any():
            adjusted[is_peer] = holm(adjusted[is_peer])
        for model, difference, p_value in zip(others, found, adjusted.tolist(), strict=True):
            lines[model]["ours_ahead"] = {
                "relative": difference.relative,
                "low": difference.relative_low,
                "high": difference.relative_high,
                "p_holm": p_value,
            }
    ranked = sorted(lines.values(), key=lambda line: (line["model"] != OURS, -line["metrics"][metric]["mean"]))
    told = ("data", "protocol", "asked", "n_questions", "n_items", "seen_items", "exam")
    return {**{name: first.about[name] for name in told}, "models": ranked, "provenance": _provenance(by_model)}


def from_folder(folder: Path, data: str, protocol: str) -> dict[str, Any] | None:
    """The comparison of what is stored; None where nothing is."""
    keys = stored(folder, data, protocol)
    return comparison([read(folder, key) for key in keys]) if keys else None


def best_peer(found: dict[str, Any]) -> dict[str, Any] | None:
    """The line of the best model that is not ours."""
    return next((line for line in found["models"] if line["model"] not in OWN), None)


def ours_of(found: dict[str, Any]) -> dict[str, Any] | None:
    """Our line."""
    return line_of(found, OURS)


def line_of(found: dict[str, Any], model: str) -> dict[str, Any] | None:
    """The line of a model; None where it has no row."""
    return next((line for line in found["models"] if line["model"] == model), None)


def worst_p(found: dict[str, Any]) -> float:
    """The largest adjusted p-value among all models, 1 where ours is not above one of them."""
    ahead = [line["ours_ahead"] for line in found["models"] if line["model"] not in OWN]
    return max((one["p_holm"] if one["relative"] > 0 else 1.0 for one in ahead), default=1.0)


def _line(model: str, of_model: list[Row]) -> dict[str, Any]:
    metrics: dict[str, dict[str, float]] = {}
    for name in SHOWN:
        interval = bootstrap_interval(_mean(of_model, name), n_resamples=N_RESAMPLES)
        metrics[name] = {"mean": interval.mean, "low": interval.low, "high": interval.high}
        if len(of_model) > 1:
            metrics[name]["seed_deviation"] = float(np.std([row.by_metric[name].mean() for row in of_model], ddof=1))
    abouts = [row.about for row in of_model]
    return {
        "model": model,
        "seeds": sorted(row.key.seed for row in of_model),
        "metrics": metrics,
        "settings": abouts[0]["settings"],
        "n_tried": abouts[0]["n_tried"],
        "seconds": {
            part: {
                clock: float(np.mean([about["seconds"].get(part, {}).get(clock, 0.0) for about in abouts]))
                for clock in ("wall", "cpu")
            }
            for part in ("encode", "fit", "tune", "ask")
        },
        "n_threads": abouts[0]["n_threads"],
        "note": abouts[0]["note"],
    }


def _mean(of_model: list[Row], metric: str) -> npt.NDArray[np.float64]:
    """Question by question, over seeds."""
    return np.mean([row.by_metric[metric] for row in of_model], axis=0)


def _provenance(by_model: dict[str, list[Row]]) -> dict[str, Any]:
    """When, at which commits and on which machines the rows were made, and with which libraries."""
    abouts = [row.about for of_model in by_model.values() for row in of_model]
    versions: dict[str, set[str]] = {}
    for about in abouts:
        for name, version in about["versions"].items():
            versions.setdefault(name, set()).add(version)
    return {
        "from": min(about["date"] for about in abouts),
        "to": max(about["date"] for about in abouts),
        "commits": sorted({about["commit"] for about in abouts}),
        "machines": sorted({f"{about['machine']['cores']} cores of {about['machine']['cpu']}" for about in abouts}),
        "versions": {name: " and ".join(sorted(found)) for name, found in sorted(versions.items())},
    }
