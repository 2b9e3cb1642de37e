"""Where a request's time goes: microseconds per stage, at 4,000 and at 100,000 items, on one thread.

The stages are timed inside the requests that a server answers (`Recommender.recommend` on a model version that was
saved and loaded, with the user's events in a SQLite file), so they add up to the whole; what no stage claims is "the
rest". The whole request is timed once more with nothing in its way. Shoppers come in random order and each comes once
a round, so that neither their events nor their items' lists are warm.

The shop is synthetic, for size only. Absolute times are those of one machine; the promise is a ratio within the run.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from rich.console import Console

import rule_stage
import sequence_stage
import slate_stage
from record import Record, arguments
from shelfwise.config.shop import ShopConfig
from shelfwise.datasets.interactions import DAY_MS
from shelfwise.datasets.splits import time_split
from shelfwise.features.candidate_features import feature_names
from shelfwise.features.text_vectors import TextVectors
from shelfwise.pipeline import funnel as funnel_module
from shelfwise.pipeline import model as models
from shelfwise.pipeline.components import build_ranker, build_retrievers
from shelfwise.pipeline.funnel import Funnel
from shelfwise.pipeline.recommender import Recommender
from shelfwise.retrieve.content import Content
from shelfwise.schemas.candidates import Merged
from shelfwise.schemas.events import EventKind
from shelfwise.schemas.queries import Query
from shelfwise.store.records import Records
from shelfwise.store.versions import Versions
from shelfwise.train.examples import item_state, ranking_table
from synthetic_shop import SyntheticShop, store, synthetic_shop, user_id
from tables import (
    ALONE_COLUMNS,
    SLATE_TITLE,
    STAGE_COLUMNS,
    WHOLE,
    alone_lines,
    alone_title,
    rules_lines,
    rules_title,
    show,
    size_title,
    slate_lines,
    stage_lines,
)

SIZES = {4_000: 20_000, 100_000: 40_000}
"""Shoppers by number of items; 25 events each."""

QUICK_SIZES = {4_000: 4_000}
ROUNDS, QUICK_ROUNDS = 9, 5
REQUESTS = 400
"""Requests of a round; as many again to warm up."""

K = 20
N_EXAMPLES = 1_000
"""Requests that the ranker learns from: enough for as many trees as a shop gets."""

WINDOW_D = 28
GROWTH = 3.0
"""The whole request may take so many times longer with 25 times the items."""

REST = "the rest"

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
"""A server answers many requests side by side, each on one thread. Libraries read these when they are loaded."""


@dataclass(frozen=True, slots=True)
class Bench:
    """A shop ready to answer.

    Attributes:
        about: Sizes, for the tables.
    """

    recommender: Recommender
    shop: SyntheticShop
    about: dict[str, Any]


class Stopwatch:
    """Times attributes where they stand: nanoseconds per stage, summed over one request."""

    def __init__(self) -> None:
        self.spent_ns: dict[str, int] = {}
        self._before: list[tuple[Any, str, Any, bool]] = []

    def watch(self, owner: Any, attribute: str, stage: str, note: Callable[[Any], None] | None = None) -> None:
        """Time a function, method or instance's method from now on.

        Args:
            note: Told of every answer, outside of the time.
        """
        plain, spent = getattr(owner, attribute), self.spent_ns

        def timed(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter_ns()
            answer = plain(*args, **kwargs)
            spent[stage] = spent.get(stage, 0) + time.perf_counter_ns() - started
            if note is not None:
                note(answer)
            return answer

        self._before.append((owner, attribute, plain, attribute in vars(owner)))
        setattr(owner, attribute, timed)

    def restore(self) -> None:
        """Leave everything as it was."""
        for owner, attribute, plain, was_own in reversed(self._before):
            if was_own:
                setattr(owner, attribute, plain)
            else:
                delattr(owner, attribute)


@contextmanager
def stages_timed(recommender: Recommender, on_merged: Callable[[Merged], None]) -> Generator[dict[str, int]]:
    """Time every stage of the requests made within the block; yields nanoseconds by stage, to be read and cleared."""
    watch = Stopwatch()
    model_funnel = recommender.model.funnel
    try:
        watch.watch(recommender.asking, "follow", "what is new in the store")
        watch.watch(recommender.asking, "_history", "history from the store")
        watch.watch(recommender.asking, "allowed", "what may be shown")
        for name, retriever in model_funnel.retrievers.items():
            watch.watch(retriever, "retrieve", f"retrieve: {name}")
        watch.watch(funnel_module, "merge", "merge", on_merged)
        watch.watch(funnel_module, "candidate_features", "features")
        watch.watch(model_funnel.ranker, "score", "rank")
        watch.watch(funnel_module, "in_order", "put in order")
        watch.watch(recommender.steps, "made", "rerank")
        for told in ("ranked", "made"):
            watch.watch(recommender._words, told, "slate with reasons")
        yield watch.spent_ns
    finally:
        watch.restore()


def prepare(n_items: int, n_users: int, folder: Path, say: Callable[[str], None]) -> Bench:
    """Draw a shop, store it, fit the funnel, publish it and load it again, as a server would."""
    say(f"{n_items:,} items: drawing a shop")
    shop = synthetic_shop(n_items, n_users)
    records = Records.open("sqlite:///shop.db", folder)
    say(f"{n_items:,} items: storing {len(shop.data.interactions):,} events")
    store(shop, records)
    config = ShopConfig(version=1)
    versions = Versions(folder / "models")
    started = time.perf_counter()
    about = publish(config, shop, versions, lambda text: say(f"{n_items:,} items: {text}"))
    about["fit_s"] = round(time.perf_counter() - started, 1)
    loading = time.perf_counter()
    recommender = Recommender(models.load(versions.current()), records)
    about["load_s"] = round(time.perf_counter() - loading, 2)
    sizes = {"n_items": n_items, "n_users": n_users, "n_events": len(shop.data.interactions)}
    return Bench(recommender, shop, sizes | about)


def publish(config: ShopConfig, shop: SyntheticShop, versions: Versions, say: Callable[[str], None]) -> dict[str, Any]:
    """Fit every stage once, on what happened before the log's last four weeks, which the ranker is asked about."""
    data = shop.data
    cut_ms = data.now_ms - WINDOW_D * DAY_MS
    everybody = np.ones(data.interactions.n_users, bool)
    split = time_split(data.interactions, EventKind.PURCHASE, everybody, cut_ms=cut_ms)
    past = data.with_interactions(split.train, cut_ms)
    retrievers = build_retrievers(config)
    fit_s: dict[str, float] = {}
    for name, retriever in retrievers.items():
        say(f"fitting {name}")
        started = time.perf_counter()
        retriever.fit(past)
        fit_s[name] = round(time.perf_counter() - started, 1)
    say("asking the retrievers what the ranker learns from")
    table = ranking_table(
        {name: retriever for name, retriever in retrievers.items() if retriever.is_ranked},
        past,
        split.examples.shuffled(0),
        repeats=True,
        n_history=config.behaviour.history,
        has_clock=True,
        max_requests=N_EXAMPLES,
    )
    # Trees whatever a comparison would choose: they are the dearest of the rankers.
    ranker_spec = config.rank.model_copy(update={"model": "trees"})
    config = config.model_copy(update={"rank": ranker_spec})
    ranker = build_ranker(config)
    found = ranker.fit(table, seed=0, report=say)
    assert data.vectors is not None
    funnel = Funnel(retrievers, ranker, item_state(data), TextVectors(data.vectors), has_clock=True)
    say("publishing")
    manifest = {
        "config": config.model_dump(mode="json", exclude_none=True),
        "target": EventKind.PURCHASE.value,
        "only_purchases": False,
        "repeats": True,  # so that all retrievers have something to say
        "has_clock": True,
        "n_items": len(data.catalogue),
        "log_end_ms": data.now_ms,
    }
    models.save(versions, funnel, None, manifest)
    return {"n_trees": found["n_trees"], "retriever_fit_s": fit_s}


