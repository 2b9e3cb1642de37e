"""What the user did with this very item: of which kind each event was, how long ago, and how many came after it.

Items without text have no vectors by which a history could speak for a candidate. That it names the candidate itself it
can always tell, and this is what most lists are decided by: who looked at an item in this session comes back to it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

N_LATER = 8
"""Classes of how many events came after one, by powers of two."""


class SameItem(nn.Module):
    """The sum of what each event with the candidate says, and the same of all events, whoever they are with."""

    def __init__(self, n_kinds: int, n_ages: int, dim: int) -> None:
        super().__init__()
        self.kind = nn.Embedding(n_kinds, dim)
        self.age = nn.Embedding(n_ages, dim)
        self.later = nn.Embedding(N_LATER, dim)
        self.n_ages, self.n_out = n_ages, 2 * dim

    def forward(self, same: Tensor, kinds: Tensor, minutes: Tensor, absent: Tensor, owners: Tensor) -> Tensor:
        """Hear.

        Args:
            same: 1 where an event is with the candidate; shape `(N, T)`.
            kinds: Codes of each request's events, oldest first; shape `(B, T)`.
            minutes: Before the request; shape `(B, T)`.
            absent: Whether there is no such event; shape `(B, T)`.
            owners: Request of each candidate; shape `(N,)`.

        Returns:
            Shape `(N, 2 dim)`; 0 where nothing was done.
        """
        present = (~absent).to(same.dtype)
        n_later = present.flip(-1).cumsum(-1).flip(-1) - present
        ages = torch.log2(minutes.clamp(min=0) * 60 + 1).long().clamp(max=self.n_ages - 1)
        later = torch.log2(n_later + 1).long().clamp(max=N_LATER - 1)
        events = functional.gelu(self.kind(kinds) + self.age(ages) + self.later(later)) * present.unsqueeze(-1)
        heard = (same.unsqueeze(1) @ events[owners]).squeeze(1)
        of_all = events.sum(1) / present.sum(-1, keepdim=True).clamp(min=1)
        return torch.cat([heard, of_all[owners]], dim=-1)
