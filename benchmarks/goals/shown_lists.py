"""Rankers of lists that were shown: ours and LambdaMART, told the same; and what one scenario lends another."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import lightgbm
import numpy as np

from goals import trivago
from goals.contenders import TREES
from record import Record
from shelfwise.features.context_features import CONTEXT, context_features
from shelfwise.metrics.intervals import bootstrap_interval, holm, paired_difference
from shelfwise.rank.beside_touched import with_touched
from shelfwise.rank.multi_objective import MultiObjective
from shelfwise.rank.outcome_tables import later_requests
from shelfwise.rank.ranker import Asked, RankingTable
from shelfwise.schemas.ids import Doubles, Floats
from shelfwise.schemas.scenario_names import UNKNOWN

Say = Callable[[str], None]
Score = Callable[[RankingTable], Floats]

OURS, TREES_NAME = "multi-objective", "lambdamart"
TREES_COMPARING = "lambdamart, told what ours compares"
AHEAD = 0.01
"""By MRR, over LambdaMART on the same features."""

OPTIONS: dict[str, Any] = {
    "experts": "shared",
    "list_loss": 1.0,
    "feature_steps": True,
    "list_context": "attention",
    "epochs": 5,
    "requests_per_step": 32,
    "n_trees": 200,
}
"""Of ours; chosen on hours 20 to 36, see the experiments."""

COMPARED = ("price_above_list", "price_share_in_list", trivago.POSITION_COLUMNS[0])
"""By what ours compares a hotel with those of the list that the user has looked at; the position where it is told."""

LEAVES = (7, 15, 31)
N_TREES = (40, 80, 150, 250)
RATE = 0.05

N_SMALLEST = 10
FEWEST_LISTS = 5
"""Lists below which a platform has no model of its own: its lists keep the order in which they were shown."""

OF_THE_SMALL: dict[str, Any] = {"requests_per_step": 8, "epochs": 30}
"""Of a platform's own model: steps enough, however few its lists."""


@dataclass(frozen=True, slots=True)
class Variant:
    """What is told of the lists' order."""

    name: str
    learned: RankingTable
    asked: RankingTable


PARTS = ("with position", "without position", "scenarios")


def measure(
    found: trivago.Shop,
    record: Record,
    seeds: tuple[int, ...],
    *,
    parts: Sequence[str],
    say: Say,
    keep: Callable[[dict[str, Any]], None],
    quick: bool,
) -> dict[str, Any]:
    """What is asked of trivago: either variant, and what scenarios lend each other; kept as it comes."""
    learned, asked = trivago.tables(found, say)
    log: dict[str, Any] = {"n_learned": len(learned.groups), "n_asked": len(asked.groups)}
    variants = [
        Variant("with position", learned, asked),
        Variant("without position", trivago.without_position(learned), trivago.without_position(asked)),
    ]
    # What scenarios are compared by is the very ranker that was compared with trees: fitted once for each seed.
    fit_ours = {one.name: cache(partial(ours, one.learned)) for one in variants}
    log["variants"] = []
    for variant in variants:
        if variant.name in parts:
            log["variants"].append(compared(variant, seeds, fit_ours[variant.name], say=say))
            _adjust(log["variants"])
            if not quick:
                slug = variant.name.replace(" ", "-")
                ahead = log["variants"][-1]["ahead"][TREES_NAME][0]
                record.promise(f"trivago-mrr-above-lambdamart-{slug}", ahead, AHEAD, "at least")
            keep(log)
    if quick:
        record.skip("trivago", "the quick form has one seed")
        return log
    if "scenarios" not in parts:
        return log
    log["transfer"] = transferred(variants[0], found.platforms, seeds, fit_ours[variants[0].name], say=say)
    for name in ("one per platform", "pooled"):
        ahead = log["transfer"]["ahead"][name][0]
        record.promise(f"trivago-joint-above-{name.replace(' ', '-')}", ahead, 0.0, "at least")
    return log


