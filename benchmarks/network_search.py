"""Settings of the sequence network alone, compared by the validation; the test is not looked at.

    SHELFWISE_BENCH_DATA=FOLDER python benchmarks/network_search.py               the sizes for a GPU
    SHELFWISE_BENCH_DATA=FOLDER python benchmarks/network_search.py --quick       the machinery, in a few minutes
    python benchmarks/network_search.py --stored --json PATH                      the table, from stored rows

Leave-one-out, fitted without the last two items of each user, asked for the last but one, the whole catalogue ranked.
A plan is a list of settings, changes of the first of them. Each is trained once on each shop; each training's row is
kept in `benchmarks/results/network-search`: interrupt it and start it again as you like. It shows which setting has
the best mean NDCG@10 over the shops, relative to the first. Without a GPU a training of these sizes is ended by its
time, long before it is over.

With --chosen the preset for a GPU is trained alone and asked all questions, of the validation and of the test: once,
after a setting is chosen and has become the preset.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from network_alone import NetworkAlone, Row, asked_all, trained_on
from network_tables import SEARCH_COLUMNS, search_lines, search_title
from peers.exam import Exam
from peers.exams import exam_of
from peers.measure import TUNED_BY, measure
from peers.own_models import encode, training_data
from peers.shops import DATA_SETS, ready
from record import RESULTS, Record, arguments, commit
from shelfwise.datasets.training_data import TrainingData
from shelfwise.neural.settings import NetworkOptions
from tables import show

DATA = "SHELFWISE_BENCH_DATA"
ROWS = RESULTS / "network-search"
CHOSEN = "chosen"
SHOPS = ("beauty", "games")
SEED = 0
N_QUESTIONS = 10_000
"""Validation questions asked of each network, as in the comparison with others."""

QUICK_USERS = 1_500

Setting = dict[str, Any]

PLANS: dict[str, list[Setting]] = {
    "gpu": [
        {"preset": "gpu", "dropout": 0.4},
        {"preset": "gpu", "dropout": 0.2},
        {"preset": "gpu", "dropout": 0.4, "rate": 5e-4},
        {"preset": "gpu", "dropout": 0.4, "rate": 2e-3},
        {"preset": "gpu", "dropout": 0.4, "events_per_step": 2_048},
        {"preset": "gpu", "dropout": 0.4, "epochs": 20},
        {"preset": "cpu"},
        {"preset": "gpu", "dropout": 0.4, "n_blocks": 2},
        {"preset": "gpu", "dropout": 0.5},
        {"preset": "gpu", "dropout": 0.4, "delta_dropout": 0.5},
    ],
    "tiny": [
        {"preset": "cpu", "epochs": 1},
        {"preset": "cpu", "epochs": 1, "dropout": 0.1},
    ],
}

console = Console(width=140)


def main() -> int:
    """Train, ask, print."""
    parser = arguments(__doc__ or "", "the plan 'tiny' on few users of the first shop; its rows are not kept")
    parser.add_argument("--data", action="append", choices=sorted(DATA_SETS), help="a shop; default: beauty and games")
    parser.add_argument("--plan", default="gpu", help=f"a JSON file, or one of {', '.join(PLANS)}; default: gpu")
    parser.add_argument("--device", default="auto", help="where to train; default: a GPU where torch finds one")
    parser.add_argument("--stored", action="store_true", help="train nothing: the table of the rows that are there")
    parser.add_argument("--chosen", action="store_true", help="the preset for a GPU alone, all questions")
    args = parser.parse_args()
    if DATA not in os.environ and not args.stored:
        raise SystemExit(f"{DATA} must name the folder that holds the shops")
    record = Record("network-search", args.quick)
    shops = (args.data or list(SHOPS))[: 1 if args.quick else None]
    plan = PLANS["tiny"] if args.quick else PLANS.get(args.plan) or json.loads(Path(args.plan).read_text("utf-8"))
    with tempfile.TemporaryDirectory(prefix="shelfwise-network-") as scratch:
        rows = Path(scratch) if args.quick else ROWS
        if not args.stored:
            for shop in shops:
                search(shop, plan, rows, args.device, quick=args.quick, chosen=args.chosen)
        found = table(plan, shops, rows)
    if found is not None:
        record.results = found
        show(console, search_title(found), SEARCH_COLUMNS, search_lines(found))
    return record.finish(args.json)


def search(shop: str, plan: list[Setting], rows: Path, device: str, *, quick: bool, chosen: bool) -> None:
    """Train on a shop what has no row there yet."""
    missing = [{"preset": "gpu"}] if chosen else plan
    paths = [rows / shop / f"{CHOSEN if chosen else stem(setting)}.json" for setting in missing]
    if all(path.is_file() for path in paths):
        return
    data, folder = DATA_SETS[shop], ready(DATA_SETS[shop])
    encode(folder)
    exam = exam_of(data, "leave-one-out", folder, n_users=QUICK_USERS if quick else None)
    _, past, _ = training_data(exam.known(for_validation=True, shop=folder), with_texts=True)
    for setting, path in zip(missing, paths, strict=True):
        if path.is_file():
            continue
        row = attempt(exam, past, setting | {"device": device}, all_questions=chosen)
        print(f"{shop}: {setting}: {row['fit_s']} s", file=sys.stderr, flush=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"setting": setting, **row}), encoding="utf-8")


def attempt(exam: Exam, past: TrainingData, setting: Setting, *, all_questions: bool = False) -> Row:
    """Train with a setting, and ask the validation's questions, or all of an exam."""
    began = time.perf_counter()
    model = NetworkAlone(past, NetworkOptions.model_validate({**setting, "seed": SEED}))
    row: Row = {"seed": SEED, "fit_s": round(time.perf_counter() - began, 2), "commit": commit(), **trained_on(model)}
    told = {name: model.about[name] for name in ("epochs", "steps", "held_out_ndcg", "losses", "ndcgs")}
    if all_questions:
        return row | told | asked_all(model, exam.validation, exam.test, exam.about.n_items)
    questions = exam.validation.sample(N_QUESTIONS)
    found = measure(model.scores, questions, exam.known(for_validation=True), exam.allowed, (TUNED_BY,))
    ndcg = round(float(found.by_metric[TUNED_BY].mean()), 6)
    return row | told | {"ndcg": ndcg, "n_questions": len(questions)}


