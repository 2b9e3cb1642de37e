"""What `shelfwise top` reads off two looks at a server's numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.cli.server_numbers import Look, between, look, quantile
from shelfwise.errors import ConfigError, ServiceError

ENDS = (0.001, 0.01, 0.1, float("inf"))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50), st.floats(0.01, 0.99))
def test_a_quantile_lies_in_the_bucket_of_the_true_one(values: list[float], share: float) -> None:
    found = quantile([(end, sum(value <= end for value in values)) for end in ENDS], share)
    true = float(np.quantile(values, share, method="inverted_cdf"))
    low, high = next((low, high) for low, high in zip((0.0, *ENDS), ENDS, strict=False) if true <= high)
    assert low <= found <= high


def test_nothing_has_no_quantile() -> None:
    assert math.isnan(quantile([(end, 0.0) for end in ENDS], 0.5))


def numbers(n: float, *, late: float = 0.0) -> dict[str, Any]:
    route = (("method", "POST"), ("route", "/v1/recommend"), ("status", "2xx"))
    return {
        "request_seconds_count": {route: n},
        "request_seconds_bucket": {tuple(sorted((("le", str(end)), *route))): n for end in ENDS},
        "answers_total": {
            (("degraded", "no"), ("scenario", "home")): 0.75 * n,
            (("degraded", "yes"), ("scenario", "home")): 0.25 * n,
        },
        "waiting_writes": {(): late},
        "score_drift_psi": {(("scenario", "home"),): 0.31},
        "category_drift_bits": {
            (("of", "shown"), ("scenario", "home")): 0.018,
            (("of", "wanted"), ("scenario", "")): 0.0,
        },
        "model_in_service": {(("version", "v1"),): 2.0, (("version", "v0"),): 0.0},
    }


def test_only_what_came_between_two_looks_counts() -> None:
    doing = between(Look(10.0, numbers(100)), Look(12.0, numbers(140, late=3)))
    (route,) = doing.routes
    assert (route.route, route.per_s, route.failed) == ("POST /v1/recommend", 20.0, 0.0)
    assert 0 < route.p50_ms <= route.p99_ms <= 1
    assert doing.slates_per_s == {"home": 20.0}
    assert doing.degraded == 0.25
    assert doing.waiting["waiting_writes"] == 3
    assert doing.models == {"v1": 2}
    # Bits of categories on the scale of the scores' index.
    assert doing.drift == {"home scores": 0.31, "home shown": pytest.approx(0.1, abs=0.001), "wanted": 0.0}


def test_a_server_that_began_anew_counts_from_nothing() -> None:
    doing = between(Look(0.0, numbers(1_000)), Look(2.0, numbers(10)))
    assert doing.routes[0].per_s == 5.0


def test_who_does_not_answer_is_told_of() -> None:
    with pytest.raises(ServiceError, match="nobody answers"):
        look("http://127.0.0.1:9", None)
    with pytest.raises(ConfigError, match="no address"):
        look("file:///etc/passwd", None)
