"""Buckets of requests: bursts, refills, and callers who were forgotten."""

from __future__ import annotations

import pytest

from shelfwise.serve import pace
from shelfwise.serve.pace import Buckets


def passed(buckets: Buckets, name: str, now_s: float, n: int) -> int:
    return sum(not buckets.wait_s(name, now_s) for _ in range(n))


def test_a_burst_passes_and_then_the_rate() -> None:
    buckets = Buckets(2.0)
    assert passed(buckets, "a", 100.0, 50) == 10  # five seconds of it
    assert buckets.wait_s("a", 100.0) == pytest.approx(0.5)
    assert passed(buckets, "a", 100.4, 5) == 0
    assert passed(buckets, "a", 101.0, 5) == 2
    assert passed(buckets, "a", 1_000.0, 50) == 10  # never more than a burst


def test_what_was_refused_takes_nothing() -> None:
    buckets = Buckets(1.0)
    passed(buckets, "a", 0.0, 1_000)
    assert passed(buckets, "a", 1.0, 3) == 1


def test_callers_do_not_share() -> None:
    buckets = Buckets(1.0)
    passed(buckets, "a", 0.0, 100)
    assert passed(buckets, "b", 0.0, 100) == 5


def test_less_than_one_in_a_burst_is_one_all_the_same() -> None:
    buckets = Buckets(0.1)
    assert passed(buckets, "a", 0.0, 5) == 1
    assert passed(buckets, "a", 9.0, 5) == 0
    assert passed(buckets, "a", 10.0, 5) == 1


def test_no_limit() -> None:
    assert passed(Buckets(0.0), "a", 0.0, 10_000) == 10_000


def test_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "MAX_BUCKETS", 2)
    buckets = Buckets(1.0)
    for name in "abc":
        assert passed(buckets, name, 0.0, 100) == 5
    assert passed(buckets, "c", 0.0, 1) == 0
    assert passed(buckets, "a", 0.0, 1) == 1
