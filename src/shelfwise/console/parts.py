"""Where the files of pages are: those of the console beside this module, the storefront's in a folder of their own."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent

FOLDERS = {"": _HERE, "storefront": _HERE / "storefront"}
"""Folders with `templates`, `static` and `texts`, by the beginning of their pages' names (`storefront/cart`)."""


def located(kind: str, name: str) -> Path:
    """A page's file.

    Args:
        kind: "templates", "static" or "texts".
        name: Of the file, as in `users.toml` or `storefront/cart.toml`.
    """
    beginning, slash, rest = name.partition("/")
    if slash and beginning in FOLDERS:
        return FOLDERS[beginning] / kind / rest
    return FOLDERS[""] / kind / name
