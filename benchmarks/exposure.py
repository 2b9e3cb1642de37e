"""What the terms of diversity in training do: the sequence network alone, with and without them.

    SHELFWISE_BENCH_DATA=FOLDER python benchmarks/exposure.py [--data NAME]

FOLDER holds `beauty/` (or NAME). Leave-one-out, fitted without the last two items of each user, the whole catalogue
ranked, items had removed. Every setting is trained once; the one that shows most evenly (lowest Gini of the items in
all users' first ten) at a loss of 1 % NDCG@10 at most is chosen on validation, and judged on the last item. A setting's
row is kept in `benchmarks/results/exposure`: interrupt it and start it again as you like.
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

from peers.exam import Known, Questions
from peers.exams import exam_of, examples_of
from peers.own_models import encode, training_data
from peers.shops import DATA_SETS, ready
from record import RESULTS, Record, arguments, commit
from shelfwise.metrics import gini, ranking_metrics
from shelfwise.metrics.intervals import paired_difference
from shelfwise.retrieve.sequence import Sequence
from shelfwise.schemas.ids import Doubles, Rows
from tables import EXPOSURE_COLUMNS, exposure_lines, show

DATA = "SHELFWISE_BENCH_DATA"
ROWS = RESULTS / "exposure"
K = 10
BATCH = 128

LOSS = 0.01
"""NDCG@10 that may be given up."""

LESS_GINI = 0.10
QUICK_USERS, QUICK_EPOCHS = 1_500, 2
PLAIN = "plain"

SETTINGS: dict[str, dict[str, float]] = {
    PLAIN: {},
    "log-q 0.1": {"log_q": 0.1},
    "log-q 0.2": {"log_q": 0.2},
    "log-q 0.35": {"log_q": 0.35},
    "items 0.05": {"spread_items": 0.05},
    "items 0.2": {"spread_items": 0.2},
    "items 0.5": {"spread_items": 0.5},
    "log-q 0.1, items 0.1": {"log_q": 0.1, "spread_items": 0.1},
    "names 0.2": {"spread_names": 0.2},
    "own mix 0.1": {"own_mix": 0.1},
    "propensity 0.2": {"propensity": 0.2},
}

console = Console(width=140)


def main() -> int:
    """Measure, print, judge."""
    parser = arguments(__doc__ or "", "few users, two epochs, two settings; no promise is judged")
    parser.add_argument("--data", default="beauty", choices=sorted(DATA_SETS), help="the shop; default: beauty")
    parser.add_argument("--setting", action="append", choices=list(SETTINGS), help="these alone; repeatable")
    args = parser.parse_args()
    record = Record("exposure", args.quick)
    if DATA not in os.environ:
        record.skip("every bar", f"{DATA} must name the folder that holds {args.data}/")
        return record.finish(args.json)
    with tempfile.TemporaryDirectory(prefix="shelfwise-exposure-") as scratch:
        rows = Path(scratch) if args.quick else ROWS
        names = args.setting or ([PLAIN, "log-q 0.1, items 0.1"] if args.quick else list(SETTINGS))
        found = on(args.data, names, rows, quick=args.quick)
    if PLAIN not in found:
        record.skip("every bar", f"there is no row of {PLAIN!r} to hold the others against")
        return record.finish(args.json)
    lines = [_line(name, row, found[PLAIN]) for name, row in found.items()]
    near = [line for line in lines if line["validation_ndcg_change"] >= -LOSS]
    chosen = min(near, key=lambda line: line["validation_gini"])
    record.results[f"{args.data}, leave-one-out"] = {"lines": lines, "chosen": chosen["setting"]}
    show(
        console,
        f"{args.data}: the sequence network alone, chosen: {chosen['setting']}",
        EXPOSURE_COLUMNS,
        exposure_lines(lines),
    )
    if args.quick:
        record.skip("every bar", "the quick form hardly trains")
    else:
        record.promise(f"{args.data}-ndcg-kept", chosen["ndcg_change"][0], -LOSS, "at least")
        record.promise(f"{args.data}-gini-lower-by", -chosen["gini_change"], LESS_GINI, "at least")
    return record.finish(args.json)


def on(name: str, settings: list[str], rows: Path, *, quick: bool) -> dict[str, dict[str, Any]]:
    """Every setting's row, trained where there is none yet."""
    data = DATA_SETS[name]
    folder = ready(data)
    missing = [setting for setting in settings if not _path(rows, name, setting).is_file()]
    if missing:
        encode(folder)
        exam = exam_of(data, "leave-one-out", folder, n_users=QUICK_USERS if quick else None)
        known = exam.known(for_validation=True, shop=folder)
        shop, past, _ = training_data(known, with_texts=True)
        for setting in missing:
            say(f"{name}: training {setting!r}")
            started = time.process_time()
            # By epochs alone, whatever else the machine does: the same work for every setting.
            limits: dict[str, Any] = {"minutes": 1_000.0, **({"epochs": QUICK_EPOCHS} if quick else {})}
            model = Sequence(Sequence.Config.model_validate({**SETTINGS[setting], **limits}))
            model.fit(past)
            row: dict[str, Any] = {
                "cpu_s": round(time.process_time() - started, 1),
                "commit": commit(),
                "epochs": model.about["epochs"],
            }
            for part, questions in (("validation", exam.validation), ("test", exam.test)):
                everything = exam.known(for_validation=part == "validation")
                ndcg, lists = measured(model, questions, everything, shop.behaviour.history)
                row[part] = {
                    "ndcg": float(ndcg.mean()),
                    "gini": gini(lists, known.n_items),
                    "shown": len(np.unique(lists)),
                }
                if part == "test":
                    row["by_user"] = [round(float(one), 5) for one in ndcg]
            say(f"{name}: {setting!r}: {row['test']} in {row['cpu_s']:.0f} CPU s")
            path = _path(rows, name, setting)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(row))
    return {setting: json.loads(_path(rows, name, setting).read_text()) for setting in settings}


