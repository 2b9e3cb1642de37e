"""What `shelfwise tune` tells."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from shelfwise.datasets.training_data import TrainingData
from shelfwise.pipeline.fitted import Progress
from shelfwise.schemas.ids import Bools
from shelfwise.track.tracker import NOTHING, Tracker, under
from shelfwise.train.tuning.search import SearchOutcome, search
from shelfwise.train.tuning.tuner import Tuner

SEARCH_FOLDER = "search"


@dataclass(frozen=True, slots=True)
class TuningReport:
    """One `tune` of a shop.

    Attributes:
        folder: With `tuning.json`, `adapter/` and `model/`.
        about: What `tuning.json` says.
        in_use: Whether `train` and `evaluate` use tuned encoders.
        search: What the search before it found; None without one.
    """

    folder: Path
    about: dict[str, Any]
    in_use: bool
    search: SearchOutcome | None

    def as_document(self) -> dict[str, Any]:
        """Plain JSON."""
        document: dict[str, Any] = {"folder": str(self.folder), "in_use": self.in_use, **self.about}
        if self.search is not None:
            document["search"] = {
                **asdict(self.search),
                "spec": self.search.spec.model_dump(mode="json"),
                "snippet": self.search.snippet,
            }
        return document


def tune_shop(
    tuner: Tuner,
    data: TrainingData,
    users: Bools,
    progress: Progress,
    *,
    n_trials: int,
    minutes: float,
    tracker: Tracker = NOTHING,
) -> TuningReport:
    """Tune as `train` would on the same data, after a search where trials are asked for."""
    material = tuner.material(data, users)
    tuner.track = under(tracker, "tune")
    in_use, outcome = tuner.spec.use, None
    if n_trials:
        outcome = search(
            material,
            tuner.spec,
            tuner.folder / SEARCH_FOLDER,
            progress,
            n_trials=n_trials,
            minutes=minutes,
            track=under(tracker, "search"),
        )
        tuner = tuner.with_spec(outcome.spec)
    found = tuner.tuned(material, progress)
    if found.is_better:
        found = replace(found, about=tuner.encoded(found, material, progress).about)
    for part, models in found.about.get("quality", {}).items():
        for model, figures in models.items():
            for name, value in figures.items():
                tracker.scalar(f"quality/{part}/{model}/{name}", float(value), 0)
    return TuningReport(found.folder, found.about, in_use, outcome)
