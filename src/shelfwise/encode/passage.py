"""An item written as one passage for a language model."""

from __future__ import annotations

import hashlib

from shelfwise.schemas.items import Item

PASSAGE_VERSION = 1
"""Part of every content hash: a change of the passage's form encodes everything anew."""


def passage(item: Item) -> str:
    """Title, brand, category path, attributes and description, in falling order of what they tell.

    A text that is cut at the encoder's limit so loses its description first. Empty for an item without any text.

    Source:
        Simple concatenation of attributes with mean pooling beats keyword extraction and rewriting (RecXplore, 2025).

    Examples:
        >>> passage(Item(item_id="1", title="Red mug", brand="Acme", category="Kitchen > Mugs"))
        'Red mug. Acme. Kitchen, Mugs'
    """
    parts = [item.title, item.brand, ", ".join(item.path)]
    parts.extend(f"{name}: {value}" for name, value in sorted(item.attributes.items()))
    parts.append(item.description)
    return ". ".join(text for part in parts if part and (text := " ".join(part.split())))


def content_hash(text: str) -> bytes:
    """What a vector is cached under: 128 bits over the passage and its form's version."""
    return hashlib.blake2b(f"{PASSAGE_VERSION}\x1f{text}".encode(), digest_size=16).digest()
