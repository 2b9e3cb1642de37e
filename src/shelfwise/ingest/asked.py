"""What may be asked of ingesting, apart from what reads files: a server names it and seldom does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

TableName = Literal["items", "events", "users"]

MAX_RAW_CHARS = 20_000
"""How much of a refused line is kept."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines of a file are tried again.

    Attributes:
        source: The file's number.
        reason: Only those refused for this; None: for whatever reason.
        corrected: Text of lines as somebody corrected them; where there are any, only these are tried.
    """

    source: int
    reason: str | None = None
    corrected: Mapping[int, str] | None = None
