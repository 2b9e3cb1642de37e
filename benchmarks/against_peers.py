"""`accuracy.py --peers`: ours beside other recommenders, under one protocol; see the package `peers`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from peers.compare import Plan, chosen, compare
from peers.models import COLD_PEER, OURS, OURS_QUICK
from peers.shops import DATA_SETS
from peers.table import LEVEL, best_peer, from_folder, line_of, ours_of, worst_p
from record import RESULTS, Record

ROWS = RESULTS / "peers"

BEAUTY_RECALL, BEAUTY_NDCG = 0.105, 0.064
TRAINED_S = 3_600.0
"""Seconds in which all of ours is trained on Beauty, texts included, on two cores."""

QUICK_LOSS, QUICK_S = 0.08, 300.0
"""What the quick configuration may lose on Beauty, and the seconds in which it is trained."""

SIGNIFICANT_ON = 2
"""Of the warm exams other than Beauty's, on so many ours must be significantly above the best peer."""

COLD_AHEAD = 0.2
"""What ours must be ahead of a text-only SASRec on items that nobody has touched, by Recall@20."""


def measure(record: Record, names: Sequence[str], models: str, *, quick: bool, say: Callable[[str], None]) -> None:
    """Ask whom there is no row of yet, then make the tables and hold them against what was promised.

    Args:
        names: Data sets.
        models: As the command line says; "none": the tables alone, from stored rows.

    Raises:
        SystemExit: an unknown data set or model.
    """
    for name in names:
        if name not in DATA_SETS:
            raise SystemExit(f"{name}: no such data set in this comparison; known: {', '.join(DATA_SETS)}")
    with tempfile.TemporaryDirectory(prefix="shelfwise-peers-") as folder:
        # Quick rows are no results: they live as long as the run.
        rows = Path(folder) if quick else ROWS
        plan = Plan(chosen(models), rows, quick)
        for name in names:
            if plan.models:
                for exam, failed in compare(DATA_SETS[name], plan, say):
                    for model in failed:
                        record.skip(f"{name}-{exam.about.protocol}-{model}", "it failed; what it said stands above")
            for protocol in DATA_SETS[name].protocols:
                found = from_folder(rows, name, protocol)
                if found is not None:
                    record.results[f"{name}, {protocol}"] = found
    if quick:
        record.skip("every bar", "the quick form asks few users and hardly tunes")
        return
    _promises(record)


def _promises(record: Record) -> None:
    others: list[tuple[str, dict[str, Any]]] = []
    for title, found in record.results.items():
        name = title.replace(", ", "-")
        ours, best = ours_of(found), best_peer(found)
        if ours is None or best is None:
            record.skip(f"{name}-*", f"there are no rows of {OURS if ours is None else 'any peer'}")
        elif found["protocol"] == "cold-items":
            _on_cold_items(record, name, found)
        elif found["protocol"] == "published":
            pass  # beside numbers of others, made with more rows: shown, not promised
        elif found["data"] == "beauty":
            _on_beauty(record, found, ours)
        else:
            record.promise(f"{name}-above-best-peer", best["ours_ahead"]["relative"], 0.0, "at least")
            others.append((name, best["ours_ahead"]))
    if others:
        n_significant = sum(ahead["relative"] > 0 and ahead["p_holm"] < LEVEL for _, ahead in others)
        record.promise("significantly-above-best-peer-on", n_significant, SIGNIFICANT_ON, "at least")


def _on_beauty(record: Record, found: dict[str, Any], ours: dict[str, Any]) -> None:
    ndcg = ours["metrics"]["ndcg@10"]["mean"]
    record.promise("beauty-recall", ours["metrics"]["recall@10"]["mean"], BEAUTY_RECALL, "at least")
    record.promise("beauty-ndcg", ndcg, BEAUTY_NDCG, "at least")
    record.promise("beauty-significantly-above-every-peer", worst_p(found), LEVEL, "below")
    record.promise("beauty-train-cpu-seconds", _trained_s(ours), TRAINED_S, "below")
    quick = line_of(found, OURS_QUICK)
    if quick is None:
        record.skip("beauty-quick-*", f"there are no rows of {OURS_QUICK}")
        return
    record.promise("beauty-quick-loss", 1 - quick["metrics"]["ndcg@10"]["mean"] / ndcg, QUICK_LOSS, "below")
    record.promise("beauty-quick-train-cpu-seconds", _trained_s(quick), QUICK_S, "below")


def _on_cold_items(record: Record, name: str, found: dict[str, Any]) -> None:
    peer = line_of(found, COLD_PEER)
    if peer is None or "ours_ahead" not in peer:
        record.skip(f"{name}-*", f"there are no rows of {COLD_PEER}")
        return
    record.promise(f"{name}-ahead-of-{COLD_PEER}", peer["ours_ahead"]["relative"], COLD_AHEAD, "at least")


def _trained_s(line: dict[str, Any]) -> float:
    """Processor seconds of encoding and fitting: more than two cores need on the clock."""
    return line["seconds"]["encode"]["cpu"] + line["seconds"]["fit"]["cpu"]
