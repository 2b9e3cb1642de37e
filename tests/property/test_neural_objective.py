"""The objective against its definition, written out."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from shelfwise.neural import objective
from shelfwise.neural.objective import draw, full_softmax, sampled_softmax

sizes = st.tuples(st.integers(1, 12), st.integers(1, 9), st.integers(1, 6), st.integers(0, 10_000))


def case(size: tuple[int, int, int, int]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    n_positions, n_items, dim, seed = size
    random = torch.Generator().manual_seed(seed)
    users = functional.normalize(torch.randn(n_positions, dim, generator=random, dtype=torch.float64), dim=1)
    items = functional.normalize(torch.randn(n_items, dim, generator=random, dtype=torch.float64), dim=1)
    targets = torch.randint(0, n_items, (n_positions,), generator=random)
    scale = 1 + 20 * torch.rand((), generator=random, dtype=torch.float64)
    return users.requires_grad_(), items.requires_grad_(), targets, scale.requires_grad_()


def literal(users: Tensor, items: Tensor, targets: Tensor, scale: Tensor) -> Tensor:
    total = users.new_zeros(())
    for user, target in zip(users, targets.tolist(), strict=True):
        mass = sum(torch.exp(scale * (user @ item)) for item in items)
        total = total - torch.log(torch.exp(scale * (user @ items[target])) / mass)
    return total / len(users)


@given(sizes)
@settings(max_examples=60)
def test_full_softmax_is_its_definition_with_all_gradients(size: tuple[int, int, int, int]) -> None:
    users, items, targets, scale = case(size)
    wanted = literal(users, items, targets, scale)
    right = torch.autograd.grad(wanted, (users, items, scale))
    found = full_softmax(users, items, targets, scale)
    torch.testing.assert_close(found, wanted)
    for mine, theirs in zip(torch.autograd.grad(3 * found, (users, items, scale)), right, strict=True):
        torch.testing.assert_close(mine, 3 * theirs, rtol=1e-6, atol=1e-9)


@given(sizes)
@settings(max_examples=60)
def test_prior_and_weights_are_their_definition_with_all_gradients(size: tuple[int, int, int, int]) -> None:
    users, items, targets, scale = case(size)
    random = torch.Generator().manual_seed(size[-1] + 1)
    prior = torch.rand(len(items), generator=random, dtype=torch.float64) * 0.9 + 0.1
    weights = torch.rand(len(users), generator=random, dtype=torch.float64) * 3
    wanted = users.new_zeros(())
    for user, target, weight in zip(users, targets.tolist(), weights.tolist(), strict=True):
        mass = sum(share * torch.exp(scale * (user @ item)) for share, item in zip(prior, items, strict=True))
        wanted = wanted - weight * torch.log(prior[target] * torch.exp(scale * (user @ items[target])) / mass)
    wanted = wanted / len(users)
    right = torch.autograd.grad(wanted, (users, items, scale))
    found = full_softmax(users, items, targets, scale, prior=prior, weights=weights)
    torch.testing.assert_close(found, wanted)
    for mine, theirs in zip(torch.autograd.grad(found, (users, items, scale)), right, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-6, atol=1e-9)


def test_a_sample_of_everything_knows_the_prior_too() -> None:
    users, items, targets, scale = (part.detach() for part in case((6, 5, 4, 3)))
    prior, weights = torch.linspace(0.2, 1.0, 5).double(), torch.linspace(0.5, 1.5, 6).double()
    drawn, log_q = torch.arange(5), torch.zeros(5).double()
    found = sampled_softmax(users, items, targets, scale, drawn, log_q, prior=prior, weights=weights)
    wanted = full_softmax(users, items, targets, scale, prior=prior, weights=weights)
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("chunk", [1, 3, 7, 1000])
def test_the_chunks_do_not_matter(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    users, items, targets, scale = case((7, 5, 4, 1))
    whole = torch.autograd.grad(full_softmax(users, items, targets, scale), (users, items))
    monkeypatch.setattr(objective, "CHUNK", chunk)
    parts = torch.autograd.grad(full_softmax(users, items, targets, scale), (users, items))
    for mine, theirs in zip(parts, whole, strict=True):
        torch.testing.assert_close(mine, theirs)


def test_half_precision_is_near() -> None:
    users, items, targets, _ = (
        part.detach().float() if part.is_floating_point() else part for part in case((200, 300, 32, 2))
    )
    users.requires_grad_()
    scale = torch.tensor(16.0)
    whole, half = (full_softmax(users, items, targets, scale, half=half) for half in (False, True))
    assert half.item() == pytest.approx(whole.item(), rel=5e-3)
    exact, rough = (torch.autograd.grad(one, users)[0].flatten() for one in (whole, half))
    assert functional.cosine_similarity(exact, rough, dim=0) > 0.999


@given(sizes, st.integers(1, 12))
@settings(max_examples=40)
def test_sampled_softmax_is_its_definition(size: tuple[int, int, int, int], n_drawn: int) -> None:
    users, items, targets, scale = (part.detach() for part in case(size))
    random = torch.Generator().manual_seed(size[3])
    drawn = torch.randint(0, len(items), (n_drawn,), generator=random)
    log_q = torch.randn(len(items), generator=random, dtype=torch.float64)
    total = 0.0
    for user, target in zip(users, targets.tolist(), strict=True):
        right = math.exp(scale * (user @ items[target]))
        wrong = sum(math.exp(scale * (user @ items[item]) - log_q[item]) for item in drawn.tolist() if item != target)
        total -= math.log(right / (right + wrong))
    found = sampled_softmax(users, items, targets, scale, drawn, log_q)
    assert found.item() == pytest.approx(total / len(users))


def test_drawn_often_means_counted_less() -> None:
    """With log q subtracted, a sum over what was drawn is, on the average, the sum over all items."""
    random = torch.Generator().manual_seed(0)
    frequencies = torch.tensor([0.7, 0.2, 0.1, 0.0])
    worth = torch.tensor([1.0, 2.0, 3.0, 4.0])
    total, rounds = 0.0, 4_000
    for _ in range(rounds):
        targets = torch.multinomial(frequencies, 5, replacement=True, generator=random)
        drawn, log_q = draw(targets, frequencies, 8, random)
        assert len(drawn) == 13
        total += float((worth[drawn] / torch.exp(log_q[drawn])).sum())
    assert total / rounds == pytest.approx(float(worth.sum()), rel=0.02)
