"""The table's p-values are Holm's, taken literally, over all models beside ours."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peers.models import OURS
from peers.rows import Key, Row
from peers.table import N_RESAMPLES, SHOWN, best_peer, compared_by, comparison, ours_of, worst_p
from shelfwise.metrics import paired_difference

N_QUESTIONS = 12
values = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=N_QUESTIONS, max_size=N_QUESTIONS)


def row(model: str, seed: int, ndcg: list[float], exam: str = "one") -> Row:
    about: dict[str, Any] = {
        "data": "log",
        "protocol": "leave-one-out",
        "asked": "what came last",
        "n_questions": N_QUESTIONS,
        "n_items": 5,
        "seen_items": "removed",
        "exam": exam,
        "settings": {},
        "n_tried": 1,
        "seconds": {part: {"wall": 2.0, "cpu": 1.0} for part in ("fit", "tune", "ask")},
        "n_threads": 1,
        "note": "",
        "date": "2026-11-25T00:00:00+00:00",
        "commit": "abc",
        "machine": {"cores": 2, "cpu": "some"},
        "versions": {"numpy": "2"},
    }
    return Row(Key("log", "leave-one-out", model, seed), about, {name: np.array(ndcg) for name in SHOWN})


def literal_holm(p_values: list[float]) -> list[float]:
    """Step down from the smallest: the i-th of m is multiplied by m - i + 1, and never falls below the one before."""
    adjusted = [0.0] * len(p_values)
    so_far = 0.0
    for step, at in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        so_far = max(so_far, min(1.0, p_values[at] * (len(p_values) - step)))
        adjusted[at] = so_far
    return adjusted


@settings(max_examples=15)
@given(ours=st.lists(values, min_size=1, max_size=3), others=st.lists(values, min_size=1, max_size=4))
def test_p_values_are_holms(ours: list[list[float]], others: list[list[float]]) -> None:
    rows = [row(OURS, seed, ndcg) for seed, ndcg in enumerate(ours)]
    rows += [row(f"peer{place}", 0, ndcg) for place, ndcg in enumerate(others)]

    found = comparison(rows)

    mean = [sum(question) / len(ours) for question in zip(*ours, strict=True)]
    differences = [paired_difference(np.array(mean), np.array(ndcg), n_resamples=N_RESAMPLES) for ndcg in others]
    wanted = dict(enumerate(literal_holm([difference.p_value for difference in differences])))
    by_model = {line["model"]: line for line in found["models"]}
    for place, p_value in wanted.items():
        assert by_model[f"peer{place}"]["ours_ahead"]["p_holm"] == pytest.approx(p_value)
    assert found["models"][0] is ours_of(found)
    assert by_model[OURS]["metrics"][compared_by("leave-one-out")]["mean"] == pytest.approx(sum(mean) / N_QUESTIONS)
    best = best_peer(found)
    assert best is not None
    assert best["metrics"][compared_by("leave-one-out")]["mean"] == pytest.approx(
        max(sum(ndcg) / N_QUESTIONS for ndcg in others)
    )
    above_all = all(sum(mean) > sum(ndcg) and sum(ndcg) > 0 for ndcg in others)
    assert (worst_p(found) < 1.0) <= above_all or math.isclose(worst_p(found), max(wanted.values()))


def test_rows_of_different_exams_are_not_compared() -> None:
    ndcg = [0.5] * N_QUESTIONS
    with pytest.raises(ValueError, match="2 different exams"):
        comparison([row(OURS, 0, ndcg), row("ease", 0, ndcg, exam="another")])


def test_without_ours_the_table_still_ranks_the_others() -> None:
    found = comparison([row("low", 0, [0.25] * N_QUESTIONS), row("high", 0, [0.5] * N_QUESTIONS)])
    assert [line["model"] for line in found["models"]] == ["high", "low"]
    assert ours_of(found) is None
