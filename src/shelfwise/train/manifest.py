"""What a model version states of itself."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

import numpy as np

from shelfwise.config.shop import ShopConfig
from shelfwise.pipeline.fitted import Fitted
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.train.data import Loaded
from shelfwise.train.fingerprints import fingerprint, of_items, of_rows
from shelfwise.train.lineage import Lineage


def manifest(
    config: ShopConfig, loaded: Loaded, fitted: Fitted, seconds: float, lineage: Lineage | None = None
) -> dict[str, Any]:
    """Everything but what publishing adds: name, format and encoder.

    Args:
        config: With which it was trained.
        loaded: On what.
        fitted: What came of it.
        seconds: That it took.
        lineage: None where everything was fitted.
    """
    data = loaded.data
    return {
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "shelfwise": metadata.version("shelfwise"),
        "python": platform.python_version(),
        "config": config.model_dump(mode="json", exclude_none=True),
        "retrievers": {
            name: retriever.config.model_dump(mode="json") for name, retriever in fitted.funnel.retrievers.items()
        },
        "data": {
            "fingerprint": fingerprint(data),
            "items": of_items(loaded.items),
            "item_rows": of_rows(data.catalogue.item_ids),
            "user_rows": of_rows(loaded.user_ids),
            "n_items": len(data.catalogue),
            "n_users": data.interactions.n_users,
            "n_events": len(data.interactions),
        },
        "target": fitted.target.value,
        "only_purchases": bool(np.all(data.interactions.kinds == CODE_BY_KIND[EventKind.PURCHASE])),
        "repeats": fitted.repeats,
        "has_clock": data.interactions.has_clock,
        "n_items": len(data.catalogue),
        "log_end_ms": data.interactions.end_ms,
        "learned": fitted.about,
        "lineage": None if lineage is None else lineage.as_document(),
        "seconds": round(seconds, 1),
    }
