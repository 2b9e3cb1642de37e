"""Where a model version comes from, and when it is time to fit everything anew."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

FULL_AFTER_GROWTH = 0.5
"""By so much, relative to its size then, a log may grow before the ranker and the text space are too old."""

FULL_AFTER_TIMES = 10
"""Trainings that may go on from each other."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """Of a version that goes on from another.

    Attributes:
        continues: Name of the version that it goes on from.
        full: Name of the last one for which everything was fitted: its ranker and text space are still in use.
        n_times: How often training went on since then, this time included.
        n_events_at_full: Events of interest that the full training knew.
        n_events: Events of interest that this one knows.
        n_new_events: Those that the continued one did not know.
        n_new_items: Items that it did not know.
        n_new_users: Users that it did not know.
    """

    continues: str
    full: str
    n_times: int
    n_events_at_full: int
    n_events: int
    n_new_events: int
    n_new_items: int
    n_new_users: int

    @classmethod
    def after(cls, name: str, manifest: dict[str, Any], *, n_events: int, n_items: int, n_users: int) -> Self:
        """The next step after a version.

        Args:
            name: Of the version gone on from.
            manifest: That of the version gone on from.
            n_events: Events of interest known now.
            n_items: Items known now.
            n_users: Users known now.
        """
        data, before = manifest["data"], manifest.get("lineage")
        return cls(
            continues=name,
            full=name if before is None else before["full"],
            n_times=1 if before is None else before["n_times"] + 1,
            n_events_at_full=data["n_events"] if before is None else before["n_events_at_full"],
            n_events=n_events,
            n_new_events=n_events - data["n_events"],
            n_new_items=n_items - data["n_items"],
            n_new_users=n_users - data["n_users"],
        )

    @property
    def growth(self) -> float:
        """By how much the log has grown since everything was fitted, relative to its size then."""
        return self.n_events / max(self.n_events_at_full, 1) - 1.0

    @property
    def full_is_due(self) -> str | None:
        """Why everything should be fitted anew, as a clause; None where there is time."""
        if self.growth >= FULL_AFTER_GROWTH:
            return f"the log has grown by {self.growth:.0%} since everything was fitted"
        if self.n_times >= FULL_AFTER_TIMES:
            return f"training went on {self.n_times} times since everything was fitted"
        return None

    def as_document(self) -> dict[str, Any]:
        """For the manifest."""
        return {**asdict(self), "full_is_due": self.full_is_due}