def table(plan: list[Setting], shops: list[str], rows: Path) -> dict[str, Any] | None:
    """The settings that have rows, relative to the plan's first, the best mean first; None without any of the first."""
    found: dict[str, dict[str, Row]] = {}
    for setting in plan:
        paths = {shop: rows / shop / f"{stem(setting)}.json" for shop in shops}
        found[stem(setting)] = {
            shop: json.loads(path.read_text(encoding="utf-8")) for shop, path in paths.items() if path.is_file()
        }
    base = found[stem(plan[0])]
    settings: list[dict[str, Any]] = []
    for setting in plan:
        told = ("ndcg", "epochs", "steps", "fit_s")
        of_shops = {
            shop: {**{name: row[name] for name in told}, "relative": row["ndcg"] / base[shop]["ndcg"] - 1}
            for shop, row in found[stem(setting)].items()
            if shop in base
        }
        everywhere = len(of_shops) == len(shops)
        mean = float(np.mean([one["relative"] for one in of_shops.values()])) if everywhere else None
        words = ", ".join(f"{name} {value}" for name, value in setting.items())
        if of_shops:
            settings.append({"setting": words, "shops": of_shops, "relative": mean})
    if not settings:
        return None
    settings.sort(key=lambda one: -np.inf if one["relative"] is None else one["relative"], reverse=True)
    all_rows = [row for of_setting in found.values() for row in of_setting.values()]
    return {
        "settings": settings,
        "n_questions": max(row["n_questions"] for row in all_rows),
        "rows": {name: sorted({row[name] for row in all_rows}) for name in ("commit", "device", "torch")},
    }


def stem(setting: Setting) -> str:
    """A setting as the name of a file."""
    return "_".join(f"{name}-{value}" for name, value in setting.items())


if __name__ == "__main__":
    raise SystemExit(main())
