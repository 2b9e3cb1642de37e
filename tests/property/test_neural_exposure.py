"""Terms of diversity in training, against their definitions written out, and what they do."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from shelfwise.neural.exposure import SLATE, Exposure, evenness, own_mix_gap, soft_slate
from shelfwise.neural.settings import NetworkOptions

shares = st.lists(st.floats(0, 1, allow_subnormal=False), min_size=2, max_size=12).filter(
    lambda found: sum(found) > 0.1
)


@given(shares)
def test_evenness_is_the_entropy_of_shares_against_equal_ones(found: list[float]) -> None:
    total = sum(found)
    entropy = -sum(one / total * math.log(one / total) for one in found if one > 1e-200)
    wanted = entropy / math.log(len(found))
    assert float(evenness(torch.tensor(found, dtype=torch.float64))) == pytest.approx(wanted, abs=1e-4)


@given(st.integers(2, 8), st.integers(0, 1_000))
def test_the_gap_is_the_divergence_of_smoothed_shares(n_names: int, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    own, shown = (functional.normalize(torch.rand(3, n_names, generator=random).double(), p=1, dim=1) for _ in "ab")
    wanted = 0.0
    for mine, theirs in zip(own.tolist(), shown.tolist(), strict=True):
        for p, q in zip(mine, theirs, strict=True):
            wanted += p * math.log(p / (0.99 * q + 0.01 * p)) / 3 if p > 0 else 0.0
    assert float(own_mix_gap(own, shown)) == pytest.approx(wanted, abs=1e-6)
    assert float(own_mix_gap(own, own)) == pytest.approx(0, abs=1e-6)
    assert float(own_mix_gap(own, shown)) >= -1e-7


@given(st.integers(1, 5), st.integers(0, 1_000))
@settings(max_examples=40)
def test_a_hard_slate_is_the_best_k(k: int, seed: int) -> None:
    logits = torch.randn(4, 12, generator=torch.Generator().manual_seed(seed)).double() * 5
    found = soft_slate(logits, k, softness=1e-9)
    wanted = torch.zeros_like(logits).scatter(1, logits.topk(k).indices, 1.0)
    torch.testing.assert_close(found, wanted)
    soft = soft_slate(logits, k, softness=0.3)
    assert torch.all(soft.argsort(1) == logits.argsort(1))


def exposure(names: torch.Tensor, **options: float) -> Exposure:
    found = Exposure.of(NetworkOptions(**options), names)  # type: ignore[arg-type]
    assert found is not None
    return found


def test_without_weights_there_is_no_term() -> None:
    assert Exposure.of(NetworkOptions(), torch.ones(100, 8, dtype=torch.long)) is None
    assert Exposure.of(NetworkOptions(spread_items=1.0), torch.ones(SLATE, 8, dtype=torch.long)) is None


@pytest.mark.parametrize("option", ["spread_items", "spread_names", "own_mix"])
def test_each_term_alone_improves_what_it_is_named_for(option: str) -> None:
    """Descending on one term makes items, names, or users' mixes more as they should be."""
    random = torch.Generator().manual_seed(4)
    n_items, n_users = 80, 40
    names = torch.randint(1, 9, (n_items, 1), generator=random)
    items = functional.normalize(torch.randn(n_items, 6, generator=random), dim=1)
    users = functional.normalize(torch.randn(n_users, 6, generator=random) + 2 * items[0], dim=1).requires_grad_()
    had = torch.randint(0, n_items, (n_users, 5), generator=random)
    term = exposure(names, **{option: 1.0})
    optimiser = torch.optim.Adam([users], lr=0.02)
    scale = torch.tensor(16.0)
    before = judged(option, users, items, names, had)
    for _ in range(120):
        loss = term.loss(functional.normalize(users, dim=1), items, had, scale)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert judged(option, users, items, names, had) < before * 0.8


def judged(option: str, users: torch.Tensor, items: torch.Tensor, names: torch.Tensor, had: torch.Tensor) -> float:
    """What a term is named for, counted on slates without softness; lower is better."""
    scores = functional.normalize(users.detach(), dim=1) @ items.T
    had = had.clamp(min=0)
    slates = torch.zeros_like(scores).scatter(1, scores.scatter(1, had, -2.0).topk(SLATE).indices, 1.0)
    kinds = functional.one_hot(names.squeeze(1) - 1).float()
    if option == "spread_items":
        return 1 - float(evenness(slates.sum(0)))
    if option == "spread_names":
        return 1 - float(evenness(slates.sum(0) @ kinds))
    own = torch.zeros_like(scores).scatter(1, had, 1.0)
    of_own, of_slates = (functional.normalize(part @ kinds, p=1, dim=1) for part in (own, slates))
    return float(own_mix_gap(of_own, of_slates))


def test_items_that_were_had_are_in_no_slate() -> None:
    names = torch.ones(40, 1, dtype=torch.long)
    items = functional.normalize(torch.randn(40, 4, generator=torch.Generator().manual_seed(1)), dim=1)
    term = exposure(names, spread_items=1.0)
    had = torch.tensor([[3, 5, -1]])
    term.loss(items[3:4], items, had, torch.tensor(16.0))
    before = (1 / 40) * 0.95
    assert term.shown[3] == pytest.approx(before, abs=1e-6) and term.shown[5] == pytest.approx(before, abs=1e-6)
    assert float(term.shown.sum()) == pytest.approx(1, abs=1e-5)
