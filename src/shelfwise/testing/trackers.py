"""The contract of trackers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path

from shelfwise.track.tracker import Run, Tracker


@dataclass
class Seen:
    """What a tracker's own reader finds of one run.

    Attributes:
        scalars: Steps and values by the curve's name, in the order of steps.
        written: Everything else, as one text: facts by name and value, and texts.
    """

    scalars: dict[str, list[tuple[int, float]]] = field(default_factory=dict[str, list[tuple[int, float]]])
    written: str = ""


RUN = "20261125T101500-0a1b"


class TrackerContract(ABC):
    """What every tracker keeps, read back by its own tools."""

    @abstractmethod
    def make(self) -> Tracker:
        """A new tracker that writes below the shop's folder."""

    @abstractmethod
    def read(self, folder: Path, run: str) -> Seen:
        """One run, as people will see it."""

    def test_curves_facts_and_texts_are_kept(self, tmp_path: Path) -> None:
        tracker = self.make()
        tracker.begin(Run(RUN, tmp_path))
        tracker.facts({"rank.n_trees": 400, "retrieve.sequence.item": "fused", "note": "x" * 900, "tuned": False})
        for step, loss in enumerate((2.5, 1.25, 0.625), start=1):
            tracker.scalar("sequence/moment-1-of-3/loss", loss, step)
        tracker.scalar("seconds/retrieve.ease", 3.5, 0)
        tracker.text("summary", "**fine**")
        tracker.close(failed=False)
        seen = self.read(tmp_path, RUN)
        assert seen.scalars["sequence/moment-1-of-3/loss"] == [(1, 2.5), (2, 1.25), (3, 0.625)]
        assert seen.scalars["seconds/retrieve.ease"] == [(0, 3.5)]
        for part in ("rank.n_trees", "400", "retrieve.sequence.item", "fused", "**fine**"):
            assert part in seen.written

    def test_a_run_is_gone_on_with_by_its_name(self, tmp_path: Path) -> None:
        for name, value in (("loss", 0.5), ("evaluate/leave-one-out/item-kNN/ndcg_at_10", 0.25)):
            tracker = self.make()
            tracker.begin(Run(RUN, tmp_path))
            tracker.scalar(name, value, 0)
            tracker.close(failed=False)
        seen = self.read(tmp_path, RUN)
        assert seen.scalars["loss"] == [(0, 0.5)]
        assert seen.scalars["evaluate/leave-one-out/item-kNN/ndcg_at_10"] == [(0, 0.25)]

    def test_steps_of_one_curve_do_not_bind_another(self, tmp_path: Path) -> None:
        tracker = self.make()
        tracker.begin(Run(RUN, tmp_path))
        tracker.scalar("late", 1.0, 100)
        tracker.scalar("early", 2.0, 1)
        tracker.close(failed=False)
        assert self.read(tmp_path, RUN).scalars == {"late": [(100, 1.0)], "early": [(1, 2.0)]}

    def test_a_run_that_failed_is_closed_too(self, tmp_path: Path) -> None:
        tracker = self.make()
        tracker.begin(Run(RUN, tmp_path))
        tracker.scalar("loss", 0.5, 1)
        tracker.close(failed=True)
        assert self.read(tmp_path, RUN).scalars["loss"] == [(1, 0.5)]
