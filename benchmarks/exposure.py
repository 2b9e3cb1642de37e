"""What the terms of diversity in training do: the sequence network alone, with and without them.

    SHELFWISE_BENCH_DATA=FOLDER python benchmarks/exposure.py [--data NAME] [--setting NAME ...] [--seeds 3]
    SHELFWISE_BENCH_DATA=FOLDER python benchmarks/exposure.py --device cuda       trained on a GPU, the same sizes
    python benchmarks/exposure.py --stored [--device cuda] --json PATH            the table, from stored rows

FOLDER holds `beauty/` (or NAME). Leave-one-out, fitted without the last two items of each user, the whole catalogue
ranked, items had removed. Every setting is trained with one seed, or with several; each training's row is kept in
`benchmarks/results/exposure`: interrupt it and start it again as you like. A setting is held against `plain` with the
same seeds; rows of a GPU stand in a folder of their own and are held against each other alone. The one that shows
most evenly (lowest Gini of the items in all users' first ten, the mean over seeds) at a loss of 1 % NDCG@10 at most is
chosen on validation, and judged on the last item.
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
from peers.exams import exam_of
from peers.own_models import encode, training_data
from peers.shops import DATA_SETS, ready
from record import RESULTS, Record, arguments, commit
from shelfwise.metrics.intervals import paired_difference
from shelfwise.neural.settings import NetworkOptions
from shelfwise.schemas.ids import Doubles
from tables import EXPOSURE_COLUMNS, exposure_lines, show

DATA = "SHELFWISE_BENCH_DATA"
ROWS = RESULTS / "exposure"
LOSS = 0.01
"""NDCG@10 that may be given up."""

LESS_GINI = 0.10
MOST_SEEDS = 10
QUICK_USERS, QUICK_EPOCHS = 1_500, 2
PLAIN = "plain"

SETTINGS: dict[str, dict[str, float]] = {
    PLAIN: {},
    "log-q 0.1": {"log_q": 0.1},
    "log-q 0.2": {"log_q": 0.2},
    "log-q 0.25": {"log_q": 0.25},
    "log-q 0.3": {"log_q": 0.3},
    "log-q 0.35": {"log_q": 0.35},
    "items 0.05": {"spread_items": 0.05},
    "items 0.2": {"spread_items": 0.2},
    "items 0.5": {"spread_items": 0.5},
    "log-q 0.1, items 0.1": {"log_q": 0.1, "spread_items": 0.1},
    "log-q 0.2, items 0.1": {"log_q": 0.2, "spread_items": 0.1},
    "names 0.2": {"spread_names": 0.2},
    "own mix 0.1": {"own_mix": 0.1},
    "propensity 0.2": {"propensity": 0.2},
    "propensity 0.4": {"propensity": 0.4},
    "log-q 0.2, propensity 0.2": {"log_q": 0.2, "propensity": 0.2},
    "log-q 0.2, names 0.1": {"log_q": 0.2, "spread_names": 0.1},
}

console = Console(width=140)


def main() -> int:
    """Measure, print, judge."""
    parser = arguments(__doc__ or "", "few users, two epochs, two settings; no promise is judged")
    parser.add_argument("--data", default="beauty", choices=sorted(DATA_SETS), help="the shop; default: beauty")
    parser.add_argument("--setting", action="append", choices=list(SETTINGS), help="these alone; repeatable")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each setting; default: 1")
    parser.add_argument("--device", default="cpu", help="where to train: cpu, or a name that torch knows; default: cpu")
    parser.add_argument("--stored", action="store_true", help="train nothing: the table of the rows that are there")
    args = parser.parse_args()
    record = Record("exposure", args.quick)
    if DATA not in os.environ and not args.stored:
        record.skip("every bar", f"{DATA} must name the folder that holds {args.data}/")
        return record.finish(args.json)
    with tempfile.TemporaryDirectory(prefix="shelfwise-exposure-") as scratch:
        rows = rows_of(args.data, args.device, Path(scratch) if args.quick else ROWS)
        names = args.setting or ([PLAIN, "log-q 0.1, items 0.1"] if args.quick else list(SETTINGS))
        if not args.stored:
            train(args.data, names, args.seeds, rows, args.device, quick=args.quick)
        found = stored(rows)
    if PLAIN not in found:
        record.skip("every bar", f"there is no row of {PLAIN!r} to hold the others against")
        return record.finish(args.json)
    record.results[f"{args.data}, leave-one-out"] = judged = table(found)
    lines, chosen = judged["lines"], judged["chosen"]
    show(
        console,
        f"{args.data}: the sequence network alone, chosen: {chosen}",
        EXPOSURE_COLUMNS,
        exposure_lines(lines),
    )
    if args.quick:
        record.skip("every bar", "the quick form hardly trains")
    else:
        line = next(line for line in lines if line["setting"] == chosen)
        record.promise(f"{args.data}-ndcg-kept", line["ndcg_change"][0], -LOSS, "at least")
        record.promise(f"{args.data}-gini-lower-by", -line["gini_change"], LESS_GINI, "at least")
    return record.finish(args.json)


def train(name: str, settings: list[str], n_seeds: int, rows: Path, device: str, *, quick: bool) -> None:
    """Train what has no row yet: all settings with one seed before any with the next."""
    data = DATA_SETS[name]
    folder = ready(data)
    wanted = [(setting, seed) for seed in range(n_seeds) for setting in settings]
    missing = [(setting, seed) for setting, seed in wanted if not _path(rows, setting, seed).is_file()]
    if not missing:
        return
    encode(folder)
    exam = exam_of(data, "leave-one-out", folder, n_users=QUICK_USERS if quick else None)
    known = exam.known(for_validation=True, shop=folder)
    _, past, _ = training_data(known, with_texts=True)
    # By epochs alone, whatever else the machine does: the same work for every setting, the same sizes on every device.
    limits: dict[str, Any] = {"minutes": 1_000.0, "preset": "cpu", "device": device}
    if quick:
        limits["epochs"] = QUICK_EPOCHS
    for setting, seed in missing:
        say(f"{name}: training {setting!r} with seed {seed}")
        began, began_cpu = time.perf_counter(), time.process_time()
        model = NetworkAlone(past, NetworkOptions.model_validate({**SETTINGS[setting], **limits, "seed": seed}))
        row: Row = {
            "cpu_s": round(time.process_time() - began_cpu, 1),
            "fit_s": round(time.perf_counter() - began, 1),
            "commit": commit(),
            "epochs": model.about["epochs"],
            **trained_on(model),
            **asked_all(model, exam.validation, exam.test, known.n_items),
        }
        say(f"{name}: {setting!r}, seed {seed}: {row['test']} in {row['fit_s']:.0f} s")
        path = _path(rows, setting, seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(row))


def rows_of(name: str, device: str, folder: Path) -> Path:
    """Where the rows of a shop stand: those of a GPU apart, for chance falls otherwise there."""
    kind = device.partition(":")[0]
    return folder / (name if kind == "cpu" else f"{name}-{kind}")


def stored(rows: Path) -> dict[str, dict[int, Row]]:
    """The rows of every setting that has any, by seed."""
    found: dict[str, dict[int, Row]] = {}
    for setting in SETTINGS:
        paths = {seed: _path(rows, setting, seed) for seed in range(MOST_SEEDS)}
        of_seeds = {seed: json.loads(path.read_text()) for seed, path in paths.items() if path.is_file()}
        if of_seeds:
            found[setting] = of_seeds
    return found


def table(found: dict[str, dict[int, Row]]) -> dict[str, Any]:
    """Every setting beside the plain one, what is chosen by the validation, and where the rows are from."""
    lines = [line for name in found if (line := _line(name, found[name], found[PLAIN])) is not None]
    near = [line for line in lines if line["validation_ndcg_change"] >= -LOSS]
    chosen = min(near, key=lambda line: line["validation_gini_change"])
    rows = [row for of_setting in found.values() for row in of_setting.values()]
    told = {name: sorted({row[name] for row in rows if name in row}) for name in ("commit", "device", "torch")}
    return {"lines": lines, "chosen": chosen["setting"], "rows": told}


def _line(name: str, of_setting: dict[int, Row], of_plain: dict[int, Row]) -> dict[str, Any] | None:
    """A setting beside the plain one, both with the seeds that both have; None where they share none."""
    seeds = sorted(of_setting.keys() & of_plain.keys())
    if not seeds:
        return None
    rows, plain = [of_setting[seed] for seed in seeds], [of_plain[seed] for seed in seeds]
    gap = paired_difference(_by_user(rows), _by_user(plain), n_resamples=2_000)
    change = [gap.relative, gap.relative_low, gap.relative_high] if name != PLAIN else [0.0, 0.0, 0.0]
    ndcg, gini_found = _mean(rows, "test", "ndcg"), _mean(rows, "test", "gini")
    return {
        "setting": name,
        "seeds": len(seeds),
        "ndcg": ndcg,
        "plain_ndcg": _mean(plain, "test", "ndcg"),
        "ndcg_change": change,
        "gini": gini_found,
        "plain_gini": _mean(plain, "test", "gini"),
        "gini_change": gini_found / _mean(plain, "test", "gini") - 1,
        "shown": round(_mean(rows, "test", "shown")),
        "validation_ndcg_change": _mean(rows, "validation", "ndcg") / _mean(plain, "validation", "ndcg") - 1,
        "validation_gini_change": _mean(rows, "validation", "gini") / _mean(plain, "validation", "gini") - 1,
    }


def _mean(rows: list[Row], part: str, figure: str) -> float:
    return float(np.mean([row[part][figure] for row in rows]))


def _by_user(rows: list[Row]) -> Doubles:
    """NDCG@10 of every user, the mean over seeds."""
    return np.mean([row["by_user"] for row in rows], axis=0)


def _path(rows: Path, setting: str, seed: int) -> Path:
    stem = setting.replace(", ", "_").replace(" ", "-")
    return rows / (f"{stem}.json" if seed == 0 else f"{stem}_seed-{seed}.json")


def say(text: str) -> None:
    """Progress."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