def measured(model: Sequence, questions: Questions, known: Known, n_history: int) -> tuple[Doubles, Rows]:
    """NDCG@10 of every question, and its first ten items in no order; shapes `(Q,)` and `(Q, 10)`."""
    ndcg, lists = np.zeros(len(questions)), np.zeros((len(questions), K), np.int32)
    asked = examples_of(questions, known.target)
    for first in range(0, len(asked), BATCH):
        part = asked[first : first + BATCH]
        grid = np.zeros((len(part), known.n_items), np.float32)
        relevant = np.zeros(grid.shape, bool)
        for line, example in enumerate(part):
            scores = model.scores(example.situation.latest(n_history))
            if scores is not None:
                grid[line] = scores
            grid[line, example.situation.history.rows] = -np.inf
            relevant[line, example.relevant] = True
        ndcg[first : first + BATCH] = ranking_metrics(grid, relevant, K).ndcg
        lists[first : first + BATCH] = np.argpartition(-grid, K, axis=1)[:, :K]
    return ndcg, lists


def _line(name: str, row: dict[str, Any], plain: dict[str, Any]) -> dict[str, Any]:
    gap = paired_difference(np.array(row["by_user"]), np.array(plain["by_user"]), n_resamples=2_000)
    change = [gap.relative, gap.relative_low, gap.relative_high] if row is not plain else [0.0, 0.0, 0.0]
    return {
        "setting": name,
        "ndcg": row["test"]["ndcg"],
        "ndcg_change": change,
        "gini": row["test"]["gini"],
        "gini_change": row["test"]["gini"] / plain["test"]["gini"] - 1,
        "shown": row["test"]["shown"],
        "validation_ndcg_change": row["validation"]["ndcg"] / plain["validation"]["ndcg"] - 1,
        "validation_gini": row["validation"]["gini"],
        "cpu_s": row["cpu_s"],
    }


def _path(rows: Path, name: str, setting: str) -> Path:
    return rows / name / f"{setting.replace(', ', '_').replace(' ', '-')}.json"


def say(text: str) -> None:
    """Progress."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
