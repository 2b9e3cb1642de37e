"""The ranking network: one answer per candidate and objective.

    features ── quantiles ─┐
    hour, weekday, device ─┤
    history ── attention ──┼─ gate by scenario ─┬─ shared experts ──┐
    candidate's vector ────┤                    └─ own experts ─────┴─ mixed per objective ── gate ── tower ─┬─ chain
    others in the list ────┘                                                       position in the list ─────┘

The chain makes what can only follow what it follows: log P(purchase) = log P(click) + log P(purchase | click), learned
over everything that was shown.

Source:
    Ma et al. (2018), ESMM: Entire Space Multi-Task Model; Tang et al. (2020), Progressive Layered Extraction; Chang et
    al. (2023), PEPNet; Zhou et al. (2018), Deep Interest Network (target attention).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from shelfwise.neural.ranking.list_context import BesideMean, ListAttention
from shelfwise.neural.ranking.same_item import SameItem
from shelfwise.neural.ranking.settings import RankingOptions

N_POSITIONS = 64
"""Places in a list that are told apart; all further ones are one."""

N_AGES = 16
"""Classes of an event's age, by powers of two of minutes."""

N_AGES_S = 24
"""The same by powers of two of seconds, where it matters what was done just now."""

LIST_HEADS = 2
MASKED = -1e9


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes that follow from the shop.

    Attributes:
        n_features: Columns.
        n_context: What else is known of a request.
        vector_dim: Length of items' vectors; 0 where there are none.
        n_kinds: Kinds of events.
        n_scenarios: Places that ask, the unknown one among them.
        parents: Of each objective, the place of the one that it follows; -1 for none. Parents come first.
        measured: Of each objective, whether seconds are measured.
    """

    n_features: int
    n_context: int
    vector_dim: int
    n_kinds: int
    n_scenarios: int
    parents: tuple[int, ...]
    measured: tuple[bool, ...]


class Quantiles(nn.Module):
    """Each feature by where it stands among what was seen of it, in [-1, 1], and whether it is known at all.

    A piecewise linear map through the quantiles: whatever the feature's scale, and with no more than a column's worth
    of parameters.
    """

    knots: Tensor

    def __init__(self, knots: Tensor, *, in_steps: bool = False) -> None:
        """Take quantiles.

        Args:
            knots: Shape `(F, Q)`, never falling along each line.
            in_steps: Whether the steps from one quantile to the next are told one by one, and not only how many of them
                a value has taken: Q - 1 numbers for each feature, with which a straight line can rise and fall.

        Source:
            Gorishniy et al. (2022), On Embeddings for Numerical Features: piecewise linear encoding.
        """
        super().__init__()
        self.in_steps = in_steps
        n_features, n_knots = knots.shape
        self.n_out = n_features * (n_knots if in_steps else 2)
        self.register_buffer("knots", knots)

    def forward(self, features: Tensor) -> Tensor:
        """Shape `(N, F)` to `(N, n_out)`; an unknown feature stands at 0."""
        is_missing = features.isnan()
        low, high = self.knots[:, :-1], self.knots[:, 1:]
        known = torch.where(is_missing, torch.zeros_like(features), features).unsqueeze(-1)
        steps = ((known - low) / (high - low).clamp(min=1e-6)).clamp(0, 1)
        if self.in_steps:
            told = torch.where(is_missing.unsqueeze(-1), torch.zeros_like(steps), steps * 2 - 1)
            return torch.cat([told.flatten(1), is_missing.to(steps.dtype)], dim=-1)
        place = steps.mean(-1) * 2 - 1
        return torch.cat([torch.where(is_missing, torch.zeros_like(place), place), is_missing.to(place.dtype)], dim=-1)


class TargetAttention(nn.Module):
    """What of the history speaks for this candidate: its events weighed by how well each fits the candidate."""

    def __init__(self, shape: Shape, dim: int) -> None:
        super().__init__()
        self.candidate = nn.Linear(shape.vector_dim, dim)
        self.event = nn.Linear(shape.vector_dim, dim)
        self.kind = nn.Embedding(shape.n_kinds, dim)
        self.age = nn.Embedding(N_AGES, dim)
        self.nobody = nn.Parameter(torch.zeros(1, 1, dim))
        self.scale = dim**-0.5

    def forward(
        self, candidates: Tensor, history: Tensor, kinds: Tensor, minutes: Tensor, absent: Tensor, owners: Tensor
    ) -> Tensor:
        """Attend.

        Args:
            candidates: Vectors; shape `(N, D)`.
            history: Vectors of events; shape `(B, T, D)`.
            kinds: Codes; shape `(B, T)`.
            minutes: Before the request; shape `(B, T)`.
            absent: Whether there is no such event; shape `(B, T)`.
            owners: Request of each candidate; shape `(N,)`.

        Returns:
            The attention's answer, the mean of the history and the candidate itself; shape `(N, 3 dim)`.
        """
        ages = torch.log2(minutes.clamp(min=0) + 1).long().clamp(max=N_AGES - 1)
        events = self.event(history) + self.kind(kinds) + self.age(ages)
        # One more place stands for "none of them", so that a history may be silent, or empty.
        events = torch.cat([self.nobody.expand(len(events), 1, -1), events], dim=1)
        absent = torch.cat([absent.new_zeros((len(absent), 1)), absent], dim=1)
        asking = self.candidate(candidates)
        keys = events[owners]
        fit = (keys @ asking.unsqueeze(-1)).squeeze(-1) * self.scale
        share = fit.masked_fill(absent[owners], MASKED).softmax(-1)
        heard = (share.unsqueeze(1) @ keys).squeeze(1)
        present = (~absent).to(events.dtype).unsqueeze(-1)
        mean = (events * present).sum(1) / present.sum(1)
        return torch.cat([heard, mean[owners], asking], dim=-1)


class Gate(nn.Module):
    """Scales each unit by 0 to 2, from the scenario and from what is scaled, which gets no gradient by this way."""

    def __init__(self, n_told: int, n_scenarios: int, n_units: int, dim: int = 8) -> None:
        super().__init__()
        self.scenario = nn.Embedding(n_scenarios, dim)
        self.inner = nn.Linear(n_told + dim, 16)
        self.outer = nn.Linear(16, n_units)
        nn.init.zeros_(self.outer.weight)  # every gate starts at 1: scenarios part where the data says so
        nn.init.zeros_(self.outer.bias)

    def forward(self, units: Tensor, told: Tensor, scenarios: Tensor) -> Tensor:
        """Shapes `(N, U)`, `(N, n_told)` and `(N,)` to `(N, U)`."""
        given = torch.cat([told.detach(), self.scenario(scenarios)], dim=-1)
        return units * 2 * torch.sigmoid(self.outer(functional.gelu(self.inner(given))))


def _list_context(n_in: int, options: RankingOptions) -> BesideMean | ListAttention | None:
    if options.list_context == "none":
        return None
    if options.list_context == "mean":
        return BesideMean(n_in)
    return ListAttention(n_in, options.list_dim, LIST_HEADS, options.dropout)


def _expert(n_in: int, width: int, n_out: int, dropout: float) -> nn.Module:
    return nn.Sequential(
        nn.Linear(n_in, width), nn.GELU(), nn.Dropout(dropout), nn.Linear(width, n_out), nn.GELU(), nn.Dropout(dropout)
    )


class RankingNetwork(nn.Module):
    """Predicts every objective for every candidate, by scenario."""

    def __init__(self, shape: Shape, options: RankingOptions, knots: Tensor) -> None:
        super().__init__()
        self.shape = shape
        n_objectives = len(shape.parents)
        self.quantiles = Quantiles(knots, in_steps=options.feature_steps)
        self.attention = TargetAttention(shape, options.attention_dim) if shape.vector_dim else None
        n_in = self.quantiles.n_out + shape.n_context + (3 * options.attention_dim if shape.vector_dim else 0)
        self.same = SameItem(shape.n_kinds, N_AGES_S, options.attention_dim // 2) if options.same_item else None
        n_in += 0 if self.same is None else self.same.n_out
        self.others = _list_context(n_in, options)
        n_in += 0 if self.others is None else self.others.n_out
        n_out = max(options.width // 2, 2)
        n_shared = 1 if options.experts == "shared" else options.n_shared
        n_own = options.n_own if options.experts == "ple" else 0
        self.by_scenario = Gate(n_in, shape.n_scenarios, n_in)
        self.shared = nn.ModuleList(_expert(n_in, options.width, n_out, options.dropout) for _ in range(n_shared))
        self.own = nn.ModuleList(
            nn.ModuleList(_expert(n_in, options.width, n_out, options.dropout) for _ in range(n_own))
            for _ in range(n_objectives)
        )
        self.mixing = nn.ModuleList(nn.Linear(n_in, n_shared + n_own) for _ in range(n_objectives))
        self.by_objective = nn.ModuleList(Gate(n_in, shape.n_scenarios, n_out) for _ in range(n_objectives))
        self.towers = nn.ModuleList(nn.Linear(n_out, 1) for _ in range(n_objectives))
        self.wide = nn.Linear(n_in, n_objectives, bias=False)
        self.positions = nn.Embedding(N_POSITIONS, n_objectives)
        nn.init.zeros_(self.wide.weight)
        nn.init.zeros_(self.positions.weight)

    def forward(
        self,
        x: Tensor,
        scenarios: Tensor,
        positions: Tensor,
        candidates: Tensor,
        history: Tensor,
        kinds: Tensor,
        minutes: Tensor,
        absent: Tensor,
        owners: Tensor,
        same: Tensor,
    ) -> Tensor:
        """Predict.

        Args:
            x: What `quantiles` makes of the features, and the context; shape `(N, n_out + C)`. Nothing in it is
                learned: it is made once.
            scenarios: Of each candidate's request; shape `(N,)`.
            positions: In the list shown; 0 where none was; shape `(N,)`.
            candidates: See `TargetAttention`, as all that follow.
            history: Likewise.
            kinds: Likewise.
            minutes: Likewise.
            absent: Likewise.
            owners: Likewise.
            same: See `SameItem`.

        Returns:
            Log-probabilities over everything shown; of what is measured, log(1 + seconds) where its parent happens;
            shape `(N, K)`.
        """
        if self.attention is not None:
            x = torch.cat([x, self.attention(candidates, history, kinds, minutes, absent, owners)], dim=-1)
        if self.same is not None:
            x = torch.cat([x, self.same(same, kinds, minutes, absent, owners)], dim=-1)
        if self.others is not None:
            x = torch.cat([x, self.others(x, owners, history.shape[0])], dim=-1)
        gated = self.by_scenario(x, x, scenarios)
        shared = [expert(gated) for expert in self.shared]
        logits: list[Tensor] = []
        for own, mixing, gate, tower in zip(self.own, self.mixing, self.by_objective, self.towers, strict=True):
            experts = torch.stack([*shared, *(expert(gated) for expert in own)], dim=1)
            mixed = (mixing(gated).softmax(-1).unsqueeze(1) @ experts).squeeze(1)
            logits.append(tower(gate(mixed, x, scenarios)))
        return self._chained(torch.cat(logits, dim=-1) + self.wide(gated) + self._of_position(positions))

    def _of_position(self, positions: Tensor) -> Tensor:
        """How much the place in the list does by itself: it moves the first objectives, and others through them."""
        is_root = torch.tensor([parent < 0 for parent in self.shape.parents], device=positions.device)
        return self.positions(positions.clamp(max=N_POSITIONS - 1)) * is_root

    def _chained(self, logits: Tensor) -> Tensor:
        found: list[Tensor] = []
        for column, (parent, is_measured) in enumerate(zip(self.shape.parents, self.shape.measured, strict=True)):
            if is_measured:
                found.append(functional.softplus(logits[:, column]))
                continue
            # log sigmoid; as such it would be exported as the logarithm of a number that vanishes at -90.
            own = -functional.softplus(-logits[:, column])
            found.append(own if parent < 0 else own + found[parent])
        return torch.stack(found, dim=-1)
