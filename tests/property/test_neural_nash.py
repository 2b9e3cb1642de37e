"""Nash's bargain against its definition: no other step of the same length has a larger product of gains."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("torchjd")

from shelfwise.neural.ranking.nash import Nash, NashWeighting  # noqa: E402

SIZES = st.integers(1, 5)
SEEDS = st.integers(0, 10_000)


def gradients(n: int, seed: int, scale: float = 1.0) -> Any:
    """Of unlike lengths, by up to a thousand; shape `(n, 7)`."""
    random = torch.Generator().manual_seed(seed)
    lengths = 10 ** (3 * torch.rand(n, 1, generator=random) - 1.5)
    return scale * lengths.double() * torch.randn(n, 7, generator=random).double()


@given(SIZES, SEEDS)
def test_each_weight_is_one_over_its_gain(n: int, seed: int) -> None:
    products = gradients(n, seed) @ gradients(n, seed).T
    weights = NashWeighting()(products)
    # The ridge is small against the longest gradient, and not always against the shortest one.
    ridge = 1e-6 * products.diagonal().mean() * torch.eye(n)
    gains = (products + ridge) @ weights / products.norm()
    assert (weights > 0).all()
    torch.testing.assert_close(weights * gains, torch.ones(n).double(), rtol=1e-6, atol=1e-6)


@given(st.integers(2, 4), SEEDS)
def test_no_step_of_that_length_has_a_larger_product_of_gains(n: int, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    rows = torch.randn(n, 7, generator=random).double()
    step = Nash()(rows)
    gains = rows @ step
    assert (gains > 0).all(), "nobody pays"
    others = step + 0.3 * step.norm() * torch.randn(2_000, 7, generator=random).double()
    others = others / others.norm(dim=1, keepdim=True) * step.norm()
    theirs = others @ rows.T
    products = torch.where((theirs > 0).all(dim=1), theirs.clamp(min=0).prod(dim=1), torch.zeros(len(theirs)).double())
    assert products.max() <= gains.prod() * (1 + 1e-5)


def test_how_long_a_gradient_is_does_not_decide() -> None:
    rows = torch.tensor([[1.0, 0.2], [0.1, 1.0]]).double()
    step, longer = Nash()(rows), Nash()(rows * torch.tensor([[1.0], [30.0]]))
    torch.testing.assert_close(step / step.norm(), longer / longer.norm(), rtol=1e-3, atol=1e-3)


def test_what_has_no_gradient_takes_no_part_and_opposites_do_not_break_it() -> None:
    step = Nash()(torch.tensor([[0.0, 0.0], [3.0, 4.0]]))
    torch.testing.assert_close(step / step.norm(), torch.tensor([0.6, 0.8]))
    assert (Nash()(torch.zeros(2, 3)) == 0).all()
    against = Nash()(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))
    assert torch.isfinite(against).all() and against.norm() < 1e-3
