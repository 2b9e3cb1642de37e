"""Other policies' worth told from a log: on real logs beside the truth, and on our own exploration's chances.

Two halves:

- **Open Bandit** (ZOZOTOWN's fashion shop; two campaigns): items were shown by two policies side by side, one of them
  any item alike, the other Bernoulli Thompson sampling. What the second brought is estimated from the log of the first
  by three estimators, and stands beside what it really brought. Of the second policy's log only its shares of items by
  position are used, never its clicks.
- **Our own exploration**: shoppers of a shop whose click rates are known are shown slates by `thompson` and `epsilon`.
  From each log alone, by its chances, it is told what the order without exploring would bring. The truth is known: it
  is computed, not drawn. Repeated over many logs, the 95 % intervals have to hold it as often as they say.

    SHELFWISE_BENCH_DATA=FOLDER python benchmarks/off_policy.py

Data: Open Bandit Dataset (small sample), ZOZO Research, CC BY 4.0.
"""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.console import Console

from off_policy_tables import (
    REAL_COLUMNS,
    REAL_TITLE,
    SIMULATED_COLUMNS,
    real_lines,
    simulated_lines,
    simulated_title,
)
from record import Record, arguments
from shelfwise.evaluate.off_policy import ShownSlates, expected_rewards
from shelfwise.features.item_state import ItemState
from shelfwise.metrics.off_policy import (
    PolicyValue,
    doubly_robust,
    inverse_propensity,
    running_weights,
    self_normalised,
)
from shelfwise.rerank.epsilon import Epsilon
from shelfwise.rerank.exploring import Exploring
from shelfwise.rerank.listed import ItemFacts, Listed
from shelfwise.rerank.thompson import Thompson
from shelfwise.schemas.candidates import History, Situation
from tables import show

DATA = "SHELFWISE_BENCH_DATA"
CAMPAIGNS = ("men", "women")
N_ITEMS, N_CANDIDATES, K = 200, 40, 6
N_LOGS, QUICK_LOGS = 100, 20
N_SLATES = 1_000
"""Slates of each simulated log."""

N_RESAMPLES = 400
FEWEST_HELD = 0.88
"""Of 100 intervals of 95 %, so many hold the truth at least, but for a chance below 1 %."""


def open_bandit(folder: Path, campaign: str) -> dict[str, Any]:
    """One campaign: what Thompson sampling brought, and what the other policy's log says of it."""
    random, thompson = (
        pl.read_csv(
            folder / policy / campaign / f"{campaign}.csv",
            columns=["item_id", "position", "click", "propensity_score"],
        )
        for policy in ("random", "bts")
    )
    n_items = int(max(random["item_id"].max(), thompson["item_id"].max())) + 1  # type: ignore[arg-type,type-var]
    positions = sorted(set(random["position"]) | set(thompson["position"]))
    # How often each item stood at each position by Thompson sampling: its policy, without what came of it.
    counts = np.zeros((len(positions), n_items))
    place = {position: at for at, position in enumerate(positions)}
    for position, item in thompson.select("position", "item_id").iter_rows():
        counts[place[position], item] += 1
    policy = counts / counts.sum(axis=1, keepdims=True)
    at = np.array([place[position] for position in random["position"]])
    items = random["item_id"].to_numpy()
    clicks = random["click"].to_numpy().astype(np.float64)
    # The other policy shows any item alike at each position; its own chances say so too.
    logged = random["propensity_score"].to_numpy().astype(np.float64)
    # Requests by position are as many in both logs: position is context and no choice.
    weights = running_weights(policy[at, items][:, None], logged[:, None])
    expected = click_rates(at, items, clicks, len(positions), n_items)
    of_target = np.array([np.sum(policy[at[line]] * expected[line][at[line]]) for line in range(len(at))])
    of_logged = np.array([expected[line][at[line], items[line]] for line in range(len(at))])
    rewards, has = clicks[:, None], np.ones((len(clicks), 1))
    truth_clicks = thompson["click"].to_numpy().astype(np.float64)[:, None]
    truth = inverse_propensity(truth_clicks, np.ones_like(truth_clicks))
    found = {
        "inverse propensity": inverse_propensity(rewards, weights),
        "self-normalised": self_normalised(rewards, weights, has),
        "doubly robust": doubly_robust(rewards, weights, of_logged[:, None], of_target[:, None]),
    }
    return {
        "campaign": campaign,
        "n_rounds": len(clicks),
        "n_clicks_logged": int(clicks.sum()),
        "n_clicks_true": int(truth_clicks.sum()),
        "logged": asdict(inverse_propensity(rewards, np.ones_like(weights))),
        "true": asdict(truth),
        "estimates": {
            name: {
                **asdict(value),
                "relative_error": abs(value.value / truth.value - 1),
                "holds_truth": value.low <= truth.value <= value.high,
                "overlaps": value.low <= truth.high and truth.low <= value.high,
            }
            for name, value in found.items()
        },
    }


