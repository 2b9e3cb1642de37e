"""Exposure gives every group what it is due, whatever the candidates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.rerank.exposure import Exposure, fraction_of, least_counts
from shelfwise.rerank.relevance import relevance
from shelfwise.testing.rerankers import Named, listed


@given(
    parts=st.lists(st.floats(0, 1), min_size=1, max_size=8).filter(lambda parts: sum(parts) > 0),
    least=st.floats(0, 1),
    n_places=st.integers(0, 30),
    start=st.floats(0, 1, exclude_max=True),
)
def test_counts_are_rounded_shares_and_fit_the_places(
    parts: list[float], least: float, n_places: int, start: float
) -> None:
    shares = least * np.array(parts) / sum(parts)
    counts = least_counts(shares, n_places, start)
    assert counts.sum() <= n_places
    assert (np.abs(counts - shares * n_places) < 1 + 1e-6).all()


@given(
    codes=st.lists(st.integers(-1, 4), min_size=1, max_size=40),
    k=st.integers(1, 12),
    least=st.floats(0.05, 1),
    slate=st.integers(0, 1_000),
)
def test_every_group_has_its_least_count_of_places(codes: list[int], k: int, least: float, slate: int) -> None:
    n = len(codes)
    asked = replace(listed(), rows=np.arange(n, dtype=np.int32), k=k, slate_id=f"slate-{slate}")
    groups = {"seller": Named(np.array(codes, np.int32), list("abcde"))}
    asked = replace(asked, facts=replace(asked.facts, groups=groups))
    order = Exposure(Exposure.Config(least=least)).rerank(asked).order
    assert sorted(order.tolist()) == list(range(n))
    there = sorted(set(codes))
    worth = relevance(n)
    shares = np.array([0.0 if code < 0 else sum(worth[i] for i in range(n) if codes[i] == code) for code in there]) * (
        least / worth.sum()
    )
    due = least_counts(shares, min(k, n), fraction_of(f"slate-{slate}/seller"))
    shown = [codes[place] for place in order[:k]]
    for code, count in zip(there, due.tolist(), strict=True):
        assert code < 0 or shown.count(code) >= min(count, codes.count(code))
    # Within a group, the better item always comes first.
    for code in there:
        places = [place for place in order[:k].tolist() if codes[place] == code]
        assert places == sorted(places)
