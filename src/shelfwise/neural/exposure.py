"""Diversity as a part of the loss: who is shown how often, by a slate that gradients pass through.

    total = relevance + a (1 - entropy of items shown) + b (1 - entropy of names shown) + c KL(own mix, shown mix)

The relevance is the softmax over what came next; the three others look at the slates that the network would show to
the users of a step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from shelfwise.neural.settings import NetworkOptions

SLATE = 10
"""Items of the slate that is looked at."""

SOFTNESS = 0.5
"""How gradually an item leaves the slate, in units of the logits."""

USERS = 256
"""Users of a step whose slates are looked at, at most."""

MEMORY = 0.95
"""Of the running exposure, from step to step: a step alone shows too few items to tell who is shown often."""

LEAST = 1e-8


def soft_slate(logits: Tensor, k: int, softness: float = SOFTNESS) -> Tensor:
    """How much each item is in the slate: 1 for those well above the border, 0 for those well below.

    The border lies between the k-th and the one after it, so that the sum is near k.

    Args:
        logits: Shape `(B, N)`, N above k.

    Returns:
        Shape `(B, N)`, each in (0, 1).

    Source:
        In the spirit of Xie et al. (2020), Differentiable Top-k with Optimal Transport; a sigmoid at the border is all
        that is needed where the border itself gets no gradient.
    """
    highest = logits.detach().topk(k + 1, dim=-1).values
    border = (highest[:, k - 1] + highest[:, k]) / 2
    return torch.sigmoid((logits - border.unsqueeze(-1)) / softness)


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
    def of(cls, options: NetworkOptions, names: Tensor) -> Self | None:
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
        """The terms of one step; scalar.

        Args:
            users: Vectors; shape `(B, D)`.
            items: Shape `(C, D)`.
            had: Items of each user's history, -1 for none; shape `(B, T)`.
            scale: Of the cosines.
        """
        if not len(users):
            return users.sum()
        # One more column takes what is no item: there the mark may be set without harm.
        own = torch.zeros((len(users), len(items) + 1), device=users.device)
        own.scatter_(1, torch.where(had < 0, len(items), had), 1.0)
        own = own[:, :-1]
        slates = soft_slate((scale * (users @ items.T)).masked_fill(own > 0, -1e4), SLATE)
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
