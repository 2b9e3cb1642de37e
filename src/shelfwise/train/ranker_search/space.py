"""What a search of the ranker's settings tries."""

from __future__ import annotations

from typing import Any

from shelfwise.config.objectives import goal_of
from shelfwise.neural.ranking.settings import RankingOptions
from shelfwise.rank.ranker import RankingTable

WIDTHS, EPOCHS = (16, 256), (2, 12)
DROPOUTS, RATES = (0.0, 0.6), (3e-4, 2e-2)
BALANCES = ("fixed", "uncertainty", "upgrad", "nash")
LOSS_WEIGHTS = (0.1, 10.0)
SHARES = (1e-3, 3.0)
"""Weights of an objective in an order, against 1 of the goal."""


def suggested(trial: Any, base: RankingOptions, table: RankingTable) -> tuple[dict[str, Any], dict[str, float]]:
    """Options of `[rank]` and weights of a request; ranges reach as far as what the shop has set itself.

    Two digits: what is written into `shop.toml` is then exactly what was tried.
    """
    goal = goal_of(table.objectives)
    others = [name for name in table.objectives if name != goal]
    options: dict[str, Any] = {
        "width": trial.suggest_int("width", min(WIDTHS[0], base.width), max(WIDTHS[1], base.width), log=True),
        "dropout": _short(trial.suggest_float("dropout", DROPOUTS[0], max(DROPOUTS[1], base.dropout))),
        "rate": _short(trial.suggest_float("rate", min(RATES[0], base.rate), max(RATES[1], base.rate), log=True)),
        "epochs": trial.suggest_int("epochs", min(EPOCHS[0], base.epochs), max(EPOCHS[1], base.epochs), log=True),
    }
    if others:
        options["balance"] = trial.suggest_categorical("balance", BALANCES)
    if options.get("balance") == "fixed":
        options["loss_weights"] = {
            name: _short(trial.suggest_float(f"loss of {name}", *LOSS_WEIGHTS, log=True)) for name in others
        }
    weights = {name: _short(trial.suggest_float(f"weight of {name}", *SHARES, log=True)) for name in others}
    return options, {goal: 1.0, **weights}


def _short(value: float) -> float:
    return float(f"{value:.2g}")
