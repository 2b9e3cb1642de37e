"""Run an evaluation: split, fit ours and the baselines on the same past, ask all the same questions."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from shelfwise.config.shop import ShopConfig
from shelfwise.datasets.examples import Examples
from shelfwise.datasets.interactions import had_code, target_kind
from shelfwise.datasets.moments import moments
from shelfwise.datasets.splits import (
    Protocol,
    Split,
    cut_before_end,
    leave_one_out,
    require_clock,
    time_split,
)
from shelfwise.datasets.training_data import TrainingData
from shelfwise.errors import StateError
from shelfwise.evaluate.baselines import BASELINES, Baseline, Popularity
from shelfwise.evaluate.measure import METRICS, Measured, measure, score_with_baseline, score_with_funnel
from shelfwise.evaluate.report import Comparison, Estimate, EvaluationReport, Exposure, PerQuestion, Row
from shelfwise.evaluate.slices import slices
from shelfwise.metrics import (
    bootstrap_interval,
    coverage,
    exposure_by_group,
    exposure_gap,
    gini,
    group_entropy,
    head_share,
    intra_list_distance,
    least_exposure_ratio,
    novelty,
    paired_difference,
)
from shelfwise.pipeline.fitted import Fitted, Progress
from shelfwise.pipeline.slate_steps import groups_of
from shelfwise.rerank.listed import Groups
from shelfwise.schemas.events import EventKind
from shelfwise.schemas.ids import Bools, Doubles, Rows

OURS = "shelfwise"
TUNING_QUESTIONS = 600
"""Questions of the past that each setting of a baseline is tried on."""

Fit = Callable[[ShopConfig, TrainingData, Bools, Progress], Fitted]
"""Fits the funnel on what is known at one moment: `shelfwise.train.fit.fit`."""


@dataclass(frozen=True, slots=True)
class Exam:
    """The same questions for every model.

    Attributes:
        data: What may be known.
        examples: What is asked.
        allowed: What may be shown; shape `(n_items,)`.
        repeats: Whether items of the history may be recommended.
    """

    data: TrainingData
    examples: Examples
    allowed: Bools
    repeats: bool
    n_history: int
    k: int


def evaluate(
    fit: Fit,
    config: ShopConfig,
    data: TrainingData,
    users: Bools,
    protocol: Protocol,
    k: int,
    progress: Progress,
) -> EvaluationReport:
    """Compare our model with tuned baselines.

    Args:
        fit: Fits our model on the part that may be known.
        config: The shop's.
        data: Everything the shop has; the split is made here.
        users: Who may be asked about, by user row.
        protocol: leave-one-out or time-split.
        k: Length of the lists.
        progress: Told of every step.

    Raises:
        StateError: there is nobody to ask about, or a time split of a log without a clock.
    """
    started = time.perf_counter()
    ready = prepared(fit, config, data, users, protocol, k, progress)
    target, fitted, exam, told = ready.target, ready.fitted, ready.exam, ready.told
    past, fit_s = exam.data, ready.fit_s
    score = score_with_funnel(fitted.funnel, exam.allowed, repeats=exam.repeats, n_history=exam.n_history, depth=k)
    measured = {OURS: _ask(score, told, OURS, progress)}
    about: dict[str, Any] = {"ranker": fitted.about["ranker"]["model"]} if "ranker" in fitted.about else {}
    rows = [_row(OURS, about, 1, measured[OURS], exam, config, fit_s)]
    fallback: dict[str, Any] = {}
    for kind in BASELINES:
        tuned = _tuned(kind, exam, users, target, fallback, progress)
        if tuned is None:
            continue
        baseline, settings, n_tried, tuning_s = tuned
        if kind is Popularity:  # the first: the others fall back on it as it was tuned
            fallback = settings
        score = score_with_baseline(baseline, exam.allowed, repeats=exam.repeats, n_history=exam.n_history)
        measured[kind.name] = _ask(score, exam, kind.name, progress)
        rows.append(_row(kind.name, settings, n_tried, measured[kind.name], exam, config, tuning_s))
    rows[1:] = sorted(rows[1:], key=lambda row: -row.metrics["ndcg"].mean)
    by_model = {name: found[0] for name, found in measured.items()}
    return EvaluationReport(
        protocol,
        k,
        len(exam.examples),
        int(exam.allowed.sum()),
        "kept" if exam.repeats else "removed",
        ready.asked,
        rows,
        slices(by_model, past, exam.examples, k),
        _comparison(by_model, rows[1].model, config),
        time.perf_counter() - started,
        fingerprint(exam),
        PerQuestion(np.array([example.user_row for example in exam.examples], np.int32), measured[OURS][0].by_metric),
    )


@dataclass(frozen=True, slots=True)
class Ready:
    """Our model, fitted on the past, and the questions that it is to be asked.

    Attributes:
        exam: As everybody is asked.
        told: The same, with what our own model alone is told.
        fit_s: Seconds of fitting.
        asked: In words: what was known, what is asked.
    """

    target: EventKind
    fitted: Fitted
    exam: Exam
    told: Exam
    fit_s: float
    asked: str


def prepared(
    fit: Fit,
    config: ShopConfig,
    data: TrainingData,
    users: Bools,
    protocol: Protocol,
    k: int,
    progress: Progress,
) -> Ready:
    """Split, and fit our model on the part that may be known; see `evaluate`.

    Raises:
        StateError: there is nobody to ask about, or a time split of a log without a clock.
    """
    target = target_kind(data.interactions, config.behaviour.target)
    split = _split(config, data, users, protocol, target)
    split = replace(split, examples=split.examples.where_had_is(had_code(config.behaviour.had, target)))
    if not len(split.examples):
        raise StateError(
            f"no user has enough {target.value} events to be asked about",
            expected="three per user for leave-one-out; one after the cut for a time split",
            hint="ingest more events, or set [evaluate] test_d",
            code="nobody_to_ask",
        )
    if not len(split.train):
        raise StateError(
            f"nothing happened before the last {config.evaluate.test_d:g} days: there is no past to learn from",
            where="evaluate.test_d",
            hint="set [evaluate] test_d to a smaller number of days, or use `--protocol leave-one-out`",
            code="no_past",
        )
    past = data.with_interactions(split.train, split.cut_ms)
    fit_started = time.perf_counter()
    fitted = fit(config, past, users, progress)
    fit_s = time.perf_counter() - fit_started
    exam = Exam(
        past,
        split.examples if fitted.repeats else split.examples.without_repeats(),
        data.catalogue.allowed,
        fitted.repeats,
        config.behaviour.history,
        k,
    )
    # Told to our own model only, in the space that it was fitted in; the questions stay the same.
    told = replace(exam, examples=exam.examples.with_profiles(fitted.funnel.profiles))
    return Ready(target, fitted, exam, told, fit_s, _in_words(protocol, target, split, config))


def fingerprint(exam: Exam) -> str:
    """Equal for the same questions: users, moments, histories, right answers, and what may be shown."""
    digest = hashlib.sha256(exam.allowed.tobytes() + bytes([exam.repeats]))
    for one in exam.examples:
        situation = one.situation
        sizes = [one.user_row, situation.now_ms, len(one.relevant), len(situation.history), situation.target]
        digest.update(np.array(sizes, np.int64).tobytes())
        for part in (one.relevant, situation.history.rows, situation.history.kinds):
            digest.update(part.tobytes())
    return digest.hexdigest()


def _split(config: ShopConfig, data: TrainingData, users: Bools, protocol: Protocol, target: EventKind) -> Split:
    if protocol == "leave-one-out":
        return leave_one_out(data.interactions, target, users)
    require_clock(data.interactions)
    cut_ms = cut_before_end(data.interactions, config.evaluate.test_d)
    return time_split(data.interactions, target, users, cut_ms=cut_ms)


def _ask(score: Any, exam: Exam, name: str, progress: Progress) -> tuple[Measured, float]:
    started = time.perf_counter()
    measured = measure(
        score,
        exam.examples,
        len(exam.allowed),
        exam.k,
        lambda done, total: progress(f"{name}: ranking the catalogue for every user", done, total),
    )
    return measured, time.perf_counter() - started


def _tuned(
    kind: type[Baseline], exam: Exam, users: Bools, target: EventKind, fallback: dict[str, Any], progress: Progress
) -> tuple[Baseline, dict[str, Any], int, float] | None:
    """The baseline with its best settings on the latest questions before the split, fitted up to the split."""
    started = time.perf_counter()
    grid = kind.grid(exam.data, repeats=exam.repeats, fallback=fallback)
    if not grid:
        return None
    moment = moments(exam.data, target, users)[0]
    questions = moment.questions(0)  # the very questions that our own ranker learns from first
    asked = questions if exam.repeats else questions.without_repeats()
    asked = Examples(asked.entries[:TUNING_QUESTIONS])
    best: tuple[float, dict[str, Any]] | None = None
    candidate: Baseline | None = None
    for place, settings in enumerate(grid):
        progress(f"{kind.name}: tuning", place, len(grid))
        if len(grid) > 1 and len(asked):
            before, candidate = candidate, kind(**settings)
            candidate.fit(moment.data, before)
            everything = np.ones(len(exam.allowed), bool)
            score = score_with_baseline(candidate, everything, repeats=exam.repeats, n_history=exam.n_history)
            ndcg = float(measure(score, asked, len(everything), exam.k).by_metric["ndcg"].mean())
        else:
            ndcg = 0.0
        if best is None or ndcg > best[0]:
            best = (ndcg, settings)
    assert best is not None
    baseline = kind(**best[1])
    baseline.fit(exam.data)
    return baseline, best[1], len(grid), time.perf_counter() - started


def _row(
    name: str,
    settings: dict[str, Any],
    n_tried: int,
    found: tuple[Measured, float],
    exam: Exam,
    config: ShopConfig,
    fit_s: float,
) -> Row:
    measured, score_s = found
    estimates: dict[str, Estimate] = {}
    for metric in METRICS:
        interval = bootstrap_interval(
            measured.by_metric[metric], n_resamples=config.evaluate.n_resamples, seed=config.evaluate.seed
        )
        estimates[metric] = Estimate(interval.mean, interval.low, interval.high)
    n_items = len(exam.allowed)
    popularity = np.bincount(exam.data.interactions.item_rows, minlength=n_items).astype(np.float64)
    groups = {name: group for name, group in groups_of(exam.data.catalogue).items() if len(group.names) > 1}
    merits = np.bincount(np.concatenate([one.relevant for one in exam.examples]), minlength=n_items).astype(np.float64)
    distance = None
    if exam.data.vectors is not None and exam.k > 1:
        distance = float(np.nanmean(intra_list_distance(measured.lists, exam.data.vectors)))
    return Row(
        name,
        settings,
        n_tried,
        estimates,
        coverage(measured.lists, n_items),
        gini(measured.lists, n_items),
        distance,
        float(np.nanmean(novelty(measured.lists, popularity))),
        fit_s,
        score_s,
        _mean_or_none(group_entropy(measured.lists, groups["category"].codes, len(groups["category"].names)))
        if "category" in groups
        else None,
        head_share(measured.lists, popularity),
        {name: _exposure(measured.lists, group, merits) for name, group in groups.items()},
    )


def _exposure(lists: Rows, group: Groups, merits: Doubles) -> Exposure:
    """Of one grouping; `merits` are each item's right answers, shape `(n,)`."""
    n_groups, has_group = len(group.names), group.codes >= 0
    due = np.bincount(group.codes[has_group], merits[has_group], minlength=n_groups)
    due = due / max(due.sum(), 1.0)
    got = exposure_by_group(lists, group.codes, n_groups)
    ratio = least_exposure_ratio(got, due)
    return Exposure(exposure_gap(got, due), None if np.isnan(ratio) else ratio)


def _mean_or_none(values: Doubles) -> float | None:
    measured = values[~np.isnan(values)]
    return float(measured.mean()) if len(measured) else None


def _comparison(measured: dict[str, Measured], against: str, config: ShopConfig) -> Comparison:
    found = paired_difference(
        measured[OURS].by_metric["ndcg"],
        measured[against].by_metric["ndcg"],
        n_resamples=config.evaluate.n_resamples,
        seed=config.evaluate.seed,
    )
    return Comparison(against, found.relative, found.relative_low, found.relative_high, found.p_value)


def _in_words(protocol: Protocol, target: EventKind, split: Split, config: ShopConfig) -> str:
    if protocol == "leave-one-out":
        return (
            f"each user's last {target.value}; fitted without it and without the one before it, "
            "which is part of the history asked with"
        )
    when = np.datetime64(split.cut_ms, "ms").astype("datetime64[m]")
    return f"all {target.value}s of the last {config.evaluate.test_d:g} days; known: what happened before {when} UTC"
