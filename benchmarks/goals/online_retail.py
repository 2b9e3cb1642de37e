"""A gift shop's year of invoices, which the package ships: what is bought and kept, and if what is said of it is true.

Known is what happened before a cut; asked are all visits of the four weeks after it. Whether something is kept shows
30 days after it was bought at the latest, so the window ends so long before the log does that all of it is known: 30
days, and the week in which a visit's purchases count. What came back later than that, up to the log's end, did not
stay either. A visit of this log is an invoice, known by its first minute: lists shown, looks and carts were not kept.

The invoices come through one channel, so there is one scenario. The customers' countries make two markets, of which
the models are not told: what is said has to be true in both nevertheless.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from rich.console import Console

from goal_tables import RETAIL_COLUMNS, retail_lines, retail_notes, retail_title
from record import Record
from shelfwise.config.objectives import present
from shelfwise.config.shop import ShopConfig
from shelfwise.datasets.interactions import DAY_MS, Interactions, had_code
from shelfwise.datasets.outcomes import KEPT_D, Judge
from shelfwise.datasets.splits import next_moments
from shelfwise.datasets.training_data import TrainingData
from shelfwise.features.text_vectors import TextVectors
from shelfwise.metrics import PooledAuc, paired_difference, reliability
from shelfwise.rank.multi_objective import MultiObjective
from shelfwise.rank.ranker import Asked, RankingTable
from shelfwise.schemas.events import EventKind
from shelfwise.schemas.ids import Bools, Doubles, Floats
from shelfwise.shop import Shop
from shelfwise.track.tracker import NOTHING
from shelfwise.train.data import load
from shelfwise.train.examples import ranking_table
from shelfwise.train.past_requests import ask_the_past, fitted_retrievers
from shelfwise.train.stages import Stages
from tables import show

WINDOW_D, COUNTS_D = 28.0, 7.0
VISITS = 10
"""Of each customer, at most."""

HOME = "United Kingdom"
SEEDS = (0, 1, 2)
LEARNED, QUICK_LEARNED = 1_000, 150
"""Visits of the past that every model learns from, drawn at random."""

QUICK_VISITS = 150
N_RESAMPLES = 300

WORST_ERROR = 0.02
ENOUGH_LABELS = 500
TOP = 10

SETTINGS = """
[rank]
use = "multi-objective"

[objectives.purchase]
events = ["purchase"]

