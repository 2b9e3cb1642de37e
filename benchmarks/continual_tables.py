"""The tables of one grown shop: what each model knows, and what it took."""

from __future__ import annotations

from typing import Any

SLICES = ("new", "old")
MODELS = ("before", "continued", "full")

QUALITY_COLUMNS = ("NDCG@10", *MODELS, "of before", "of full", "questions")
TRAINING_COLUMNS = ("training", "seconds", "CPU seconds", "peak MiB")


def growth_title(name: str, found: dict[str, Any]) -> str:
    """What was known and what was new, in words."""
    return f"{name}: {found['n_known']:,} events known, {found['n_new']:,} new ({found['new_share']:.1%})"


def quality_lines(found: dict[str, Any]) -> list[list[str]]:
    """Every model on each slice, in the order of `QUALITY_COLUMNS`."""
    lines: list[list[str]] = []
    for name in SLICES:
        part = found[name]
        means = [f"{part[model]['mean']:.4f} ({_range(part[model], 4)})" for model in MODELS]
        shares = [f"{part[key]['mean']:.3f} ({_range(part[key], 3)})" for key in ("of_before", "of_full")]
        lines.append([f"{name} slice", *means, *shares, f"{part['n_questions']:,}"])
    return lines


def training_lines(found: dict[str, Any]) -> list[list[str]]:
    """What each training took, in the order of `TRAINING_COLUMNS`."""
    lines: list[list[str]] = []
    for name in MODELS:
        cost = found["costs"][name]
        cpu_s, peak_mib = cost["cpu_s"], cost["peak_mib"]  # unknown of a training that another run had begun
        lines.append(
            [
                name,
                f"{cost['seconds']:.1f}",
                "" if cpu_s is None else f"{cpu_s:.1f}",
                "" if peak_mib is None else f"{peak_mib:,}",
            ]
        )
    return [*lines, ["continued / full", f"{found['wall_share']:.3f}", f"{found['cpu_share']:.3f}", ""]]


def _range(found: dict[str, float], digits: int) -> str:
    return f"{found['low']:.{digits}f} – {found['high']:.{digits}f}"
