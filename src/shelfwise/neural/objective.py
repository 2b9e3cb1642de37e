"""The objective: which of all items came next, by softmax over cosines."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

CHUNK = 256
"""Positions whose logits exist at a time: 256 x 12,000 in half precision fit the processor's cache."""

WIDTH = 64
"""Positions are filled up to a multiple of this: kernels are made per shape, kept, and shapes must not be countless."""


def full_softmax(users: Tensor, items: Tensor, targets: Tensor, scale: Tensor, *, half: bool = False) -> Tensor:
    """Mean negative log-likelihood of the targets, among all items.

    `-log(exp(s u·i_t) / sum_j exp(s u·i_j))`, where `s` is the scale, the inverse of a temperature. Gradients are made
    together with the value, a few hundred positions at a time, so that the `(P, N)` logits never exist.

    Args:
        users: Of length 1; shape `(P, D)`.
        items: Of length 1; shape `(N, D)`.
        targets: Which item came next; shape `(P,)`.
        scale: A scalar, may be learned.
        half: Multiply in bfloat16: three times as fast on processors that know it; sums stay in single precision.

    Cost:
        6 P N D multiplications, forwards and backwards together; `CHUNK * N` numbers of memory.

    Source:
        The idea of Liger's and Apple's fused cross-entropy (2024). That cosines are bounded by 1 spares the pass over
        the logits that looks for their maximum.
    """
    return _FullSoftmax.apply(users, items, targets, scale, half)  # type: ignore[no-any-return]


class _FullSoftmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, users: Tensor, items: Tensor, targets: Tensor, scale: Tensor, half: bool) -> Tensor:
        kind = torch.bfloat16 if half else users.dtype
        factor = scale.detach().to(users.dtype)
        filled = functional.pad(users * factor, (0, 0, 0, -len(users) % WIDTH))  # zeros weigh nothing
        scaled, all_items = filled.to(kind), items.to(kind)
        to_users, to_items, totals = torch.empty_like(filled), torch.zeros_like(items), filled.new_empty(len(filled))
        for start in range(0, len(filled), CHUNK):
            part = slice(start, start + CHUNK)
            weights = (scaled[part] @ all_items.T).sub_(factor.to(kind)).exp_()  # (CHUNK, N), none above 1
            total = totals[part] = weights.sum(1, dtype=users.dtype)  # (CHUNK,)
            to_users[part] = (weights @ all_items).to(users.dtype) / total.unsqueeze(1)
            share = (filled[part] / total.unsqueeze(1)).to(kind)
            to_items += (weights.T @ share).to(items.dtype)
        to_users = to_users[: len(users)]
        log_sum = totals[: len(users)].log().sum() + factor * len(users)
        right = items[targets]  # (P, D)
        to_users -= right
        cosines = (users * right).sum(1)
        to_items.index_add_(0, targets, users * factor, alpha=-1)
        n = max(len(users), 1)
        ctx.save_for_backward(to_users * (factor / n), to_items / n, (users * to_users).sum() / n)
        return (log_sum - factor * cosines.sum()) / n

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, Tensor, None]:
        to_users, to_items, to_scale = ctx.saved_tensors
        return gradients[0] * to_users, gradients[0] * to_items, None, gradients[0] * to_scale, None


def sampled_softmax(
    users: Tensor, items: Tensor, targets: Tensor, scale: Tensor, drawn: Tensor, log_q: Tensor
) -> Tensor:
    """The same among each position's target and shared negatives, corrected for how likely each was to be drawn.

    A negative `j` enters with the logit `s u·i_j - log q_j`; where it is the position's own target, it is left out.

    Args:
        users: Shape `(P, D)`.
        items: Shape `(N, D)`.
        targets: Shape `(P,)`.
        drawn: Negatives, with repeats; shape `(K,)`.
        log_q: Log of the expected number of times that each item of the catalogue is among the drawn; shape `(N,)`.

    Source:
        Jean et al. (2015); Yi et al. (2019), Sampling-Bias-Corrected Neural Modeling.
    """
    right = scale * (users * functional.embedding(targets, items)).sum(1)  # (P,)
    wrong = scale * (users @ functional.embedding(drawn, items).T) - log_q[drawn]  # (P, K)
    wrong = wrong.masked_fill(drawn.unsqueeze(0) == targets.unsqueeze(1), float("-inf"))
    return functional.cross_entropy(
        torch.cat([right.unsqueeze(1), wrong], 1), torch.zeros(len(users), dtype=torch.long, device=users.device)
    )


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
