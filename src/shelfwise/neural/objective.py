"""The objective: which of all items came next, by softmax over cosines."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

CHUNK = 256
"""Positions whose logits exist at a time: 256 x 12,000 in half precision fit the processor's cache."""

CHUNK_ON_GPU = 4_096
"""The same on a GPU, which a kernel over 256 positions keeps waiting: 4,096 x 50,000 in half precision are 0.4 GB."""

WIDTH = 64
"""Positions are filled up to a multiple of this: kernels are made per shape, kept, and shapes must not be countless."""


def full_softmax(
    users: Tensor,
    items: Tensor,
    targets: Tensor,
    scale: Tensor,
    *,
    prior: Tensor | None = None,
    weights: Tensor | None = None,
    half: bool = False,
) -> Tensor:
    """Mean negative log-likelihood of the targets, among all items.

    `-log(q_t exp(s u·i_t) / sum_j q_j exp(s u·i_j))`, where `s` is the scale, the inverse of a temperature. Gradients
    are made together with the value, a few hundred positions at a time, so that the `(P, N)` logits never exist.

    Args:
        users: Of length 1; shape `(P, D)`.
        items: Of length 1; shape `(N, D)`.
        targets: Which item came next; shape `(P,)`.
        scale: A scalar, may be learned.
        prior: What the softmax knows of each item beforehand, `q` in (0, 1], so that vectors need not learn it; shape
            `(N,)`; None: 1 for all.
        weights: Of the positions, their mean being 1; shape `(P,)`; None: 1 for all.
        half: Multiply in bfloat16: three times as fast on processors that know it; sums stay in single precision.

    Cost:
        6 P N D multiplications, forwards and backwards together; `CHUNK * N` numbers of memory, on a
        GPU `CHUNK_ON_GPU * N`.

    Source:
        The idea of Liger's and Apple's fused cross-entropy (2024). That cosines are bounded by 1 spares the pass over
        the logits that looks for their maximum. The prior: Menon et al. (2021), Long-Tail Learning via Logit
        Adjustment; the weights: Schnabel et al. (2016), Recommendations as Treatments.
    """
    return _FullSoftmax.apply(users, items, targets, scale, prior, weights, half)  # type: ignore[no-any-return]


class _FullSoftmax(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        users: Tensor,
        items: Tensor,
        targets: Tensor,
        scale: Tensor,
        prior: Tensor | None,
        weights: Tensor | None,
        half: bool,
    ) -> Tensor:
        kind = torch.bfloat16 if half else users.dtype
        factor = scale.detach().to(users.dtype)
        filled = functional.pad(users * factor, (0, 0, 0, -len(users) % WIDTH))  # zeros weigh nothing
        scaled, all_items = filled.to(kind), items.to(kind)
        to_users, to_items, totals = torch.empty_like(filled), torch.zeros_like(items), filled.new_empty(len(filled))
        padded = filled.new_zeros(0) if weights is None else functional.pad(weights, (0, -len(users) % WIDTH))
        chunk = CHUNK_ON_GPU if users.is_cuda else CHUNK
        for start in range(0, len(filled), chunk):
            part = slice(start, start + chunk)
            odds = (scaled[part] @ all_items.T).sub_(factor.to(kind)).exp_()  # (CHUNK, N), none above 1
            if prior is not None:
                odds.mul_(prior.to(kind))
            total = totals[part] = odds.sum(1, dtype=users.dtype)  # (CHUNK,)
            to_users[part] = (odds @ all_items).to(users.dtype) / total.unsqueeze(1)
            counted = filled[part] if weights is None else filled[part] * padded[part].unsqueeze(1)
            share = (counted / total.unsqueeze(1)).to(kind)
            to_items += (odds.T @ share).to(items.dtype)
        to_users = to_users[: len(users)]
        right = items[targets]  # (P, D)
        losses = totals[: len(users)].log() + factor - factor * (users * right).sum(1)  # (P,)
        if prior is not None:
            losses -= prior[targets].log()
        to_users -= right
        to_right = users * factor
        if weights is not None:
            losses *= weights
            to_users *= weights.unsqueeze(1)
            to_right = to_right * weights.unsqueeze(1)
        to_items.index_add_(0, targets, to_right, alpha=-1)
        n = max(len(users), 1)
        ctx.save_for_backward(to_users * (factor / n), to_items / n, (users * to_users).sum() / n)
        return losses.sum() / n

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        to_users, to_items, to_scale = ctx.saved_tensors
        return gradients[0] * to_users, gradients[0] * to_items, None, gradients[0] * to_scale, None, None, None


def sampled_softmax(
    users: Tensor,
    items: Tensor,
    targets: Tensor,
    scale: Tensor,
    drawn: Tensor,
    log_q: Tensor,
    *,
    prior: Tensor | None = None,
    weights: Tensor | None = None,
) -> Tensor:
    """The same among each position's target and shared negatives, corrected for how likely each was to be drawn.

    A negative `j` enters with the logit `s u·i_j - log q_j`; where it is the position's own target, it is left out.

    Args:
        users: Shape `(P, D)`.
        items: Shape `(N, D)`.
        targets: Shape `(P,)`.
        drawn: Negatives, with repeats; shape `(K,)`.
        log_q: Log of the expected number of times that each item of the catalogue is among the drawn; shape `(N,)`.
        prior: See `full_softmax`, as `weights`.

    Source:
        Jean et al. (2015); Yi et al. (2019), Sampling-Bias-Corrected Neural Modeling.
    """
    right = scale * (users * functional.embedding(targets, items)).sum(1)  # (P,)
    wrong = scale * (users @ functional.embedding(drawn, items).T) - log_q[drawn]  # (P, K)
    if prior is not None:
        right, wrong = right + prior[targets].log(), wrong + prior[drawn].log()
    wrong = wrong.masked_fill(drawn.unsqueeze(0) == targets.unsqueeze(1), float("-inf"))
    losses = functional.cross_entropy(
        torch.cat([right.unsqueeze(1), wrong], 1),
        torch.zeros(len(users), dtype=torch.long, device=users.device),
        reduction="none",
    )
    return (losses if weights is None else losses * weights).mean()


def draw(targets: Tensor, frequencies: Tensor, n_uniform: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Negatives for one step: `n_uniform` of all items, and the step's own targets.

    Args:
        targets: Of the step; shape `(P,)`.
        frequencies: How often each item is a target, summing to 1; shape `(N,)`.

    Returns:
        What was drawn, `(n_uniform + P,)`, and each item's log of the expected number of draws, `(N,)`.
    """
    n_items = len(frequencies)
    uniform = torch.randint(n_items, (n_uniform,), generator=generator).to(targets.device)
    expected = n_uniform / n_items + len(targets) * frequencies
    return torch.cat([uniform, targets]), torch.log(expected)
