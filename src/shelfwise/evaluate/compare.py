"""Model versions side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from shelfwise.config.load import parse
from shelfwise.config.shop import EvaluateSpec
from shelfwise.errors import ConfigError, InputError
from shelfwise.evaluate.report import Overlap
from shelfwise.metrics import holm, paired_difference
from shelfwise.pipeline.components import resolved
from shelfwise.store.evaluations import Evaluations, StoredEvaluation
from shelfwise.store.versions import Version
from shelfwise.track.facts import flat
from shelfwise.track.tracker import Fact

METRIC = "ndcg"
"""What differences are tested in; one metric, chosen beforehand, is one test per version."""

NOT_COMPARED = ("track.", "serve.", "train.", "version")
"""Keys that no model depends on."""

Questions = tuple[str, int, str]
"""Protocol, length of lists, fingerprint: evaluations that agree in these asked the same."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What an evaluation of a version found.

    Attributes:
        questions: Fingerprint of the questions.
        metrics: `mean`, `low` and `high` by metric, at k; 95 % by bootstrap over users.
        data: Fingerprint of the data that the questions were cut from.
    """

    protocol: str
    k: int
    n_users: int
    questions: str
    evaluated_at: str
    data: str
    metrics: dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class Column:
    """One version; None where an older release did not note it.

    Attributes:
        data: `n_events`, `n_items`, `n_users`, `fingerprint` and, where the log has a clock, `last_event_at`.
        seconds: Of the whole training.
        seconds_by_stage: Of its parts.
        measured: None where no evaluation is kept with it.
    """

    version: str
    in_service: bool
    created_at: str | None
    shelfwise: str | None
    commit: str | None
    data: dict[str, Any]
    seconds: float | None
    seconds_by_stage: dict[str, float]
    measured: Measured | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One version against the first one, on the same questions.

    Attributes:
        mean: `version - against` in NDCG at k, with its 95 % interval `low` to `high` by the paired bootstrap.
        relative: `version / against - 1`; None where the first one's mean is 0.
        p_value: Two-sided, by sign flips.
        p_adjusted: By Holm for all versions that are compared.
    """

    version: str
    against: str
    metric: str
    n_users: int
    mean: float
    low: float
    high: float
    relative: float | None
    p_value: float
    p_adjusted: float


