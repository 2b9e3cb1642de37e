"""The objectives' losses, and how they become one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from shelfwise.errors import MissingExtraError
from shelfwise.neural.ranking.network import Shape

CERTAIN = -1e-6
"""Log-probabilities are kept below this, so that their complement has a logarithm."""


def losses(predicted: Tensor, outcomes: Tensor, weights: Tensor, shape: Shape) -> list[Tensor]:
    """One loss per objective, each a scalar; 0 where nothing of it is known.

    What happens or not: the cross-entropy per candidate over everything shown, against that of always saying the share
    that happened: so that rare objectives count as much as frequent ones. What is measured: the squared error of
    log(1 + seconds), where seconds were told, against their variance.

    Args:
        predicted: As the network answers; shape `(N, K)`.
        outcomes: 1, 0, seconds or NaN; shape `(N, K)`.
        weights: Of each candidate; shape `(N,)`.
        shape: Of the network.
    """
    found: list[Tensor] = []
    for column, is_measured in enumerate(shape.measured):
        wanted, said = outcomes[:, column], predicted[:, column]
        known = ~wanted.isnan()
        if is_measured:
            known = known & (wanted > 0)
        if not bool(known.any()):
            found.append(said.sum() * 0)
            continue
        wanted, said, weight = wanted[known], said[known], weights[known]
        if is_measured:
            found.append(((said - torch.log1p(wanted)) ** 2).mean())
            continue
        said = said.clamp(max=CERTAIN)
        entropy = -(wanted * said + (1 - wanted) * torch.log1p(-said.exp()))
        found.append((entropy * weight).sum() / weight.sum())
    return found


def list_loss(predicted: Tensor, outcomes: Tensor, owners: Tensor, n_requests: int, shape: Shape) -> Tensor:
    """Whether what happened in a request happened to the right candidates: cross-entropy of a softmax over them.

    The mean over requests of the first objectives, those that follow no other: where they happened to a candidate, each
    in equal parts. A scalar; 0 where nothing happened.

    Args:
        predicted: As the network answers; shape `(N, K)`.
        outcomes: 1, 0, seconds or NaN; shape `(N, K)`.
        owners: Request of each candidate; shape `(N,)`.
        n_requests: Of the batch.
        shape: Of the network.

    Source:
        Bruch et al. (2019), An Analysis of the Softmax Cross Entropy Loss for Learning-to-Rank with Binary Relevance.
    """
    total = predicted.sum() * 0
    for column, (parent, is_measured) in enumerate(zip(shape.parents, shape.measured, strict=True)):
        if parent >= 0 or is_measured:
            continue
        odds = log_odds(predicted[:, column])
        happened = (outcomes[:, column] == 1).to(odds.dtype)
        highest = odds.new_full((n_requests,), -torch.inf).scatter_reduce(0, owners, odds.detach(), "amax")
        mass = odds.new_zeros(n_requests).index_add(0, owners, (odds - highest[owners]).exp())
        log_share = odds - highest[owners] - mass.log()[owners]
        n_happened = odds.new_zeros(n_requests).index_add(0, owners, happened)
        has = n_happened > 0
        if bool(has.any()):
            told = odds.new_zeros(n_requests).index_add(0, owners, happened * log_share)
            total = total - (told[has] / n_happened[has]).mean()
    return total


def log_odds(predicted: Tensor) -> Tensor:
    """Of log-probabilities."""
    said = predicted.clamp(max=CERTAIN)
    return said - torch.log(-torch.expm1(said))


def order_logits(predicted: Tensor, shape: Shape) -> Tensor:
    """What candidates are ordered by while training: the mean log-odds of all that happens or not; shape `(N,)`.

    Which objective counts how much is chosen after training, or by the request.
    """
    columns = [column for column, is_measured in enumerate(shape.measured) if not is_measured]
    return log_odds(predicted[:, columns]).mean(dim=1) if columns else predicted.mean(dim=1)


def scales(outcomes: Tensor, weights: Tensor, shape: Shape) -> Tensor:
    """What each loss is divided by: that of always saying the mean; shape `(K,)`."""
    found: list[float] = []
    for column, is_measured in enumerate(shape.measured):
        wanted = outcomes[:, column]
        known = ~wanted.isnan() & (wanted > 0 if is_measured else torch.ones_like(wanted, dtype=torch.bool))
        if is_measured:
            found.append(max(float(torch.log1p(wanted[known]).var(correction=0)) if bool(known.any()) else 1.0, 1e-3))
            continue
        share = float((wanted[known] * weights[known]).sum() / weights[known].sum().clamp(min=1e-9))
        share = min(max(share, 1e-7), 1 - 1e-7)
        found.append(float(-(share * torch.log(torch.tensor(share)) + (1 - share) * torch.log1p(torch.tensor(-share)))))
    return torch.tensor(found)


class Balance(nn.Module):
    """Turns several losses into the gradients of one step.

    Source:
        Kendall et al. (2018), Multi-Task Learning Using Uncertainty; Quinton and Rey (2024), Jacobian Descent (UPGrad);
        Désidéri (2012), MGDA; Yu et al. (2020), PCGrad; Navon et al. (2022), Multi-Task Learning as a Bargaining Game.
    """

    def __init__(self, how: str, names: Sequence[str], weights: Mapping[str, float]) -> None:
        """Choose.

        Raises:
            MissingExtraError: torchjd is not installed and the way needs it.
        """
        super().__init__()
        self.how = how
        self.fixed = [float(weights.get(name, 1.0)) for name in names]
        self.log_variances = nn.Parameter(torch.zeros(len(names)), requires_grad=how == "uncertainty")
        self.aggregator = None if how in ("fixed", "uncertainty") else _aggregator(how)

    def backward(self, found: Sequence[Tensor], parameters: Sequence[nn.Parameter]) -> float:
        """Fill the parameters' gradients; the sum of the losses is answered."""
        if self.aggregator is not None:
            from torchjd.autojac import backward, jac_to_grad

            told = [loss for loss in found if loss.requires_grad]
            backward(told, parallel_chunk_size=1)  # all at once is slower on a processor, and takes more memory
            jac_to_grad([one for one in parameters if getattr(one, "jac", None) is not None], self.aggregator)
        elif self.how == "uncertainty":
            scaled = torch.exp(-self.log_variances) * torch.stack(list(found)) + self.log_variances / 2
            scaled.sum().backward()
        else:
            sum(weight * loss for weight, loss in zip(self.fixed, found, strict=True)).backward()  # type: ignore[union-attr]
        return float(sum(loss.detach() for loss in found))


def _aggregator(how: str) -> nn.Module:
    try:
        from torchjd import aggregation

        from shelfwise.neural.ranking.nash import Nash
    except ImportError as cause:
        raise MissingExtraError(
            "torchjd is not installed", where="rank.balance", hint="pip install 'shelfwise[train]'"
        ) from cause
    ways = {"upgrad": aggregation.UPGrad, "mgda": aggregation.MGDA, "pcgrad": aggregation.PCGrad, "nash": Nash}
    return ways[how]()
