"""What fitting gives: a funnel, and what was learned beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shelfwise.pipeline.funnel import Funnel
from shelfwise.pipeline.model import EncoderFiles
from shelfwise.schemas.events import EventKind

Progress = Callable[[str, int | None, int | None], None]
"""Called with what is being done, and with steps done and to do where they can be counted."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A funnel with what was learned beside it.

    Attributes:
        funnel: Fitted on all of the data.
        repeats: Whether items of a user's history may be shown again.
        target: The kind of event that is predicted.
        about: For the manifest: the ranker's choice and held-out metrics, the share of repeats.
        encoder: The encoder that made the funnel's vectors, where that is not the shop's own as it comes.
    """

    funnel: Funnel
    repeats: bool
    target: EventKind
    about: dict[str, Any]
    encoder: EncoderFiles | None = None
