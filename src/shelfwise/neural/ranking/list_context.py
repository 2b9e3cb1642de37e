"""What a candidate is among: the other candidates of its request.

A click says that an item was better than those beside it. A model that sees each candidate alone has to learn how good
an item is on the whole; one that sees the list learns how it stands out.

Source:
    Pang et al. (2020), SetRank; Pei et al. (2019), Personalized Re-ranking for Recommendation (PRM). Theirs is a
    transformer over the list; here one layer of attention, whose answer stands beside what is known of the candidate.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

MASKED = -1e9


class BesideMean(nn.Module):
    """How each number differs from the mean of its list, and that mean."""

    def __init__(self, n_in: int) -> None:
        super().__init__()
        self.n_out = 2 * n_in

    def forward(self, x: Tensor, owners: Tensor, n_requests: int) -> Tensor:
        """Shape `(N, n_in)` to `(N, 2 n_in)`; `owners`, the request of each candidate, never falls; shape `(N,)`."""
        if n_requests == 1:
            mean = x.mean(0, keepdim=True).expand_as(x)
        else:
            counts = torch.bincount(owners, minlength=n_requests).clamp(min=1).to(x.dtype)
            sums = x.new_zeros((n_requests, x.shape[1])).index_add(0, owners, x)
            mean = (sums / counts.unsqueeze(-1))[owners]
        return torch.cat([x - mean, mean], dim=-1)


class ListAttention(nn.Module):
    """One layer of attention of each candidate to all of its list."""

    def __init__(self, n_in: int, dim: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        self.n_heads, self.dim, self.n_out = n_heads, dim, 2 * dim
        self.inner = nn.Linear(n_in, dim)
        self.asks = nn.Linear(dim, dim)
        self.keys = nn.Linear(dim, dim)
        self.says = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, owners: Tensor, n_requests: int) -> Tensor:
        """Shape `(N, n_in)` to `(N, 2 dim)`: the candidate itself, and what it heard; as in `BesideMean`."""
        own = torch.nn.functional.gelu(self.inner(x))
        if n_requests == 1:
            heard = self._heard(own.unsqueeze(0), None)[0]
        else:
            counts = torch.bincount(owners, minlength=n_requests)
            places = torch.arange(len(owners), device=x.device) - (counts.cumsum(0) - counts)[owners]
            width = int(counts.max())
            lists = own.new_zeros((n_requests, width, self.dim))
            lists[owners, places] = own
            absent = torch.arange(width, device=x.device) >= counts.unsqueeze(-1)
            heard = self._heard(lists, absent)[owners, places]
        return torch.cat([own, self.dropout(heard)], dim=-1)

    def _heard(self, lists: Tensor, absent: Tensor | None) -> Tensor:
        """Shape `(B, L, dim)`, twice; `absent` tells the places beyond a list's end; shape `(B, L)`."""
        asks, keys, says = (self._by_head(part(lists)) for part in (self.asks, self.keys, self.says))
        fit = asks @ keys.transpose(-1, -2) * (self.dim // self.n_heads) ** -0.5
        if absent is not None:
            fit = fit.masked_fill(absent[:, None, None, :], MASKED)
        return (fit.softmax(-1) @ says).transpose(1, 2).flatten(2)

    def _by_head(self, lists: Tensor) -> Tensor:
        return lists.unflatten(-1, (self.n_heads, self.dim // self.n_heads)).transpose(1, 2)
