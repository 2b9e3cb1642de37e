"""Whether pictures and texts fused tell more than either alone: on real product photos, by nearest neighbours.

    SHELFWISE_BENCH_DATA=FOLDER python benchmarks/pictures.py

FOLDER holds `fashion/`: 14,999 product photos of 60 × 80 pixels with titles. A shop is made of them through the
product's own ingest, encoders, whitening and alignment, with default settings. Its items have a title and a picture
and nothing else: no category, no attributes. Titles are the shop's own words and often name kind and colour.

Products are divided by a seed into train, validation and test. The label of a test product (`articleType`, 135 kinds;
`baseColour`, 46) is that of the majority among its nearest train products, weighted by similarity; how many are asked
is chosen on validation, for each line of the table on its own. Everything is done twice: with all titles, and with the
titles of a random half of the products (of every part) removed before ingest. No label is ever shown to the shop.

"pictures alone" is the better of two maps: the one learned from texts that the shop uses, and plain whitening.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.console import Console

from record import Record, arguments
from shelfwise.features.modalities import DEFAULT_PICTURE_WEIGHT, fused_similarity, has_vector
from shelfwise.metrics.intervals import bootstrap_interval, holm, paired_difference
from shelfwise.shop import Shop
from shelfwise.train.data import load
from shelfwise.train.pictures import EncodedPictures, map_pictures
from tables import PICTURE_COLUMNS, picture_lines, picture_notes, picture_title, show

DATA = "SHELFWISE_BENCH_DATA"
LABELS = ("articleType", "baseColour")
SEED = 0
QUICK_ITEMS = 5_200
PARTS = (0.6, 0.2)
"""Shares of train and validation; the rest is tested."""

KS = (1, 3, 5, 10, 20, 40)
WEIGHTS = (0.25, 0.5, 2.0)
"""Weights of pictures that are compared on the validation part, beside the default."""

LINES = 512
"""Products asked about at a time."""

TOML = """version = 1
[ingest.items]
path = "items.csv"
format = "csv"
"""

console = Console(width=120)
people = Console(stderr=True)

Similarities = Callable[[np.ndarray], np.ndarray]
"""Of products, by row, to the train part: shapes `(n,)` to `(n, n_train)`; NaN where nothing is known."""


def make_shop(folder: Path, source: Path, n_items: int | None) -> tuple[pl.DataFrame, np.ndarray]:
    """Write pictures and `shop.toml`; the products that are in, and their parts (0 train, 1 validation, 2 test)."""
    table = pl.read_csv(source / "styles_15000.csv", infer_schema=False).filter(pl.col("has_image") == "True")
    random = np.random.default_rng(SEED)
    chosen = random.permutation(len(table))[:n_items]
    table = table[np.sort(chosen)]
    with zipfile.ZipFile(source / "images_60x80.zip") as archive:
        archive.extractall(folder / "images", table["image"].to_list())
    (folder / "shop.toml").write_text(TOML, encoding="utf-8")
    places = random.permutation(len(table)) / len(table)
    return table, np.searchsorted(np.cumsum(PARTS), places, side="right")


def ingest(folder: Path, table: pl.DataFrame, has_title: np.ndarray) -> dict[str, Any]:
    """Send titles and pictures through the shop; its vectors, and what that took."""
    title = pl.when(pl.Series(has_title)).then(pl.col("productDisplayName")).alias("title")
    table.select(pl.col("id").alias("item_id"), title, "image").write_csv(folder / "items.csv")
    with Shop.open(folder) as shop:
        [report] = shop.ingest()
        if report.stored != len(table):
            raise SystemExit(f"{report.stored} of {len(table)} products were stored")
        marks: dict[str, float] = {}

        def note(text: str, done: int | None = None, total: int | None = None) -> None:
            marks[text] = time.process_time() if text not in marks or not total else marks[text]
            if done is not None and done == total:
                marks[f"{text}: done"] = time.process_time()

        loaded = load(shop.config, shop.records, folder / "vectors", None, note)
        unaligned = shop.config.model_copy(
            update={"encode": shop.config.encode.model_copy(update={"image_align": False})}
        )
        assert isinstance(loaded.pictures, EncodedPictures) and loaded.mapped_pictures is not None
        whitened = map_pictures(unaligned, loaded.pictures, loaded.data.vectors).vectors
        in_order = {item.item_id: row for row, item in enumerate(loaded.items)}
    rows = np.array([in_order[item_id] for item_id in table["id"]])
    assert loaded.data.vectors is not None and loaded.data.pictures is not None
    return {
        "texts": loaded.data.vectors[rows],
        "pictures": loaded.data.pictures[rows],
        "whitened": whitened[rows],
        "is_aligned": loaded.mapped_pictures.is_aligned,
        "report": loaded.pictures.report.as_document(),
        "encode_s": marks.get("encoding pictures: done", 0.0) - marks.get("reading pictures: done", 0.0),
    }


def alike(texts: np.ndarray | None, pictures: np.ndarray | None, train: np.ndarray, weight: float) -> Similarities:
    """The product's similarity by what is given, to every train product."""

    def similarities(rows: np.ndarray) -> np.ndarray:
        nothing = np.zeros((1, 1), np.float32), np.zeros((1, 1), bool)
        (of_texts, share_texts), (of_pictures, share_pictures) = (
            nothing
            if vectors is None
            else (vectors[rows] @ vectors[train].T, np.outer(has_vector(vectors[rows]), has_vector(vectors[train])))
            for vectors in (texts, pictures)
        )
        return fused_similarity(of_texts, of_pictures, share_texts, share_pictures, weight)

    return similarities


