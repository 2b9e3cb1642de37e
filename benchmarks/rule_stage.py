"""What rules cost a request: 50 that hold, 100 candidates to 20, on one thread."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from shelfwise.features.item_state import ItemState
from shelfwise.pipeline.live_rules import open_fields
from shelfwise.rerank.listed import ItemFacts, Listed
from shelfwise.rerank.rules import Rules
from shelfwise.rules.columns import ItemColumns
from shelfwise.rules.plan import Planner, Request, ready
from shelfwise.rules.rule_set import rule_set
from shelfwise.schemas.candidates import History, Situation
from shelfwise.schemas.items import Item
from shelfwise.store.catalogue import StoredItem

STAGE = "rules: 50 that hold, 100 candidates to 20"
N_RULES, N_CANDIDATES, K = 50, 100, 20
BAR_US = 100.0
"""Promised at most, at the median, on one core."""


def fifty_rules() -> dict[str, Any]:
    """20 boosts, 15 buries, 6 blocks, 4 pins, 5 of which each asks who it is; all hold."""
    rules: dict[str, Any] = {}
    for n in range(20):
        rules[f"boost-{n}"] = {"boost": f'brand = "Brand {n}" and price < {20 + n}', "places": 3 + n % 5}
    for n in range(15):
        rules[f"bury-{n}"] = {"bury": f'colour = "colour {n}" or stock < {n}', "places": 5}
    for n in range(6):
        rules[f"block-{n}"] = {"block": f'category under "Room {n} > Shelf 1" and stock = {n}'}
    for n in range(4):
        rules[f"pin-{n}"] = {"pin": f"item-{n}", "position": 2 + 3 * n, "when": 'scenario = "home"'}
    for n in range(5):
        rules[f"segment-{n}"] = {"boost": f'colour = "colour {n}"', "places": 2, "when": 'user.country = "DE"'}
    assert len(rules) == N_RULES
    return {"rules": rules}


def measure(rounds: int, requests: int, n_items: int) -> dict[str, Any]:
    """Microseconds of the plan and of its use together; the median over rounds of each round's percentiles."""
    random = np.random.default_rng(0)
    columns = ItemColumns(
        StoredItem(
            row,
            Item(
                item_id=f"item-{row}",
                title=f"Thing {row}",
                category=f"Room {row % 12} > Shelf {row % 5}",
                brand=f"Brand {row % 40}",
                price=float(row % 97),
                attributes={"colour": f"colour {row % 31}", "stock": str(row % 23)},
            ),
            False,
        )
        for row in range(n_items)
    )
    rules = rule_set(fifty_rules())
    planner = Planner(ready(rules, *open_fields(columns)), rules, columns)
    step = Rules(Rules.Config())
    empty = np.zeros(0, np.int32)
    facts = ItemFacts(
        ItemState.fit(
            empty,
            empty,
            empty.astype(np.int64),
            now_ms=1,
            has_clock=False,
            prices=np.ones(1, np.float32),
            created_ms=np.full(1, -1, np.int64),
            paths=[()],
            brands=[None],
        )
    )
    situation = Situation(History.empty(), 1, empty)
    scores = np.linspace(1, 0, N_CANDIDATES).astype(np.float32)
    found: list[np.ndarray] = []
    for _ in range(rounds + 1):  # the first round warms up
        took: list[float] = []
        for n in range(requests):
            rows = random.choice(n_items, N_CANDIDATES, replace=False).astype(np.int32)
            if not (rows < 4).any():
                rows[-1] = n % 4  # one of the pinned is always there
            request = Request("home", 1_800_000_000_000 + n, f"user-{n}", 12, {"country": "DE"})
            started = time.perf_counter_ns()
            plan = planner.plan(request)
            made = step.rerank(Listed(rows, scores, K, facts, situation, "home", rules=plan))
            took.append((time.perf_counter_ns() - started) / 1_000)
            assert len(plan.rules) == N_RULES and made.held
        found.append(np.percentile(took, [50, 99]))
    p50, p99 = np.median(found[1:], axis=0)
    return {
        "stage": f"{STAGE}, {n_items:,} items",
        "p50_us": round(float(p50), 1),
        "p99_us": round(float(p99), 1),
        "n_items": n_items,
    }


if __name__ == "__main__":
    for size in (4_000, 100_000):
        print(measure(9, 400, size))
