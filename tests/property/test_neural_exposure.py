"""Terms of diversity in training, against their definitions written out, and what they do."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from shelfwise.neural.exposure import MEMORY, SLATE, Exposure, evenness, own_mix_gap, soft_slate
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
    torch.testing.assert_close(soft.sum(1), torch.full((4,), float(k)).double(), atol=0.01, rtol=0)


@given(st.integers(1, 4), st.integers(0, 200))
@settings(max_examples=20)
def test_who_is_pushed_out_makes_room(k: int, seed: int) -> None:
    """The slate's derivative is that of its solution: checked by small steps, the width held as it was."""
    logits = torch.randn(1, 9, generator=torch.Generator().manual_seed(seed)).double().requires_grad_()
    weights = torch.randn(1, 9, generator=torch.Generator().manual_seed(seed + 1)).double()
    (soft_slate(logits, k, softness=0.5) * weights).sum().backward()
    assert logits.grad is not None
    assert float(logits.grad.sum()) == pytest.approx(0, abs=1e-6)  # all of them higher by the same changes nothing
    (soft_slate(logits, k, softness=0.5)).sum().backward()
    assert logits.grad is not None


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
    before = (1 / 40) * MEMORY
    assert term.shown[3] == pytest.approx(before, abs=1e-6) and term.shown[5] == pytest.approx(before, abs=1e-6)
    assert float(term.shown.sum()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("option", ["spread_items", "spread_names", "own_mix"])
def test_terms_of_candidates_are_those_of_all_items_where_all_are_candidates(option: str) -> None:
    random = torch.Generator().manual_seed(7)
    n_items, n_users = 30, 6
    names = torch.randint(0, 5, (n_items, 2), generator=random)
    items = functional.normalize(torch.randn(n_items, 4, generator=random), dim=1)
    users = functional.normalize(torch.randn(n_users, 4, generator=random), dim=1)
    had = torch.randint(-1, n_items, (n_users, 3), generator=random)
    of_all, of_some = exposure(names, **{option: 1.0}), exposure(names, **{option: 1.0})
    scores = 16.0 * users @ items.T
    shuffled = torch.stack([torch.randperm(n_items, generator=random) for _ in range(n_users)])
    # Who had an item is not shown it: a candidate far below the border.
    own = torch.zeros(n_users, n_items + 1).scatter(1, torch.where(had < 0, n_items, had), 1.0)[:, :-1]
    logits = scores.masked_fill(own > 0, -1e4).gather(1, shuffled)
    owners = torch.arange(n_users).repeat_interleave(n_items)
    found = of_some.loss_of_candidates(logits.flatten(), shuffled.flatten(), owners, had)
    torch.testing.assert_close(found, of_all.loss(users, items, had, torch.tensor(16.0)))
    torch.testing.assert_close(of_some.shown, of_all.shown)


def test_requests_that_show_all_they_have_say_nothing() -> None:
    term = exposure(torch.ones(40, 1, dtype=torch.long), spread_items=1.0)
    scores = torch.randn(SLATE + 5, requires_grad=True)
    owners = torch.tensor([0] * SLATE + [1] * 5)
    before = term.shown.clone()
    loss = term.loss_of_candidates(scores, torch.arange(SLATE + 5), owners, torch.full((2, 1), -1))
    assert float(loss.detach()) == 0
    torch.testing.assert_close(term.shown, before)


def test_requests_of_different_length_are_slates_of_their_own() -> None:
    term = exposure(torch.ones(40, 1, dtype=torch.long), spread_items=1.0)
    scores = torch.cat([torch.arange(12.0), torch.arange(15.0) * 100, torch.zeros(3)])
    rows = torch.cat([torch.arange(12), torch.arange(15) + 20, torch.arange(3)])
    owners = torch.tensor([0] * 12 + [1] * 15 + [2] * 3)
    term.loss_of_candidates(scores, rows, owners, torch.full((3, 1), -1))
    gained = (term.shown - MEMORY / 40) / (1 - MEMORY)  # those of two requests; who had three to choose from has no say
    assert float(gained[:12].sum()) == pytest.approx(0.5, abs=1e-3)
    assert float(gained[20:35].sum()) == pytest.approx(0.5, abs=1e-3)
    assert gained[:12].argsort().tolist() == list(range(12))
    assert gained[20:35].argsort().tolist() == list(range(15))
    assert gained[12:20].abs().max() < 1e-6
