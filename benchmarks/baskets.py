"""What completes a basket: complements against co-occurrence, item-kNN and popularity, on real grocery baskets.

    SHELFWISE_BENCH_DATA=FOLDER python benchmarks/baskets.py

FOLDER holds `complete-journey/`: 75,000 lines of 2,377 households' shopping in 2017, a random twentieth of all lines,
so that most baskets hold one line and the others two or three. They go through the product's own ingest; an item's
kind is `department > category > type`, its text these names, brand and size.

Time split: models are fitted on what was bought before the last 56 days and asked about the baskets of these; settings
are chosen on half of the questions of the 56 days before, by models fitted on what came before those. Of every
basket of two items or more, each item is hidden in turn, the others are the context, and the whole catalogue is ranked,
context items left out. Who bought is told to no model. Nothing is drawn at random but the bootstrap, over households.

Ours is the retriever of the default shop's table `basket`. Every other but popularity may try at least as many
settings. Co-occurrence and item-kNN may be blended with popularity, in several proportions: on baskets as thin as these
they would stand below it without.

How far an item's alternatives and complements are the same is measured on everything that was bought, as the place
`item` answers by default; then once more with all categories taken away, since by these it tells kinds apart.
"""

from __future__ import annotations

import itertools
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import scipy.sparse as sparse
from rich.console import Console

from record import Record, arguments
from shelfwise.datasets.baskets import baskets
from shelfwise.datasets.interactions import DAY_MS
from shelfwise.datasets.training_data import TrainingData
from shelfwise.metrics.intervals import bootstrap_interval, holm, paired_difference
from shelfwise.pipeline.alternatives import alternatives
from shelfwise.retrieve.complements import Complements
from shelfwise.retrieve.content import Content
from shelfwise.retrieve.cooccurrence import Cooccurrence
from shelfwise.retrieve.neighbour_lists import NeighbourLists
from shelfwise.schemas.candidates import History, Situation
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.shop import Shop
from shelfwise.train.data import load
from tables import BASKET_COLUMNS, basket_lines, basket_notes, basket_title, overlap_note, show

DATA = "SHELFWISE_BENCH_DATA"
WINDOW_D = 56.0
"""Length of the validation and of the test, in days."""

K = 10
QUICK_QUESTIONS = 800
BLENDS = (0.0, 1.0, 3.0, 10.0, 30.0)
"""How much the most popular item counts beside the model's own highest score; 0: only where that is silent."""

OURS = "complements"
OURS_K = 50
"""Items that ours names; below them is popularity, as below the lists of the others."""

TUNING_STEP = 2
"""One validation question in so many is asked of every setting."""

OVERLAP_BELOW = 0.2
OVERLAP_STEP = 10
"""One item in so many is asked for its alternatives and complements."""

TOML = """version = 1
[ingest.items]
path = "items.csv"
[ingest.events]
path = "events.csv"
default_event = "purchase"
"""

console = Console(width=140)
people = Console(stderr=True)

Scores = Callable[[np.ndarray], np.ndarray]
"""Of all items, given the rows of a basket's other items; shapes `(C,)` to `(n,)`."""


@dataclass(frozen=True, slots=True)
class Question:
    """One item hidden from one basket; rows of items."""

    household: int
    context: np.ndarray
    hidden: int


@dataclass(frozen=True, slots=True)
class Model:
    """One way of completing baskets.

    Attributes:
        grid: Its settings.
        fit: Learns with a setting.
    """

    grid: list[dict[str, Any]]
    fit: Callable[[TrainingData, dict[str, Any]], Scores]