def compared(variant: Variant, seeds: tuple[int, ...], fit_ours: Callable[[int], Score], *, say: Say) -> dict[str, Any]:
    """Ours, LambdaMART on the same features, and LambdaMART, set the same, that is told what ours makes of them."""
    comparing = _comparing(variant)
    settings = tuned_trees(variant.learned)
    say(f"{variant.name}: LambdaMART tuned: {settings}")
    contenders = {
        TREES_NAME: (partial(trees, variant.learned, settings), variant.asked),
        TREES_COMPARING: (partial(trees, comparing.learned, settings), comparing.asked),
        OURS: (fit_ours, variant.asked),
    }
    runs: dict[str, list[Doubles]] = {name: [] for name in contenders}
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for seed in seeds:
        for name, (fit, asked) in contenders.items():
            started = time.process_time()
            runs[name].append(reciprocal_ranks(fit(seed)(asked), asked))
            seconds[name].append(time.process_time() - started)
            say(f"{variant.name}, seed {seed}: {name} reaches {runs[name][-1].mean():.4f}")
    per_user = {name: by_user(np.mean(found, axis=0), variant.asked) for name, found in runs.items()}
    gaps = {
        name: paired_difference(per_user[OURS], per_user[name], n_resamples=10_000)
        for name in contenders
        if name != OURS
    }
    return {
        "name": variant.name,
        "features": variant.learned.feature_names,
        "settings": settings,
        "n_users": len(per_user[OURS]),
        "mrr": {name: _interval(values) for name, values in per_user.items()},
        "by_list": {name: [float(run.mean()) for run in found] for name, found in runs.items()},
        "shown_order": float(reciprocal_ranks(-_positions(variant), variant.asked).mean())
        if trivago.POSITION_COLUMNS[0] in variant.asked.feature_names
        else None,
        "seconds": seconds,
        "ahead": {name: [gap.relative, gap.relative_low, gap.relative_high] for name, gap in gaps.items()},
        "p_value": {name: gap.p_value for name, gap in gaps.items()},
    }


def _adjust(variants: list[dict[str, Any]]) -> None:
    """All comparisons are one family."""
    pairs = [(one, name) for one in variants for name in one["p_value"]]
    adjusted = holm(np.array([one["p_value"][name] for one, name in pairs]))
    for (one, name), p_value in zip(pairs, adjusted.tolist(), strict=True):
        one.setdefault("p_holm", {})[name] = p_value


def _comparing(variant: Variant) -> Variant:
    """The same lists, with what our ranker makes of their features and histories told to everybody."""

    def told(table: RankingTable) -> RankingTable:
        columns = [table.feature_names.index(name) for name in _compared_in(table)]
        return replace(table, features=with_touched(table, columns))

    return replace(variant, learned=told(variant.learned), asked=told(variant.asked))


def _compared_in(table: RankingTable) -> list[str]:
    return [name for name in COMPARED if name in table.feature_names]


def transferred(
    variant: Variant, platforms: tuple[str, ...], seeds: tuple[int, ...], joint: Callable[[int], Score], *, say: Say
) -> dict[str, Any]:
    """The ten smallest platforms: one model for all that knows them, one that does not, one for each."""
    codes, asked_codes = _codes(variant.learned), _codes(variant.asked)
    n_lists = np.bincount(np.concatenate([codes, asked_codes]), minlength=len(platforms))
    present = np.unique(asked_codes)
    smallest = sorted(present.tolist(), key=lambda code: (n_lists[code], code))[:N_SMALLEST]
    asked = variant.asked.where(np.isin(asked_codes, smallest))
    owners = _codes(asked)
    runs: dict[str, list[Doubles]] = {"joint": [], "pooled": [], "one per platform": []}
    for seed in seeds:
        runs["joint"].append(reciprocal_ranks(joint(seed)(asked), asked))
        nameless = _nameless(variant.learned)
        runs["pooled"].append(reciprocal_ranks(ours(nameless, seed)(_nameless(asked)), asked))
        own = np.zeros(len(asked.groups))
        for code in smallest:
            lists = asked.where(owners == code)
            learned = variant.learned.where(codes == code)
            has_model = len(learned.groups) >= FEWEST_LISTS
            scores = ours(learned, seed, **OF_THE_SMALL)(lists) if has_model else -lists.column("position")
            own[owners == code] = reciprocal_ranks(scores, lists)
        runs["one per platform"].append(own)
        told = ", ".join(f"{name} {found[-1].mean():.4f}" for name, found in runs.items())
        say(f"ten smallest platforms, seed {seed}: {told}")
    per_user = {name: by_user(np.mean(found, axis=0), asked) for name, found in runs.items()}
    gaps = {
        name: paired_difference(per_user["joint"], per_user[name], n_resamples=10_000)
        for name in ("pooled", "one per platform")
    }
    adjusted = holm(np.array([gap.p_value for gap in gaps.values()]))
    return {
        "platforms": {platforms[code]: [int((codes == code).sum()), int((owners == code).sum())] for code in smallest},
        "n_users": len(per_user["joint"]),
        "mrr": {name: _interval(values) for name, values in per_user.items()},
        "ahead": {name: [gap.relative, gap.relative_low, gap.relative_high] for name, gap in gaps.items()},
        "p_holm": dict(zip(gaps, adjusted.tolist(), strict=True)),
    }