def neighbours(similarities: Similarities, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest train products of each product and how near, nearest first; shapes `(n, max(KS))`."""
    nearest, nearness = (np.empty((len(rows), max(KS)), kind) for kind in (np.int64, np.float32))
    for start in range(0, len(rows), LINES):
        found = np.nan_to_num(similarities(rows[start : start + LINES]), nan=0.0)
        places = np.argpartition(-found, max(KS) - 1, axis=1)[:, : max(KS)]
        near = np.take_along_axis(found, places, axis=1)
        order = np.argsort(-near, axis=1, kind="stable")
        nearest[start : start + LINES] = np.take_along_axis(places, order, axis=1)
        nearness[start : start + LINES] = np.take_along_axis(near, order, axis=1)
    return nearest, nearness


def predictions(nearest: np.ndarray, nearness: np.ndarray, codes: np.ndarray) -> dict[int, np.ndarray]:
    """Each product's label by the weighted majority of its first k neighbours; the commonest where nothing is known.

    Args:
        nearest: As `neighbours` gives them.
        nearness: Likewise.
        codes: The train products' labels, from 0.
    """
    commonest = np.bincount(codes).argmax()
    votes = np.zeros((len(nearest), codes.max() + 1))
    line = np.arange(len(nearest))
    answers: dict[int, np.ndarray] = {}
    for place in range(max(KS)):
        votes[line, codes[nearest[:, place]]] += np.maximum(nearness[:, place], 0)
        if place + 1 in KS:
            answers[place + 1] = np.where(votes.max(axis=1) > 0, votes.argmax(axis=1), commonest)
    return answers


def measure_setting(
    name: str, made: dict[str, Any], table: pl.DataFrame, part: np.ndarray, weights: tuple[float, ...]
) -> dict[str, Any]:
    """One setting's table: each label, by each kind of vectors; `weights` of pictures are compared too."""
    train, validation, test = (np.flatnonzero(part == number) for number in range(3))
    asked = np.concatenate([validation, test])
    kinds = {
        "texts alone": alike(made["texts"], None, train, 1.0),
        "pictures alone, aligned": alike(None, made["pictures"], train, 1.0),
        "pictures alone, whitened": alike(None, made["whitened"], train, 1.0),
        "fused": alike(made["texts"], made["pictures"], train, DEFAULT_PICTURE_WEIGHT),
        **{f"fused, weight {w:g}": alike(made["texts"], made["pictures"], train, w) for w in weights},
        "fused, whitened pictures": alike(made["texts"], made["whitened"], train, DEFAULT_PICTURE_WEIGHT),
    }
    rows: list[dict[str, Any]] = []
    right: dict[tuple[str, str], np.ndarray] = {}
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for kind, similarities in kinds.items():
        with people.status(f"{name}: neighbours by {kind}"):
            found[kind] = neighbours(similarities, asked)
    for label in LABELS:
        codes = np.unique(table[label].fill_null("").to_numpy(), return_inverse=True)[1]
        for kind in kinds:
            answers = predictions(*found[kind], codes[train])
            hits = {k: answer == codes[asked] for k, answer in answers.items()}
            best = max(KS, key=lambda k: float(hits[k][: len(validation)].mean()))
            chosen = hits[best].astype(np.float32)
            tested = chosen[len(validation) :]
            interval = bootstrap_interval(tested, seed=SEED)
            right[label, kind] = tested
            rows.append(
                {
                    "label": label,
                    "by": kind,
                    "k": best,
                    "validation": float(chosen[: len(validation)].mean()),
                    "accuracy": interval.mean,
                    "low": interval.low,
                    "high": interval.high,
                }
            )
    pairs = [(label, kind) for label in LABELS for kind in kinds if "alone" in kind]
    differences = [paired_difference(right[label, "fused"], right[label, kind], seed=SEED) for label, kind in pairs]
    adjusted = holm(np.array([one.p_value for one in differences], np.float32))
    comparisons = [
        {
            "label": label,
            "against": kind,
            "difference": one.mean_difference,
            "low": one.low,
            "high": one.high,
            "p_holm": float(p),
        }
        for (label, kind), one, p in zip(pairs, differences, adjusted, strict=True)
    ]
    return {
        "title": name,
        "n": [len(train), len(validation), len(test)],
        "is_aligned": made["is_aligned"],
        "report": {key: value for key, value in made["report"].items() if key != "examples"},
        "encode_s": round(made["encode_s"], 1),
        "rows": rows,
        "comparisons": comparisons,
    }


def promise(record: Record, name: str, found: dict[str, Any]) -> None:
    """Fused must be better than each alone."""
    accuracy = {(row["label"], row["by"]): row["accuracy"] for row in found["rows"]}
    for label in LABELS:
        fused = accuracy[label, "fused"]
        pictures = max(value for (of, by), value in accuracy.items() if of == label and by.startswith("pictures alone"))
        for against, value in (("texts", accuracy[label, "texts alone"]), ("pictures", pictures)):
            # Better, not equal: a hair above what the other one reached.
            record.promise(f"{name}-{label}-fused-over-{against}", fused, value + 1e-9, "at least")


def main() -> int:
    """Make the shop twice, and measure."""
    parser = arguments(__doc__ or "", f"{QUICK_ITEMS:,} of the products, the default weight alone")
    options = parser.parse_args()
    record = Record("pictures", options.quick)
    if DATA not in os.environ or not (Path(os.environ[DATA]) / "fashion").is_dir():
        for label in LABELS:
            record.skip(f"*-{label}-*", f"{DATA} must name the folder that holds fashion/")
        return record.finish(options.json)
    with tempfile.TemporaryDirectory(prefix="shelfwise-bench-") as scratch:
        folder = Path(scratch)
        table, part = make_shop(folder, Path(os.environ[DATA]) / "fashion", QUICK_ITEMS if options.quick else None)
        without = np.random.default_rng(SEED + 1).permutation(len(table)) < len(table) // 2
        for name, title, has_title in (
            ("titled", "all products have their title", np.ones(len(table), bool)),
            ("half-titled", "half of the products have no title", ~without),
        ):
            with people.status(f"{title}: ingesting and encoding"):
                made = ingest(folder, table, has_title)
            found = measure_setting(title, made, table, part, () if options.quick else WEIGHTS)
            record.results[name] = found
            show(console, picture_title(found), PICTURE_COLUMNS, picture_lines(found))
            for line in picture_notes(found):
                console.print(f"[dim]{line}[/]", highlight=False)
            promise(record, name, found)
    return record.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