[objectives.satisfaction]
events = ["purchase"]
given = "purchase"
kept = true
"""

Say = Callable[[str], None]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Log:
    """The shop before the cut, and who is asked about what afterwards.

    Attributes:
        config: Of the shop.
        data: What may be learned from.
        users: Who may be asked about.
        whole: The log to its end, by which answers are judged.
        cut_ms: Where the questions begin.
        until_ms: Where they end.
        is_home: Whether a user buys from the shop's own country, by user row.
    """

    config: ShopConfig
    data: TrainingData
    users: Bools
    whole: Interactions
    cut_ms: int
    until_ms: int
    is_home: Bools


@dataclass(frozen=True, slots=True)
class Run:
    """What the models of one seed said of every candidate.

    Attributes:
        values: Of the joint network; shape `(N, K)`.
        alone: Of the networks of one objective each; shape `(N, K)`.
        about: What the joint ranker tells of its fit.
    """

    values: Floats
    alone: Floats
    about: dict[str, Any]


def run(work: Path | None, path: Path | None, say: Say, *, quick: bool) -> int:
    """The whole benchmark; the exit code.

    Args:
        work: Where the shop and what the models said are kept; None forgets both.
        path: Of the record's file.
        say: Told of progress.
        quick: One seed, few visits; no promise is judged.
    """
    record = Record("objectives-online-retail", quick)
    with tempfile.TemporaryDirectory(prefix="shelfwise-bench-") as scratch:
        found = measure(work or Path(scratch), record, say, quick=quick)
    record.results["online-retail"] = found
    console = Console(width=150)
    show(console, retail_title(found), RETAIL_COLUMNS, retail_lines(found))
    for note in retail_notes(found):
        console.print(f"[dim]{note}[/]", highlight=False)
    return record.finish(path)


def read(folder: Path) -> Log:
    """Ingest and encode the shop into a folder; one that is there is taken as it is."""
    packed = resources.files("shelfwise.cli") / "demo_shop"
    if not folder.exists():
        with resources.as_file(packed) as source:
            shutil.copytree(source, folder)
    settings = folder / "shop.toml"
    if SETTINGS not in settings.read_text(encoding="utf-8"):
        settings.write_text(settings.read_text(encoding="utf-8") + SETTINGS, encoding="utf-8")
    with Shop.open(folder) as shop:
        shop.ingest()
        loaded = load(shop.config, shop.records, folder / "vectors", None)
        config = shop.config
    lines = pl.read_parquet(folder / "online_retail.parquet", columns=["CustomerID", "Country"]).drop_nulls()
    country = lines.unique("CustomerID", keep="last", maintain_order=True)
    names = dict(zip(country["CustomerID"].cast(pl.Int64).cast(pl.String), country["Country"], strict=True))
    is_home = np.array([names.get(user_id) == HOME for user_id in loaded.user_ids])
    whole = loaded.data.interactions
    until_ms = whole.end_ms - int((KEPT_D + COUNTS_D) * DAY_MS)
    cut_ms = until_ms - int(WINDOW_D * DAY_MS)
    data = loaded.data.with_interactions(whole.before(cut_ms), cut_ms)
    return Log(config, data, loaded.users, whole, cut_ms, until_ms, is_home)


def measure(folder: Path, record: Record, say: Say, *, quick: bool) -> dict[str, Any]:
    """Ours beside one network per objective, on the same visits; promises are AUC and calibration."""
    say("reading the gift shop")
    log = read(folder / "shop")
    say("fitting the retrievers on everything before the cut")
    fitted = fitted_retrievers(log.config, log.data, {}, "everything", lambda *_: None, Stages(), NOTHING)
    retrievers = {name: one for name, one in fitted.items() if one.is_ranked}
    runs: list[Run] = []
    say("asking the past")
    past = ask_the_past(log.config, log.data, log.users, lambda *_: None, outcomes=True)
    say("asking the visits after the cut")
    asked = _visits(log, retrievers, repeats=past.repeats, n=QUICK_VISITS if quick else 10**9)
    for seed in SEEDS[:1] if quick else SEEDS:
        chosen = np.random.default_rng(seed).permutation(len(past.table.groups)) < (QUICK_LEARNED if quick else LEARNED)
        runs.append(_run(past.table.where(chosen), asked, seed, say, folder / f"said-{seed}-{chosen.sum()}.npz"))
    words = {**_in_words(log, asked), "learned": QUICK_LEARNED if quick else LEARNED, "seeds": len(runs)}
    found: dict[str, Any] = {"asked": words, "scenarios": 1, **_judged(runs, asked, log, say)}
    for name, line in found["objectives"].items():
        if quick:
            record.skip(f"online-retail-{name}", "the quick form asks few visits, with one seed")
            continue
        record.promise(f"online-retail-{name}-auc-above-single-task", line["auc"]["ahead"][0], 0.0, "at least")
        if line["labels"] >= ENOUGH_LABELS:
            record.promise(f"online-retail-{name}-calibration-error", line["error"], WORST_ERROR, "below")
    return found


def _visits(log: Log, retrievers: Any, *, repeats: bool, n: int) -> RankingTable:
    """The candidates of every visit after the cut with what became of them, judged at the log's end."""
    examples = next_moments(
        log.whole,
        EventKind.PURCHASE,
        log.users,
        cut_ms=log.cut_ms,
        until_ms=log.until_ms,
        per_user=VISITS,
        seed=0,
        any_kind=True,
    ).where_had_is(had_code(log.config.behaviour.had, EventKind.PURCHASE))
    return ranking_table(
        retrievers,
        log.data,
        examples,
        repeats=repeats,
        n_history=log.config.behaviour.history,
        has_clock=True,
        max_requests=n,
        judge=Judge(log.whole, log.config.objectives, log.whole.end_ms),
    )


