"""Window equals a slow literal definition."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shelfwise.rerank.window import Window
from shelfwise.testing.rerankers import Named, listed


@settings(max_examples=500)  # most lists hold no window that is full
@given(
    codes=st.lists(st.integers(-1, 3), min_size=1, max_size=25),
    at_most=st.integers(1, 2),
    window=st.integers(2, 5),
    k=st.integers(0, 25),
)
def test_equals_the_literal_definition(codes: list[int], at_most: int, window: int, k: int) -> None:
    asked = replace(listed(), rows=np.arange(len(codes), dtype=np.int32), k=k)
    groups = {"brand": Named(np.array(codes, np.int32), list("abcd"))}
    asked = replace(asked, facts=replace(asked.facts, groups=groups))
    left, chosen = list(range(len(codes))), []
    while left and len(chosen) < k:
        before = [codes[one] for one in chosen[max(0, len(chosen) - window + 1) :]]
        fits = [one for one in left if codes[one] < 0 or before.count(codes[one]) < at_most]
        chosen.append((fits or left)[0])
        left.remove(chosen[-1])
    found = Window(Window.Config(by="brand", at_most=at_most, window=window)).rerank(asked)
    assert found.order.tolist() == chosen + left
