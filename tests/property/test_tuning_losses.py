"""The contrastive loss against its formula, written out pair by pair."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from shelfwise.train.tuning.losses import info_nce, log_frequency  # noqa: E402


@st.composite
def problems(draw: Any) -> dict[str, Any]:
    n_anchors, n_candidates = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    n_pairs = draw(st.integers(1, 6))
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    blocked = random.random((n_anchors, n_candidates)) < draw(st.sampled_from([0.0, 0.3, 1.0]))
    lines, columns = random.integers(n_anchors, size=n_pairs), random.integers(n_candidates, size=n_pairs)
    blocked[lines, columns] = True
    return {
        "similarity": random.uniform(-1, 1, (n_anchors, n_candidates)),
        "lines": lines,
        "columns": columns,
        "weights": random.uniform(0.1, 2, n_pairs),
        "blocked": blocked,
        "temperature": draw(st.sampled_from([0.05, 0.2, 1.0])),
        "log_q": random.uniform(-3, 3, n_candidates),
        "symmetric": draw(st.booleans()),
    }


def literal(problem: dict[str, Any]) -> float:
    scaled, blocked, log_q = problem["similarity"] / problem["temperature"], problem["blocked"], problem["log_q"]
    total = 0.0
    for a, c, weight in zip(problem["lines"], problem["columns"], problem["weights"], strict=True):
        right = math.exp(scaled[a, c])
        wrong = sum(math.exp(scaled[a, j] - log_q[j]) for j in range(scaled.shape[1]) if not blocked[a, j])
        loss = -math.log(right / (right + wrong))
        if problem["symmetric"]:
            back = sum(math.exp(scaled[i, c]) for i in range(scaled.shape[0]) if not blocked[i, c])
            loss = (loss - math.log(right / (right + back))) / 2
        total += weight * loss
    return total / problem["weights"].sum()


def as_tensors(problem: dict[str, Any]) -> dict[str, Any]:
    return {
        name: torch.from_numpy(value) if isinstance(value, np.ndarray) else value for name, value in problem.items()
    }


@given(problems())
def test_the_loss_is_its_formula(problem: dict[str, Any]) -> None:
    assert float(info_nce(**as_tensors(problem))) == pytest.approx(literal(problem), abs=1e-9)


@given(problems())
def test_gradients_are_finite_and_leave_related_items_alone(problem: dict[str, Any]) -> None:
    tensors = as_tensors(problem)
    tensors["similarity"].requires_grad_(True)
    info_nce(**tensors).backward()
    gradient = tensors["similarity"].grad
    assert torch.isfinite(gradient).all()
    asked = np.zeros_like(problem["blocked"])
    asked[problem["lines"], problem["columns"]] = True
    assert (gradient.numpy()[asked] <= 0).all()  # right ones are drawn nearer
    assert (gradient.numpy()[~problem["blocked"]] >= 0).all()  # wrong ones pushed away
    assert (gradient.numpy()[problem["blocked"] & ~asked] == 0).all()


def test_popular_negatives_are_not_pushed_away_for_being_popular() -> None:
    counts = torch.tensor([99.0, 0.0, 9.0, 9.0])
    log_q = log_frequency(counts)
    share = (counts + 1) / (counts + 1).sum()
    assert float((share * log_q).sum()) == pytest.approx(0, abs=1e-6)
    assert log_q.argmax() == 0 and log_q.argmin() == 1
    # Drawn in proportion to its share, a negative's expected weight does not depend on the share.
    np.testing.assert_allclose((share * (-log_q).exp()).numpy(), float((share * (-log_q).exp())[0]), rtol=1e-5)
