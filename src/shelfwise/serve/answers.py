"""Answers as orjson bytes: no response model is validated on the way out."""

from __future__ import annotations

import functools
from typing import Any

import orjson
from fastapi import Response
from pydantic import BaseModel

NEVER_KEPT = {"Cache-Control": "no-store"}
"""Headers of an answer that holds a secret, or what is known of a person."""


class Json(Response):
    """A JSON answer made of plain values and models."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content, default=_plain)


def plain(answer: BaseModel) -> Any:
    """An answer in which names of a kind stand as keys: orjson takes only texts for them."""
    return answer.model_dump(mode="json")


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        # Its fields as they stand, where that is how they are told: a dump makes a copy of everything first.
        return value.__dict__ if _is_told_as_it_stands(type(value)) else value.model_dump()
    raise TypeError(type(value).__name__)


@functools.cache
def _is_told_as_it_stands(kind: type[BaseModel]) -> bool:
    told = kind.__pydantic_decorators__
    return not (
        told.field_serializers
        or told.model_serializers
        or told.computed_fields
        or kind.model_config.get("extra") == "allow"
        or any(one.exclude or one.serialization_alias or one.alias for one in kind.model_fields.values())
    )