def measure(bench: Bench, rounds: int) -> dict[str, Any]:
    """Ask for many shoppers' slates; microseconds per stage.

    Each round gives a median and a 99th percentile; what is told is the median of the rounds', so that a neighbour who
    takes the core for a second spoils one round and not the answer.
    """
    recommender = bench.recommender
    random = np.random.default_rng(1)
    faiss.cvar.hnsw_stats.reset()
    n_candidates: list[int] = []
    by_stage: dict[str, list[list[float]]] = {}
    whole: list[list[float]] = []
    for round_number in range(-1, rounds):  # the first round warms up
        users = random.choice(bench.about["n_users"], 2 * REQUESTS, replace=False).tolist()
        timed: list[dict[str, int]] = []
        with stages_timed(recommender, lambda merged: n_candidates.append(len(merged))) as spent_ns:
            for user in users[:REQUESTS]:
                started = time.perf_counter_ns()
                recommender.recommend(Query(user_id=user_id(user), k=K))
                all_ns = time.perf_counter_ns() - started
                timed.append(dict(spent_ns) | {REST: all_ns - sum(spent_ns.values())})
                spent_ns.clear()
        plain: list[float] = []
        for user in users[REQUESTS:]:
            started = time.perf_counter_ns()
            slate = recommender.recommend(Query(user_id=user_id(user), k=K))
            plain.append((time.perf_counter_ns() - started) / 1_000)
            assert len(slate.items) == K
        if round_number < 0:
            continue
        whole.append(plain)
        for stage in timed[0]:
            by_stage.setdefault(stage, []).append([request.get(stage, 0) / 1_000 for request in timed])
    floors = floors_of(bench, float(np.median(n_candidates)))
    rows = [
        {"stage": stage, **_percentiles(found), "floor": floors.get(stage, "")}
        for stage, found in [*by_stage.items(), (WHOLE, whole)]
    ]
    return {
        **bench.about,
        "n_candidates_p50": int(np.median(n_candidates)),
        "rounds": rounds,
        "requests_per_round": REQUESTS,
        "stages": rows,
    }


