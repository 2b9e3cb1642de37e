"""The validation slice: the last event of some users, held out to know when to stop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from shelfwise.datasets.interactions import Interactions
from shelfwise.neural.batches import Batch, Log, by_length, histories
from shelfwise.neural.network import Network
from shelfwise.schemas.ids import Bools

K = 10
LARGEST_SHARE = 0.2
"""Users held out at most: the others' last events must still be learned from."""

FEWEST_EVENTS = 3
EVENTS_AT_A_TIME = 2_048


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Questions from the log's own end.

    Attributes:
        users: Who is asked about; shape `(Q,)`.
        places: Where each one's held-out event stands in the log; shape `(Q,)`.
    """

    users: npt.NDArray[np.intp]
    places: npt.NDArray[np.intp]

    @classmethod
    def of(
        cls, interactions: Interactions, n_users: int, random: np.random.Generator, *, known: Bools | None = None
    ) -> HeldOut:
        """Draw users that have enough events.

        Args:
            n_users: At most so many.
            known: Events that the network has learned from before, and cannot be asked about; shape `(E,)`.
        """
        starts = interactions.bounds()
        able = np.flatnonzero(np.diff(starts) >= FEWEST_EVENTS)
        if known is not None:
            able = able[~known[starts[able + 1] - 1]]
        n_asked = min(n_users, int(LARGEST_SHARE * len(able)))
        users = np.sort(random.permutation(able)[:n_asked])
        return cls(users, starts[users + 1] - 1)

    def __len__(self) -> int:
        return len(self.users)

    def learned_from(self, interactions: Interactions) -> Bools:
        """Which events of the log remain; shape `(E,)`."""
        kept = np.ones(len(interactions), bool)
        kept[self.places] = False
        return kept

    @torch.no_grad()
    def ndcg(self, network: Network, vectors: Tensor, log: Log) -> float:
        """NDCG at 10 of the held-out events among all items that the user did not have; equal scores at mean rank.

        Args:
            network: In evaluation mode.
            vectors: Of the whole catalogue; shape `(N, D)`.
            log: With the held-out events.
        """
        places = [
            np.arange(max(int(log.starts[user]), int(place) - network.encoder.history), int(place))
            for user, place in zip(self.users, self.places, strict=True)
        ]
        targets = log.interactions.item_rows[self.places].astype(np.int64)
        total = 0.0
        lengths = np.array([len(one) for one in places])
        for chosen in by_length(lengths, EVENTS_AT_A_TIME, np.random.default_rng(0)):
            batch = histories(log, [places[line] for line in chosen])
            users = last_vectors(network, vectors, batch, lengths[chosen])
            scores = users @ vectors.T  # (B, N)
            right = torch.as_tensor(targets[chosen], device=scores.device)
            wanted = scores.gather(1, right.unsqueeze(1))  # (B, 1)
            # What pads shorter histories is no item that was had: their first one stands in its place.
            inside = np.arange(batch.items.shape[1]) < lengths[chosen][:, None]
            had = torch.as_tensor(np.where(inside, batch.items, batch.items[:, :1]), device=scores.device)
            scores = scores.scatter(1, had, -2.0).scatter(1, right.unsqueeze(1), wanted)
            above = (scores > wanted).sum(1)
            equal = (scores == wanted).sum(1) - 1
            ranks = above + equal / 2.0 + 1.0  # (B,)
            total += float(((ranks <= K) / torch.log2(ranks + 1.0)).sum())
        return total / max(len(self), 1)


def last_vectors(network: Network, vectors: Tensor, batch: Batch, lengths: npt.NDArray[np.intp]) -> Tensor:
    """The user vector after each history's last event; shape `(B, D)`."""
    device = vectors.device
    rows, kinds, minutes_ago, scenarios = (
        torch.as_tensor(part, device=device) for part in (batch.items, batch.kinds, batch.minutes_ago, batch.scenarios)
    )
    found = network.encoder(vectors[rows], kinds, minutes_ago, scenarios)  # (B, T, D)
    lines = torch.arange(len(lengths), device=device)
    return found[lines, torch.as_tensor(lengths - 1, device=device)]
