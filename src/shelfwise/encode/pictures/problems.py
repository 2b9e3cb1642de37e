"""Why an item is without a picture."""

from __future__ import annotations

from enum import StrEnum


class PictureProblem(StrEnum):
    """Kinds of reasons, to be counted."""

    REMOTE = "remote"
    """An address on the web without a copy in the shop's folders: nothing is fetched."""

    MISSING = "missing"
    """No such file."""

    OUTSIDE = "outside"
    """A relative path that leaves the shop's folders."""

    UNREADABLE = "unreadable"
    """A file that is no picture, is cut off, or too large."""


class NoPictureError(Exception):
    """An item's picture cannot be used; the message says why, as one clause."""

    def __init__(self, problem: PictureProblem, why: str) -> None:
        super().__init__(why)
        self.problem = problem
