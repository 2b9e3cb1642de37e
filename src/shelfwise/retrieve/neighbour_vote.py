"""Retrievers that sum up neighbour lists: the user's latest items vote, each with its own list."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shelfwise.retrieve.latest_answer import LatestAnswer
from shelfwise.retrieve.packed_lists import load_lists
from shelfwise.retrieve.retriever import Retriever, RetrieverOptions
from shelfwise.retrieve.seeds import weighted_seeds
from shelfwise.retrieve.voting_lists import VotingLists
from shelfwise.schemas.candidates import Candidates, Situation
from shelfwise.schemas.ids import Bools, Floats, Rows


class VoteOptions(RetrieverOptions):
    """Options of every retriever whose seeds vote."""

    decay: float = Field(default=0.8, gt=0, le=1, description="Weight of a moment relative to the next one.")
    n_seeds: int = Field(default=50, ge=1, le=500, description="Latest distinct items of a user that are looked up.")


class NeighbourVote(Retriever):
    """Learns one neighbour list per item in `fit`; the rest follows from the lists."""

    def __init__(self, config: VoteOptions) -> None:
        super().__init__(config)
        self.voting = config
        self._lists: VotingLists | None = None
        self._latest_seeds = LatestAnswer[tuple[Rows, Floats]]()

    @property
    def lists(self) -> VotingLists:
        """What was fitted or loaded."""
        if self._lists is None:
            raise RuntimeError("fit() or load() comes first")
        return self._lists

    def take_over(self, fitted: NeighbourVote) -> None:
        """Vote with the lists of another, of which only how its seeds are weighed may differ."""
        self._lists = fitted.lists

    def save(self, folder: Path) -> None:
        """Write the lists."""
        self.lists.save(folder)

    def load(self, folder: Path) -> None:
        """Map the lists."""
        self._lists = load_lists(folder)

    def seeds(self, situation: Situation) -> tuple[Rows, Floats]:
        """The items that vote and their weights, latest first."""
        return self._latest_seeds.of(
            situation,
            self.lists,
            make=lambda: weighted_seeds(
                situation, len(self.lists), decay=self.voting.decay, n_seeds=self.voting.n_seeds
            ),
        )

    def retrieve(self, situation: Situation, allowed: Bools) -> Candidates:
        """Sum the lists of the user's latest items."""
        return self.lists.vote(*self.seeds(situation), allowed, self.config.k)

    def because(self, rows: Rows, situation: Situation) -> list[int | None]:
        """The seeds whose lists name the items loudest."""
        return self.lists.loudest(rows, *self.seeds(situation))