def write_tables(source: Path, folder: Path) -> None:
    """The shop's files, as its own system would export them."""
    lines = pl.read_csv(source / "transactions_sample.csv.gz", infer_schema=False)
    products = pl.read_csv(source / "products.csv.gz", infer_schema=False)
    lines.select(
        pl.col("household_id").alias("user_id"),
        pl.col("product_id").alias("item_id"),
        pl.col("basket_id").alias("session_id"),
        pl.col("transaction_timestamp").alias("timestamp"),
        (pl.col("sales_value").cast(pl.Float64) / pl.col("quantity").cast(pl.Float64)).round(2).alias("price"),
        pl.col("quantity"),
    ).with_columns(
        pl.when(pl.col("price").is_finite()).then(pl.col("price")).alias("price"),
        pl.when(pl.col("quantity").cast(pl.Float64) > 0).then(pl.col("quantity")).alias("quantity"),
    ).write_csv(folder / "events.csv")
    prices = (
        lines.filter(pl.col("quantity").cast(pl.Float64) > 0)
        .group_by("product_id")
        .agg(
            (pl.col("sales_value").cast(pl.Float64) / pl.col("quantity").cast(pl.Float64))
            .median()
            .round(2)
            .alias("price")
        )
    )
    names = ["department", "product_category", "product_type"]
    lines.select("product_id").unique(maintain_order=True).join(products, on="product_id", how="left").join(
        prices, on="product_id", how="left"
    ).select(
        pl.col("product_id").alias("item_id"),
        pl.concat_str([pl.col("product_type"), pl.col("package_size")], separator=" ", ignore_nulls=True).alias(
            "title"
        ),
        pl.concat_str(
            [pl.col(name).str.replace_all(">", " ") for name in names], separator=" > ", ignore_nulls=True
        ).alias("category"),
        pl.col("manufacturer_id").alias("brand"),
        pl.col("price"),
    ).write_csv(folder / "items.csv")
    (folder / "shop.toml").write_text(TOML, encoding="utf-8")


def read_shop(source: Path) -> TrainingData:
    """Through the product's ingest and encoder."""
    with tempfile.TemporaryDirectory(prefix="shelfwise-bench-") as name:
        folder = Path(name)
        write_tables(source, folder)
        with Shop.open(folder) as shop:
            for report in shop.ingest():
                people.print(f"{report.table}: {report.stored} stored, {report.quarantined} refused", markup=False)
            data = load(shop.config, shop.records, folder / "vectors", None).data
    return data


def questions(data: TrainingData, start_ms: int, end_ms: int) -> list[Question]:
    """Every item of every basket of a window, hidden in turn."""
    log = data.interactions
    inside = log.where((log.times_ms >= start_ms) & (log.times_ms < end_ms))
    held = baskets(inside)
    # Baskets are numbered by session in ascending order, those without a pair left out.
    pairs = np.unique(np.stack([inside.sessions, inside.item_rows.astype(np.int64)]), axis=1)
    sessions, sizes = np.unique(pairs[0], return_counts=True)
    sessions = sessions[sizes >= 2]
    owner = dict(zip(inside.sessions.tolist(), inside.user_rows.tolist(), strict=True))
    asked: list[Question] = []
    for basket, session in enumerate(sessions.tolist()):
        rows = held.indices[held.indptr[basket] : held.indptr[basket + 1]]
        asked += [Question(owner[session], rows[rows != row], int(row)) for row in rows]
    return asked


def popularity(data: TrainingData, half_life_d: float | None = None) -> np.ndarray:
    """Share of the most popular item; shape `(n,)`."""
    log = data.interactions
    weights = None if half_life_d is None else np.exp2((log.times_ms - data.now_ms) / DAY_MS / half_life_d)
    counts = np.bincount(log.item_rows, weights, minlength=len(data.catalogue))
    return counts / counts.max()


def fit_popularity(data: TrainingData, setting: dict[str, Any]) -> Scores:
    """The same for every basket."""
    scores = popularity(data, setting["half_life_d"])
    return lambda _: scores


def blended(lists: NeighbourLists, data: TrainingData, blend: float) -> Scores:
    """The sum of the context's lists, beside popularity."""
    popular = popularity(data)
    silent = 1e-6  # popularity breaks ties and stands in where nothing is known

    def scores(context: np.ndarray) -> np.ndarray:
        own = lists.sums(context, np.ones(len(context), np.float32), len(popular))
        return own / max(own.max(), 1e-12) + (blend or silent) * popular

    return scores


