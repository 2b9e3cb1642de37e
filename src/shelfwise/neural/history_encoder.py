"""The history encoder: a user's last events to one vector, by causal transformer blocks.

item vector + kind + scenario + time since the event before + place ── blocks ── norm ── length 1
each block:  x + gate(x) * attention(norm(x));  x + gate(x) * perceptron(norm(x))
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from shelfwise.neural.item_tower import start_small
from shelfwise.schemas.events import EventKind
from shelfwise.schemas.scenario_names import UNKNOWN

N_TIME_STEPS = 36
"""Buckets of time differences, each 1.6 times longer than the one before: from below a minute to 20 years."""

STEPS_PER_DOUBLING = 1.5


UNTOLD = 0.1
"""Share of events whose scenario is kept back in training, so that an unknown one is learned too."""


def time_steps(minutes: Tensor) -> Tensor:
    """The bucket of each time difference, from 0; never below, never above the last one."""
    steps = STEPS_PER_DOUBLING * torch.log2(1.0 + minutes.clamp(min=0.0))
    return steps.clamp(max=N_TIME_STEPS - 1).long()


class ScenarioVectors(nn.Module):
    """What an event is told of its scenario: nothing where that is unknown.

    Vectors start at zero, so that a scenario without an event in training says as much as an unknown one.
    """

    def __init__(self, n_scenarios: int, dim: int) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.zeros(1 + n_scenarios, dim))  # the first stays zero

    def forward(self, scenarios: Tensor) -> Tensor:
        """Codes `(B, T)` to `(B, T, D)`."""
        if self.training:
            scenarios = scenarios.masked_fill(torch.rand(scenarios.shape, device=scenarios.device) < UNTOLD, UNKNOWN)
        return functional.embedding(scenarios, self.vectors, padding_idx=UNKNOWN)


class RelativeBias(nn.Module):
    """What attention adds for the distance between two events, in places and in time.

    Both are known when the later event happened: the time of what is to be predicted never enters.
    """

    def __init__(self, n_heads: int, history: int, *, with_time: bool) -> None:
        super().__init__()
        self.by_distance = nn.Parameter(torch.zeros(history, n_heads))
        self.by_time = nn.Parameter(torch.zeros(N_TIME_STEPS, n_heads)) if with_time else None

    def forward(self, minutes_ago: Tensor) -> Tensor:
        """Ages `(B, T)` to `(B or 1, H, T, T)`, -inf where the event attended to is later."""
        n_events = minutes_ago.shape[1]
        places = torch.arange(n_events, device=minutes_ago.device)
        distance = places.unsqueeze(1) - places.unsqueeze(0)  # (T, T), negative in the future
        # Looked up, not indexed: indexing adds its gradients in the order in which threads arrive.
        far = distance.clamp(min=0, max=len(self.by_distance) - 1)
        bias = functional.embedding(far, self.by_distance).unsqueeze(0)  # (1, T, T, H)
        if self.by_time is not None:
            steps = time_steps(minutes_ago.unsqueeze(1) - minutes_ago.unsqueeze(2))  # (B, T, T)
            bias = bias + functional.embedding(steps, self.by_time)  # (B, T, T, H)
        return bias.permute(0, 3, 1, 2).masked_fill(distance < 0, float("-inf"))


class Attention(nn.Module):
    """Multi-head attention with a bias."""

    def __init__(self, dim: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.query, self.out = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.keys_and_values = nn.Linear(dim, 2 * dim)

    def forward(self, asking: Tensor, events: Tensor, bias: Tensor) -> Tensor:
        """Events `(B, T, D)`, those that ask `(B, Q, D)`, bias `(B or 1, H, Q, T)` to `(B, Q, D)`."""
        query = self._heads(self.query(asking))  # (B, H, Q, D / H)
        key, value = (self._heads(part) for part in self.keys_and_values(events).chunk(2, dim=2))
        found = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        return self.out(found.transpose(1, 2).flatten(2))

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (self.n_heads, -1)).transpose(1, 2)


class Residual(nn.Module):
    """Adds what a layer found, through a gate that its input sets ("gated"), or as it is ("plain").

    Source:
        LiGR as in eSASRec (2025): x + f(norm(x)) * sigmoid(W x).
    """

    def __init__(self, dim: int, dropout: float, *, gated: bool) -> None:
        super().__init__()
        self.gate = nn.Linear(dim, dim) if gated else None
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, found: Tensor) -> Tensor:
        """Both `(B, Q, D)`."""
        found = self.dropout(found)
        return x + found if self.gate is None else x + found * torch.sigmoid(self.gate(x))


class Block(nn.Module):
    """Attention, then a perceptron, each after a norm and around a residual."""

    def __init__(self, dim: int, n_heads: int, dropout: float, *, gated: bool) -> None:
        super().__init__()
        self.attention_norm, self.perceptron_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = Attention(dim, n_heads)
        self.perceptron = nn.Sequential(
            nn.Linear(dim, 4 * dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(4 * dim, dim)
        )
        self.after_attention = Residual(dim, dropout, gated=gated)
        self.after_perceptron = Residual(dim, dropout, gated=gated)

    def forward(self, x: Tensor, bias: Tensor, *, only_last: bool = False) -> Tensor:
        """Events `(B, T, D)` to `(B, T, D)`, or to `(B, 1, D)` where only the last one is asked for."""
        normed = self.attention_norm(x)
        asking = normed
        if only_last:
            x, asking, bias = x[:, -1:], normed[:, -1:], bias[:, :, -1:]
        x = self.after_attention(x, self.attention(asking, normed, bias))
        return self.after_perceptron(x, self.perceptron(self.perceptron_norm(x)))


class HistoryEncoder(nn.Module):
    """Histories to user vectors of length 1; an event sees itself and what came before, nothing later."""

    def __init__(
        self,
        *,
        dim: int,
        n_blocks: int,
        n_heads: int,
        history: int,
        dropout: float,
        gated: bool,
        positions: bool,
        time_bias: bool,
        n_scenarios: int = 0,
    ) -> None:
        """Begin with random weights.

        Args:
            n_scenarios: Scenarios beside the unknown one; 0: none is read.
        """
        super().__init__()
        self.scale, self.history = dim**0.5, history
        self.kinds = nn.Embedding(len(EventKind), dim)
        self.gaps = nn.Embedding(N_TIME_STEPS, dim)
        self.places = nn.Embedding(history, dim) if positions else None
        self.bias = RelativeBias(n_heads, history, with_time=time_bias)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(dim, n_heads, dropout, gated=gated) for _ in range(n_blocks))
        self.norm = nn.LayerNorm(dim)
        self.scenarios = ScenarioVectors(n_scenarios, dim) if n_scenarios else None
        self.apply(start_small)

    def forward(
        self,
        items: Tensor,
        kinds: Tensor,
        minutes_ago: Tensor,
        scenarios: Tensor | None = None,
        *,
        only_last: bool = False,
    ) -> Tensor:
        """Encode every prefix of each history, or the whole history only.

        Args:
            items: Vectors of length 1, oldest first; shape `(B, T, D)`; padded at the end, where no earlier event
                looks.
            kinds: Codes of `EventKind`; shape `(B, T)`.
            minutes_ago: Before any moment that is the same for one user's events; shape `(B, T)`; all 0 in a log
                without a clock.
            scenarios: Codes of `ScenarioNames`; shape `(B, T)`; None: all unknown.

        Returns:
            Shape `(B, T, D)`, or `(B, D)` for `only_last`, which takes no padding.
        """
        x = self.scale * items + self.kinds(kinds) + self.gaps(time_steps(_gaps(minutes_ago)))  # (B, T, D)
        if self.scenarios is not None and scenarios is not None:
            x = x + self.scenarios(scenarios)
        if self.places is not None:
            x = x + self.places.weight[: x.shape[1]]
        x = self.dropout(x)
        bias = self.bias(minutes_ago)  # (B or 1, H, T, T)
        for place, block in enumerate(self.blocks, start=1):
            x = block(x, bias, only_last=only_last and place == len(self.blocks))
        users = functional.normalize(self.norm(x), dim=2)  # (B, T or 1, D)
        return users[:, -1] if only_last else users


def _gaps(minutes_ago: Tensor) -> Tensor:
    """Minutes since the event before; 0 for the first; shape `(B, T)`."""
    return functional.pad(minutes_ago[:, :-1] - minutes_ago[:, 1:], (1, 0))
