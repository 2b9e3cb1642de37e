"""The tables of several objectives beside rankings: calibration, and balances in training."""

from __future__ import annotations

from typing import Any

Lines = list[list[str]]

RETAIL_COLUMNS = (
    "",
    "labels",
    "happened",
    "AUC",
    "its own network",
    "ahead",
    "95 % interval",
    "error",
    "of its own network",
    "home",
    "abroad",
    "top 10: said",
    "happened",
    "error",
)

BALANCE_COLUMNS = (
    "balance",
    "hypervolume",
    "95 % interval",
    "± seeds",
    "against fixed",
    "95 % interval",
    "loss of click",
    "of cart",
    "of purchase",
    "who pays",
    "CPU s",
)


def retail_title(found: dict[str, Any]) -> str:
    """Who was asked what."""
    asked = found["asked"]
    return (
        f"gift shop, {asked['what']}: {asked['visits']:,} visits of {asked['users']:,} customers with "
        f"{asked['candidates']:,} candidates; every model learned from {asked['learned']:,} earlier visits, with each "
        f"of {asked['seeds']} seeds from others"
    )


def retail_lines(found: dict[str, Any]) -> Lines:
    """One line per objective."""
    lines: Lines = []
    for name, line in found["objectives"].items():
        gap, top = line["auc"]["ahead"], line["error_of_top"]
        lines.append(
            [
                name,
                f"{line['labels']:,}",
                f"{line['happened'] / line['labels']:.2%}",
                f"{line['auc']['ours']:.4f}",
                f"{line['auc']['alone']:.4f}",
                f"{gap[0]:+.4f}",
                f"{gap[1]:+.4f} to {gap[2]:+.4f}",
                f"{line['error']:.4f}",
                f"{line['error_alone']:.4f}",
                *(f"{line['error_by_market'][market]['error']:.4f}" for market in ("home", "abroad")),
                f"{top['said']:.1%}",
                f"{top['happened']:.1%}",
                f"{top['error']:.4f}",
            ]
        )
    return lines


def retail_notes(found: dict[str, Any]) -> list[str]:
    """Reliability by tenths, order within visits, and what is told of what stays."""
    notes: list[str] = []
    for name, line in found["objectives"].items():
        tenths = "; ".join(f"{said:.2%} and {happened:.2%}" for said, happened in line["deciles"])
        notes.append(f"{name}, said and happened by tenths of the candidates: {tenths}.")
        within = line["auc_within_visits"]
        notes.append(
            f"{name}, AUC within each visit, the mean over customers: {within['ours']:.4f}, its own network "
            f"{within['alone']:.4f}, ahead {within['ahead'][0]:+.4f} ({within['ahead'][1]:+.4f} to "
            f"{within['ahead'][2]:+.4f})."
        )
    kept = found["kept"]
    notes.append(
        f"Of {kept['bought']:,} candidates that were bought {kept['came_back']:,} came back. That they stay is said "
        f"with {kept['ours']['said']:.1%} where {kept['happened']:.1%} did, AUC {kept['ours']['auc']:.3f}; by the "
        f"ratio of two networks with {kept['alone']['said']:.1%}, AUC {kept['alone']['auc']:.3f}."
    )
    return notes


def balance_title(found: dict[str, Any]) -> str:
    """Who was asked what."""
    return (
        f"retailrocket by time, {found['n_visits']:,} visits of {found['n_users']:,} users with "
        f"{found['n_candidates']:,} candidates, {found['n_seeds']} seeds; hypervolume in millionths, losses against "
        "those of one network each"
    )


def balance_lines(found: dict[str, Any]) -> Lines:
    """One line per way, largest hypervolume first."""
    return [
        [
            line["balance"],
            f"{1e6 * line['hypervolume'][0]:.1f}",
            "{:.1f} – {:.1f}".format(*(1e6 * value for value in line["hypervolume"][1:])),
            f"{1e6 * line['over_seeds']:.1f}",
            f"{line['against_fixed'][0]:+.1%}",
            "{:+.1%} to {:+.1%}".format(*line["against_fixed"][1:]),
            *(
                "{:.3f} ({:.3f} – {:.3f})".format(*line["loss_against_alone"][name])
                for name in ("click", "cart", "purchase")
            ),
            ", ".join(line["pays"]) or "nobody",
            f"{sum(line['seconds']) / len(line['seconds']):.0f}",
        ]
        for line in found["lines"]
    ]
