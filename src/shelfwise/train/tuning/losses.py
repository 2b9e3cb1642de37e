"""In-batch softmax losses. Needs torch."""

from __future__ import annotations

import torch
from torch import Tensor


def info_nce(
    similarity: Tensor,
    lines: Tensor,
    columns: Tensor,
    weights: Tensor,
    blocked: Tensor,
    *,
    temperature: float,
    log_q: Tensor,
    symmetric: bool,
) -> Tensor:
    """How well each anchor tells its item from the others of the batch.

    For pair `p` with anchor `a`, item `c` and `s = similarity / temperature`:

        -log( exp s[a, c] / (exp s[a, c] + sum over j not blocked for a of exp(s[a, j] - log_q[j])) )

    and, where `symmetric`, half of that plus half of the same over the anchors that the item might have come from,
    uncorrected. Popular items are in more batches, so that as negatives they would be pushed away for their popularity
    alone: `log_q` takes that off. The right item is not sampled and so not corrected.

    Args:
        similarity: Cosines of anchors with candidates; shape `(A, C)`.
        lines: Each pair's anchor; shape `(P,)`.
        columns: Each pair's item; shape `(P,)`.
        weights: Above 0; shape `(P,)`.
        blocked: What is no negative, every right item among it; shape `(A, C)`.
        temperature: Above 0.
        log_q: Logarithm of how likely each candidate is drawn, up to a constant; shape `(C,)`.
        symmetric: Whether items must find their anchors too.

    Returns:
        The weighted mean over pairs; a scalar.

    Source:
        van den Oord et al. (2018), InfoNCE; Yi et al. (2019), Sampling-Bias-Corrected Neural Modeling, where the right
        item is corrected too; Khrylchenko et al. (2025), Correcting the LogQ Correction, on why it should not be.
    """
    scaled = similarity / temperature
    right = scaled[lines, columns]
    negative = scaled.masked_fill(blocked, -torch.inf)
    others = torch.logsumexp(negative - log_q, dim=1)[lines]
    loss = _surprise(right, others)
    if symmetric:
        loss = 0.5 * loss + 0.5 * _surprise(right, torch.logsumexp(negative, dim=0)[columns])
    return (weights * loss).sum() / weights.sum()


def _surprise(right: Tensor, others: Tensor) -> Tensor:
    # -log(exp right / (exp right + exp others)); with no negatives at all others is -inf, and nothing is lost.
    return torch.nn.functional.softplus(others - right)


def log_frequency(counts: Tensor) -> Tensor:
    """The correction for items that are drawn as often as `counts` says; its mean over draws is 0.

    Args:
        counts: How often each item is a positive, 0 for one that only ever comes as an anchor or hard negative; shape
            `(n_items,)`.
    """
    share = (counts + 1.0) / (counts + 1.0).sum()
    return share.log() - (share * share.log()).sum()
