"""The rules' step equals its definition: items move by their places, then pins stand where they are put."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.rerank.reranker import Reranker
from shelfwise.rerank.rules import Rules
from shelfwise.rules.plan import Pin, Plan
from shelfwise.testing.rerankers import N_ITEMS, RerankerContract, listed


class TestRules(RerankerContract):
    def make(self) -> Reranker:
        return Rules(Rules.Config())


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    n_movers = draw(st.integers(0, 4))
    masks = np.array([[draw(st.integers(0, 3)) == 0 for _ in range(N_ITEMS)] for _ in range(n_movers)], bool)
    places = [draw(st.integers(-9, 9).filter(bool)) for _ in range(n_movers)]
    shift = np.zeros(N_ITEMS, np.int32)
    for mask, by in zip(masks, places, strict=True):
        shift[mask] += by
    pins = draw(st.lists(st.tuples(st.integers(1, 12), st.integers(0, N_ITEMS - 1)), max_size=4))
    return Plan(
        (),
        None,
        shift if n_movers else None,
        tuple(f"rule-{n}" for n in range(n_movers)),
        masks if n_movers else None,
        tuple(Pin(position, row, f"pin-{n}") for n, (position, row) in enumerate(pins)),
    )


@given(plans(), st.integers(0, 5), st.integers(1, 12))
def test_the_step_equals_its_definition(plan: Plan, seed: int, k: int) -> None:
    asked = replace(listed(seed, n=20, k=k), rules=plan)
    found = Rules(Rules.Config()).rerank(asked)
    rows = asked.rows.tolist()
    shift = [0 if plan.shift is None else int(plan.shift[row]) for row in rows]
    moved = sorted(range(20), key=lambda place: (place - shift[place], -shift[place], place))
    # Pins one by one: the wanted position, or the nearest that is free, the one behind first.
    slots: dict[int, int] = {}
    rule_of: dict[int, str] = {}
    for pin in plan.pins:
        if pin.row not in rows or pin.position > k or rows.index(pin.row) in slots.values():
            continue
        for far in range(k):
            free = [at for at in (pin.position - 1 + far, pin.position - 1 - far) if 0 <= at < k and at not in slots]
            if free:
                slots[free[0]] = rows.index(pin.row)
                rule_of.setdefault(rows.index(pin.row), pin.rule)
                break
    others = [place for place in moved if place not in slots.values()]
    expected = [slots[at] if at in slots else others.pop(0) for at in range(20)]
    assert found.order.tolist() == expected
    assert dict(found.held) == slots
    for at, place in slots.items():
        assert f"pinned to position {at + 1} by" in found.why[place]
    for place in expected[:k]:
        names = [name for name, mask in zip(plan.movers, plan.moves if plan.moves is not None else [], strict=True)
                 if mask[rows[place]]]  # fmt: skip
        if place in found.why and place not in slots.values():
            assert found.why[place] == "moved by " + " and ".join(map(repr, names))
            assert moved.index(place) != place
