"""What was measured on lists that were shown, as tables."""

from __future__ import annotations

from typing import Any

Table = tuple[str, tuple[str, ...], list[list[str]]]

COLUMNS = ("", "MRR", "95 % interval", "ours ahead", "95 % interval", "p (Holm)")


def shown_tables(found: dict[str, Any]) -> list[Table]:
    """One table per variant, and one of what scenarios lend each other: title, columns, lines."""
    tables: list[Table] = [
        (
            f"trivago, {one['name']}: {found['n_asked']:,} lists of {one['n_users']:,} users asked, "
            f"{found['n_learned']:,} learned from; {len(one['features'])} features",
            COLUMNS,
            _lines(one["mrr"], "multi-objective", one["ahead"], one["p_holm"]),
        )
        for one in found["variants"]
    ]
    if "transfer" in found:
        one = found["transfer"]
        n_lists = ", ".join(f"{name} {asked} of {learned}" for name, (learned, asked) in one["platforms"].items())
        title = f"trivago, its ten smallest platforms (lists asked, learned from: {n_lists}); {one['n_users']} users"
        tables.append((title, COLUMNS, _lines(one["mrr"], "joint", one["ahead"], one["p_holm"])))
    return tables


def _lines(
    mrr: dict[str, list[float]], ours: str, ahead: dict[str, list[float]], p_holm: dict[str, float]
) -> list[list[str]]:
    lines = []
    for name, (mean, low, high) in sorted(mrr.items(), key=lambda one: -one[1][0]):
        line = [name, f"{mean:.4f}", f"{low:.4f} – {high:.4f}"]
        gap = ahead.get(name) if name != ours else None
        line += (
            ["", "", ""]
            if gap is None
            else [f"{gap[0]:+.1%}", f"{gap[1]:+.1%} to {gap[2]:+.1%}", f"{p_holm[name]:.4f}"]
        )
        lines.append(line)
    return lines
