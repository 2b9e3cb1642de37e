"""Models are told as they stand, and exactly as a dump of them would be."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

import orjson
import pytest
from pydantic import BaseModel, Field, computed_field, field_serializer

from shelfwise.serve.answers import Json


class Colour(StrEnum):
    RED = "red"


class Inner(BaseModel):
    name: str
    colour: Colour = Colour.RED
    at: datetime = datetime(2026, 1, 2, tzinfo=UTC)
    score: float | None = None


class Outer(BaseModel):
    items: list[Inner]
    by_name: dict[str, Inner]
    n: int = 3


class Counted(Inner):
    @computed_field
    @property
    def length(self) -> int:
        return len(self.name)


class Shouted(Inner):
    @field_serializer("name")
    def shout(self, name: str) -> str:
        return name.upper()


class Discreet(Inner):
    secret: str = Field(default="hush", exclude=True)


ONE = {"name": "mug", "score": 0.5}


@pytest.mark.parametrize(
    "answer",
    [
        Outer(items=[Inner(**ONE), Inner(name="")], by_name={"a": Inner(**ONE)}),  # pyright: ignore
        Counted(**ONE),  # pyright: ignore[reportArgumentType]
        Shouted(**ONE),  # pyright: ignore[reportArgumentType]
        Discreet(**ONE),  # pyright: ignore[reportArgumentType]
    ],
)
def test_it_is_told_as_a_dump_would_be(answer: BaseModel) -> None:
    assert Json(answer).body == orjson.dumps(answer.model_dump())
    assert Json({"within": [answer]}).body == orjson.dumps({"within": [answer.model_dump()]})