@dataclass(frozen=True, slots=True)
class VersionComparison:
    """Everything that `shelfwise models compare` says.

    Attributes:
        columns: One per version, in the order asked for.
        configuration: Keys in which the versions differ; values in the order of the versions, None where a version
            has no such key.
        differences: Against the first version; only between those that were asked the same questions.
        notes: What could not be compared, and what to do about it.
        overlap: None where it was not asked for.
    """

    columns: list[Column]
    configuration: dict[str, list[Fact | None]]
    differences: list[Difference]
    notes: list[str]
    overlap: list[Overlap] | None

    def as_document(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def compare(
    versions: Sequence[Version],
    evaluations: Evaluations,
    options: EvaluateSpec,
    overlap: list[Overlap] | None = None,
) -> VersionComparison:
    """Put versions side by side.

    Of a version's evaluations the one counts whose questions most of the versions were asked; among equals the
    latest.

    Args:
        versions: Two or more different ones; the first is what the others are compared with.
        evaluations: What is known of them.
        options: Resamples and seed of the tests.
        overlap: Of today's lists, where that was found out.

    Raises:
        InputError: fewer than two different versions.
    """
    names = [version.name for version in versions]
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise InputError(
            f"{', '.join(names) or 'no version'} cannot be compared",
            expected="two or more different versions",
            hint="see `shelfwise models list`",
            code="nothing_to_compare",
        )
    chosen = _chosen([evaluations.of(name) for name in names])
    columns = [_column(version, found) for version, found in zip(versions, chosen, strict=True)]
    return VersionComparison(
        columns, _configuration(versions), _differences(columns, chosen, options), _notes(columns), overlap
    )


def _questions(found: StoredEvaluation) -> Questions:
    report = found.report
    return report["protocol"], int(report["k"]), report["questions"]


def _chosen(stored: list[list[StoredEvaluation]]) -> list[StoredEvaluation | None]:
    asked_of: dict[Questions, list[str]] = {}
    for evaluations in stored:
        for one in evaluations:
            asked_of.setdefault(_questions(one), []).append(one.report["evaluated_at"])

    def rank(one: StoredEvaluation) -> tuple[int, str, str]:
        times = asked_of[_questions(one)]
        return len(times), max(times), one.report["evaluated_at"]

    return [max(evaluations, key=rank, default=None) for evaluations in stored]


def _column(version: Version, found: StoredEvaluation | None) -> Column:
    manifest = version.manifest
    data = dict(manifest.get("data", {}))
    if "last_event_at" not in data and manifest.get("has_clock") and manifest.get("log_end_ms"):
        last = datetime.fromtimestamp((int(manifest["log_end_ms"]) - 1) / 1_000, UTC)
        data["last_event_at"] = last.isoformat(timespec="seconds")
    measured = None
    if found is not None:
        report = found.report
        measured = Measured(
            report["protocol"],
            int(report["k"]),
            int(report["n_users"]),
            report["questions"],
            report["evaluated_at"],
            report["data"]["fingerprint"],
            report["rows"][0]["metrics"],
        )
    return Column(
        version.name,
        version.is_current,
        manifest.get("created_at"),
        manifest.get("shelfwise"),
        manifest.get("commit"),
        data,
        manifest.get("seconds"),
        manifest.get("seconds_by_stage", {}),
        measured,
    )


def _configuration(versions: Sequence[Version]) -> dict[str, list[Fact | None]]:
    facts = [_facts(version) for version in versions]
    found: dict[str, list[Fact | None]] = {}
    for key in dict.fromkeys(key for one in facts for key in one):
        values = [one.get(key) for one in facts]
        if any(value != values[0] for value in values) and not key.startswith(NOT_COMPARED):
            found[key] = values
    return found


def _facts(version: Version) -> dict[str, Fact]:
    """Options at their defaults count: writing one down changes nothing."""
    try:
        return flat(resolved(parse(version.manifest["config"])))
    except ConfigError:  # a plugin that is gone, or an option of another release: as it was written then
        return flat(version.manifest["config"])


def _differences(
    columns: Sequence[Column], chosen: Sequence[StoredEvaluation | None], options: EvaluateSpec
) -> list[Difference]:
    first = chosen[0]
    if first is None:
        return []
    base = first.per_question()[METRIC]
    found: list[tuple[Column, Any]] = []
    for column, other in zip(columns[1:], chosen[1:], strict=True):
        if other is not None and _questions(other) == _questions(first):
            tested = paired_difference(
                other.per_question()[METRIC], base, n_resamples=options.n_resamples, seed=options.seed
            )
            found.append((column, tested))
    if not found:
        return []
    adjusted = holm(np.array([tested.p_value for _, tested in found]))
    return [
        Difference(
            column.version,
            columns[0].version,
            METRIC,
            len(base),
            tested.mean_difference,
            tested.low,
            tested.high,
            tested.relative if np.isfinite(tested.relative) else None,
            tested.p_value,
            float(p),
        )
        for (column, tested), p in zip(found, adjusted, strict=True)
    ]


def _notes(columns: Sequence[Column]) -> list[str]:
    notes = [
        f"{column.version} was not evaluated: run `shelfwise evaluate --version {column.version}`"
        for column in columns
        if column.measured is None
    ]
    first = columns[0].measured
    if first is None:
        return notes
    for column in columns[1:]:
        other = column.measured
        if other is not None and (other.protocol, other.k, other.questions) != (
            first.protocol,
            first.k,
            first.questions,
        ):
            notes.append(f"{_why(first, other, columns[0].version, column.version)}; there is no difference to show")
    return notes


def _why(first: Measured, other: Measured, a: str, b: str) -> str:
    again = f"ask both the same: `shelfwise evaluate --version {a}` and `shelfwise evaluate --version {b}`"
    if (first.protocol, first.k) != (other.protocol, other.k):
        stated = f"{a} by {first.protocol} at {first.k}, {b} by {other.protocol} at {other.k}"
        again += f", both with `--protocol {first.protocol} --k {first.k}`"
    elif first.data != other.data:
        stated = "events or items came in between"
    else:
        stated = "they differ in what may be shown, such as items had before, or in what is predicted"
    return f"{a} and {b} were asked different questions ({stated}); {again}"
