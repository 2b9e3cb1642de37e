"""Diversity as a part of the loss: who is shown how often, by a slate that gradients pass through.

    total = relevance + a (1 - entropy of items shown) + b (1 - entropy of names shown) + c KL(own mix, shown mix)

The relevance is the network's own loss; the three others look at the slates that it would show to the users of a step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from shelfwise.neural.exposure_options import ExposureOptions

SLATE = 10
"""Items of the slate that is looked at."""

SOFTNESS = 0.25
"""How gradually an item leaves the slate, see `soft_slate`."""

REACH = 20
"""Slates' worth of the best items that share in the sum, and widths within which the border is looked for."""

HALVINGS = 24
MASKED = -1e3
"""Logits below this are of items that may not be shown."""

NARROWEST = 1e-3

USERS = 256
"""Users of a step whose slates are looked at, at most."""

MEMORY = 0.8
"""Of the running exposure, from step to step: a step alone shows too few items to tell who is shown often, and a long
memory keeps pushing after the exposure has turned, so that items swing between always and never."""

LEAST = 1e-8


def soft_slate(logits: Tensor, k: int, softness: float = SOFTNESS) -> Tensor:
    """How much each item is in the slate: 1 for those well above the border, 0 for those well below, k in all.

    The border moves so that the sum stays k: who is pushed out makes room for the next. How soft it is follows each
    request's own logits, since a border that is sharp against their differences leaves those in the slate, and those
    who could be, without a gradient.

    Args:
        logits: Shape `(B, N)`, N above k.
        softness: Width of the border, as a share of the step from the middle of the slate to the end of another one.

    Returns:
        Shape `(B, N)`, each in (0, 1).

    Source:
        Top-k as a linear programme with an entropic regulariser: Xie et al. (2020), Differentiable Top-k with Optimal
        Transport; Petersen et al. (2022), Differentiable Top-k Classification Learning. Its solution is a sigmoid at
        the border, whose derivative follows from that of the sum.
    """
    with torch.no_grad():
        highest = logits.topk(min(logits.shape[-1], REACH * k), dim=-1).values
        among = (highest > MASKED).sum(-1, keepdim=True).clamp(min=k + 1)
        last = highest.gather(-1, (among - 1).clamp(max=2 * k - 1))
        width = softness * (highest[:, (k - 1) // 2].unsqueeze(-1) - last).clamp(min=NARROWEST)
        low, high = highest[:, k].unsqueeze(-1) - REACH * width, highest[:, k - 1].unsqueeze(-1) + REACH * width
        for _ in range(HALVINGS):
            border = (low + high) / 2
            excess = torch.sigmoid((highest - border) / width).sum(-1, keepdim=True) - k
            low, high = torch.where(excess > -NARROWEST, border, low), torch.where(excess < NARROWEST, border, high)
        border = (low + high) / 2
        slopes = torch.sigmoid((logits - border) / width)
        slopes = slopes * (1 - slopes)
        slopes = slopes / slopes.sum(-1, keepdim=True).clamp(min=LEAST)
    moved = border + (slopes * (logits - logits.detach())).sum(-1, keepdim=True)
    return torch.sigmoid((logits - moved) / width)


def evenness(shares: Tensor) -> Tensor:
    """Entropy of shares relative to that of equal ones: 1 where all are alike, 0 where one has everything; scalar."""
    shares = shares / shares.sum().clamp(min=LEAST)
    return -(shares * (shares + LEAST).log()).sum() / math.log(max(len(shares), 2))


def own_mix_gap(own: Tensor, shown: Tensor, smoothing: float = 0.01) -> Tensor:
    """KL divergence of what is shown from the user's own mix, the mean over users; scalar, never below 0.

    `sum_c p_c log(p_c / q'_c)` with `q' = (1 - smoothing) q + smoothing p`, so that what is not shown costs no
    infinity.

    Args:
        own: Shares, each line summing to 1, or to 0 for a user without any; shape `(B, C)`.
        shown: Shares likewise; shape `(B, C)`.

    Source:
        Steck (2018), Calibrated Recommendations.
    """
    mixed = (1 - smoothing) * shown + smoothing * own
    gaps = (own * ((own + LEAST).log() - (mixed + LEAST).log())).sum(-1)
    return gaps.mean()


@dataclass(slots=True)
class Exposure:
    """The terms' state from step to step.

    Attributes:
        of_items: Weight of the entropy over items.
        of_names: Weight of the entropy over categories and brands.
        own_mix: Weight of the divergence from the user's own mix of them.
        mix: Each item's names, sharing 1, or nothing; sparse, shape `(C, V)`.
        shown: Running exposure of items; shape `(C,)`.
    """

    of_items: float
    of_names: float
    own_mix: float
    mix: Tensor
    shown: Tensor

    @classmethod
    def of(cls, options: ExposureOptions, names: Tensor) -> Self | None:
        """From the names' codes of all items that may come next, `(C, M)`, 0 for none; None where no term counts."""
        if not (options.spread_items or options.spread_names or options.own_mix) or len(names) <= SLATE + 1:
            return None
        lines, places = torch.nonzero(names > 0, as_tuple=True)
        n_own = (names > 0).sum(1).clamp(min=1).float()
        mix = torch.sparse_coo_tensor(
            torch.stack([lines, names[lines, places] - 1]),
            1 / n_own[lines],
            (len(names), int(names.max()) if len(lines) else 1),
            check_invariants=True,
        ).coalesce()
        even = torch.full((len(names),), 1 / len(names), device=names.device)
        return cls(options.spread_items, options.spread_names, options.own_mix, mix, even)

    def loss(self, users: Tensor, items: Tensor, had: Tensor, scale: Tensor) -> Tensor:
        """The terms of one step of a network that scores every item by a cosine; scalar.

        Args:
            users: Vectors; shape `(B, D)`.
            items: Shape `(C, D)`.
            had: Items of each user's history, -1 for none; shape `(B, T)`.
            scale: Of the cosines.
        """
        if not len(users):
            return users.sum()
        own = self._marked(had)
        slates = soft_slate((scale * (users @ items.T)).masked_fill(own > 0, -1e4), SLATE)
        return self._terms(slates, own)

    def loss_of_candidates(self, scores: Tensor, rows: Tensor, owners: Tensor, had: Tensor) -> Tensor:
        """The terms of one step of a network that scores some candidates of each request; scalar.

        Requests of no more candidates than a slate holds show all of them whatever the scores, and say nothing.

        Args:
            scores: As logits; shape `(N,)`.
            rows: Item of each candidate; shape `(N,)`.
            owners: Request of each, ascending; shape `(N,)`.
            had: Items of each request's user, -1 for none; shape `(B, T)`.
        """
        n_each = torch.bincount(owners, minlength=len(had))
        is_chosen_from = n_each > SLATE
        if not bool(is_chosen_from.any()):
            return scores.sum() * 0
        place = torch.arange(len(owners), device=owners.device) - (n_each.cumsum(0) - n_each)[owners]
        grid = scores.new_full((len(had), int(n_each.max())), -1e4).index_put((owners, place), scores)
        soft = soft_slate(grid[is_chosen_from], SLATE)
        line = is_chosen_from.cumsum(0) - 1
        kept = is_chosen_from[owners]
        lines, columns = line[owners[kept]], place[kept]
        slates = soft.new_zeros((len(soft), len(self.shown)))
        slates = slates.index_put((lines, rows[kept]), soft[lines, columns], accumulate=True)
        return self._terms(slates, self._marked(had[is_chosen_from]))

    def _marked(self, had: Tensor) -> Tensor:
        """1 for every item of a user's history; shape `(B, C)`."""
        # One more column takes what is no item: there the mark may be set without harm.
        n_items = len(self.shown)
        own = torch.zeros((len(had), n_items + 1), device=had.device)
        own.scatter_(1, torch.where(had < 0, n_items, had), 1.0)
        return own[:, :-1]

    def _terms(self, slates: Tensor, own: Tensor) -> Tensor:
        """Of slates and histories; shape `(B, C)` each."""
        now = slates.mean(0)
        now = now / now.sum().clamp(min=LEAST)
        before = MEMORY * self.shown
        shown = before + (1 - MEMORY) * now
        self.shown = shown.detach()
        found = slates.sum() * 0
        if self.of_items:
            found = found + self.of_items * self._lifted(1 - evenness(shown))
        if self.of_names:
            found = found + self.of_names * self._lifted(1 - evenness(self._by_name(shown.unsqueeze(0)).squeeze(0)))
        if self.own_mix:
            found = found + self.own_mix * own_mix_gap(self._shares(own), self._shares(slates))
        return found

    @staticmethod
    def _lifted(term: Tensor) -> Tensor:
        """The same value, with the gradient that it had if the running exposure were of this step alone."""
        return term.detach() + (term - term.detach()) / (1 - MEMORY)

    def _by_name(self, shares: Tensor) -> Tensor:
        """From items to names; shapes `(B, C)` and `(B, V)`."""
        return torch.sparse.mm(self.mix.t(), shares.T).T

    def _shares(self, counts: Tensor) -> Tensor:
        found = self._by_name(counts)
        return found / found.sum(-1, keepdim=True).clamp(min=LEAST)
