"""What was found about offers, as tables."""

from __future__ import annotations

from typing import Any

ANSWER_COLUMNS = ("model", "AUC", "ours ahead", "captured in the best 5 %", "ours ahead by")
CHANCE_COLUMNS = (
    "shop",
    "pairs",
    "bought",
    "said",
    "error",
    "likely pairs",
    "bought of these",
    "said",
    "error of these",
)
PLAN_COLUMNS = ("plan", "users", "offers", "sendings", "share of the bound", "seconds", "CPU s")


def answer_title(name: str, found: dict[str, Any]) -> str:
    """What the sendings of some campaigns were."""
    return (
        f"{name}: {found['n_campaigns']} campaigns, {found['n_sendings']:,} sendings, "
        f"{found['n_answers']:,} of them redeemed"
    )


def answer_lines(found: dict[str, Any]) -> list[list[str]]:
    """Every model, ours first."""
    lines: list[list[str]] = []
    for row in found["rows"]:
        ahead = [
            "" if row["model"] == "ours" else f"{one['difference']:+.4f} ({one['low']:+.4f} to {one['high']:+.4f})"
            for one in (row["auc_ahead"], row["captured_ahead"])
        ]
        lines.append([row["model"], f"{row['auc']:.4f}", ahead[0], f"{row['captured']:.3f}", ahead[1]])
    return lines


def chance_lines(results: dict[str, Any]) -> list[list[str]]:
    """Both shops."""
    return [
        [
            name.removeprefix("calibration-"),
            f"{one['n']:,}",
            f"{one['share_bought']:.2%}",
            f"{one['mean_said']:.2%}",
            f"{one['error']:.4f}",
            f"{one['n_likely']:,}",
            f"{one['share_bought_of_likely']:.1%}",
            f"{one['mean_said_of_likely']:.1%}",
            f"{one['error_of_likely']:.4f}",
        ]
        for name, one in results.items()
        if name.startswith("calibration-")
    ]


def plan_lines(results: dict[str, Any]) -> list[list[str]]:
    """Every plan."""
    return [
        [
            name.removeprefix("plan-").replace("-", " "),
            f"{one['n_users']:,}",
            str(one["n_offers"]),
            f"{one['n_sendings']:,}",
            f"{one['share_of_bound']:.2%}",
            f"{one['seconds']:.1f}",
            f"{one['cpu_s']:.1f}",
        ]
        for name, one in results.items()
        if name.startswith("plan-")
    ]