def ours(table: RankingTable, seed: int, **options: Any) -> Score:
    """The multi-objective ranker, as a shop would train and ask it."""
    chosen: dict[str, Any] = {**OPTIONS, "beside_touched": _compared_in(table), **options}
    ranker = MultiObjective(MultiObjective.Config(**chosen))
    ranker.fit(table, seed=seed, report=lambda _: None)

    def score(asked: RankingTable) -> Floats:
        ends = np.cumsum(asked.groups)
        found = ranker.score_many(
            [
                Asked(asked.features[start:end], asked.rows[start:end], situation)
                for start, end, situation in zip(ends - asked.groups, ends, asked.situations, strict=True)
            ]
        )
        return np.concatenate([one.scores for one in found])

    return score


def tuned_trees(table: RankingTable) -> dict[str, Any]:
    """The leaves, the number of trees, and whether device and hour are told, that order the latest fifth best."""
    is_later = later_requests(table)
    earlier, later = table.where(~is_later), table.where(is_later)
    best: tuple[float, dict[str, Any]] = (-1.0, {})
    for with_context in (True, False):
        for leaves in LEAVES:
            settings = {"leaves": leaves, "with_context": with_context, "n_trees": max(N_TREES)}
            booster = _grown(earlier, settings, 0)
            lines = _told(later, with_context=with_context)
            for n_trees in N_TREES:
                said = np.asarray(booster.predict(lines, num_iteration=n_trees), np.float32)
                found = float(reciprocal_ranks(said, later).mean())
                best = max(best, (found, {**settings, "n_trees": n_trees}), key=lambda one: one[0])
    return best[1]


def trees(table: RankingTable, settings: dict[str, Any], seed: int) -> Score:
    """LambdaMART on everything, as tuned."""
    booster = _grown(table, settings, seed)
    return lambda asked: np.asarray(booster.predict(_told(asked, with_context=settings["with_context"])), np.float32)


def _grown(table: RankingTable, settings: dict[str, Any], seed: int) -> Any:
    parameters = {
        **TREES,
        "objective": "lambdarank",
        "num_leaves": settings["leaves"],
        "learning_rate": RATE,
        "min_data_in_leaf": 50,
        "seed": seed,
    }
    lines = _told(table, with_context=settings["with_context"])
    # The platform, as ours is told it: a class, not a number.
    data = lightgbm.Dataset(
        lines, table.outcomes[:, 0].astype(np.int64), group=table.groups, categorical_feature=[lines.shape[1] - 1]
    )
    return lightgbm.train(parameters, data, settings["n_trees"])


def _told(table: RankingTable, *, with_context: bool) -> Floats:
    context = context_features(table.situations, CONTEXT if with_context else ())
    platform = _codes(table)[:, None].astype(np.float32)
    return np.hstack([table.features, np.repeat(np.hstack([context, platform]), table.groups, axis=0)])


def reciprocal_ranks(scores: Floats, table: RankingTable) -> Doubles:
    """1 / place of the item clicked in each list, the best where several were; equal scores share their places."""
    ends = np.cumsum(table.groups)
    found = np.zeros(len(table.groups))
    for number, (start, end) in enumerate(zip(ends - table.groups, ends, strict=True)):
        clicked = scores[start:end][table.outcomes[start:end, 0] == 1]
        if len(clicked):
            best = clicked.max()
            above, equal = (scores[start:end] > best).sum(), (scores[start:end] == best).sum()
            found[number] = 1 / (1 + above + (equal - 1) / 2)
    return found


def by_user(values: Doubles, table: RankingTable) -> Doubles:
    """The mean of each user's lists."""
    owners = _users(table)
    _, places, counts = np.unique(owners, return_inverse=True, return_counts=True)
    return np.bincount(places, values) / counts


def _users(table: RankingTable) -> np.ndarray[Any, Any]:
    """Who saw each list; who had done nothing before it is somebody of his own."""
    return np.array(
        [
            one.history.user_row if one.history.user_row >= 0 else -1 - number
            for number, one in enumerate(table.situations)
        ]
    )


def _codes(table: RankingTable) -> np.ndarray[Any, Any]:
    return np.array([one.scenario for one in table.situations], np.int64)


def _nameless(table: RankingTable) -> RankingTable:
    return replace(table, situations=tuple(replace(one, scenario=UNKNOWN) for one in table.situations))


def _positions(variant: Variant) -> Floats:
    return variant.asked.column(trivago.POSITION_COLUMNS[0])


def _interval(values: Doubles) -> list[float]:
    found = bootstrap_interval(values)
    return [found.mean, found.low, found.high]
