"""Several objectives by one ranker, beside rankers of one goal, on the same candidates and features.

    SHELFWISE_BENCH_DATA=FOLDER python benchmarks/objectives.py

FOLDER holds `retailrocket/`: views, carts and purchases of 2,174 users over 30,115 items, and one held-out purchase of
each. Our retrievers are asked at visits of the past (three windows of 28 days before the end of the log), and every
ranker learns from the same candidates with the same features. The latest fifth of these visits tunes each of them; then
it learns from all. Asked is the held-out purchase: the whole catalogue ranked, items that the user touched removed for
everybody, what no retriever named counted as missed. Three seeds of everything drawn at random; intervals by paired
bootstrap over users of the means over seeds, p by sign flips, after Holm.

- `multi-objective`: ours as shipped.
- `single-task network`: the same network, learning from purchases alone.
- `lambdamart`, `trees per objective`: LightGBM, tuned over nine settings and more.
- `fusion`: the single-goal ranker, on its own questions.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from goals import contenders, retailrocket
from record import Record, arguments
from shelfwise.metrics.intervals import bootstrap_interval, holm, paired_difference
from shelfwise.pipeline.funnel import allowed_for
from shelfwise.rank.ranker import Asked, RankingTable
from shelfwise.schemas.ids import Doubles
from shelfwise.train.fit import funnel_of
from shelfwise.train.past_requests import ask_the_past, fitted_retrievers
from shelfwise.train.stages import Stages
from tables import OBJECTIVE_COLUMNS, objective_lines, objective_title, show

DATA = "SHELFWISE_BENCH_DATA"
SEEDS = (0, 1, 2)
K = 10
OURS = "multi-objective"
ALONE = "single-task network"
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
    args = parser.parse_args()
    record = Record("objectives", args.quick)
    folder = Path(os.environ.get(DATA, "")) / "retailrocket"
    if DATA not in os.environ or not folder.is_dir():
        record.skip("every bar", f"{DATA} must name the folder that holds retailrocket/")
        return record.finish(args.json)
    found = on_retailrocket(folder, record, quick=args.quick)
    record.results["retailrocket"] = found
    show(console, objective_title(found), OBJECTIVE_COLUMNS, objective_lines(found))
    return record.finish(args.json)


def on_retailrocket(folder: Path, record: Record, *, quick: bool) -> dict[str, Any]:
    """Every contender, every seed."""
    log = retailrocket.read(folder)
    questions = log.questions[:400] if quick else log.questions
    users = np.ones(log.data.interactions.n_users, bool)
    started = time.process_time()
    say("fitting the retrievers on everything")
    retrievers = fitted_retrievers(log.config, log.data, {}, "everything", lambda *_: None, Stages(), _no_tracker())
    asked = _ask(log, retrievers, questions)
    answers = np.array([one.relevant[0] for one in questions])
    seconds_of_retrieval = time.process_time() - started
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
        for name, fit in _contenders(visits, single, seed).items():
            say(f"seed {seed}: {name}")
            fitted = fit()
            ndcg, recall = _measured(fitted.score(asked), asked, answers)
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
            "ndcg": [ndcg.value, ndcg.low, ndcg.high],
            "recall": [recall.value, recall.low, recall.high],
            "over_seeds": float(np.std([run.mean() for run in runs[name]])),
            **about[name],
        }
        if name != OURS:
            gap = differences[name]
            line["ours_ahead"] = [gap.relative, gap.relative_low, gap.relative_high]
            line["p_holm"] = adjusted[name]
        lines.append(line)
    latency = _call_ms(ranker, asked) if ranker is not None else float("nan")
    found = {
        "n_users": len(questions),
        "n_items": len(log.data.catalogue),
        "reachable": float(np.mean([row in one.rows for row, one in zip(answers, asked, strict=True)])),
        "lines": lines,
        "call_ms": latency,
    }
    record.promise("one-call-for-200-candidates-ms", latency, ONE_CALL_MS, "below")
    if quick:
        record.skip("every other bar", "the quick form asks few users, with one seed")
        return found
    own = next(line for line in lines if line["model"] == OURS)
    record.promise("retailrocket-train-cpu-seconds", max(own["seconds"]), TRAINED_S, "below")
    for name in others:
        slug = name.replace(" ", "-")
        record.promise(f"retailrocket-ndcg-above-{slug}", differences[name].relative, 0.0, "at least")
        better = mean_recalls[OURS].mean() / max(mean_recalls[name].mean(), 1e-12) - 1
        record.promise(f"retailrocket-recall-above-{slug}", better, 0.0, "at least")
    record.promise("retailrocket-ahead-of-purchases-alone", differences[ALONE].relative, AHEAD_OF_ALONE, "at least")
    return found


def _contenders(visits: RankingTable, single: RankingTable, seed: int) -> dict[str, Callable[[], contenders.Fitted]]:
    return {
        OURS: lambda: contenders.ours(visits, seed),
        ALONE: lambda: contenders.single_task(visits, seed),
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
        merged = funnel.retrieve(situation, allowed_for(everything, one.situation, repeats=False))
        asked.append(Asked(funnel.describe(merged, situation), merged.rows, situation, funnel.vectors))
    return asked


def _measured(scores: list[Any], asked: list[Asked], answers: Any) -> tuple[Doubles, Doubles]:
    """NDCG@10 and Recall@10 of one right answer, per question; ties count with their mean over all orders."""
    ndcg, recall = np.zeros(len(asked)), np.zeros(len(asked))
    discounts = np.concatenate([1 / np.log2(np.arange(2, K + 2)), np.zeros(1)])
    for line, (found, one, answer) in enumerate(zip(scores, asked, answers, strict=True)):
        at = np.flatnonzero(one.rows == answer)
        if len(at):
            above, equal = int((found > found[at[0]]).sum()), int((found == found[at[0]]).sum())
            places = np.minimum(np.arange(above, above + equal), K)
            ndcg[line], recall[line] = discounts[places].mean(), np.mean(places < K)
    return ndcg, recall


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


def _no_tracker() -> Any:
    from shelfwise.track.tracker import NOTHING

    return NOTHING


def say(text: str) -> None:
    """Progress."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