def _run(table: RankingTable, asked: RankingTable, seed: int, say: Say, kept: Path) -> Run:
    if kept.is_file():
        with np.load(kept) as said:
            return Run(said["values"], said["alone"], json.loads(str(said["about"])))

    def fitted(some: RankingTable, what: str) -> tuple[Floats, dict[str, Any]]:
        say(f"seed {seed}: {what}")
        ranker = MultiObjective(MultiObjective.Config())
        about = ranker.fit(some, seed=seed, report=lambda _: None)
        return np.concatenate([one.predictions for one in ranker.score_many(_requests(asked))]), about

    values, about = fitted(table, "the network of both objectives")
    alone = []
    for column, name in enumerate(table.objectives):
        single = replace(table, outcomes=table.outcomes[:, [column]], objectives=present(table.objectives, {name}))
        alone.append(fitted(single, f"the network of {name} alone")[0])
    np.savez(kept, values=values, alone=np.concatenate(alone, axis=1), about=json.dumps(about))
    return Run(values, np.concatenate(alone, axis=1), about)


def _requests(table: RankingTable) -> list[Asked]:
    vectors = None if table.vectors is None else TextVectors(table.vectors)
    ends = np.cumsum(table.groups)
    return [
        Asked(table.features[end - n : end], table.rows[end - n : end], situation, vectors)
        for end, n, situation in zip(ends.tolist(), table.groups.tolist(), table.situations, strict=True)
    ]


def _in_words(log: Log, asked: RankingTable) -> dict[str, Any]:
    owners = [one.history.user_row for one in asked.situations]
    return {
        "what": f"visits of {WINDOW_D:g} days that end {KEPT_D + COUNTS_D:g} days before the log does",
        "visits": len(asked.groups),
        "candidates": len(asked.rows),
        "users": len(set(owners)),
        "events known": len(log.data.interactions),
    }


def _judged(runs: list[Run], asked: RankingTable, log: Log, say: Say) -> dict[str, Any]:
    """Means over seeds; intervals over users, a user with all of its visits at a time."""
    visits = np.repeat(np.arange(len(asked.groups)), asked.groups)
    rows = np.array([one.history.user_row for one in asked.situations])
    # Whoever had bought nothing before has no row in the history; each such visit counts as a user of its own.
    rows = np.where(rows >= 0, rows, -1 - np.arange(len(rows)))
    _, of_visit = np.unique(rows, return_inverse=True)
    at_home = np.repeat(np.where(rows >= 0, log.is_home[np.maximum(rows, 0)], True), asked.groups)
    objectives: dict[str, Any] = {}
    for column, name in enumerate(asked.objectives):
        say(f"judging {name}")
        known = ~np.isnan(asked.outcomes[:, column])
        happened = asked.outcomes[known, column] == 1
        owners = of_visit[visits[known]]
        said = [run.values[known, column] for run in runs]
        alone = [run.alone[known, column] for run in runs]
        within = [_within(scores, happened, visits[known], of_visit) for scores in (*said, *alone)]
        ours, theirs = np.mean(within[: len(runs)], axis=0), np.mean(within[len(runs) :], axis=0)
        gap = paired_difference(ours, theirs, n_resamples=10_000)
        objectives[name] = {
            "labels": int(known.sum()),
            "unknown": int((~known).sum()),
            "happened": int(happened.sum()),
            "auc": _pooled(said, alone, happened, owners),
            "auc_within_visits": {
                "ours": float(np.nanmean(ours)),
                "alone": float(np.nanmean(theirs)),
                "ahead": [gap.mean_difference, gap.low, gap.high],
            },
            "error": float(np.mean([reliability(one, happened, 15).error for one in said])),
            "error_alone": float(np.mean([reliability(one, happened, 15).error for one in alone])),
            "error_of_top": _error_of_top(said, happened, visits[known]),
            "error_by_market": {
                market: {
                    "labels": int(its.sum()),
                    "happened": int(happened[its].sum()),
                    "error": float(np.mean([reliability(one[its], happened[its], 15).error for one in said])),
                }
                for market, its in (("home", at_home[known]), ("abroad", ~at_home[known]))
            },
            "deciles": [
                [float(np.mean(pair)) for pair in decile]
                for decile in zip(
                    np.transpose([reliability(one, happened).said for one in said]).tolist(),
                    np.transpose([reliability(one, happened).happened for one in said]).tolist(),
                    strict=True,
                )
            ],
        }
    return {"objectives": objectives, "kept": _kept(runs, asked), "fits": [run.about for run in runs]}


