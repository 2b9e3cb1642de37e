"""What a model version states of itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from shelfwise.config.shop import ShopConfig
from shelfwise.datasets.training_data import TrainingData
from shelfwise.pipeline.fitted import Fitted
from shelfwise.pipeline.model import LEARNED_UP_TO
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.track.origin import origin
from shelfwise.train.data import Loaded
from shelfwise.train.fingerprints import fingerprint, of_items, of_profiles, of_rows
from shelfwise.train.lineage import Lineage


def manifest(config: ShopConfig, loaded: Loaded, fitted: Fitted, lineage: Lineage | None = None) -> dict[str, Any]:
    """Everything but what publishing adds: name, format and encoder; and but how long it took.

    Args:
        config: With which it was trained.
        loaded: On what.
        fitted: What came of it.
        lineage: None where everything was fitted.
    """
    data = loaded.data
    pictures: dict[str, Any] = {}
    if loaded.pictures is not None:
        is_aligned = loaded.mapped_pictures is not None and loaded.mapped_pictures.is_aligned
        pictures = {"pictures": {**loaded.pictures.report.as_document(), "aligned": is_aligned}}
    profiles: dict[str, Any] = {}
    if loaded.profiles is not None:
        profiles = {"profiles": of_profiles(loaded.profiles), "profile_attributes": list(loaded.profiles.attributes)}
    return {
        **pictures,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **origin(),
        "config": config.model_dump(mode="json", exclude_none=True),
        "retrievers": {
            name: retriever.config.model_dump(mode="json") for name, retriever in fitted.funnel.retrievers.items()
        },
        "data": {
            **describe(data),
            "items": of_items(loaded.items),
            "item_rows": of_rows(data.catalogue.item_ids),
            "user_rows": of_rows(loaded.user_ids),
            **profiles,
        },
        "target": fitted.target.value,
        "only_purchases": bool(len(data.interactions))
        and bool(np.all(data.interactions.kinds == CODE_BY_KIND[EventKind.PURCHASE])),
        "repeats": fitted.repeats,
        "has_clock": fitted.funnel.has_clock,
        "scenarios": list(data.interactions.scenario_names.names),
        "n_items": len(data.catalogue),
        "log_end_ms": data.now_ms,
        LEARNED_UP_TO: loaded.marks.as_document(),
        "learned": dict(fitted.about),
        "lineage": None if lineage is None else lineage.as_document(),
    }


def describe(data: TrainingData) -> dict[str, Any]:
    """What a model is trained on, in a few numbers and a fingerprint."""
    interactions = data.interactions
    about: dict[str, Any] = {
        "fingerprint": fingerprint(data),
        "n_items": len(data.catalogue),
        "n_users": interactions.n_users,
        "n_events": len(interactions),
    }
    if interactions.has_clock and len(interactions):
        last = datetime.fromtimestamp((interactions.end_ms - 1) / 1_000, UTC)
        about["last_event_at"] = last.isoformat(timespec="seconds")
    return about
