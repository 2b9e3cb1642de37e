"""What a model was trained on, in a few bytes: equal for equal data."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from shelfwise.datasets.training_data import TrainingData
from shelfwise.encode.passage import passage
from shelfwise.encode.profile_vectors import ProfileTexts
from shelfwise.schemas.items import Item


def fingerprint(data: TrainingData) -> str:
    """Equal for equal items and events."""
    digest = hashlib.sha256()
    for item_id in data.catalogue.item_ids:
        digest.update(item_id.encode() + b"\x00")
    interactions = data.interactions
    for column in (interactions.user_rows, interactions.item_rows, interactions.kinds, interactions.times_ms):
        digest.update(column.tobytes())
    if interactions.scenarios.any():  # a log that names none keeps the fingerprint of before it could
        digest.update("\x00".join(interactions.scenario_names.names).encode() + interactions.scenarios.tobytes())
    return digest.hexdigest()


def of_items(items: Sequence[Item]) -> str:
    """Equal where everything that models read of the items is equal."""
    return _digest(
        repr((item.item_id, item.title, passage(item), item.path, item.brand, item.price, item.image, item.created_at))
        for item in items
    )


def of_profiles(profiles: ProfileTexts) -> str:
    """Equal where all users say the same of themselves."""
    return hashlib.sha256(profiles.keys.tobytes() + profiles.place_by_user.tobytes()).hexdigest()


def of_rows(ids: Sequence[str]) -> str:
    """Equal where the same ids have the same rows."""
    return _digest(ids)


def _digest(texts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode() + b"\x00")
    return digest.hexdigest()
