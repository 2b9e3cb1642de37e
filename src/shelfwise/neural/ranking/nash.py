"""Nash's bargain between objectives: a step of which no objective could gain a share without others losing more.

Each objective's gain is how far the step goes along its gradient; the bargain maximises the product of gains among
steps of one length. Needs torch.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torchjd.aggregation import GramianWeightedAggregator, Weighting
from torchjd.linalg import PSDMatrix

N_STEPS = 100
EXACT = 1e-10
"""Newton decrement at which the bargain is struck."""

RIDGE = 1e-6
"""Share of the mean squared length added to each gradient's own: gradients that cancel out exactly have no bargain."""

NOTHING = 1e-12
"""Share of the mean squared length below which a gradient says nothing; it takes no part."""


class NashWeighting(Weighting[PSDMatrix]):
    """Weights a with G a = 1 / a, where G are the gradients' products.

    They are the one minimum of a' G a / 2 - sum(log a), which damped Newton steps reach from anywhere, since the
    function is self-concordant: no solver is needed.

    Source:
        Navon et al. (2022), Multi-Task Learning as a Bargaining Game, claim 3.1. They solve the equation by a sequence
        of convex programs, and torchjd's `NashMTL` with them, by a solver under the GPL. As there, products are divided
        by their norm first, so that steps shorten where gradients do.
    """

    def forward(self, gramian: PSDMatrix, /) -> Tensor:
        """Shape `(K, K)` to `(K,)`; all above 0, but for gradients that say nothing."""
        products = gramian.detach().double().cpu()
        own = products.diagonal()
        mean = own.mean()
        takes_part = own > NOTHING * mean
        weights = torch.zeros_like(own)
        if bool(takes_part.any()):
            among = products[takes_part][:, takes_part]
            among = among / among.norm()
            among = among + RIDGE * among.diagonal().mean() * torch.eye(len(among), dtype=among.dtype)
            weights[takes_part] = _bargain(among)
        return weights.to(gramian.device, gramian.dtype)


class Nash(GramianWeightedAggregator):
    """Combines gradients by `NashWeighting`."""

    def __init__(self) -> None:
        super().__init__(NashWeighting())


def _bargain(products: Tensor) -> Tensor:
    weights = products.diagonal().rsqrt()  # right where no gradient has to do with another
    for _ in range(N_STEPS):
        slope = products @ weights - 1 / weights
        curve = products + torch.diag(weights**-2)
        step = torch.linalg.solve(curve, slope)
        decrement = float((slope @ step).clamp(min=0).sqrt())
        weights = weights - step / (1 + decrement if decrement > 0.25 else 1)
        if decrement < EXACT:
            break
    return weights