def groups(data: TrainingData, within: str) -> Any:
    """Who holds what: baskets, or households; 0 or 1."""
    if within == "session":
        return baskets(data.interactions)
    log = data.interactions
    held = sparse.csr_matrix(
        (np.ones(len(log), np.float32), (log.user_rows, log.item_rows)), shape=(log.n_users, log.n_items)
    )
    held.data[:] = 1
    return held


def fit_counts(data: TrainingData, setting: dict[str, Any], *, cosine: bool = False) -> Scores:
    """How many baskets or households hold both; with `cosine` over the root of how many hold each (item-kNN)."""
    held = groups(data, setting["within"])
    pairs = (held.T @ held).tocsr()
    pairs.setdiag(0)
    pairs.eliminate_zeros()
    if cosine:
        scale = sparse.diags(1 / np.sqrt(np.maximum(np.asarray(held.sum(axis=0)).ravel(), 1)))
        pairs = (scale @ pairs @ scale).tocsr()
    lists = NeighbourLists.of(pairs.astype(np.float32), setting.get("neighbours", len(data.catalogue)))
    return blended(lists, data, setting["blend"])


def fit_cosine(data: TrainingData, setting: dict[str, Any]) -> Scores:
    """Item-kNN: the cosine of two items over baskets or households."""
    return fit_counts(data, setting, cosine=True)


def fit_cooccurrence(data: TrainingData, setting: dict[str, Any]) -> Scores:
    """The product's own retriever of co-occurrence."""
    options = {name: value for name, value in setting.items() if name != "blend"}
    retriever = Cooccurrence(Cooccurrence.Config(list_length=1_000, **options))
    retriever.fit(data)
    return blended(retriever.lists, data, setting["blend"])


def fit_complements(data: TrainingData, setting: dict[str, Any]) -> Scores:
    """Ours: its own list first, then what is popular."""
    retriever = Complements(Complements.Config(k=OURS_K, least_lift=0.0, same_kind=True, chance="purchases", **setting))
    retriever.fit(data)
    popular, allowed = popularity(data), np.ones(len(data.catalogue), bool)

    def scores(context: np.ndarray) -> np.ndarray:
        found = retriever.retrieve(asked(data, context), allowed)
        all_of = popular.copy()
        all_of[found.rows] = 2 + np.arange(len(found))[::-1]
        return all_of

    return scores


def asked(data: TrainingData, context: np.ndarray) -> Situation:
    """A stranger with these items in the basket."""
    return Situation(History.empty(), data.now_ms, context.astype(np.int32), CODE_BY_KIND[EventKind.PURCHASE])


def grid(**choices: tuple[Any, ...]) -> list[dict[str, Any]]:
    """All combinations."""
    return [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]


MODELS = {
    OURS: Model(
        grid(shoppers=(0.0, 0.05, 0.1, 0.15), crowding=(0.0, 0.25), doubt=(50.0, 100.0)),
        fit_complements,
    ),
    "co-occurrence (retriever)": Model(
        grid(within=("session", "user"), asymmetry=(0.5, 1.0), blend=BLENDS), fit_cooccurrence
    ),
    "co-occurrence (count)": Model(
        grid(within=("session", "user"), blend=(0.0, 0.3, 1.0, 3.0, 6.0, 10.0, 20.0, 30.0)), fit_counts
    ),
    "item-kNN (cosine)": Model(grid(within=("session", "user"), neighbours=(50, 500), blend=BLENDS), fit_cosine),
    "popularity": Model(grid(half_life_d=(7.0, 14.0, 28.0, 56.0, 112.0, 224.0, None)), fit_popularity),
    "co-occurrence alone": Model(
        grid(within=("session", "user"), asymmetry=(0.5, 0.75, 1.0), shrinkage=(0.0, 5.0, 20.0), blend=(0.0,)),
        fit_cooccurrence,
    ),
    "item-kNN alone": Model(
        grid(within=("session", "user"), neighbours=(5, 10, 20, 50, 100, 200, 500, 1_000), blend=(0.0,)), fit_cosine
    ),
}
"""Those "alone" are what others are without popularity, which then only breaks ties and stands in."""


