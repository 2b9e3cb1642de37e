"""One stage on its own: a history of 50 events to a user vector, as the sequence retriever's request does it.

Speed does not depend on what was learned, so that the network is trained for one short epoch on a small shop, in its
sizes as shipped, saved and loaded. It reads scenarios: a network that does not is faster by some microseconds.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from shelfwise.retrieve.sequence import Sequence
from shelfwise.schemas.candidates import History, Situation
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.scenario_names import ScenarioCodes, ScenarioNames
from synthetic_shop import synthetic_shop

STAGE = "sequence: history to user vector"
N_EVENTS = 50
N_ITEMS, N_USERS = 4_000, 400
SCENARIOS = ScenarioNames(("home", "category", "search", "item", "cart"))
BAR_US = 500.0
"""Promised at most, at the median, on one core."""


def measure(rounds: int, requests: int) -> dict[str, Any]:
    """Microseconds; the median over rounds of each round's percentiles."""
    shop = synthetic_shop(N_ITEMS, N_USERS)
    config = Sequence.Config(preset="cpu", device="cpu", epochs=1, n_validation=0)
    trained, served = Sequence(config), Sequence(config)
    log = shop.data.interactions
    told = replace(log, scenarios=_scenarios(len(log), np.random.default_rng(0)), scenario_names=SCENARIOS)
    trained.fit(shop.data.with_interactions(told))
    with tempfile.TemporaryDirectory(prefix="shelfwise-bench-") as folder:
        trained.save(Path(folder))
        served.load(Path(folder))
        random = np.random.default_rng(1)
        found = [
            np.percentile(_round(served, shop.data.now_ms, requests, random), [50, 99])
            for _ in range(rounds + 1)  # the first round warms up
        ][1:]
    p50, p99 = np.median(found, axis=0)
    dim, n_blocks = served.index.vectors.shape[1], trained.about["n_blocks"]
    return {
        "stage": STAGE,
        "p50_us": round(float(p50), 1),
        "p99_us": round(float(p99), 1),
        "n_events": N_EVENTS,
        "dim": dim,
        "n_blocks": n_blocks,
    }


def _round(retriever: Sequence, now_ms: int, requests: int, random: np.random.Generator) -> list[float]:
    took: list[float] = []
    for _ in range(requests):
        history = History(
            random.integers(N_ITEMS, size=N_EVENTS).astype(np.int32),
            np.full(N_EVENTS, CODE_BY_KIND[EventKind.PURCHASE], np.int8),
            np.sort(now_ms - random.integers(10**10, size=N_EVENTS)),
            scenarios=_scenarios(N_EVENTS, random),
        )
        situation = Situation(history, now_ms, np.empty(0, np.int32))
        started = time.perf_counter_ns()
        vector = retriever.user_vector(situation)
        took.append((time.perf_counter_ns() - started) / 1_000)
        assert vector is not None
    return took


def _scenarios(n: int, random: np.random.Generator) -> ScenarioCodes:
    return random.integers(1 + len(SCENARIOS), size=n).astype(np.int8)