def click_rates(
    at: np.ndarray, items: np.ndarray, clicks: np.ndarray, n_positions: int, n_items: int, doubt: float = 200.0
) -> list[np.ndarray]:
    """Rates by position and item, drawn towards the position's own; each round judged by the other half of the log."""
    folds = np.arange(len(at)) % 2
    by_fold: list[np.ndarray] = []
    for fold in (0, 1):
        others = folds != fold
        flat = at[others] * n_items + items[others]
        n = np.bincount(flat, minlength=n_positions * n_items).reshape(n_positions, n_items)
        hits = np.bincount(flat, clicks[others], n_positions * n_items).reshape(n_positions, n_items)
        # An item's rate over all positions, drawn towards everybody's.
        rate = hits.sum() / n.sum()
        of_item = (hits.sum(axis=0) + doubt * rate) / (n.sum(axis=0) + doubt)
        of_position = hits.sum(axis=1) / n.sum(axis=1) / rate
        by_fold.append(of_position[:, None] * of_item[None, :])
    return [by_fold[fold] for fold in folds.tolist()]


class Simulated:
    """A shop whose click rates are known: by item and by position, for every request alike but for its candidates."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.rates = random.beta(2, 18, N_ITEMS)
        self.guessed = np.clip(self.rates * np.exp(random.normal(0, 0.6, N_ITEMS)), 0.001, 0.9)
        self.looked_at = 1 / np.log2(np.arange(2, K + 2))
        n = np.zeros(0, np.int32)
        self.facts = ItemFacts(
            ItemState.fit(
                n,
                n,
                n.astype(np.int64),
                now_ms=1,
                has_clock=False,
                prices=np.ones(N_ITEMS, np.float32),
                created_ms=np.full(N_ITEMS, -1, np.int64),
                paths=[()] * N_ITEMS,
                brands=[None] * N_ITEMS,
            )
        )

    def log(self, explorer: Exploring, n_slates: int, seed: int) -> tuple[ShownSlates, float]:
        """Slates with their clicks, and what the order alone would have brought a slate, as it is known."""
        random = np.random.default_rng(seed)
        shown = np.zeros(N_ITEMS, np.int32)
        rows, best = (np.zeros((n_slates, K), np.int32) for _ in range(2))
        propensities, rewards = np.ones((n_slates, K)), np.zeros((n_slates, K))
        true = 0.0
        for line in range(n_slates):
            candidates = random.choice(N_ITEMS, N_CANDIDATES, replace=False).astype(np.int32)
            candidates = candidates[np.argsort(-self.guessed[candidates], kind="stable")]
            told = self.guessed[candidates].astype(np.float32)
            found = explorer.rerank(
                Listed(
                    candidates,
                    told,
                    K,
                    self.facts,
                    SOMEBODY,
                    "home",
                    f"{seed}-{line}",
                    objectives=("click",),
                    predictions=told[:, None],
                    shown=shown[candidates],
                )
            )
            assert found.propensities is not None and found.best is not None
            rows[line], best[line] = candidates[found.order[:K]], candidates[found.best]
            propensities[line] = found.propensities[:K]
            rewards[line] = random.random(K) < self.rates[rows[line]] * self.looked_at
            true += float((self.rates[candidates[:K]] * self.looked_at).sum())
            shown[rows[line]] += 1
        return ShownSlates(rows, best, propensities, rewards, np.ones((n_slates, K))), true / n_slates


SOMEBODY = Situation(History.empty(), 1, np.empty(0, np.int32))


def estimates(log: ShownSlates) -> dict[str, PolicyValue]:
    """Three estimators of what the order alone would have brought."""
    weights = running_weights(log.without_drawing(), log.propensities)
    of_logged, of_target = expected_rewards(log)
    return {
        "inverse propensity": inverse_propensity(log.rewards, weights, n_resamples=N_RESAMPLES),
        "self-normalised": self_normalised(log.rewards, weights, log.has, n_resamples=N_RESAMPLES),
        "doubly robust": doubly_robust(log.rewards, weights, of_logged, of_target, n_resamples=N_RESAMPLES),
    }


def simulated(name: str, explorer: Exploring, n_logs: int) -> dict[str, Any]:
    """Many logs of one policy: how often the intervals hold the truth, how far estimates are off."""
    held: dict[str, list[bool]] = {}
    off: dict[str, list[float]] = {}
    brought: list[float] = []
    truths: list[float] = []
    for seed in range(n_logs):
        log, true = Simulated(seed).log(explorer, N_SLATES, 10_000 + seed)
        brought.append(float(log.rewards.sum(axis=1).mean()))
        truths.append(true)
        for estimator, found in estimates(log).items():
            held.setdefault(estimator, []).append(found.low <= true <= found.high)
            off.setdefault(estimator, []).append(found.value / true - 1)
    return {
        "policy": name,
        "n_logs": n_logs,
        "n_slates": N_SLATES,
        "true_mean": float(np.mean(truths)),
        "brought_mean": float(np.mean(brought)),
        "cost": 1 - float(np.mean(brought)) / float(np.mean(truths)),
        "estimates": {
            estimator: {
                "held": float(np.mean(held[estimator])),
                "mean_error": float(np.mean(off[estimator])),
                "mean_error_spread": float(np.std(off[estimator]) / np.sqrt(n_logs)),
                "root_mean_squared_error": float(np.sqrt(np.mean(np.square(off[estimator])))),
            }
            for estimator in held
        },
    }


def main() -> int:
    """Both halves."""
    options = arguments(__doc__ or "", "fewer simulated logs").parse_args()
    console, people = Console(width=120), Console(stderr=True)
    record = Record("off_policy", options.quick)
    folder = Path(os.environ.get(DATA, "no folder")) / "open-bandit"
    if folder.is_dir():
        real = [open_bandit(folder, campaign) for campaign in CAMPAIGNS]
        record.results["open_bandit"] = real
        for one in real:
            record.promise(
                f"open-bandit-{one['campaign']}-intervals-that-hold-the-truth",
                sum(value["holds_truth"] for value in one["estimates"].values()),
                3,
                "at least",
            )
        show(console, REAL_TITLE, REAL_COLUMNS, real_lines(real))
    else:
        record.skip("open-bandit", f"{folder} is not there: set SHELFWISE_BENCH_DATA")
    n_logs = QUICK_LOGS if options.quick else N_LOGS
    found = []
    for name, explorer in (
        ("thompson", Thompson(Thompson.Config(share=0.2))),
        ("epsilon", Epsilon(Epsilon.Config(share=0.2, pool=N_CANDIDATES))),
    ):
        with people.status(f"{name}: {n_logs} logs of {N_SLATES:,} slates"):
            found.append(simulated(name, explorer, n_logs))
        for estimator, value in found[-1]["estimates"].items():
            promised = f"{name}-{estimator.replace(' ', '-')}-intervals-that-hold-the-truth"
            if options.quick:
                record.skip(promised, "needs 100 logs: run without --quick")
            else:
                record.promise(promised, value["held"], FEWEST_HELD, "at least")
        record.promise(f"{name}-cost-of-exploring", found[-1]["cost"], 0.2, "below")
    record.results["simulated"] = found
    show(console, simulated_title(found), SIMULATED_COLUMNS, simulated_lines(found))
    return record.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
