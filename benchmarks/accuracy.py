"""How well it recommends, against tuned baselines, through the command line alone; and what that costs.

    python benchmarks/accuracy.py                        the demo; Amazon Beauty too where SHELFWISE_BENCH_DATA is set
    python benchmarks/accuracy.py --data demo            the gift shop that Shelfwise ships: time split
    python benchmarks/accuracy.py --data beauty          the folder `beauty` in SHELFWISE_BENCH_DATA: leave-one-out
    python benchmarks/accuracy.py --data FOLDER          any folder with items.parquet and events.parquet
    python benchmarks/accuracy.py --data NAME --peers    ours beside other recommenders, see below

Without `--peers` every run starts from nothing in an empty folder: `init`, `ingest`, `train`, `evaluate`,
`recommend --all-users`, or `demo --no-serve`. Times are those of whole commands, start-up included.

With `--peers` NAME is ml-100k, online-retail, beauty or games (all but online-retail in SHELFWISE_BENCH_DATA). Each
model is a program in an environment of its own; what it answered is stored as a row in `benchmarks/results/peers`, and
whoever has a row is not asked again: interrupt it and start it again as you like, delete a row to measure it anew.

    --peers                      all models but the long ones; three seeds of ours
    --peers popularity,ease      these; `peers` stands for all but ours, `none` makes the tables from stored rows
    --peers esasrec,hstu         the long ones
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from rich.console import Console

from process import Ran, run
from record import Record, arguments
from tables import (
    COST_COLUMNS,
    PEER_COLUMNS,
    ahead,
    cost_lines,
    evaluation_title,
    model_columns,
    model_lines,
    peer_lines,
    peer_notes,
    peer_title,
    show,
)

DATA = "SHELFWISE_BENCH_DATA"
"""Names the folder that holds `beauty/`; its data may not be shipped."""

SHELFWISE = Path(sys.executable).with_name("shelfwise")

DEMO_LINES = 541_909
DEMO_AHEAD = 0.10
DEMO_S, DEMO_MIB = 180.0, 2_000.0
INGEST_S, INGEST_MIB = 20.0, 500.0

BEAUTY_RECALL, BEAUTY_NDCG = 0.0916, 0.0568
BEAUTY_S, ALL_USERS_S = 240.0, 60.0
BEAUTY_ITEMS, BEAUTY_USERS = 12_101, 22_363

QUICK_LAST_D = 120
"""In the quick form the gift shop's log begins so many days before its end."""

CUT = """
import sys
import polars as pl
source, target, days = sys.argv[1], sys.argv[2], int(sys.argv[3])
when = pl.col("InvoiceDate")
pl.read_parquet(source).filter(when >= when.max() - pl.duration(days=days)).write_parquet(target)
"""
"""Run as a program of its own: this one must stay small, see `process.run`."""

console = Console(width=120)
wide = Console(width=200)
people = Console(stderr=True)


def demo(record: Record, folder: Path, *, quick: bool) -> None:
    """The shipped gift shop: its ingest alone, then the whole demonstration.

    The quick form ingests everything, and shows the rest on the last months only.
    """
    packed = resources.files("shelfwise.cli") / "demo_shop"
    alone, whole = folder / "ingest", folder / "demo"
    for shop in (alone, whole):
        with resources.as_file(packed) as source:
            shutil.copytree(source, shop)
    ingested = shelfwise("ingest", "--shop", alone, "--json")
    reports = json.loads(ingested.stdout)
    lines = {report["table"]: report["lines"] for report in reports}
    if lines["events"] != DEMO_LINES:
        raise SystemExit(f"the gift shop's log has {lines['events']:,} lines, not {DEMO_LINES:,}")
    record.promise("demo-ingest-seconds", ingested.seconds, INGEST_S, "below")
    record.promise("demo-ingest-mib", ingested.peak_mib, INGEST_MIB, "below")
    if quick:
        log = whole / "online_retail.parquet"
        with resources.as_file(packed / log.name) as source:
            subprocess.run([sys.executable, "-c", CUT, source, log, str(QUICK_LAST_D)], check=True)
    shown = shelfwise("demo", whole, "--shop", "gifts", "--no-serve", "--json")
    found = json.loads(shown.stdout)
    evaluation = found["evaluation"]
    title = f"gift shop, its last {QUICK_LAST_D} days" if quick else "gift shop"
    record.results["demo"] = {
        "title": title,
        "commands": {"ingest": _cost(ingested), "demo --no-serve": _cost(shown)},
        "ingest": [{key: report[key] for key in ("table", "lines", "stored", "quarantined")} for report in reports],
        "encoded": found["encoded"],
        "evaluation": evaluation,
    }
    _show(record.results["demo"])
    if quick:
        for name in ("demo-ndcg-ahead", "demo-seconds", "demo-mib"):
            record.skip(name, f"the quick form sees only the last {QUICK_LAST_D} days")
        return
    record.promise("demo-ndcg-ahead", evaluation["comparison"]["relative"], DEMO_AHEAD, "at least")
    record.promise("demo-seconds", shown.seconds, DEMO_S, "below")
    record.promise("demo-mib", shown.peak_mib, DEMO_MIB, "below")