def ranks(scores: Scores, questions: list[Question]) -> np.ndarray:
    """The hidden item's 0-based position in the whole catalogue, ties in the middle; shape `(Q,)`."""
    found = np.empty(len(questions))
    for place, question in enumerate(questions):
        values = np.array(scores(question.context))
        values[question.context] = -np.inf
        own = values[question.hidden]
        found[place] = (values > own).sum() + ((values == own).sum() - 1) / 2
    return found


def by_household(values: np.ndarray, questions: list[Question]) -> np.ndarray:
    """The mean of each household's questions; shape `(H,)`, in the order of households."""
    _, place = np.unique([question.household for question in questions], return_inverse=True)
    return np.bincount(place, values) / np.bincount(place)


def metrics(found: np.ndarray) -> dict[str, np.ndarray]:
    """With one right answer a question; shape `(Q,)` each."""
    hit = found < K
    return {"recall": hit.astype(np.float64), "ndcg": np.where(hit, 1 / np.log2(found + 2), 0.0)}


def chosen(name: str, model: Model, past: TrainingData, asked: list[Question]) -> Iterator[dict[str, Any]]:
    """Every setting with what it reached on the validation, best first."""
    tried: list[dict[str, Any]] = []
    for setting in model.grid:
        with people.status(f"{name}: {setting}"):
            found = metrics(ranks(model.fit(past, setting), asked))
        tried.append({"setting": setting, **{k: float(by_household(v, asked).mean()) for k, v in found.items()}})
        people.print(f"{name} {setting}: {tried[-1]['recall']:.4f} {tried[-1]['ndcg']:.4f}", markup=False)
    yield from sorted(tried, key=lambda one: (-one["recall"], -one["ndcg"]))


