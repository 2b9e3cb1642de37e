"""What each part of the whole adds, asked like everybody else: leave-one-out on `beauty`, unless --data names another.

    python benchmarks/ablation.py [--data NAME] [--quick] [--json PATH]

Each step is a model of its own, fitted and asked in a process of its own; its row is stored in
`benchmarks/results/ablation`, so that an interrupted run goes on. The last step, the whole funnel, is the row of
`accuracy.py --peers shelfwise`, and is asked here where it is missing. Gains are paired over users, one seed each.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from peers.compare import Plan, compare
from peers.models import OURS, PARTS
from peers.rows import Key, Row, read
from peers.shops import DATA_SETS
from record import RESULTS, Record, arguments
from shelfwise.metrics import bootstrap_interval, paired_difference
from tables import ABLATION_COLUMNS, ablation_lines, show

ROWS, PEER_ROWS = RESULTS / "ablation", RESULTS / "peers"
PROTOCOL = "leave-one-out"
METRIC = "ndcg@10"
N_RESAMPLES = 2_000
TUNING_GAIN = 0.03
"""What tuning the encoder must bring to be on by default."""

STEPS: dict[str, tuple[str, str | None]] = {
    "transitions-counted": ("transitions as counted", None),
    "transitions-names": ("smoothed by category and brand", "transitions-counted"),
    "transitions-texts": ("smoothed by texts too", "transitions-names"),
    "sequence-ids": ("sequence over ids", "transitions-counted"),
    "sequence-raw-texts": ("sequence over raw texts", "sequence-ids"),
    "sequence-white-texts": ("sequence over whitened texts", "sequence-raw-texts"),
    "sequence-fused": ("sequence over fused items", "sequence-white-texts"),
    "sequence-tuned": ("the same, encoder tuned on behaviour", "sequence-fused"),
    OURS: ("fusion of all retrievers, encoder not tuned", "sequence-fused"),
}
"""By model: what it is called in the table, and which step it is held against."""


def steps(rows: dict[str, Row]) -> list[dict[str, Any]]:
    """Every step with its interval and its gain over the one it is held against."""
    found: list[dict[str, Any]] = []
    for model, (title, against) in STEPS.items():
        if model not in rows:
            continue
        row = rows[model]
        intervals = {
            name: bootstrap_interval(row.by_metric[name], n_resamples=N_RESAMPLES) for name in (METRIC, "recall@10")
        }
        gain = None
        if against in rows:
            difference = paired_difference(
                row.by_metric[METRIC], rows[against].by_metric[METRIC], n_resamples=N_RESAMPLES
            )
            gain = {
                "against": STEPS[against][0],
                "relative": difference.relative,
                "low": difference.relative_low,
                "high": difference.relative_high,
                "p": difference.p_value,
            }
        found.append(
            {
                "model": model,
                "title": title,
                **{name: {"mean": one.mean, "low": one.low, "high": one.high} for name, one in intervals.items()},
                "gain": gain,
                "fit_cpu_s": row.about["seconds"]["fit"]["cpu"],
            }
        )
    return found


def main() -> int:
    """Ask whom there is no row of, then make the table."""
    parser = arguments(__doc__ or "", "few users, no row is kept: proves the machinery")
    parser.add_argument("--data", default="beauty", choices=sorted(DATA_SETS), help="which shop")
    options = parser.parse_args()
    console = Console(stderr=True)
    record = Record("ablation", options.quick)
    data = replace(DATA_SETS[options.data], protocols=(PROTOCOL,))
    with tempfile.TemporaryDirectory(prefix="shelfwise-ablation-") as folder:
        parts, whole = (Path(folder), Path(folder)) if options.quick else (ROWS, PEER_ROWS)
        failed: set[str] = set()
        for models, rows in (((*PARTS,), parts), ((OURS,), whole)):
            for _, lost in compare(data, Plan(models, rows, options.quick), console.print):
                failed |= set(lost)
        keys = {model: Key(data.name, PROTOCOL, model, 0) for model in STEPS if model not in failed}
        rows = {model: read(whole if model == OURS else parts, key) for model, key in keys.items()}
    found = steps(rows)
    n_questions = len(next(iter(rows.values())).by_metric[METRIC])
    record.results[f"{data.name}, {PROTOCOL}"] = {"steps": found, "n_questions": n_questions}
    show(Console(width=200), f"{data.name}, {PROTOCOL}", ABLATION_COLUMNS, ablation_lines({"steps": found}))
    for model in failed:
        record.skip(model, "it failed; what it said stands above")
    record.skip(
        "tuned-encoder",
        f"off by default; +{TUNING_GAIN:.0%} would switch it on. The line above says what it brings, "
        "docs/experiments.md what else was tried",
    )
    return record.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
