"""Answers as orjson bytes: no response model is validated on the way out."""

from __future__ import annotations

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
        return value.model_dump()
    raise TypeError(type(value).__name__)
