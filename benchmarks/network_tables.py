"""The tables of what networks trained alone found: for the terminal, and for `tables.py`."""

from __future__ import annotations

from typing import Any

SEARCH_COLUMNS = (
    "setting",
    "shop",
    "NDCG@10, validation",
    "against the first",
    "epochs",
    "steps",
    "fit s",
    "all shops",
)


def rows_provenance(rows: dict[str, list[str]]) -> str:
    """Where stored rows are from, whoever made the table of them."""
    commits = ", ".join(f"`{commit}`" for commit in rows["commit"])
    torch = f", torch {' and '.join(rows['torch'])}" if rows["torch"] else ""
    return f"Rows of commit {commits}, trained on {' and '.join(rows['device']) or 'the processor'}{torch}."


def search_title(found: dict[str, Any]) -> str:
    """What was asked, in words."""
    return (
        f"The sequence network alone, leave-one-out, one training each: {found['n_questions']:,} questions of the "
        f"validation, all items ranked"
    )


def search_lines(found: dict[str, Any]) -> list[list[str]]:
    """Every setting on every shop, in the order of `SEARCH_COLUMNS`; the mean of a setting beside its first shop."""
    lines: list[list[str]] = []
    for tried in found["settings"]:
        for place, (shop, one) in enumerate(tried["shops"].items()):
            mean = tried["relative"]
            lines.append(
                [
                    tried["setting"] if place == 0 else "",
                    shop,
                    f"{one['ndcg']:.4f}",
                    f"{one['relative']:+.1%}",
                    str(one["epochs"]),
                    f"{one['steps']:,}",
                    f"{one['fit_s']:.0f}",
                    f"{mean:+.2%}" if place == 0 and mean is not None else "",
                ]
            )
    return lines
