"""What `shelfwise train --continue` keeps of a full training, and what it costs.

    python benchmarks/continual.py                     the gift shop; and Beauty, where SHELFWISE_BENCH_DATA is set
    python benchmarks/continual.py --data beauty       one of them; what --json has of the other stays as it is
    python benchmarks/continual.py --folder FOLDER     keep shops and models there: what is trained is not trained again

A shop is trained on nine tenths of its log, with the sequence retriever on; then a tenth is added, and the same is
learned in two ways: by `train --continue`, and by `train` in a shop of its own. All by the command line, as a shop
would. Asked are questions that none of the three trainings saw (see `growth.py`): what follows new events, and what
users without any did last. Everything is ranked.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from continual_tables import (
    MODELS,
    QUALITY_COLUMNS,
    SLICES,
    TRAINING_COLUMNS,
    growth_title,
    quality_lines,
    training_lines,
)
from grown_shops import Sequences, add, copy, read
from growth import Growth, grow
from peers.shops import DATA, DATA_SETS, DataSet
from process import run
from record import Record, arguments
from shelfwise.datasets.interactions import Interactions, target_kind
from shelfwise.evaluate.measure import measure, score_with_funnel
from shelfwise.metrics import bootstrap_interval, paired_difference
from shelfwise.pipeline.model import load as load_model
from shelfwise.schemas.ids import Bools, Doubles
from shelfwise.shop import Shop
from tables import show

SHELFWISE = Path(sys.executable).with_name("shelfwise")

NAMES = ("online-retail", "beauty")
NEW_BAR, OLD_BAR, TIME_BAR = 0.95, 0.98, 0.20
K = 10
SEED = 1
"""Of the cut."""

QUICK_USERS = 120
QUICK_OPTIONS = {"epochs": 2, "epochs_on": 1}

console = Console(width=160)


def main() -> int:
    """Measure."""
    parser = arguments(__doc__ or "", "few users of the gift shop, few epochs: time and accuracy are not comparable")
    parser.add_argument("--data", choices=NAMES, help="one shop only")
    parser.add_argument("--folder", type=Path, help="where shops and models are kept between runs")
    parser.add_argument("--tuning", action="store_true", help="ask only what was set aside for tuning the procedure")
    parser.add_argument("--options", type=json.loads, default={}, help="JSON: options of the sequence retriever")
    given = parser.parse_args()
    record = Record("continual", given.quick)
    wanted = [given.data] if given.data else list(NAMES[:1] if given.quick else NAMES)
    for name in wanted:
        if not DATA_SETS[name].is_shipped and DATA not in os.environ:
            for what in ("new", "old", "time"):
                record.skip(f"{name}-{what}", f"{DATA} does not name the folder that holds {name}/")
            continue
        with tempfile.TemporaryDirectory(prefix="shelfwise-bench-") as scratch:
            folder = (given.folder or Path(scratch)) / f"{name}{'-quick' if given.quick else ''}"
            found = one_shop(DATA_SETS[name], folder, given.options, quick=given.quick, tuning=given.tuning)
        record.results[name] = found
        show_all(name, found)
        for what, bar in (("new", NEW_BAR), ("old", OLD_BAR)):
            if given.quick:
                record.skip(f"{name}-{what}", "the quick form trains too little")
            else:
                record.promise(f"{name}-{what}", found[what]["share"]["mean"], bar, "at least")
        if given.quick:
            record.skip(f"{name}-time", "the quick form trains too little")
        else:
            record.promise(f"{name}-time", found["cpu_share"], TIME_BAR, "below")
    if given.data and given.json and given.json.exists():
        keep(record, json.loads(given.json.read_text(encoding="utf-8")), given.data)
    return record.finish(given.json)


def keep(record: Record, document: dict[str, Any], asked: str) -> None:
    """Take over what an earlier run found of the shop that is not asked, with when, where and with what it ran."""
    ran = {key: document[key] for key in ("date", "commit", "machine", "versions")}
    for name, found in document["results"].items():
        if name != asked:
            record.results[name] = {**found, "ran": found.get("ran", ran)}
    for one in document["promises"]:
        if not one["name"].startswith(f"{asked}-"):
            record.promise(one["name"], one["value"], one["bar"], one["side"])


def one_shop(data: DataSet, folder: Path, options: dict[str, Any], *, quick: bool, tuning: bool) -> dict[str, Any]:
    """Train three times, ask, compare."""
    source, config, interactions, users, numbers = read(data)
    if quick:
        interactions, users, numbers = few(interactions, users, numbers)
        options = {**QUICK_OPTIONS, **options}
    behaviour = config.behaviour.model_copy(update={"repeats": "allow" if data.repeats else "exclude"})
    config = config.model_copy(update={"behaviour": behaviour})
    target = target_kind(interactions, config.behaviour.target)
    growth = grow(interactions, target, users, seed=SEED, tuning=tuning)
    retrieve = {name: spec.model_dump() for name, spec in config.retrieve.items()}
    retrieve["sequence"] = {**retrieve.get("sequence", {"use": "sequence"}), **options}
    grown, full = folder / "grown", folder / "full"
    known, new = numbers[growth.known], numbers[growth.new]
    costs = {
        "before": trained(grown, "before", lambda: copy(source, grown, config, known, retrieve)),
        "full": trained(full, "full", lambda: copy(source, full, config, np.concatenate([known, new]), retrieve)),
    }
    before = costs["before"]["version"]
    costs["continued"] = trained(grown, "continued", lambda: add(source, grown, new), "--continue", "--from", before)
    found: dict[str, Any] = {
        "n_known": len(known),
        "n_new": len(new),
        "new_share": round(len(new) / (len(known) + len(new)), 4),
        "costs": costs,
        "cpu_share": round(costs["continued"]["cpu_s"] / costs["full"]["cpu_s"], 4),
        "wall_share": round(costs["continued"]["seconds"] / costs["full"]["seconds"], 4),
    }
    folders = {"before": grown, "continued": grown, "full": full}
    n_history = config.behaviour.history
    ndcg = {
        name: asked(folders[name], costs[name]["version"], growth, repeats=data.repeats, n_history=n_history)
        for name in MODELS
    }
    for name in SLICES:
        one = {model: ndcg[model][name] for model in MODELS}
        found[name] = compared(one, "full" if name == "new" else "before")
    return found


def few(interactions: Interactions, users: Bools, numbers: Sequences) -> tuple[Interactions, Bools, Sequences]:
    """The log of some users only."""
    chosen = np.zeros(interactions.n_users, bool)
    chosen[np.random.default_rng(0).permutation(np.flatnonzero(users))[:QUICK_USERS]] = True
    kept = chosen[interactions.user_rows]
    return interactions.where(kept), users & chosen, numbers[kept]


def trained(folder: Path, name: str, prepare: Callable[[], None], *words: str) -> dict[str, Any]:
    """Train a shop and tell what it took and which version came of it; what is known from an earlier run is taken."""
    path = folder.parent / f"{name}.json"
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    prepare()
    ran = run([SHELFWISE, "train", *words, "--shop", folder, "--json"])
    manifest = json.loads(ran.stdout)
    cost = {
        "seconds": round(ran.seconds, 1),
        "cpu_s": round(ran.cpu_s, 1),
        "peak_mib": round(ran.peak_mib),
        "version": manifest["version"],
    }
    path.write_text(json.dumps(cost), encoding="utf-8")
    return cost


def asked(folder: Path, version: str, growth: Growth, *, repeats: bool, n_history: int) -> dict[str, Doubles]:
    """NDCG of every question of each slice; shape `(Q,)` each."""
    with Shop.open(folder) as shop:
        model = load_model(shop.versions.get(version))
    n_items = model.n_items
    score = score_with_funnel(model.funnel, np.ones(n_items, bool), repeats=repeats, n_history=n_history)
    found: dict[str, Doubles] = {}
    for name, questions in (("new", growth.of_new), ("old", growth.of_old)):
        answerable = questions if repeats else questions.without_repeats()
        found[name] = measure(score, answerable, n_items, K).by_metric["ndcg"]
    return found


def compared(ndcg: dict[str, Doubles], reference: str) -> dict[str, Any]:
    """Each model's mean, and which share of another's the continued one reaches, with intervals over users."""
    found: dict[str, Any] = {"n_questions": len(ndcg[reference])}
    for model, values in ndcg.items():
        found[model] = asdict(bootstrap_interval(values))
    for other in ("before", "full"):
        gain = paired_difference(ndcg["continued"], ndcg[other])
        share = {"mean": 1 + gain.relative, "low": 1 + gain.relative_low, "high": 1 + gain.relative_high}
        found[f"of_{other}"] = {key: round(value, 4) for key, value in share.items()}
    found["share"] = found[f"of_{reference}"]
    return found


def show_all(name: str, found: dict[str, Any]) -> None:
    """What was found, and what it took."""
    show(console, growth_title(name, found), QUALITY_COLUMNS, quality_lines(found))
    show(console, f"{name}: what it took", TRAINING_COLUMNS, training_lines(found))


if __name__ == "__main__":
    sys.exit(main())