def floors_of(bench: Bench, n_candidates: float) -> dict[str, str]:
    """The least that a stage must read or compute as it is built, where that teaches something.

    One core reads some 10 MB a millisecond from memory and compares some million numbers in it: a stage far above
    its floor pays for Python and for calls into libraries, not for data.
    """
    config, n_items = bench.recommender.model.config, bench.about["n_items"]
    floors: dict[str, str] = {}
    for name, retriever in bench.recommender.model.funnel.retrievers.items():
        options: Any = retriever.config
        if isinstance(retriever, Content):
            # HNSW counts the vectors that it compares with: the links of every item that it visits.
            graph = faiss.cvar.hnsw_stats
            compared = n_items if n_items <= options.exact_up_to else round(graph.ndis / max(graph.n1, 1))
            megabytes = compared * retriever.index.vectors.shape[1] * 4 / 1e6
            floors[f"retrieve: {name}"] = f"{megabytes:.1f} MB: {compared:,} vectors"
        elif hasattr(options, "list_length"):
            # A sum per item of the whole catalogue: 8 bytes written and read again.
            floors[f"retrieve: {name}"] = f"{n_items * 16 / 1e6:.2f} MB: one sum per item"
    n_features = len(feature_names(tuple(config.retrieve)))
    floors["what may be shown"] = f"{n_items / 1e6:.3f} MB: one flag per item"
    floors["features"] = f"{n_candidates * n_features * 4 / 1e6:.2f} MB: {n_candidates:.0f} x {n_features} numbers"
    floors["rank"] = f"{n_candidates * bench.about['n_trees'] * 5 / 1e3:.0f} thousand comparisons"
    return floors


def _percentiles(rounds: list[list[float]]) -> dict[str, float]:
    per_round = np.percentile(np.array(rounds), [50, 99], axis=1)
    p50, p99 = np.median(per_round, axis=1)
    return {"p50_us": round(float(p50), 1), "p99_us": round(float(p99), 1)}


def main() -> int:
    """Measure every size, then hold the largest against the smallest."""
    options = arguments(__doc__ or "", "4,000 items only, fewer shoppers and rounds").parse_args()
    console, people = Console(width=120), Console(stderr=True)
    record = Record("funnel", options.quick)
    sizes = []
    for n_items, n_users in (QUICK_SIZES if options.quick else SIZES).items():
        with tempfile.TemporaryDirectory(prefix="shelfwise-bench-") as folder, people.status("") as status:
            bench = prepare(n_items, n_users, Path(folder), status.update)
            status.update(f"{n_items:,} items: measuring")
            sizes.append(measure(bench, QUICK_ROUNDS if options.quick else ROUNDS))
        show(console, size_title(sizes[-1]), STAGE_COLUMNS, stage_lines(sizes[-1]))
    record.results["sizes"] = sizes
    with people.status("the sequence model's own stage"):
        alone = sequence_stage.measure(QUICK_ROUNDS if options.quick else ROUNDS, REQUESTS)
    show(console, alone_title(alone), ALONE_COLUMNS, alone_lines(alone))
    record.results["alone"] = alone
    with people.status("the rerankers on their own"):
        slates = slate_stage.measure(QUICK_ROUNDS if options.quick else ROUNDS, REQUESTS)
    show(console, SLATE_TITLE, ALONE_COLUMNS, slate_lines(slates))
    record.results["slates"] = slates
    for found in slates:
        if found["reranker"] in slate_stage.BARS_US:
            bar = slate_stage.BARS_US[found["reranker"]]
            record.promise(f"rerank-{found['reranker']}-us", found["p50_us"], bar, "below")
    record.promise("history-of-50-to-user-vector-us", alone["p50_us"], sequence_stage.BAR_US, "below")
    with people.status("rules on their own"):
        sizes_of_rules = QUICK_SIZES if options.quick else SIZES
        ruled = [
            rule_stage.measure(QUICK_ROUNDS if options.quick else ROUNDS, REQUESTS, n_items)
            for n_items in sizes_of_rules
        ]
    show(console, rules_title(), ALONE_COLUMNS, rules_lines(ruled))
    record.results["rules"] = ruled
    record.promise("50-rules-us", max(one["p50_us"] for one in ruled), rule_stage.BAR_US, "below")
    whole = {found["n_items"]: found["stages"][-1]["p50_us"] for found in sizes}
    if len(whole) > 1:
        record.promise("growth-with-25-times-the-items", max(whole.values()) / min(whole.values()), GROWTH, "below")
    else:
        record.skip("growth-with-25-times-the-items", "needs both sizes: run without --quick")
    return record.finish(options.json)


if __name__ == "__main__":
    if os.environ.get("OMP_NUM_THREADS") != "1":
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | ONE_THREAD)
    sys.exit(main())