def folder_of_tables(record: Record, name: str, source: Path, folder: Path) -> None:
    """Any shop's two tables, by leave-one-out, and everybody's list; Beauty's bars where it is Beauty."""
    shop, lists = folder / name, folder / f"{name}-lists.parquet"
    items, events = source / "items.parquet", source / "events.parquet"
    for path in (items, events):
        if not path.is_file():
            raise SystemExit(f"{name}: there is no {path.name} in this folder")
    ran = {
        "init": shelfwise("init", shop, "--items", items, "--events", events, "--yes", "--quick"),
        "ingest": shelfwise("ingest", "--shop", shop, "--json"),
        "train": shelfwise("train", "--shop", shop),
        "evaluate": shelfwise("evaluate", "--shop", shop, "--protocol", "leave-one-out", "--json"),
        "recommend --all-users": shelfwise("recommend", "--shop", shop, "--all-users", "--output", lists, "--json"),
    }
    evaluation = json.loads(ran["evaluate"].stdout)
    record.results[name] = {
        "title": name,
        "commands": {command: _cost(cost) for command, cost in ran.items()},
        "ingest": [
            {key: report[key] for key in ("table", "lines", "stored", "quarantined")}
            for report in json.loads(ran["ingest"].stdout)
        ],
        "lists": json.loads(ran["recommend --all-users"].stdout)["users"],
        "evaluation": evaluation,
    }
    _show(record.results[name])
    if name != "beauty":
        return
    asked, written = (evaluation["n_items"], evaluation["n_users"]), record.results[name]["lists"]
    if asked != (BEAUTY_ITEMS, BEAUTY_USERS) or evaluation["seen_items"] != "removed" or written != BEAUTY_USERS:
        raise SystemExit(f"beauty: asked {asked}, seen items {evaluation['seen_items']}, {written} lists")
    metrics = evaluation["rows"][0]["metrics"]
    seconds = sum(cost.seconds for command, cost in ran.items() if not command.startswith("recommend"))
    record.promise("beauty-recall", metrics["recall"]["mean"], BEAUTY_RECALL, "at least")
    record.promise("beauty-ndcg", metrics["ndcg"]["mean"], BEAUTY_NDCG, "at least")
    record.promise("beauty-seconds", seconds, BEAUTY_S, "below")
    record.promise("beauty-all-users-seconds", ran["recommend --all-users"].seconds, ALL_USERS_S, "below")


def peers(names: Sequence[str], models: str, path: Path | None, *, quick: bool) -> int:
    """Ours beside other recommenders; the exit code."""
    # Its libraries are loaded here alone: without it this program must stay small, see `process.run`.
    from against_peers import measure

    record = Record("peers", quick)
    measure(record, names, models, quick=quick, say=lambda text: people.print(text, highlight=False))
    for found in record.results.values():
        show(wide, peer_title(found), PEER_COLUMNS, peer_lines(found))
        for note in peer_notes(found):
            wide.print(f"[dim]{note}[/]", highlight=False)
    return record.finish(path)


def shelfwise(*words: str | Path) -> Ran:
    """One command of Shelfwise, with a word about it for whoever watches."""
    with people.status(f"shelfwise {words[0]}"):
        ran = run([SHELFWISE, *words])
    people.print(f"[dim]{ran.seconds:6.1f} s {ran.peak_mib:6.0f} MiB[/]  shelfwise {words[0]}")
    return ran


def _cost(ran: Ran) -> dict[str, float]:
    return {"seconds": round(ran.seconds, 2), "cpu_s": round(ran.cpu_s, 2), "peak_mib": round(ran.peak_mib)}


def _show(found: dict[str, Any]) -> None:
    evaluation = found["evaluation"]
    show(console, evaluation_title(found), model_columns(evaluation), model_lines(evaluation))
    console.print(ahead(evaluation))
    show(console, "what it took", COST_COLUMNS, cost_lines(found))


def main() -> int:
    """Measure the data sets that were named, or all that are there."""
    parser = arguments(__doc__ or "", f"the demo alone, on its last {QUICK_LAST_D} days; the ingest of all its lines")
    parser.add_argument(
        "--data", action="append", metavar="NAME", help="demo, beauty or a folder with two tables; repeatable"
    )
    parser.add_argument("--peers", nargs="?", const="all", metavar="MODELS", help="compare with other recommenders")
    options = parser.parse_args()
    if options.peers is not None:
        return peers(options.data or ["online-retail"], options.peers, options.json, quick=options.quick)
    record = Record("accuracy", options.quick)
    names: list[str] = options.data or ["demo", *(["beauty"] if os.environ.get(DATA) and not options.quick else [])]
    for name in names:
        with tempfile.TemporaryDirectory(prefix="shelfwise-bench-") as folder:
            if name == "demo":
                demo(record, Path(folder), quick=options.quick)
                continue
            if name == "beauty" and DATA not in os.environ:
                raise SystemExit(f"beauty: {DATA} must name the folder that holds beauty/")
            source = Path(os.environ[DATA]) / name if name == "beauty" else Path(name)
            folder_of_tables(record, source.resolve().name, source, Path(folder))
    if "beauty" not in record.results:
        for promise in ("beauty-recall", "beauty-ndcg", "beauty-seconds", "beauty-all-users-seconds"):
            record.skip(promise, f"name it with --data, and its parent folder in {DATA}")
    if "demo" not in record.results:
        record.skip("demo-*", "name it with --data demo")
    return record.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
