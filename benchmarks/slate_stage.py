"""The last stage on its own: 100 candidates to a slate of 20 by each reranker, on one thread.

Items have 64 dimensions, three names each of a few hundred, and a popularity; users 30 events. What is measured is the
call that a request makes, looking up the candidates' vectors and names included.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from shelfwise.features.item_state import ItemState
from shelfwise.features.text_vectors import TextVectors
from shelfwise.rerank.brakes import Tail
from shelfwise.rerank.calibrated import Calibrated
from shelfwise.rerank.coverage import Coverage
from shelfwise.rerank.dpp import DPP
from shelfwise.rerank.exposure import Exposure
from shelfwise.rerank.listed import Codes, ItemFacts, Listed
from shelfwise.rerank.mmr import MMR
from shelfwise.rerank.reranker import Reranker
from shelfwise.rerank.window import Window
from shelfwise.schemas.candidates import History, Situation

N_ITEMS, DIM = 10_000, 64
N_CANDIDATES, K, N_EVENTS = 100, 20, 30
N_BRANDS, N_KINDS = 200, 40
DIVERSITY = 0.5
NOW_MS = 1_800_000_000_000

RERANKERS: dict[str, Reranker] = {
    "mmr": MMR(MMR.Config()),
    "dpp": DPP(DPP.Config()),
    "calibrated": Calibrated(Calibrated.Config()),
    "coverage": Coverage(Coverage.Config()),
    "tail": Tail(Tail.Config()),
    "exposure": Exposure(Exposure.Config(by="brand")),
    "window": Window(Window.Config()),
}
BARS_US = {"mmr": 150.0, "dpp": 300.0, "calibrated": 200.0}
"""Promised at most, at the median, on one core."""


@dataclass(frozen=True, slots=True)
class _Named:
    codes: Codes
    names: list[str]


def measure(rounds: int, requests: int) -> list[dict[str, Any]]:
    """Microseconds of every reranker; the median over rounds of each round's percentiles."""
    random = np.random.default_rng(0)
    facts = _facts(random)
    found: list[dict[str, Any]] = []
    for name, reranker in RERANKERS.items():
        percentiles = []
        for _ in range(rounds + 1):  # the first round warms up
            took = []
            for listed in [_listed(facts, random, request) for request in range(requests)]:
                started = time.perf_counter_ns()
                answer = reranker.rerank(listed)
                took.append((time.perf_counter_ns() - started) / 1_000)
                assert len(answer.order) == N_CANDIDATES
            percentiles.append(np.percentile(took, [50, 99]))
        p50, p99 = np.median(percentiles[1:], axis=0)
        stage = f"rerank: {name}, {N_CANDIDATES} to {K}"
        found.append({"stage": stage, "reranker": name, "p50_us": round(float(p50), 1), "p99_us": round(float(p99), 1)})
    return found


def _facts(random: np.random.Generator) -> ItemFacts:
    brands, kinds = (random.integers(0, n, N_ITEMS).astype(np.int32) for n in (N_BRANDS, N_KINDS))
    bought = random.zipf(1.3, 60_000) % N_ITEMS
    state = ItemState.fit(
        random.integers(0, 5_000, len(bought)).astype(np.int32),
        bought.astype(np.int32),
        NOW_MS - random.integers(1, 10**10, len(bought)),
        now_ms=NOW_MS,
        has_clock=True,
        prices=np.full(N_ITEMS, np.nan, np.float32),
        created_ms=np.full(N_ITEMS, -1, np.int64),
        paths=[(f"Department {kind % 8}", f"Kind {kind}") for kind in kinds.tolist()],
        brands=[f"Brand {brand}" for brand in brands.tolist()],
    )
    vectors = np.eye(N_KINDS, DIM, dtype=np.float32)[kinds] + random.normal(0, 0.2, (N_ITEMS, DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    groups = {
        "category": _Named(kinds, [f"Kind {kind}" for kind in range(N_KINDS)]),
        "brand": _Named(brands, [f"Brand {brand}" for brand in range(N_BRANDS)]),
    }
    return ItemFacts(state, groups, {"text": TextVectors(vectors)})  # type: ignore[arg-type]


def _listed(facts: ItemFacts, random: np.random.Generator, request: int) -> Listed:
    history = random.integers(0, N_ITEMS, N_EVENTS).astype(np.int32)
    return Listed(
        random.choice(N_ITEMS, N_CANDIDATES, replace=False).astype(np.int32),
        -np.sort(-random.normal(size=N_CANDIDATES)).astype(np.float32),
        K,
        facts,
        Situation(
            History(history, np.zeros(N_EVENTS, np.int8), np.zeros(N_EVENTS, np.int64)), NOW_MS, np.empty(0, np.int32)
        ),
        slate_id=str(request),
        diversity=DIVERSITY,
    )