def completion(record: Record, data: TrainingData, n_questions: int | None) -> dict[str, Any]:
    """Choose on the validation, measure on the test."""
    end_ms = data.now_ms
    test_ms = end_ms - int(WINDOW_D * DAY_MS)
    validation_ms = test_ms - int(WINDOW_D * DAY_MS)
    log = data.interactions
    earlier = data.with_interactions(log.before(validation_ms), validation_ms)
    past = data.with_interactions(log.before(test_ms), test_ms)
    validation, test = questions(data, validation_ms, test_ms)[::TUNING_STEP], questions(data, test_ms, end_ms)
    if n_questions is not None:
        step = max(1, len(test) // n_questions)
        validation, test = validation[::step], test[::step]
    kinds = data.catalogue.category_codes()
    other_kind = np.array([not (kinds[question.context] == kinds[question.hidden]).any() for question in test])
    rows: list[dict[str, Any]] = []
    of_models: dict[str, dict[str, np.ndarray]] = {}
    for name, model in MODELS.items():
        settings = model.grid if n_questions is None else model.grid[:: max(1, len(model.grid) // 2)]
        tried = list(chosen(name, Model(settings, model.fit), earlier, validation))
        started = time.process_time()
        scores = model.fit(past, tried[0]["setting"])
        fit_s = time.process_time() - started
        found = metrics(ranks(scores, test))
        of_models[name] = {metric: by_household(values, test) for metric, values in found.items()}
        intervals = {metric: bootstrap_interval(values) for metric, values in of_models[name].items()}
        rows.append(
            {
                "model": name,
                "setting": tried[0]["setting"],
                "n_tried": len(tried),
                "validation": {metric: tried[0][metric] for metric in ("recall", "ndcg")},
                **{
                    metric: {"mean": float(one.mean), "low": float(one.low), "high": float(one.high)}
                    for metric, one in intervals.items()
                },
                "recall_other_kind": float(found["recall"][other_kind].mean()),
                "fit_cpu_s": round(fit_s, 2),
                "tried": tried,
            }
        )
    ahead = compared(of_models)
    for one in ahead:
        if one["against"] != "popularity":
            against = re.sub("[ ()]+", "-", one["against"]).strip("-")
            record.promise(f"baskets-recall-above-{against}", one["recall"]["difference"], 0.0, "at least")
    return {
        "n_items": len(data.catalogue),
        "n_questions": len(test),
        "n_validation": len(validation),
        "n_households": len(of_models[OURS]["recall"]),
        "n_unseen": int(
            (np.bincount(past.interactions.item_rows, minlength=len(kinds))[[q.hidden for q in test]] == 0).sum()
        ),
        "other_kind_share": float(other_kind.mean()),
        "window_d": WINDOW_D,
        "rows": rows,
        "comparisons": ahead,
    }


def compared(of_models: dict[str, dict[str, np.ndarray]]) -> list[dict[str, Any]]:
    """Ours less each other, paired by household."""
    found: list[dict[str, Any]] = []
    for name, values in of_models.items():
        if name == OURS:
            continue
        one: dict[str, Any] = {"against": name}
        for metric in ("recall", "ndcg"):
            difference = paired_difference(of_models[OURS][metric], values[metric])
            one[metric] = {
                "difference": float(difference.mean_difference),
                "low": float(difference.low),
                "high": float(difference.high),
                "p": float(difference.p_value),
            }
        found.append(one)
    for metric in ("recall", "ndcg"):
        for one, p in zip(found, holm(np.array([one[metric]["p"] for one in found])), strict=True):
            one[metric]["p_holm"] = float(p)
    return found


def overlap(data: TrainingData) -> dict[str, float]:
    """The mean share of items that two lists of `K` have in common, over items for which there are both."""
    n = len(data.catalogue)
    nameless = replace(data, catalogue=replace(data.catalogue, paths=[()] * n))
    with np.errstate(divide="ignore"):
        log_price = np.log(np.where(data.catalogue.prices > 0, data.catalogue.prices, np.nan)).astype(np.float32)
    asked_rows = np.unique(data.interactions.item_rows)[::OVERLAP_STEP]
    found: dict[str, float] = {"k": K}
    for name, known in (("overlap", data), ("overlap_without_categories", nameless)):
        complements, content = Complements(Complements.Config()), Content(Content.Config())
        complements.fit(known)
        content.fit(known)
        kinds = known.catalogue.category_codes()
        shares: list[float] = []
        for row in asked_rows.tolist():
            same = (kinds == kinds[row]) & (kinds >= 0)
            instead = same.copy() if same.any() else np.ones(n, bool)
            instead[row] = False
            situation = asked(known, np.array([row]))
            first = alternatives(situation, instead, {"content": content}, log_price).rows[:K]
            second = complements.retrieve(situation, ~same).rows[:K]
            if len(first) and len(second):
                shares.append(len(np.intersect1d(first, second)) / K)
        found[name] = float(np.mean(shares))
        found["n_items" if known is data else "n_items_without_categories"] = len(shares)
    return found


def main() -> int:
    """Measure what was promised, or a smaller form of it."""
    parser = arguments(__doc__ or "", f"two settings a model, {QUICK_QUESTIONS} questions")
    options = parser.parse_args()
    record = Record("baskets", options.quick)
    if DATA not in os.environ or not (Path(os.environ[DATA]) / "complete-journey").is_dir():
        for name in ("baskets-recall-*", "alternatives-complements-*"):
            record.skip(name, f"{DATA} must name the folder that holds complete-journey/")
        return record.finish(options.json)
    data = read_shop(Path(os.environ[DATA]) / "complete-journey")
    found = completion(record, data, QUICK_QUESTIONS if options.quick else None)
    record.results["completion"] = found
    show(console, basket_title(found), BASKET_COLUMNS, basket_lines(found))
    for note in basket_notes(found):
        console.print(note)
    shared = overlap(data)
    record.results["overlap"] = shared
    console.print(overlap_note(shared))
    record.promise("alternatives-complements-overlap", shared["overlap"], OVERLAP_BELOW, "below")
    record.promise(
        "alternatives-complements-overlap-without-categories",
        shared["overlap_without_categories"],
        OVERLAP_BELOW,
        "below",
    )
    return record.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
