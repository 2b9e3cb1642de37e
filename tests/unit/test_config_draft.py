"""What a drafted file says that a key allows."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, create_model

from shelfwise.config.draft import _allowed
from shelfwise.schemas.events import EventKind
from shelfwise.schemas.queries import Diversity

SHARE = Annotated[float, Field(gt=0, le=1)]


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        (Diversity, "from 0 to 1, or auto"),
        (Diversity | None, "from 0 to 1, or auto"),
        (SHARE, "above 0 to 1"),
        (SHARE | None, "above 0 to 1"),
        (SHARE | Literal["auto", "none"], "above 0 to 1, or auto, none"),
        (int | Literal["auto"], "a number, or auto"),
        (Literal["a", "b"], "a, b"),
        (Literal["a", ""] | None, "a"),
        (EventKind | Literal["auto"], ", ".join([*EventKind, "auto"])),
        (list[Literal["a", "b"]], "a, b"),
        (float | None, ""),
        (str, ""),
    ],
)
def test_what_is_allowed_is_said_whole(annotation: Any, said: str) -> None:
    field = create_model("Table", key=(annotation, ...)).model_fields["key"]
    assert _allowed(field) == said