def _pooled(said: list[Floats], alone: list[Floats], happened: Bools, owners: Numbers) -> dict[str, Any]:
    """AUC over all candidates, and its paired bootstrap over users."""
    ours = [PooledAuc(one, happened, owners) for one in said]
    theirs = [PooledAuc(one, happened, owners) for one in alone]
    random, n = np.random.default_rng(0), int(owners.max()) + 1
    gaps = np.empty(N_RESAMPLES)
    for line in range(N_RESAMPLES):
        counts = np.bincount(random.integers(n, size=n), minlength=n)
        gaps[line] = np.mean([one(counts) for one in ours]) - np.mean([one(counts) for one in theirs])
    means = [float(np.mean([one() for one in models])) for models in (ours, theirs)]
    low, high = np.nanquantile(gaps, [0.025, 0.975]).tolist()
    return {
        "ours": means[0],
        "alone": means[1],
        "over_seeds": float(np.std([one() for one in ours])),
        "ahead": [means[0] - means[1], low, high],
    }


def _within(scores: Floats, happened: Bools, visits: Numbers, of_visit: Numbers) -> Doubles:
    """AUC among each visit's candidates, the mean of each user's; NaN where none of them tells."""
    starts = np.flatnonzero(np.concatenate([[True], np.diff(visits) > 0]))
    ends = np.append(starts[1:], len(visits))
    found = np.full(len(of_visit), np.nan)
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        right = happened[start:end]
        if right.any() and not right.all():
            found[visits[start]] = PooledAuc(scores[start:end], right, np.zeros(end - start, np.int64))()
    told = ~np.isnan(found)
    n = int(of_visit.max()) + 1
    counts = np.bincount(of_visit[told], minlength=n)
    with np.errstate(invalid="ignore"):
        return np.bincount(of_visit[told], found[told], minlength=n) / np.where(counts, counts, np.nan)


def _error_of_top(said: list[Floats], happened: Bools, visits: Numbers) -> dict[str, float]:
    """Of the `TOP` likeliest of each visit: what was said, what happened, and the calibration error."""
    errors, means, shares = [], [], []
    for one in said:
        order = np.lexsort((-one, visits))
        first = np.concatenate([[0], np.flatnonzero(np.diff(visits[order])) + 1])
        place = np.arange(len(order)) - np.repeat(first, np.diff(np.append(first, len(order))))
        top = order[place < TOP]
        found = reliability(one[top], happened[top], 15)
        errors.append(found.error)
        means.append(float(one[top].mean()))
        shares.append(float(happened[top].mean()))
    return {"error": float(np.mean(errors)), "said": float(np.mean(means)), "happened": float(np.mean(shares))}


def _kept(runs: list[Run], asked: RankingTable) -> dict[str, Any]:
    """Of what was bought: how well it is told what stays. Of one network each, by the ratio of the two."""
    bought, kept = list(asked.objectives).index("purchase"), list(asked.objectives).index("satisfaction")
    was_bought = (asked.outcomes[:, bought] == 1) & ~np.isnan(asked.outcomes[:, kept])
    stays = asked.outcomes[was_bought, kept] == 1
    found: dict[str, Any] = {"bought": int(was_bought.sum()), "came_back": int((~stays).sum())}
    for name, values in (("ours", [run.values for run in runs]), ("alone", [run.alone for run in runs])):
        ratios = [one[was_bought, kept] / np.maximum(one[was_bought, bought], 1e-9) for one in values]
        owner = np.zeros(len(stays), np.int64)
        found[name] = {
            "auc": float(np.mean([PooledAuc(one, stays, owner)() for one in ratios])),
            "said": float(np.mean([one.mean() for one in ratios])),
        }
    found["happened"] = float(stays.mean())
    return found
