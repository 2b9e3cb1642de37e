"""How alike candidates are, by text, picture and behaviour, each with its declared weight."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from shelfwise.config.component import Options
from shelfwise.rerank.listed import ItemFacts, VectorKind
from shelfwise.schemas.ids import Floats, Rows


class LikenessOptions(Options):
    """What makes two items alike."""

    text: float = Field(default=1.0, ge=0, le=100, description="Weight of the likeness of texts.")
    picture: float = Field(default=0.5, ge=0, le=100, description="Weight of the likeness of pictures.")
    behaviour: float = Field(
        default=0.0,
        ge=0,
        le=100,
        description=(
            "Weight of being turned to by the same people, whatever the text says; it counts alone in a shop that has "
            "neither texts nor pictures."
        ),
    )


def mixed_vectors(rows: Rows, facts: ItemFacts, options: LikenessOptions) -> Floats:
    """One vector per item, of length 1, whose products are the weighted likeness.

    The kinds' vectors stand one after the other, each times the root of its weight, and the whole is brought to length
    1: two items that have all kinds are as alike as the weighted mean of their cosines. A kind that an item lacks is 0
    there, so that the others decide. Products of vectors make a matrix that a determinantal process can use; a mean
    over whatever kinds two items share would not.

    Returns:
        Shape `(N, D)`, D the kinds' dimensions together; a row of zeros for an item of which nothing is known, which
        is then like no other.
    """
    wanted: dict[VectorKind, float] = {
        "text": options.text,
        "picture": options.picture,
        "behaviour": options.behaviour,
    }
    parts = [
        (facts.vectors[kind].take(rows)[0], weight)
        for kind, weight in wanted.items()
        if weight and kind in facts.vectors
    ]
    if not parts and "behaviour" in facts.vectors:
        return facts.vectors["behaviour"].take(rows)[0]
    if not parts:
        return np.zeros((len(rows), 1), np.float32)
    if len(parts) == 1:
        return parts[0][0]
    mixed = np.concatenate([vectors * np.float32(np.sqrt(weight)) for vectors, weight in parts], axis=1)
    lengths = np.sqrt(np.einsum("nd,nd->n", mixed, mixed))
    mixed /= np.where(lengths > 0, lengths, 1)[:, None]
    return mixed
