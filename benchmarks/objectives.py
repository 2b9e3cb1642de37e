"""Several objectives by one ranker, beside rankers of one goal, on the same candidates and features.

    SHELFWISE_BENCH_DATA=FOLDER python benchmarks/objectives.py
    python benchmarks/objectives.py --data online-retail       the packaged gift shop, see `goals/online_retail.py`
    … objectives.py --data trivago       lists that were shown, their folder `trivago`, see `goals/shown_lists.py`

FOLDER holds `retailrocket/`: views, carts and purchases of 2,174 users over 30,115 items, and one held-out purchase of
each. Two splits: by time (promised), and as published (its held-out purchases have no times, so models know what
others did later). Our retrievers are asked at visits of the past (three windows of 28 days before the end of what is
known), and every ranker learns from the same candidates with the same features. The latest fifth of these visits tunes
each of them; then it learns from all. Asked is what new item is bought: the whole catalogue ranked, items that the user
touched removed for everybody, what no retriever named counted as missed. Three seeds of everything drawn at random;
intervals by paired bootstrap over users of the means over seeds, p by sign flips, after Holm.

- `multi-objective`: ours as shipped.
- `single-task network`: the same network, whose only objective is the purchase.
- `purchases alone`: that again in a shop that kept purchases only, retrievers and histories included.
- `lambdamart`, `trees per objective`: LightGBM, tuned over nine settings and more.
- `fusion`: the single-goal ranker, on its own questions.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from goals import contenders, online_retail, retailrocket, shown_lists, trivago
from goals.shown_tables import shown_tables
from record import Record, arguments
from shelfwise.metrics import ranking_metrics
from shelfwise.metrics.intervals import bootstrap_interval, holm, paired_difference
from shelfwise.pipeline.funnel import allowed_for
from shelfwise.rank.ranker import Asked, RankingTable
from shelfwise.schemas.ids import Doubles
from shelfwise.track.tracker import NOTHING
from shelfwise.train.fit import funnel_of
from shelfwise.train.past_requests import ask_the_past, fitted_retrievers
from shelfwise.train.stages import Stages
from tables import OBJECTIVE_COLUMNS, objective_lines, objective_title, show

DATA = "SHELFWISE_BENCH_DATA"
SPLITS = ("time-split", "published")
SEEDS = (0, 1, 2)
K = 10
OURS = "multi-objective"
ALONE = "purchases alone"
AHEAD_OF_ALONE = 0.15
"""By NDCG@10 over training on purchases alone."""

N_LINES, REQUESTS = 200, 400
ONE_CALL_MS = 1.5
TRAINED_S = 300.0
LEVEL = 0.05

console = Console(width=140)


def main() -> int:
    """Measure, print, judge."""
    parser = arguments(__doc__ or "", "one seed, the first 400 questions; no promise is judged but the time of a call")
    parser.add_argument("--split", action="append", choices=SPLITS, help="one of the splits alone; repeatable")
    parser.add_argument(
        "--data", choices=("retailrocket", "online-retail", "trivago"), default="retailrocket", help="which log"
    )
    parser.add_argument("--work", type=Path, metavar="FOLDER", help="online-retail: kept here, and gone on from")
    parser.add_argument(
        "--part", action="append", choices=shown_lists.PARTS, help="one part of trivago alone; repeatable"
    )
    args = parser.parse_args()
    if args.data == "online-retail":
        return online_retail.run(args.work, args.json, say, quick=args.quick)
    if args.data == "trivago":
        return on_trivago(
            Record("objectives-trivago", args.quick), args.json, args.part or shown_lists.PARTS, quick=args.quick
        )
    record = Record("objectives", args.quick)
    folder = Path(os.environ.get(DATA, "")) / "retailrocket"
    if DATA not in os.environ or not folder.is_dir():
        record.skip("every bar", f"{DATA} must name the folder that holds retailrocket/")
        return record.finish(args.json)
    for log in retailrocket.splits(folder):
        if args.split and log.name not in args.split:
            continue
        found = on_retailrocket(log, record, quick=args.quick)
        record.results[f"retailrocket, {log.name}"] = found
        show(console, objective_title(found), OBJECTIVE_COLUMNS, objective_lines(found))
    return record.finish(args.json)


def on_trivago(record: Record, path: Path | None, parts: Sequence[str], *, quick: bool) -> int:
    """Lists that were shown."""
    folder = Path(os.environ.get(DATA, "")) / "trivago"
    if DATA not in os.environ or not folder.is_dir():
        record.skip("every bar", f"{DATA} must name the folder that holds trivago/")
        return record.finish(path)
    seeds = SEEDS[:1] if quick else SEEDS

    def keep(so_far: dict[str, Any]) -> None:
        record.results["trivago"] = so_far
        record.finish(path)

    found = shown_lists.measure(trivago.shop(folder), record, seeds, parts=parts, say=say, keep=keep, quick=quick)
    record.results["trivago"] = found
    for title, columns, lines in shown_tables(found):
        show(console, title, columns, lines)
    return record.finish(path)


def on_retailrocket(log: retailrocket.Log, record: Record, *, quick: bool) -> dict[str, Any]:
    """Every contender, every seed."""
    questions = log.questions[:400] if quick else log.questions
    users = np.ones(log.data.interactions.n_users, bool)
    started = time.process_time()
    say("fitting the retrievers on everything")
    retrievers = fitted_retrievers(log.config, log.data, {}, "everything", lambda *_: None, Stages(), NOTHING)
    asked = _ask(log, retrievers, questions)
    owners = np.array([one.user_row for one in questions])
    seconds_of_retrieval = time.process_time() - started
    alone = retailrocket.purchases_alone(log)
    of_purchases = fitted_retrievers(alone.config, alone.data, {}, "everything", lambda *_: None, Stages(), NOTHING)
    asked_alone = _ask(alone, of_purchases, alone.questions[: len(questions)])
    runs: dict[str, list[Doubles]] = {}
    recalls: dict[str, list[Doubles]] = {}
    about: dict[str, dict[str, Any]] = {}
    ranker = None
    for seed in SEEDS[:1] if quick else SEEDS:
        started = time.process_time()
        say(f"seed {seed}: asking the past")
        visits = ask_the_past(log.config, log.data, users, lambda *_: None, seed=seed, outcomes=True).table
        asking = time.process_time() - started
        single = ask_the_past(log.config, log.data, users, lambda *_: None, seed=seed).table
        bought = ask_the_past(alone.config, alone.data, users, lambda *_: None, seed=seed, outcomes=True).table
        for name, fit in _contenders(visits, single, bought, seed).items():
            say(f"seed {seed}: {name}")
            fitted = fit()
            told = asked_alone if name == ALONE else asked
            ndcg, recall = _measured(fitted.score(told), told, questions, owners)
            say(f"seed {seed}: {name} reaches {ndcg.mean():.4f} ({fitted.chosen}; {fitted.seconds:.0f} CPU s)")
            runs.setdefault(name, []).append(ndcg)
            recalls.setdefault(name, []).append(recall)
            line = about.setdefault(name, {"chosen": [], "seconds": []})
            line["chosen"].append(fitted.chosen)
            line["seconds"].append(fitted.seconds + asking + seconds_of_retrieval)
            if name == OURS:
                ranker = fitted
    means = {name: np.mean(values, axis=0) for name, values in runs.items()}
    mean_recalls = {name: np.mean(values, axis=0) for name, values in recalls.items()}
    others = [name for name in means if name != OURS]
    differences = {name: paired_difference(means[OURS], means[name], n_resamples=10_000) for name in others}
    adjusted = dict(zip(others, holm(np.array([differences[name].p_value for name in others])), strict=True))
    lines = []
    for name in sorted(means, key=lambda one: -means[one].mean()):
        ndcg, recall = bootstrap_interval(means[name]), bootstrap_interval(mean_recalls[name])
        line = {
            "model": name,
            "ndcg": [ndcg.mean, ndcg.low, ndcg.high],
            "recall": [recall.mean, recall.low, recall.high],
            "over_seeds": float(np.std([run.mean() for run in runs[name]])),
            **about[name],
        }
        if name != OURS:
            gap = differences[name]
            line["ours_ahead"] = [gap.relative, gap.relative_low, gap.relative_high]
            line["p_holm"] = adjusted[name]
        lines.append(line)
    latency = _call_ms(ranker, asked) if ranker is not None else float("nan")
    named = [np.isin(one.relevant, answer.rows).mean() for one, answer in zip(questions, asked, strict=True)]
    found = {
        "asked": log.asked,
        "n_users": len(np.unique(owners)),
        "n_questions": len(questions),
        "n_items": len(log.data.catalogue),
        "reachable": float(np.mean(named)),
        "lines": lines,
        "call_ms": latency,
    }
    if log.name == "time-split":
        record.promise("one-call-for-200-candidates-ms", latency, ONE_CALL_MS, "below")
    if quick:
        record.skip(f"{log.name}-every-other-bar", "the quick form asks few users, with one seed")
        return found
    own = next(line for line in lines if line["model"] == OURS)
    record.promise(f"{log.name}-train-cpu-seconds", max(own["seconds"]), TRAINED_S, "below")
    for name in others:
        slug = name.replace(" ", "-")
        record.promise(f"{log.name}-ndcg-above-{slug}", differences[name].relative, 0.0, "at least")
        better = mean_recalls[OURS].mean() / max(mean_recalls[name].mean(), 1e-12) - 1
        record.promise(f"{log.name}-recall-above-{slug}", better, 0.0, "at least")
    record.promise(f"{log.name}-ahead-of-purchases-alone", differences[ALONE].relative, AHEAD_OF_ALONE, "at least")
    return found


def _contenders(
    visits: RankingTable, single: RankingTable, bought: RankingTable, seed: int
) -> dict[str, Callable[[], contenders.Fitted]]:
    return {
        OURS: lambda: contenders.ours(visits, seed),
        "single-task network": lambda: contenders.single_task(visits, seed),
        ALONE: lambda: contenders.single_task(bought, seed),
        "lambdamart": lambda: contenders.lambdamart(visits, seed),
        "trees per objective": lambda: contenders.trees_per_objective(visits, seed),
        "fusion": lambda: contenders.fusion(single, seed),
    }


def _ask(log: retailrocket.Log, retrievers: Any, questions: Any) -> list[Asked]:
    """The candidates of every question with their features, as a request would have them."""
    funnel = funnel_of(retrievers, None, log.data)
    everything = np.ones(len(log.data.catalogue), bool)
    asked = []
    for one in questions:
        situation = one.situation.latest(log.config.behaviour.history)
        allowed = allowed_for(everything, one.situation, repeats=False, exclude=one.left_out)
        merged = funnel.retrieve(situation, allowed)
        asked.append(Asked(funnel.describe(merged, situation), merged.rows, situation, funnel.vectors))
    return asked


def _measured(scores: list[Any], asked: list[Asked], questions: Any, owners: Any) -> tuple[Doubles, Doubles]:
    """NDCG@10 and Recall@10, the mean of each user's questions; answers that no retriever named count as missed."""
    ndcg, recall = np.zeros(len(asked)), np.zeros(len(asked))
    for line, (found, one, question) in enumerate(zip(scores, asked, questions, strict=True)):
        missed = int((~np.isin(question.relevant, one.rows)).sum())
        grid = np.concatenate([found, np.full(missed, -np.inf)])[None, :].astype(np.float64)
        right = np.concatenate([np.isin(one.rows, question.relevant), np.ones(missed, bool)])[None, :]
        metrics = ranking_metrics(grid, right, K)
        ndcg[line], recall[line] = metrics.ndcg[0], metrics.recall[0]
    _, places, counts = np.unique(owners, return_inverse=True, return_counts=True)
    return np.bincount(places, ndcg) / counts, np.bincount(places, recall) / counts


def _call_ms(fitted: contenders.Fitted, asked: list[Asked]) -> float:
    """Milliseconds of one call for `N_LINES` candidates through all objectives, the median."""
    wide = [one for one in asked if len(one.rows) >= N_LINES][:REQUESTS]
    cut = [Asked(one.features[:N_LINES], one.rows[:N_LINES], one.situation, one.vectors) for one in wide]
    spent = []
    for one in [*cut[:20], *cut]:
        started = time.perf_counter()
        fitted.score([one])
        spent.append((time.perf_counter() - started) * 1e3)
    return float(np.median(spent[20:])) if cut else float("nan")


def say(text: str) -> None:
    """Progress."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
